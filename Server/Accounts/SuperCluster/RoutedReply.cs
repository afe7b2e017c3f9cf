using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Accounts.SuperCluster;

/// <summary>
/// Reply subjects that lead straight back to the server that asked, in another cluster: <c>_GR_.cluster.server.reply</c>,
/// to servers before 2.9 <c>$GR.cluster.reply</c>; clusters and servers by their hashes.
/// </summary>
public static class RoutedReply
{
    /// <summary>Digits of the hashes.</summary>
    public const int HashLength = 6;

    private const int OldHashLength = 4;
    private const int SubjectOffset = 5 + HashLength + 1 + HashLength + 1;
    private const int OldSubjectOffset = 4 + OldHashLength + 1;

    private static ReadOnlySpan<byte> Prefix => "_GR_."u8;

    private static ReadOnlySpan<byte> OldPrefix => "$GR."u8;

    /// <summary>Whether a subject is one of them, of either form.</summary>
    public static bool Is(ReadOnlySpan<byte> subject) => IsNew(subject) || IsOld(subject);

    /// <summary>Whether it is of the form that names the server as well.</summary>
    public static bool IsNew(ReadOnlySpan<byte> subject) =>
        subject.Length > SubjectOffset && subject[0] == '_' && subject.StartsWith(Prefix) && subject[5 + HashLength] == '.' && subject[SubjectOffset - 1] == '.';

    /// <summary>Hash of the cluster it leads to.</summary>
    /// <param name="subject">One of them.</param>
    public static ReadOnlySpan<byte> ClusterOf(ReadOnlySpan<byte> subject) =>
        IsOld(subject) ? subject.Slice(4, OldHashLength) : subject.Slice(5, HashLength);

    /// <summary>Hash of the server it leads to; empty: any.</summary>
    /// <param name="subject">One of them.</param>
    public static ReadOnlySpan<byte> ServerOf(ReadOnlySpan<byte> subject) =>
        IsOld(subject) ? default : subject.Slice(5 + HashLength + 1, HashLength);

    /// <summary>The reply subject within.</summary>
    /// <param name="subject">One of them.</param>
    public static ReadOnlySpan<byte> SubjectOf(ReadOnlySpan<byte> subject) =>
        IsOld(subject) ? subject[OldSubjectOffset..] : subject[SubjectOffset..];

    /// <summary>The reply subject within, or the subject itself.</summary>
    public static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> subject) => Is(subject) ? SubjectOf(subject) : subject;

    /// <summary>What stands before a reply subject that leads to a server.</summary>
    public static byte[] PrefixFor(string cluster, string serverId) =>
        Encoding.ASCII.GetBytes($"_GR_.{NodeHash.Of(cluster, HashLength)}.{NodeHash.Of(serverId, HashLength)}.");

    /// <summary>The same for servers that know the old form only.</summary>
    public static byte[] OldPrefixFor(string cluster) => Encoding.ASCII.GetBytes($"$GR.{OldHash(cluster)}.");

    /// <summary>A cluster's hash in the old form: the first digits of its SHA-256.</summary>
    public static string OldHash(string cluster) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cluster)))[..OldHashLength];

    private static bool IsOld(ReadOnlySpan<byte> subject) =>
        subject.Length > OldSubjectOffset && subject[0] == '$' && subject.StartsWith(OldPrefix) && subject[OldSubjectOffset - 1] == '.';
}
