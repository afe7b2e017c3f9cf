using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Meta.Leader;

// What leaders of assets have decided, and want in the log.
public sealed partial class MetaLeader
{
    /// <summary>
    /// Whether what a member wants in the log still speaks of what there is, or will be: it was decided by what that server knew. A move's
    /// end that comes behind a removal would bring back what is gone, and behind an update what it was before. Who wants it wants it again.
    /// </summary>
    /// <param name="entry">As it is to stand in the log. What is not understood is not judged.</param>
    /// <returns>True: it is proposed next, and counts as under way.</returns>
    public bool TakesForwarded(ReadOnlySpan<byte> entry)
    {
        if (MetaEntry.Decode(entry, out var decoded) is not null || decoded is null) return true;
        return decoded.Stream is { } stream ? Takes(decoded.Operation, stream) : Takes(decoded.Operation, decoded.Consumer!);
    }

    private bool Takes(EntryOperation operation, StreamAssignment stream)
    {
        var key = AssetKey.Of(stream);
        var isRemoval = operation == EntryOperation.RemoveStream;
        var known = _proposals.Find(Current, key);
        if (known is null || known.Created != stream.Created) return false;
        // What it was changed to meanwhile is not in it.
        if (!isRemoval && (known.Configuration != stream.Configuration || !ReferenceEquals(known, Current.Find(key.Account, key.Stream)?.Assignment))) return false;
        _proposals.Add(stream, isRemoval);
        return true;
    }

    private bool Takes(EntryOperation operation, ConsumerAssignment consumer)
    {
        var key = AssetKey.Of(consumer);
        var isRemoval = operation == EntryOperation.RemoveConsumer;
        var known = _proposals.Find(Current, key, consumer.Name);
        // Those of a stream that was restored come with their states, and are new.
        var isRestored = known is null && !isRemoval && consumer.State is not null && _proposals.Find(Current, key) is not null;
        if (!isRestored)
        {
            if (known is null || known.Created != consumer.Created) return false;
            if (!isRemoval && (known.Configuration != consumer.Configuration || !ReferenceEquals(known, Current.Find(key.Account, key.Stream, consumer.Name)?.Assignment))) return false;
        }
        _proposals.Add(consumer with { State = null }, isRemoval);
        return true;
    }
}
