namespace NatsAspire.Server.Raft.Core;

/// <summary>Numbers drawn by lot that are the same for the same seed (SplitMix64).</summary>
internal struct RaftRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>64 bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var bits = _state;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    /// <summary>A number from <paramref name="from"/> up to, but not including, <paramref name="to"/>.</summary>
    public long Between(long from, long to) => from + (long)(Next() % (ulong)(to - from));
}
