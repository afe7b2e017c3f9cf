using System.Buffers.Binary;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// Diffie-Hellman on Curve25519 (RFC 7748): scalar multiplication by the Montgomery ladder, field elements in
/// five limbs of 51 bits, no branch or index that depends on a secret.
/// </summary>
public static class X25519
{
    public const int KeyLength = 32;
    private const ulong LimbMask = (1UL << 51) - 1;
    private const ulong A24 = 121665;

    /// <summary>The public key of a secret one.</summary>
    public static byte[] PublicKey(ReadOnlySpan<byte> secret)
    {
        Span<byte> basePoint = stackalloc byte[KeyLength];
        basePoint.Clear();
        basePoint[0] = 9;
        return Multiply(secret, basePoint);
    }

    /// <summary>The shared secret of a secret key and another's public key.</summary>
    public static byte[] Multiply(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> point)
    {
        Span<byte> scalar = stackalloc byte[KeyLength];
        secret[..KeyLength].CopyTo(scalar);
        scalar[0] &= 248;
        scalar[31] = (byte)(scalar[31] & 127 | 64);
        var x1 = Element.Decode(point);
        Element x2 = new(1), z2 = new(0), x3 = x1, z3 = new(1);
        ulong swap = 0;
        for (var bit = 254; bit >= 0; bit--)
        {
            var current = (ulong)(scalar[bit >> 3] >> (bit & 7) & 1);
            Element.Swap(swap ^ current, ref x2, ref x3);
            Element.Swap(swap ^ current, ref z2, ref z3);
            swap = current;
            Step(x1, ref x2, ref z2, ref x3, ref z3);
        }
        Element.Swap(swap, ref x2, ref x3);
        Element.Swap(swap, ref z2, ref z3);
        return (x2 * z2.Invert()).Encode();
    }

    private static void Step(Element x1, ref Element x2, ref Element z2, ref Element x3, ref Element z3)
    {
        var a = x2 + z2;
        var b = x2 - z2;
        var aa = a * a;
        var bb = b * b;
        var e = aa - bb;
        var da = (x3 - z3) * a;
        var cb = (x3 + z3) * b;
        var sum = da + cb;
        var difference = da - cb;
        x3 = sum * sum;
        z3 = x1 * (difference * difference);
        x2 = aa * bb;
        z2 = e * (aa + e.Times(A24));
    }

    /// <summary>An element of the field of 2^255 - 19, not always fully reduced.</summary>
    private readonly struct Element(ulong l0, ulong l1 = 0, ulong l2 = 0, ulong l3 = 0, ulong l4 = 0)
    {
        private readonly ulong _0 = l0, _1 = l1, _2 = l2, _3 = l3, _4 = l4;

        public static Element operator +(Element a, Element b) =>
            new(a._0 + b._0, a._1 + b._1, a._2 + b._2, a._3 + b._3, a._4 + b._4);

        /// <summary>Adds a multiple of the prime first, so that no limb goes below zero.</summary>
        public static Element operator -(Element a, Element b) => Carry(
            a._0 + 0x1FFFFFFFFFFFB4UL - b._0, a._1 + 0x1FFFFFFFFFFFFCUL - b._1, a._2 + 0x1FFFFFFFFFFFFCUL - b._2,
            a._3 + 0x1FFFFFFFFFFFFCUL - b._3, a._4 + 0x1FFFFFFFFFFFFCUL - b._4);

        public static Element operator *(Element a, Element b)
        {
            ulong b1 = b._1 * 19, b2 = b._2 * 19, b3 = b._3 * 19, b4 = b._4 * 19;
            return Carry(
                (UInt128)a._0 * b._0 + (UInt128)a._1 * b4 + (UInt128)a._2 * b3 + (UInt128)a._3 * b2 + (UInt128)a._4 * b1,
                (UInt128)a._0 * b._1 + (UInt128)a._1 * b._0 + (UInt128)a._2 * b4 + (UInt128)a._3 * b3 + (UInt128)a._4 * b2,
                (UInt128)a._0 * b._2 + (UInt128)a._1 * b._1 + (UInt128)a._2 * b._0 + (UInt128)a._3 * b4 + (UInt128)a._4 * b3,
                (UInt128)a._0 * b._3 + (UInt128)a._1 * b._2 + (UInt128)a._2 * b._1 + (UInt128)a._3 * b._0 + (UInt128)a._4 * b4,
                (UInt128)a._0 * b._4 + (UInt128)a._1 * b._3 + (UInt128)a._2 * b._2 + (UInt128)a._3 * b._1 + (UInt128)a._4 * b._0);
        }

        public Element Times(ulong factor) => Carry(
            (UInt128)_0 * factor, (UInt128)_1 * factor, (UInt128)_2 * factor, (UInt128)_3 * factor, (UInt128)_4 * factor);

        /// <summary>The power of 2^255 - 21, which is the inverse.</summary>
        public Element Invert()
        {
            var result = new Element(1);
            for (var bit = 254; bit >= 0; bit--)
            {
                result *= result;
                // All bits of the exponent are set but those of values 2 and 4.. see 2^255 - 21 = ...11101011.
                if (bit is not (2 or 4)) result *= this;
            }
            return result;
        }

        public static void Swap(ulong yes, ref Element a, ref Element b)
        {
            var mask = 0 - yes;
            ulong d0 = mask & (a._0 ^ b._0), d1 = mask & (a._1 ^ b._1), d2 = mask & (a._2 ^ b._2),
                d3 = mask & (a._3 ^ b._3), d4 = mask & (a._4 ^ b._4);
            a = new Element(a._0 ^ d0, a._1 ^ d1, a._2 ^ d2, a._3 ^ d3, a._4 ^ d4);
            b = new Element(b._0 ^ d0, b._1 ^ d1, b._2 ^ d2, b._3 ^ d3, b._4 ^ d4);
        }

        public static Element Decode(ReadOnlySpan<byte> bytes)
        {
            ulong a = BinaryPrimitives.ReadUInt64LittleEndian(bytes), b = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
            ulong c = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), d = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
            return new Element(
                a & LimbMask, (a >> 51 | b << 13) & LimbMask, (b >> 38 | c << 26) & LimbMask,
                (c >> 25 | d << 39) & LimbMask, d >> 12 & LimbMask);
        }

        public byte[] Encode()
        {
            var r = Carry(Carry(_0, _1, _2, _3, _4));
            // Adding 19 carries out of the top exactly when the value is not below the prime.
            var q = r._0 + 19 >> 51;
            q = r._1 + q >> 51;
            q = r._2 + q >> 51;
            q = r._3 + q >> 51;
            q = r._4 + q >> 51;
            r = Carry(r._0 + 19 * q, r._1, r._2, r._3, r._4, wrap: false);
            var bytes = new byte[KeyLength];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, r._0 | r._1 << 51);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), r._1 >> 13 | r._2 << 38);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), r._2 >> 26 | r._3 << 25);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), r._3 >> 39 | r._4 << 12);
            return bytes;
        }

        private static Element Carry(Element e) => Carry(e._0, e._1, e._2, e._3, e._4);

        private static Element Carry(ulong a, ulong b, ulong c, ulong d, ulong e, bool wrap = true)
        {
            b += a >> 51;
            c += b >> 51;
            d += c >> 51;
            e += d >> 51;
            var top = wrap ? (e >> 51) * 19 : 0;
            return new Element((a & LimbMask) + top, b & LimbMask, c & LimbMask, d & LimbMask, e & LimbMask);
        }

        private static Element Carry(UInt128 a, UInt128 b, UInt128 c, UInt128 d, UInt128 e)
        {
            b += a >> 51;
            c += b >> 51;
            d += c >> 51;
            e += d >> 51;
            var first = ((ulong)a & LimbMask) + (UInt128)19 * (e >> 51);
            return new Element(
                (ulong)first & LimbMask, ((ulong)b & LimbMask) + (ulong)(first >> 51),
                (ulong)c & LimbMask, (ulong)d & LimbMask, (ulong)e & LimbMask);
        }
    }
}
