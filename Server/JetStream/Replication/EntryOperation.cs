namespace NatsAspire.Server.JetStream.Replication;

/// <summary>First byte of an entry in the logs of the meta group, of streams and of consumers (clusterwire.md §6.1).</summary>
public enum EntryOperation : byte
{
    AssignStream = 0,
    AssignConsumer = 1,
    RemoveStream = 2,
    RemoveConsumer = 3,
    StreamMessage = 4,
    PurgeStream = 5,
    DeleteMessage = 6,
    UpdateDelivered = 7,
    UpdateAcks = 8,
    AssignCompressedConsumer = 9,
    UpdateSkip = 10,
    UpdateStream = 11,
    AddPendingRequest = 12,
    RemovePendingRequest = 13,
    CompressedStreamMessage = 14,
    DeleteRange = 15,
    BatchMessage = 16,
    BatchCommitMessage = 17,
    ResetSequence = 18,
}
