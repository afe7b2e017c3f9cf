using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Primitives;

/// <summary>bcrypt password hashes: <c>$2a$cost$</c>, 22 characters of salt, 31 of hash.</summary>
public static class Bcrypt
{
    /// <summary>Cost is a power of two of rounds: 4..31.</summary>
    public const int MinCost = 4, MaxCost = 31;

    private const int SaltLength = 16;
    private const int SaltCharacters = 22;
    private const int HashLength = 23;
    private const int PrefixLength = 7;
    private const int TotalLength = 60;
    private const int MaxPasswordLength = 72;
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>True for what is stored as a hash rather than in plain text.</summary>
    public static bool IsBcryptHash(string secret) =>
        secret.Length > 3 && secret[0] == '$' && secret[1] == '2' && secret[2] is 'a' or 'b' or 'x' or 'y' && secret[3] == '$';

    /// <summary>Whether a password has this hash; false too for a malformed hash. Takes a while, by design.</summary>
    public static bool Verify(ReadOnlySpan<byte> password, string hash)
    {
        if (hash.Length != TotalLength || !IsBcryptHash(hash) || hash[6] != '$') return false;
        if (!int.TryParse(hash.AsSpan(4, 2), NumberStyles.None, CultureInfo.InvariantCulture, out var cost)) return false;
        if (cost is < MinCost or > MaxCost || !TryDecode(hash.AsSpan(PrefixLength, SaltCharacters), SaltLength, out var salt)) return false;
        var computed = HashWith(password, cost, salt, hash[2]);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(computed), Encoding.ASCII.GetBytes(hash));
    }

    /// <summary>Hashes a password.</summary>
    /// <param name="password">Bytes beyond the 72nd do not count.</param>
    /// <param name="cost"><see cref="MinCost"/>..<see cref="MaxCost"/>.</param>
    /// <param name="salt">16 bytes.</param>
    public static string Hash(ReadOnlySpan<byte> password, int cost, ReadOnlySpan<byte> salt)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, SaltLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(cost, MinCost);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cost, MaxCost);
        return HashWith(password, cost, salt, 'a');
    }

    private static string HashWith(ReadOnlySpan<byte> password, int cost, ReadOnlySpan<byte> salt, char variant)
    {
        // The terminating zero belongs to the key.
        var used = password[..Math.Min(password.Length, MaxPasswordLength)];
        Span<byte> key = stackalloc byte[MaxPasswordLength + 1];
        used.CopyTo(key);
        key[used.Length] = 0;
        key = key[..Math.Min(used.Length + 1, MaxPasswordLength)];
        var cipher = new Blowfish();
        cipher.ExpandKey(key, salt);
        for (var round = 1L << cost; round > 0; round--)
        {
            cipher.ExpandKey(key, default);
            cipher.ExpandKey(salt, default);
        }
        Span<byte> text = stackalloc byte[24];
        "OrpheanBeholderScryDoubt"u8.CopyTo(text);
        for (var block = 0; block < text.Length; block += 8) EncryptBlock(cipher, text[block..]);
        CryptographicOperations.ZeroMemory(key);
        return $"$2{variant}${cost:00}${Encode(salt)}{Encode(text[..HashLength])}";
    }

    private static void EncryptBlock(Blowfish cipher, Span<byte> block)
    {
        var left = BinaryPrimitives.ReadUInt32BigEndian(block);
        var right = BinaryPrimitives.ReadUInt32BigEndian(block[4..]);
        for (var i = 0; i < 64; i++) cipher.Encrypt(ref left, ref right);
        BinaryPrimitives.WriteUInt32BigEndian(block, left);
        BinaryPrimitives.WriteUInt32BigEndian(block[4..], right);
    }

    private static string Encode(ReadOnlySpan<byte> data)
    {
        var text = new StringBuilder();
        var bits = 0;
        var count = 0;
        foreach (var b in data)
        {
            bits = (bits << 8 | b) & 0xFFFF;
            for (count += 8; count >= 6; count -= 6) text.Append(Alphabet[bits >> (count - 6) & 0x3F]);
        }
        if (count > 0) text.Append(Alphabet[bits << (6 - count) & 0x3F]);
        return text.ToString();
    }

    private static bool TryDecode(ReadOnlySpan<char> text, int length, out byte[] data)
    {
        data = new byte[length];
        int bits = 0, count = 0, at = 0;
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(c);
            if (value < 0) return false;
            bits = (bits << 6 | value) & 0xFFFF;
            count += 6;
            if (count < 8 || at == length) continue;
            count -= 8;
            data[at++] = (byte)(bits >> count);
        }
        return at == length;
    }
}
