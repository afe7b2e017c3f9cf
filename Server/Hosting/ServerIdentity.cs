using System.Security.Cryptography;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Hosting;

/// <summary>Keys a server has for one run: who it is, and what can be encrypted to it.</summary>
/// <param name="ServerId">Public server nkey (N…).</param>
/// <param name="CurveKey">Public curve nkey (X…).</param>
internal sealed record ServerIdentity(string ServerId, string CurveKey)
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int ClusterNameLength = 22;

    public static ServerIdentity Create() => new(NKeys.CreateServerId(), NKeys.CreateCurveKey());

    /// <summary>A cluster name for servers that were given none; unique, and replaced by a configured one.</summary>
    public static string NewClusterName() => RandomNumberGenerator.GetString(Alphabet, ClusterNameLength);
}
