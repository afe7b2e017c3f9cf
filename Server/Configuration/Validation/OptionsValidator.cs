using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Checks options as a whole before a server starts with them.</summary>
public static partial class OptionsValidator
{
    private const string GlobalAccount = "$G";
    private const string DefaultSystemAccount = "$SYS";

    /// <summary>Checks the options; the first problem ends it.</summary>
    /// <exception cref="ConfigurationValueException">What is wrong, in upstream's words.</exception>
    public static void Validate(ServerOptions options)
    {
        if (FindError(options) is { } error) throw new ConfigurationValueException(error);
    }

    /// <summary>The first problem, or null.</summary>
    public static string? FindError(ServerOptions options) =>
        FindLimitError(options)
        ?? FindAdvertiseError(options)
        ?? FindOperatorError(options)
        ?? FindLeafNodeError(options)
        ?? FindAuthorizationError(options)
        ?? FindProxyError(options)
        ?? FindGatewayError(options.Gateway)
        ?? FindClusterError(options)
        ?? FindMqttError(options)
        ?? FindJetStreamError(options)
        ?? FindWebSocketError(options)
        ?? FindSystemAccountError(options);

    private static string? FindLimitError(ServerOptions options)
    {
        if (options.LameDuckDuration > TimeSpan.Zero && options.LameDuckGracePeriod >= options.LameDuckDuration)
        {
            var (grace, duration) = (DurationText.Format(options.LameDuckGracePeriod), DurationText.Format(options.LameDuckDuration));
            return $"lame duck grace period ({grace}) should be strictly lower than lame duck duration ({duration})";
        }
        var (payload, pending) = (options.Limits.MaxPayload, options.Limits.MaxPending);
        if (payload > pending) return $"max_payload ({payload}) cannot be higher than max_pending ({pending})";
        return options.ServerName?.Contains(' ') == true ? "server name cannot contain spaces" : null;
    }

    private static string? FindAdvertiseError(ServerOptions options) =>
        FindAdvertiseError("ClientAdvertise", options.ClientAdvertise)
        ?? (options.Cluster.Enabled ? FindAdvertiseError("Cluster.Advertise", options.Cluster.Advertise) : null)
        ?? (options.Gateway.Enabled ? FindAdvertiseError("Gateway.Advertise", options.Gateway.Advertise) : null)
        ?? (options.LeafNode.Port != 0 ? FindAdvertiseError("LeafNode.Advertise", options.LeafNode.Advertise) : null);

    private static string? FindAdvertiseError(string option, string? value) =>
        value is not { Length: > 0 } address || IsAddress(address)
            ? null
            : $"Error setting server INFO with {option} value of {address}, err=invalid address";

    /// <summary>An IPv6 address has to be in brackets, or its end could be a port.</summary>
    private static bool IsAddress(string text) =>
        HostAndPort.TryParse(text, out _) && (text.StartsWith('[') || text.IndexOf(':') == text.LastIndexOf(':'));

    private static string? FindAuthorizationError(ServerOptions options)
    {
        foreach (var user in AllUsers(options))
        {
            if (FindPermissionError(user.Permissions) is not { } error) continue;
            var kind = user.NKey is null ? "user" : "nkey";
            return $"invalid permissions for {kind} {QuotedText.Quote(user.NKey ?? user.Username ?? "")}: {error}";
        }
        return FindNoAuthUserError(options, options.Authorization.NoAuthUser);
    }

    private static IEnumerable<UserOptions> AllUsers(ServerOptions options) =>
        options.Authorization.Users.Concat(options.Accounts.SelectMany(account => account.Users));

    private static string? FindPermissionError(PermissionOptions? permissions)
    {
        static string? Find(string list, IReadOnlyList<string>? subjects, bool allowsQueue) =>
            SubjectSyntax.FindError(subjects ?? [], allowsQueue) is { } error ? $"{list}: {error}" : null;

        return Find("publish allow", permissions?.Publish?.Allow, false)
            ?? Find("publish deny", permissions?.Publish?.Deny, false)
            ?? Find("subscribe allow", permissions?.Subscribe?.Allow, true)
            ?? Find("subscribe deny", permissions?.Subscribe?.Deny, true);
    }

    private static string? FindNoAuthUserError(ServerOptions options, string? noAuthUser)
    {
        if (string.IsNullOrEmpty(noAuthUser)) return null;
        if (options.Operator.Operators.Count > 0) return "no_auth_user not compatible with Trusted Operator";
        var users = AllUsers(options).ToList();
        if (users.Count == 0) return $"no_auth_user: \"{noAuthUser}\" present, but users/nkeys are not defined";
        return users.Exists(user => user.Username == noAuthUser || user.NKey == noAuthUser)
            ? null
            : $"no_auth_user: \"{noAuthUser}\" not present as user or nkey in authorization block or account configuration";
    }

    private static string? FindProxyError(ServerOptions options)
    {
        var invalid = options.TrustedProxies?.FirstOrDefault(key => !Primitives.NKeys.IsPublicKey(key));
        return invalid is null ? null : $"proxy trusted key {QuotedText.Quote(invalid)} is invalid";
    }

    /// <summary>A named system account must be among the accounts; in operator mode a resolver may know it.</summary>
    private static string? FindSystemAccountError(ServerOptions options)
    {
        if (string.IsNullOrEmpty(options.SystemAccount) || options.Operator.Operators.Count > 0) return null;
        var isKnown = options.SystemAccount == GlobalAccount || options.Accounts.Any(account => account.Name == options.SystemAccount);
        return isKnown ? null : "error resolving system account: account missing";
    }
}
