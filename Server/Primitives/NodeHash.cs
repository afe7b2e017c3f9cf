using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// The short name of a server in subjects and Raft peer ids: SHA-256 of its name, each byte a digit of base 62
/// (golden/vectors/gethash.json).
/// </summary>
public static class NodeHash
{
    /// <summary>Digits of a server's hash.</summary>
    public const int Length = 8;

    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>The hash of a name.</summary>
    /// <param name="name">Server or cluster name.</param>
    /// <param name="length">Digits wanted, 1 to 32.</param>
    public static string Of(string name, int length = Length)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        Span<char> digits = stackalloc char[length];
        for (var i = 0; i < length; i++) digits[i] = Digits[hash[i] % Digits.Length];
        return new string(digits);
    }
}
