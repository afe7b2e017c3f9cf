using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// The text form of keys (nkeys): a prefix byte, 32 bytes of key, CRC-16 over both, in base32 without padding.
/// </summary>
public static class NKeys
{
    private const int KeyLength = 32;
    private const int TextLength = 56;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

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
        var crc = Crc16(raw[..^2]);
        raw[^2] = (byte)crc;
        raw[^1] = (byte)(crc >> 8);
        Span<char> text = stackalloc char[TextLength];
        var at = 0;
        int bits = 0, count = 0;
        foreach (var b in raw)
        {
            bits = (bits << 8 | b) & 0xFFF;
            for (count += 8; count >= 5; count -= 5) text[at++] = Alphabet[bits >> (count - 5) & 31];
        }
        return new string(text);
    }

    /// <summary>Whether the text is a public key of that kind, its check sum right.</summary>
    public static bool IsPublicKey(string text, Kind kind) =>
        TryDecode(text, out var raw) && raw[0] == (byte)kind;

    private static bool TryDecode(string text, out byte[] raw)
    {
        raw = new byte[KeyLength + 3];
        if (text.Length != TextLength) return false;
        int bits = 0, count = 0, at = 0;
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(c);
            if (value < 0) return false;
            bits = (bits << 5 | value) & 0xFFF;
            count += 5;
            if (count < 8) continue;
            count -= 8;
            raw[at++] = (byte)(bits >> count);
        }
        return Crc16(raw.AsSpan(0, raw.Length - 2)) == (raw[^2] | raw[^1] << 8);
    }

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
