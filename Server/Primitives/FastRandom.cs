namespace NatsAspire.Server.Primitives;

/// <summary>Random numbers for choosing among queue members: one xorshift state per thread, no lock.</summary>
public static class FastRandom
{
    [ThreadStatic]
    private static uint _state;

    /// <summary>A number in 0..<paramref name="exclusiveMax"/>-1.</summary>
    public static int Next(int exclusiveMax)
    {
        var x = _state;
        if (x == 0) x = (uint)Random.Shared.Next(1, int.MaxValue);
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        _state = x;
        return (int)(((ulong)x * (ulong)exclusiveMax) >> 32);
    }
}
