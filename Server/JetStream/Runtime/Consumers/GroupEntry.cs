namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// Operations of a stream alone that stand in its log beside the stream's own entries, so that one order holds for the
/// stream and all its consumers. Their first bytes are none of <see cref="Replication.EntryOperation"/>.
/// </summary>
/// <remarks>
/// <code>
/// consumers    = 80 { uvarint consumer's id, uvarint length, entry of the consumer (clusterwire.md §8.1) }
/// acknowledged = 81 { uvarint sequence }            these messages are needed no more
/// assigned     = 82 JSON (ConsumerRecord)           made, or changed
/// removed      = 83 uvarint consumer's id
/// </code>
/// </remarks>
internal static class GroupEntry
{
    public const byte Consumers = 0x80;
    public const byte Acknowledged = 0x81;
    public const byte Assigned = 0x82;
    public const byte Removed = 0x83;

    /// <summary>Whether an operation is one of these.</summary>
    public static bool Is(ReadOnlySpan<byte> entry) => !entry.IsEmpty && entry[0] is >= Consumers and <= Removed;
}
