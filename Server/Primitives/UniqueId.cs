using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives;

/// <summary>Ids as upstream's NUID makes them: 22 letters and digits, never the same twice.</summary>
public static class UniqueId
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int Length = 22;

    public static string Next() => RandomNumberGenerator.GetString(Digits, Length);
}
