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
    public ulong LastStored { get; set; }

    /// <summary>Number up to which it has been acknowledged.</summary>
    public ulong Acknowledged { get; private set; }

    /// <summary>Messages to an acknowledgement now.</summary>
    public ushort Flow { get; private set; }

    /// <summary>When it is given up, nanoseconds since 1970.</summary>
    public long Deadline { get; set; }

    /// <summary>Begins.</summary>
    /// <param name="batches">Fast batches of the stream, with this one.</param>
    public void Begin(int batches) => Flow = batches > 1 ? (ushort)1 : Math.Min((ushort)MaxFlow, flow);

    /// <summary>Whether an acknowledgement is due; it moves on then, and the flow nearer to what it should be.</summary>
    /// <param name="batches">Fast batches of the stream, with this one.</param>
    public bool TryAcknowledge(int batches)
    {
        if (Last < Acknowledged + Flow) return false;
        Acknowledged += (Last - Acknowledged) / Flow * Flow;
        var wanted = Math.Min((ushort)Math.Max(1, MaxFlow / batches), flow);
        if (Flow < wanted) Flow = (ushort)Math.Min(Flow * 2, wanted);
        else if (Flow > wanted) Flow = (ushort)Math.Max(Flow / 2, wanted);
        return true;
    }
}
