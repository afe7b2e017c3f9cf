using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// Tells whose leaf node a CONNECT is from: the leafnodes block's own credentials come first and then stand alone; else a user
/// of the server, and without any the block's account.
/// </summary>
internal static class LeafAuthenticator
{
    /// <summary>Checks credentials.</summary>
    /// <param name="leaf">The leafnodes block.</param>
    /// <param name="users">The server's users.</param>
    /// <param name="connect">What the peer said.</param>
    /// <param name="facts">What it shows beside that.</param>
    public static Identity Authenticate(LeafNodeOptions leaf, Authenticator users, LeafConnect connect, ConnectionFacts facts)
    {
        if (!string.IsNullOrEmpty(leaf.Username)) return Check(leaf.Username, leaf.Password, leaf.Account, connect);
        if (!string.IsNullOrEmpty(leaf.NKey)) return CheckKey(leaf, connect, facts);
        if (leaf.Users.Count > 0) return CheckUsers(leaf, connect, facts);
        var asked = new ConnectOptions { User = connect.User, Password = connect.Password, Token = connect.Token, NKey = connect.NKey, Signature = connect.Signature, Jwt = connect.Jwt };
        if (!users.IsRequired) return new Identity(true, leaf.Account);
        var identity = users.Authenticate(asked, facts);
        // A token and the one user of a server are of no account.
        return identity.Admitted && !users.HasUsers ? identity with { Account = leaf.Account } : identity;
    }

    /// <summary>True when checking hashes with bcrypt, which takes long on purpose.</summary>
    public static bool IsSlow(LeafNodeOptions leaf, Authenticator users, LeafConnect connect) =>
        Bcrypt.IsBcryptHash(leaf.Password ?? "")
        || leaf.Users.Any(user => user.Username == connect.User && Bcrypt.IsBcryptHash(user.Password ?? ""))
        || users.IsSlow(new ConnectOptions { User = connect.User, Token = connect.Token });

    private static Identity CheckUsers(LeafNodeOptions leaf, LeafConnect connect, ConnectionFacts facts)
    {
        if (leaf.Tls is { VerifyAndMap: true })
        {
            var names = leaf.Users.Select(user => user.Username).ToList();
            var name = facts.Certificate is null ? null : Security.Tls.CertificateUser.Find(facts.Certificate, names, names.Contains);
            var mapped = leaf.Users.FirstOrDefault(user => user.Username == name);
            return mapped is null
                ? Identity.Refused
                : Check(mapped.Username, mapped.Password, mapped.Account, connect with { User = mapped.Username }) with { OverruledName = string.IsNullOrEmpty(connect.User) ? null : connect.User };
        }
        var known = leaf.Users.FirstOrDefault(user => user.Username == connect.User);
        return known is null ? Identity.Refused : Check(known.Username, known.Password, known.Account, connect);
    }

    private static Identity Check(string user, string? password, string? account, LeafConnect connect) =>
        user == connect.User && Authenticator.SecretsMatch(password ?? "", connect.Password)
            ? new Identity(true, account, new UserOptions { Username = user })
            : Identity.Refused;

    private static Identity CheckKey(LeafNodeOptions leaf, LeafConnect connect, ConnectionFacts facts) =>
        connect.NKey == leaf.NKey
        && NKeys.TryDecode(leaf.NKey!, NKeys.Kind.User, out var key)
        && SignatureText.IsBy(key, facts.Nonce, connect.Signature)
            ? new Identity(true, leaf.Account, new UserOptions { NKey = leaf.NKey })
            : Identity.Refused;
}
