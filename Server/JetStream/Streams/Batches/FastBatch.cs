namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>
/// A fast batch under way: how far it is, and how often its publisher is told, which is more often the more batches
/// there are beside it. Its messages are proposed as they come.
/// </summary>
/// <param name="id">Its id.</param>
/// <param name="gapsAreFine">Messages that are lost do not end it.</param>
/// <param name="flow">Messages to an acknowledgement at most, as its publisher would have it.</param>
internal sealed class FastBatch(byte[] id, bool gapsAreFine, ushort flow)
{
    /// <summary>Messages to an acknowledgement, for all batches of a stream together.</summary>
    private const int MaxFlow = 500;

    public byte[] Id => id;

    public bool GapsAreFine => gapsAreFine;

    /// <summary>Number of the last message that came.</summary>
    public ulong Last { get; set; }

    /// <summary>The stream's sequence of the last one stored.</summary>
    public ulong LastStored { get; private set; }

    /// <summary>Number up to which it is stored, as far as there was anything to store.</summary>
    public ulong Persisted { get; private set; }

    /// <summary>Messages that are proposed and not stored yet.</summary>
    public int Pending { get; set; }

    /// <summary>It takes no more, and ends when all is stored.</summary>
    public bool IsCommitting { get; set; }

    /// <summary>It waits for nothing any more.</summary>
    public bool IsComplete => IsCommitting && Pending == 0;

    /// <summary>Number up to which it has been acknowledged.</summary>
    public ulong Acknowledged { get; private set; }

    /// <summary>Messages to an acknowledgement now.</summary>
    public ushort Flow { get; private set; }

    /// <summary>When it is given up, nanoseconds since 1970.</summary>
    public long Deadline { get; set; }

    /// <summary>Begins.</summary>
    /// <param name="batches">Fast batches of the stream, with this one.</param>
    public void Begin(int batches) => Flow = batches > 1 ? (ushort)1 : Math.Min((ushort)MaxFlow, flow);

    /// <summary>A message of it has been stored.</summary>
    /// <param name="number">In the batch.</param>
    /// <param name="sequence">In the stream.</param>
    public void Stored(ulong number, ulong sequence)
    {
        if (Pending > 0) Pending--;
        LastStored = sequence;
        Persisted = number;
    }

    /// <summary>Goes on with a batch that another leader has begun.</summary>
    /// <param name="number">Number up to which it is stored.</param>
    /// <param name="sequence">The stream's sequence of the last one stored.</param>
    /// <param name="batches">Fast batches of the stream, with this one.</param>
    public void Resume(ulong number, ulong sequence, int batches)
    {
        Begin(batches);
        (Last, Persisted, Acknowledged, LastStored) = (number, number, number, sequence);
    }

    /// <summary>Whether an acknowledgement is due; it moves on then, and the flow nearer to what it should be.</summary>
    /// <param name="batches">Fast batches of the stream, with this one.</param>
    public bool TryAcknowledge(int batches)
    {
        // What was not stored, because it is there already or was lost, need not be waited for.
        if (Pending == 0) Persisted = Last;
        if (Persisted < Acknowledged + Flow) return false;
        Acknowledged += (Persisted - Acknowledged) / Flow * Flow;
        var wanted = Math.Min((ushort)Math.Max(1, MaxFlow / batches), flow);
        if (Flow < wanted) Flow = (ushort)Math.Min(Flow * 2, wanted);
        else if (Flow > wanted) Flow = (ushort)Math.Max(Flow / 2, wanted);
        return true;
    }
}
