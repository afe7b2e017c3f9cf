using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// HighwayHash with 64 bits of result: a keyed hash, fast and strong enough that nobody without the key can aim at a
/// value. Takes its input in any pieces; allocates nothing.
/// </summary>
public ref struct HighwayHash64
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyLength = 32;

    /// <summary>Bytes of a hash where it is stored, lowest first.</summary>
    public const int Length = 8;

    private const int PacketLength = 32;

    private Lanes _v0;
    private Lanes _v1;
    private Lanes _mul0;
    private Lanes _mul1;
    private Packet _packet;
    private int _count;

    /// <param name="key"><see cref="KeyLength"/> bytes.</param>
    public HighwayHash64(ReadOnlySpan<byte> key)
    {
        _mul0 = new Lanes(0xdbe6d5d5fe4cce2f, 0xa4093822299f31d0, 0x13198a2e03707344, 0x243f6a8885a308d3);
        _mul1 = new Lanes(0x3bd39e10cb0ef593, 0xc0acf169b5f18a8c, 0xbe5466cf34e90c6c, 0x452821e638d01377);
        var lanes = Lanes.Read(key);
        _v0 = _mul0.Xor(lanes);
        _v1 = _mul1.Xor(lanes.SwapHalves());
    }

    /// <summary>The hash of one piece.</summary>
    public static ulong Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        var hash = new HighwayHash64(key);
        hash.Append(data);
        return hash.Finish();
    }

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        if (_count > 0)
        {
            var count = Math.Min(PacketLength - _count, data.Length);
            data[..count].CopyTo(((Span<byte>)_packet)[_count..]);
            _count += count;
            data = data[count..];
            if (_count < PacketLength) return;
            Update(Lanes.Read(_packet));
            _count = 0;
        }
        for (; data.Length >= PacketLength; data = data[PacketLength..]) Update(Lanes.Read(data));
        data.CopyTo(_packet);
        _count = data.Length;
    }

    /// <summary>The hash of all that was taken. Ends the use of this value.</summary>
    public ulong Finish()
    {
        if (_count > 0) UpdateRemainder();
        for (var round = 0; round < 4; round++) Update(new Lanes(_v0.C, _v0.D, _v0.A, _v0.B).SwapHalves());
        return _v0.A + _v1.A + _mul0.A + _mul1.A;
    }

    private void Update(in Lanes packet)
    {
        _v1 = _v1.Add(_mul0).Add(packet);
        _mul0 = _mul0.Xor(Lanes.MultiplyHalves(_v1, _v0));
        _v0 = _v0.Add(_mul1);
        _mul1 = _mul1.Xor(Lanes.MultiplyHalves(_v0, _v1));
        _v0 = _v0.Add(_v1.Zip());
        _v1 = _v1.Add(_v0.Zip());
    }

    /// <summary>The last packet, not full: its length goes into the state, its last bytes to places of their own.</summary>
    private void UpdateRemainder()
    {
        var length = (ulong)_count;
        var both = (length << 32) + length;
        _v0 = _v0.Add(new Lanes(both, both, both, both));
        _v1 = _v1.RotateHalves(_count);
        Span<byte> padded = stackalloc byte[PacketLength];
        padded.Clear();
        var rest = ((ReadOnlySpan<byte>)_packet)[.._count];
        var odd = _count & 3;
        rest[..^odd].CopyTo(padded);
        if ((_count & 16) != 0)
        {
            rest[^4..].CopyTo(padded[28..]);
        }
        else if (odd > 0)
        {
            var tail = rest[^odd..];
            (padded[16], padded[17], padded[18]) = (tail[0], tail[odd >> 1], tail[odd - 1]);
        }
        Update(Lanes.Read(padded));
    }

    [InlineArray(PacketLength)]
    private struct Packet
    {
        private byte _first;
    }

    /// <summary>Four numbers that are worked on alike.</summary>
    private readonly struct Lanes(ulong a, ulong b, ulong c, ulong d)
    {
        public readonly ulong A = a;
        public readonly ulong B = b;
        public readonly ulong C = c;
        public readonly ulong D = d;

        public static Lanes Read(ReadOnlySpan<byte> bytes) => new(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));

        public Lanes Add(in Lanes other) => new(A + other.A, B + other.B, C + other.C, D + other.D);

        public Lanes Xor(in Lanes other) => new(A ^ other.A, B ^ other.B, C ^ other.C, D ^ other.D);

        public Lanes SwapHalves() => new(ulong.RotateLeft(A, 32), ulong.RotateLeft(B, 32), ulong.RotateLeft(C, 32), ulong.RotateLeft(D, 32));

        public Lanes RotateHalves(int count) => new(RotateHalves(A, count), RotateHalves(B, count), RotateHalves(C, count), RotateHalves(D, count));

        /// <summary>The low half of each of the one times the high half of each of the other.</summary>
        public static Lanes MultiplyHalves(in Lanes low, in Lanes high) => new(
            (uint)low.A * (high.A >> 32), (uint)low.B * (high.B >> 32), (uint)low.C * (high.C >> 32), (uint)low.D * (high.D >> 32));

        /// <summary>The bytes of neighbours mixed, so that well mixed ones meet badly mixed ones.</summary>
        public Lanes Zip() => new(ZipEven(A, B), ZipOdd(A, B), ZipEven(C, D), ZipOdd(C, D));

        private static ulong RotateHalves(ulong value, int count) =>
            ((ulong)uint.RotateLeft((uint)(value >> 32), count) << 32) | uint.RotateLeft((uint)value, count);

        private static ulong ZipEven(ulong even, ulong odd) =>
            (((even & 0xff000000) | (odd & 0xff00000000)) >> 24)
            | (((even & 0xff0000000000) | (odd & 0xff000000000000)) >> 16)
            | (even & 0xff0000) | ((even & 0xff00) << 32) | ((odd & 0xff00000000000000) >> 8) | (even << 56);

        private static ulong ZipOdd(ulong even, ulong odd) =>
            (((odd & 0xff000000) | (even & 0xff00000000)) >> 24)
            | (odd & 0xff0000) | ((odd & 0xff0000000000) >> 16) | ((odd & 0xff00) << 24)
            | ((even & 0xff000000000000) >> 8) | ((odd & 0xff) << 48) | (even & 0xff00000000000000);
    }
}
