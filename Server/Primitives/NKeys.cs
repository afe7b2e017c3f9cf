using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// The text form of keys (nkeys): a prefix byte, 32 bytes of key, CRC-16 over both, in base32 without padding.
/// </summary>
public static class NKeys
{
    private const int KeyLength = 32;
    private const int TextLength = 56;
    private const byte SeedPrefix = 18 << 3;
    private static readonly Kind[] PublicKinds = Enum.GetValues<Kind>();

    /// <summary>Kinds of public keys; the value is what makes the first letter.</summary>
    public enum Kind : byte
    {
        Account = 0,
        Cluster = 2 << 3,
        Server = 13 << 3,
        Operator = 14 << 3,
        User = 20 << 3,
        Curve = 23 << 3,
    }

    /// <summary>An identity for one run of a server: unguessable and unique, with no secret behind it.</summary>
    public static string CreateServerId() => Encode(Kind.Server, RandomNumberGenerator.GetBytes(KeyLength));

    /// <summary>The public half of a fresh X25519 pair.</summary>
    public static string CreateCurveKey() => Encode(Kind.Curve, X25519.PublicKey(RandomNumberGenerator.GetBytes(KeyLength)));

    public static string Encode(Kind kind, ReadOnlySpan<byte> key)
    {
        Span<byte> raw = stackalloc byte[KeyLength + 3];
        raw[0] = (byte)kind;
        key.CopyTo(raw[1..]);
        AppendCrc(raw);
        return Base32.Encode(raw);
    }

    /// <summary>The text of a private key.</summary>
    /// <param name="kind">What its public half will be.</param>
    /// <param name="seed">32 bytes.</param>
    public static string EncodeSeed(Kind kind, ReadOnlySpan<byte> seed)
    {
        Span<byte> raw = stackalloc byte[KeyLength + 4];
        raw[0] = (byte)(SeedPrefix | (byte)kind >> 5);
        raw[1] = (byte)(((byte)kind & 31) << 3);
        seed.CopyTo(raw[2..]);
        AppendCrc(raw);
        return Base32.Encode(raw);
    }

    /// <summary>Whether the text is a public key of that kind, its check sum right.</summary>
    public static bool IsPublicKey(string text, Kind kind) => TryDecode(text, kind, out _);

    /// <summary>Whether the text is a public key of any kind.</summary>
    public static bool IsPublicKey(string text) => Array.Exists(PublicKinds, kind => IsPublicKey(text, kind));

    /// <summary>The 32 bytes of a public key of that kind; false when the text is none.</summary>
    public static bool TryDecode(string text, Kind kind, out byte[] key)
    {
        key = [];
        if (text.Length != TextLength || !Base32.TryDecode(text, out var raw) || raw[0] != (byte)kind || !HasRightCrc(raw)) return false;
        key = raw[1..^2];
        return true;
    }

    /// <summary>The 32 bytes of a private key of that kind; false when the text is none.</summary>
    public static bool TryDecodeSeed(string text, Kind kind, out byte[] seed)
    {
        seed = [];
        if (!Base32.TryDecode(text, out var raw) || raw.Length != KeyLength + 4 || !HasRightCrc(raw)) return false;
        if ((raw[0] & 0xF8) != SeedPrefix || (byte)((raw[0] & 7) << 5 | raw[1] >> 3) != (byte)kind) return false;
        seed = raw[2..^2];
        return true;
    }

    private static void AppendCrc(Span<byte> raw)
    {
        var crc = Crc16(raw[..^2]);
        raw[^2] = (byte)crc;
        raw[^1] = (byte)(crc >> 8);
    }

    private static bool HasRightCrc(ReadOnlySpan<byte> raw) => Crc16(raw[..^2]) == (raw[^2] | raw[^1] << 8);

    /// <summary>CRC-16/XMODEM: polynomial 0x1021, start 0.</summary>
    private static ushort Crc16(ReadOnlySpan<byte> data)
    {
        ushort crc = 0;
        foreach (var b in data)
        {
            crc ^= (ushort)(b << 8);
            for (var bit = 0; bit < 8; bit++) crc = (ushort)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
        }
        return crc;
    }
}
