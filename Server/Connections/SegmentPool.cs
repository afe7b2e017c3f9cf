using System.Collections.Concurrent;

namespace NatsAspire.Server.Connections;

/// <summary>
/// Outbound buffers of one size. A few stay with each thread, since a loop that rents one usually returns it
/// in the same batch; the rest are shared, up to a limit beyond which the collector gets them.
/// </summary>
internal static class SegmentPool
{
    /// <summary>Bytes of a segment.</summary>
    public const int SegmentSize = 64 * 1024;

    private const int ThreadLimit = 8;
    private const int SharedLimit = 256;
    private static readonly ConcurrentStack<byte[]> Shared = new();
    private static int _sharedCount;

    [ThreadStatic]
    private static Stack<byte[]>? _own;

    public static byte[] Rent()
    {
        var own = _own ??= new Stack<byte[]>(ThreadLimit);
        if (own.TryPop(out var segment)) return segment;
        if (Shared.TryPop(out segment))
        {
            Interlocked.Decrement(ref _sharedCount);
            return segment;
        }
        return GC.AllocateUninitializedArray<byte>(SegmentSize, pinned: true);
    }

    public static void Return(byte[] segment)
    {
        var own = _own ??= new Stack<byte[]>(ThreadLimit);
        if (own.Count < ThreadLimit)
        {
            own.Push(segment);
        }
        else if (Interlocked.Increment(ref _sharedCount) <= SharedLimit)
        {
            Shared.Push(segment);
        }
        else
        {
            Interlocked.Decrement(ref _sharedCount);
        }
    }
}
