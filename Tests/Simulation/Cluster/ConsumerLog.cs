using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>
/// What the log of a consumer says, entry by entry: what was acknowledged is never to be delivered again, and nothing is to be
/// delivered that the log does not know of.
/// </summary>
/// <param name="coversEarlier">An acknowledgement is one of all messages before it too.</param>
internal sealed class ConsumerLog(bool coversEarlier)
{
    private readonly Dictionary<ulong, ulong> _deliveries = [];
    private readonly HashSet<ulong> _acknowledged = [];
    private ulong _through;

    public bool IsAcknowledged(ulong sequence) => sequence <= _through || _acknowledged.Contains(sequence);

    /// <summary>The next entry.</summary>
    public void Take(ReadOnlySpan<byte> entry, Action<string> complain)
    {
        var body = new SpanReader(entry[1..]);
        if ((EntryOperation)entry[0] is not (EntryOperation.UpdateDelivered or EntryOperation.UpdateAcks)) return;
        ulong sequence = 0;
        if (!body.TryReadUvarint(out _) || !body.TryReadUvarint(out sequence)) complain("cannot be read");
        if ((EntryOperation)entry[0] == EntryOperation.UpdateDelivered)
        {
            body.TryReadUvarint(out var times);
            if (IsAcknowledged(sequence)) complain($"delivers {sequence} again, which was acknowledged");
            _deliveries[sequence] = Math.Max(times, _deliveries.GetValueOrDefault(sequence));
            return;
        }
        if (coversEarlier) _through = Math.Max(_through, sequence);
        else _acknowledged.Add(sequence);
    }

    /// <summary>A server hands a message out.</summary>
    /// <param name="sequence">Which.</param>
    /// <param name="times">How often it has been delivered, this time included.</param>
    /// <param name="isConfirmed">Its client was told that it is acknowledged.</param>
    /// <param name="complain">Hears what is wrong.</param>
    public void CheckDelivery(ulong sequence, ulong times, bool isConfirmed, Action<string> complain)
    {
        var agreed = _deliveries.GetValueOrDefault(sequence);
        // A leader that stood still may hand out late what was agreed on before; more than that nobody may.
        if (agreed < times) complain($"{times}. time, when the log says {agreed}{(isConfirmed ? ", and it was acknowledged" : "")}");
    }
}
