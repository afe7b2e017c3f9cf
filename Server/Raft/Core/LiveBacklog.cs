using System.Buffers;

namespace NatsAspire.Server.Raft.Core;

/// <summary>
/// The leader's newest entries, kept while older ones are still on their way: consecutive ones only, and a bounded number
/// of bytes. Without it a follower never catches up with a leader that does not pause.
/// </summary>
internal sealed class LiveBacklog(int maxBytes)
{
    private readonly Queue<Kept> _kept = [];
    private ulong _next;
    private int _bytes;

    /// <summary>Index before the first entry kept; null: there is none.</summary>
    public ulong? First => _kept.TryPeek(out var first) ? first.PreviousIndex : null;

    /// <summary>Keeps an entry. One that does not follow the last makes those before void.</summary>
    public void Add(ulong previousIndex, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> reply)
    {
        if (previousIndex != _next || _bytes + frame.Length + reply.Length > maxBytes) Clear();
        if (frame.Length + reply.Length > maxBytes) return;
        var bytes = ArrayPool<byte>.Shared.Rent(frame.Length + reply.Length);
        frame.CopyTo(bytes);
        reply.CopyTo(bytes.AsSpan(frame.Length));
        _kept.Enqueue(new Kept(previousIndex, bytes, frame.Length, reply.Length));
        _bytes += frame.Length + reply.Length;
        _next = previousIndex + 1;
    }

    /// <summary>Takes the first entry out; its bytes go back with <see cref="Return"/>.</summary>
    public Kept Take()
    {
        var first = _kept.Dequeue();
        _bytes -= first.FrameLength + first.ReplyLength;
        return first;
    }

    /// <summary>Gives an entry's bytes back.</summary>
    public static void Return(in Kept kept) => ArrayPool<byte>.Shared.Return(kept.Bytes);

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        while (_kept.Count > 0) Return(Take());
        _next = 0;
    }

    /// <summary>An entry and where its answer goes.</summary>
    public readonly record struct Kept(ulong PreviousIndex, byte[] Bytes, int FrameLength, int ReplyLength)
    {
        public ReadOnlySpan<byte> Frame => Bytes.AsSpan(0, FrameLength);

        public ReadOnlySpan<byte> Reply => Bytes.AsSpan(FrameLength, ReplyLength);
    }
}
