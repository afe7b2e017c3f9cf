using System.Numerics;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// Says which subjects are not in a chunk (a Bloom filter of a power of two bits, three for each subject): a search for
/// a few subjects leaves out most chunks unread. One subject in thirty is let through wrongly.
/// </summary>
internal static class SubjectSieve
{
    /// <summary>Where the bits of a subject are; the lower ones count when the sieve is small.</summary>
    public static ulong Hash(ReadOnlySpan<byte> subject)
    {
        var hash = Crc32C.Compute(subject) * 0x9E3779B97F4A7C15UL;
        return hash ^ hash >> 29;
    }

    /// <summary>The sieve of a chunk's subjects.</summary>
    public static ulong[] Of(RecordChunk chunk)
    {
        var words = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, chunk.Count / 8));
        var sieve = new ulong[words];
        for (var i = 0; i < chunk.Count; i++) Add(sieve, Hash(chunk.Subject(i)));
        return Fold(sieve);
    }

    public static bool MayHold(ReadOnlySpan<ulong> sieve, ulong hash)
    {
        var mask = (uint)sieve.Length * 64 - 1;
        return Bit(sieve, (uint)hash & mask) && Bit(sieve, (uint)(hash >> 21) & mask) && Bit(sieve, (uint)(hash >> 42) & mask);
    }

    private static void Add(ulong[] sieve, ulong hash)
    {
        var mask = (uint)sieve.Length * 64 - 1;
        Set((uint)hash & mask);
        Set((uint)(hash >> 21) & mask);
        Set((uint)(hash >> 42) & mask);

        void Set(uint bit) => sieve[bit / 64] |= 1UL << (int)(bit % 64);
    }

    private static bool Bit(ReadOnlySpan<ulong> sieve, uint bit) => (sieve[(int)(bit / 64)] >> (int)(bit % 64) & 1) != 0;

    /// <summary>Halves a sieve as long as few bits are set: messages of the same subject take no room.</summary>
    private static ulong[] Fold(ulong[] sieve)
    {
        var length = sieve.Length;
        while (length > 1 && Filled(sieve.AsSpan(0, length)) * 6 < length * 64)
        {
            length /= 2;
            for (var i = 0; i < length; i++) sieve[i] |= sieve[i + length];
        }
        return length == sieve.Length ? sieve : sieve[..length];
    }

    private static int Filled(ReadOnlySpan<ulong> sieve)
    {
        var count = 0;
        foreach (var word in sieve) count += BitOperations.PopCount(word);
        return count;
    }
}
