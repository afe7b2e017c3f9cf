using NatsAspire.Server.Connections;

namespace NatsAspire.Tests.Support;

/// <summary>A channel in memory: gives what a test put in, piece by piece, and keeps what it was sent.</summary>
public sealed class ScriptedChannel : ByteChannel
{
    private readonly Queue<byte[]> _pieces = new();
    private readonly List<byte> _sent = [];

    /// <summary>Bytes it takes before it would block.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>After the last piece the stream is at its end.</summary>
    public bool Ends { get; set; }

    public bool IsDisposed { get; private set; }

    public byte[] Sent => [.. _sent];

    public void Give(params byte[][] pieces)
    {
        foreach (var piece in pieces) _pieces.Enqueue(piece);
    }

    /// <summary>Takes what was sent since the last call.</summary>
    public byte[] TakeSent()
    {
        var sent = Sent;
        _sent.Clear();
        return sent;
    }

    public override int Receive(Span<byte> buffer)
    {
        if (!_pieces.TryPeek(out var piece)) return Ends ? 0 : WouldBlock;
        var count = Math.Min(buffer.Length, piece.Length);
        piece.AsSpan(0, count).CopyTo(buffer);
        _pieces.Dequeue();
        if (count == piece.Length) return count;
        var rest = _pieces.ToArray();
        _pieces.Clear();
        Give([piece[count..], .. rest]);
        return count;
    }

    public override int Send(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return 0;
        var count = Math.Min(data.Length, Room);
        if (count == 0) return WouldBlock;
        Room -= count;
        _sent.AddRange(data[..count]);
        return count;
    }

    /// <summary>Reads a channel until it would block, ends or fails.</summary>
    /// <returns>The bytes, and that last answer.</returns>
    public static (byte[] Bytes, int Last) Drain(ByteChannel channel, int bufferSize = 4096)
    {
        var all = new List<byte>();
        var buffer = new byte[bufferSize];
        while (true)
        {
            var count = channel.Receive(buffer);
            if (count <= 0 && !(count == WouldBlock && channel.HasBuffered)) return ([.. all], count);
            if (count > 0) all.AddRange(buffer.AsSpan(0, count));
        }
    }

    protected override void Dispose(bool disposing) => IsDisposed = true;
}
