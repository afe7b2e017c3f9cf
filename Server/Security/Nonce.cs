using System.Buffers.Text;
using System.Security.Cryptography;

namespace NatsAspire.Server.Security;

/// <summary>What a peer signs to show that it holds a key: 11 random bytes as text, good for one connection.</summary>
public static class Nonce
{
    private const int RawLength = 11;

    public static string Next() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RawLength));
}
