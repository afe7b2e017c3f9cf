using System.Buffers.Binary;
using System.Numerics;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// Blowfish with the expensive key schedule of bcrypt (Provos and Mazières, 1999). Its initial state is the
/// fraction of pi, which is computed once when first needed rather than written out as a table.
/// </summary>
internal sealed class Blowfish
{
    private const int SubkeyCount = 18;
    private const int BoxCount = 4;
    private const int BoxSize = 256;
    private const int WordCount = SubkeyCount + BoxCount * BoxSize;
    private static readonly Lazy<uint[]> Pi = new(ComputePiFraction);
    private readonly uint[] _state = (uint[])Pi.Value.Clone();

    /// <summary>Mixes key and salt in.</summary>
    /// <param name="key">1 byte or more.</param>
    /// <param name="salt">16 bytes, or empty for a plain schedule.</param>
    public void ExpandKey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        var keyAt = 0;
        for (var i = 0; i < SubkeyCount; i++) _state[i] ^= NextWord(key, ref keyAt);
        uint left = 0, right = 0;
        var saltAt = 0;
        for (var i = 0; i < WordCount; i += 2)
        {
            if (!salt.IsEmpty)
            {
                left ^= NextWord(salt, ref saltAt);
                right ^= NextWord(salt, ref saltAt);
            }
            Encrypt(ref left, ref right);
            _state[i] = left;
            _state[i + 1] = right;
        }
    }

    public void Encrypt(ref uint left, ref uint right)
    {
        var state = _state;
        for (var round = 0; round < 16; round += 2)
        {
            left ^= state[round];
            right ^= Mix(state, left);
            right ^= state[round + 1];
            left ^= Mix(state, right);
        }
        left ^= state[16];
        right ^= state[17];
        (left, right) = (right, left);
    }

    private static uint Mix(uint[] state, uint x) =>
        ((state[SubkeyCount + (x >> 24)] + state[SubkeyCount + BoxSize + (x >> 16 & 0xFF)])
            ^ state[SubkeyCount + 2 * BoxSize + (x >> 8 & 0xFF)])
        + state[SubkeyCount + 3 * BoxSize + (x & 0xFF)];

    private static uint NextWord(ReadOnlySpan<byte> data, ref int at)
    {
        uint word = 0;
        for (var i = 0; i < 4; i++)
        {
            word = word << 8 | data[at];
            at = at + 1 == data.Length ? 0 : at + 1;
        }
        return word;
    }

    /// <summary>The first bits of pi behind the point, by Machin: pi = 16 atan(1/5) - 4 atan(1/239).</summary>
    private static uint[] ComputePiFraction()
    {
        const int guardBits = 64;
        const int bits = WordCount * 32 + guardBits;
        var pi = (ArcCotangent(5, bits) << 4) - (ArcCotangent(239, bits) << 2);
        var fraction = (pi & ((BigInteger.One << bits) - 1)) >> guardBits;
        var bytes = fraction.ToByteArray(isUnsigned: true, isBigEndian: true);
        Span<byte> padded = new byte[WordCount * 4];
        bytes.CopyTo(padded[^bytes.Length..]);
        var words = new uint[WordCount];
        for (var i = 0; i < WordCount; i++) words[i] = BinaryPrimitives.ReadUInt32BigEndian(padded[(i * 4)..]);
        return words;
    }

    private static BigInteger ArcCotangent(int x, int bits)
    {
        var power = (BigInteger.One << bits) / x;
        var sum = power;
        for (var n = 3; !power.IsZero; n += 2)
        {
            power /= -(x * x);
            sum += power / n;
        }
        return sum;
    }
}
