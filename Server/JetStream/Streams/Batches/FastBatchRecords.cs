using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>
/// How far fast batches have come in a replicated log, so that whoever leads next goes on with them. Bounded: the one
/// that has not been heard of longest makes room.
/// </summary>
internal sealed class FastBatchRecords
{
    private const int Most = 1000;

    private readonly Dictionary<byte[], LinkedListNode<FastBatchRecord>> _records = new(ByteArrayComparer.Instance);
    private readonly LinkedList<FastBatchRecord> _byAge = new();

    /// <summary>The one heard of last comes last.</summary>
    public IEnumerable<FastBatchRecord> All => _byAge;

    /// <summary>A message of a batch has been stored.</summary>
    /// <param name="request">What its reply subject says.</param>
    /// <param name="sequence">In the stream.</param>
    /// <param name="timestamp">Nanoseconds since 1970.</param>
    /// <param name="reply">Where its publisher listens.</param>
    public void Note(in FastBatchRequest request, ulong sequence, long timestamp, ReadOnlySpan<byte> reply)
    {
        var isKnown = _records.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(request.Id, out var node);
        if (isKnown) _byAge.Remove(node!);
        if (request.Commits)
        {
            if (isKnown) _records.Remove(node!.Value.Id);
            return;
        }
        if (!isKnown && _records.Count >= Most) DropOldest();
        var id = isKnown ? node!.Value.Id : request.Id.ToArray();
        _records[id] = _byAge.AddLast(new FastBatchRecord(id, request.GapsAreFine, request.Flow, request.Number, sequence, timestamp, reply.ToArray()));
    }

    private void DropOldest()
    {
        _records.Remove(_byAge.First!.Value.Id);
        _byAge.RemoveFirst();
    }
}

/// <summary>A fast batch as far as it is stored.</summary>
/// <param name="Id">Its id.</param>
/// <param name="GapsAreFine">Messages that are lost do not end it.</param>
/// <param name="Flow">Messages to an acknowledgement at most.</param>
/// <param name="Number">Of the last message stored.</param>
/// <param name="Sequence">Of that message in the stream.</param>
/// <param name="Timestamp">Of that message; nanoseconds since 1970.</param>
/// <param name="Reply">Where its publisher listens.</param>
internal readonly record struct FastBatchRecord(byte[] Id, bool GapsAreFine, ushort Flow, ulong Number, ulong Sequence, long Timestamp, byte[] Reply);
