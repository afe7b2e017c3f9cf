using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration;

/// <summary>Operator mode, JetStream and the listeners of other protocols.</summary>
public static partial class OptionsValidator
{
    private static readonly HashSet<string> ReservedHeaders = ["host", "content-length", "connection", "upgrade", "nats-no-masking"];

    private static string? FindOperatorError(ServerOptions options)
    {
        var mode = options.Operator;
        if (mode.Operators.Count == 0)
        {
            return string.IsNullOrEmpty(mode.DefaultSentinel) ? null : "default sentinel requires operators and accounts";
        }
        if (mode.Resolver is null) return "operators require an account resolver to be configured";
        if (options.Accounts.Count > 0) return "operators do not allow Accounts to be configured directly";
        if (options.Authorization.Users.Count > 0) return "operators do not allow users to be configured directly";
        if (mode.TrustedKeys.Count > 0) return "conflicting options for 'TrustedKeys' and 'TrustedOperators'";
        if (FindOperatorSystemError(options) is { } error) return error;
        if (mode.Operators.Select(FindVersionError).FirstOrDefault(found => found is not null) is { } version) return version;
        var pinned = mode.PinnedAccounts.FirstOrDefault(key => !NKeys.IsPublicKey(key, NKeys.Kind.Account));
        if (pinned is not null) return $"pinned account key {QuotedText.Quote(pinned)} is not a valid public account nkey";
        return options.Authorization.Callout is null ? null : "operators do not allow authorization callouts to be configured directly";
    }

    private static string? FindOperatorSystemError(ServerOptions options)
    {
        var named = options.Operator.Operators.Select(claims => claims.SystemAccount).Where(account => account.Length > 0).ToList();
        if (!string.IsNullOrEmpty(options.SystemAccount))
        {
            return named.Count > 0 && !named.Contains(options.SystemAccount)
                ? "system_account in config and operator JWT must be identical"
                : null;
        }
        var needsSystem = options.Operator.Resolver!.Kind is ResolverKind.Full or ResolverKind.Cache;
        return needsSystem && options.Operator.Operators[0].SystemAccount.Length == 0
            ? "using nats based account resolver - the system account needs to be specified in configuration or the operator jwt"
            : null;
    }

    /// <summary>An operator may ask for a server of some version or later.</summary>
    private static string? FindVersionError(OperatorClaims claims)
    {
        if (claims.AssertServerVersion.Length == 0) return null;
        var own = Defaults.Version.Split('.').Select(int.Parse).ToArray();
        var parts = claims.AssertServerVersion.Split('.');
        var wanted = new int[3];
        if (parts.Length != 3 || parts.Index().Any(part => !int.TryParse(part.Item, out wanted[part.Index]) || wanted[part.Index] < 0))
        {
            return $"operator {claims.Subject} expects version {claims.AssertServerVersion} got error instead: " +
                "asserted server version must be of the form <major>.<minor>.<update>";
        }
        foreach (var (index, name) in new[] { "major", "minor", "update" }.Index())
        {
            if (wanted[index] < own[index]) return null;
            if (wanted[index] == own[index]) continue;
            return $"operator {claims.Subject} expected {name} version {wanted[index]} > server {name} version {own[index]}";
        }
        return null;
    }

    private static string? FindMqttError(ServerOptions options)
    {
        var mqtt = options.Mqtt;
        if (mqtt.Port == 0) return null;
        if (string.IsNullOrEmpty(options.ServerName) && (options.Cluster.Port != 0 || options.Gateway.Port != 0))
        {
            return "mqtt requires server name to be explicitly set";
        }
        if (FindNoAuthUserError(options, mqtt.NoAuthUser) is { } error) return error;
        if (FindMixedUsersError(options, mqtt.Authorization, "mqtt") is { } mixed) return mixed;
        if (mqtt.AckWait < TimeSpan.Zero) return "ack wait must be a positive value";
        if (mqtt.JetStreamApiTimeout < TimeSpan.Zero) return "JS API timeout must be a positive value";
        var isAlone = options.Cluster.Port == 0 && options.Gateway.Port == 0
            && options.LeafNode.Port == 0 && options.LeafNode.Remotes.Count == 0;
        return isAlone && !options.JetStream.Enabled ? "mqtt requires JetStream to be enabled if running in standalone mode" : null;
    }

    private static string? FindMixedUsersError(ServerOptions options, SimpleAuthorizationOptions authorization, string listener)
    {
        if (!AllUsers(options).Any()) return null;
        if (!string.IsNullOrEmpty(authorization.Username))
        {
            return $"{listener} authentication username not compatible with presence of users/nkeys";
        }
        return string.IsNullOrEmpty(authorization.Token)
            ? null
            : $"{listener} authentication token not compatible with presence of users/nkeys";
    }

    private static string? FindJetStreamError(ServerOptions options)
    {
        if (FindDefaultDomainError(options) is { } error) return error;
        var jetStream = options.JetStream;
        if (jetStream.Domain is { Length: > 0 } domain)
        {
            var subject = DomainSubject(domain);
            if (!SubjectSyntax.IsValid(subject)) return $"invalid domain name: derived {QuotedText.Quote(subject)} is not a valid subject";
            if (domain.AsSpan().IndexOfAny(" \t\r\n\f.*>") >= 0) return "invalid domain name: may not contain ., * or >";
        }
        if (!jetStream.Enabled || options.Cluster.Port == 0) return null;
        if (string.IsNullOrEmpty(options.ServerName)) return "jetstream cluster requires `server_name` to be set";
        if (string.IsNullOrEmpty(options.Cluster.Name) && string.IsNullOrEmpty(options.Gateway.Name))
        {
            return "jetstream cluster requires `cluster.name` to be set";
        }
        var hint = (jetStream.ExtensionHint ?? "").ToLowerInvariant();
        if (hint is not ("" or "will_extend" or "no_extend")) return $"expected 'no_extend' for string value, got '{hint}'";
        return jetStream.MaxOutstandingCatchup < 0 ? "jetstream max catchup cannot be negative" : null;
    }

    private static string DomainSubject(string domain) => $"$JS.{domain}.API.>";

    private static string? FindDefaultDomainError(ServerOptions options)
    {
        var system = string.IsNullOrEmpty(options.SystemAccount) ? DefaultSystemAccount : options.SystemAccount;
        foreach (var (account, domain) in options.DefaultJetStreamDomains)
        {
            if (FindDomainAccountError(options, account, domain) is { } error) return error;
        }
        foreach (var (account, domain) in options.DefaultJetStreamDomains)
        {
            if (account == system) return $"system account {QuotedText.Quote(account)} can not be in default_js_domain";
            if (domain.Length == 0 || SubjectSyntax.IsValid(DomainSubject(domain))) continue;
            return $"default_js_domain contains account {QuotedText.Quote(account)} with invalid domain name {QuotedText.Quote(domain)}";
        }
        return null;
    }

    private static string? FindDomainAccountError(ServerOptions options, string account, string domain)
    {
        var name = QuotedText.Quote(account);
        if (options.Operator.Operators.Count > 0)
        {
            return NKeys.IsPublicKey(account, NKeys.Kind.Account)
                ? null
                : $"default_js_domain contains account name {name}, which is not a valid public account nkey";
        }
        if (account == GlobalAccount) return null;
        var found = options.Accounts.FirstOrDefault(candidate => candidate.Name == account);
        if (found is null) return $"in non operator mode, `default_js_domain` references non existing account {name}";
        return found.JetStream is not null && domain.Length > 0
            ? $"default_js_domain contains account name {name} with enabled JetStream"
            : null;
    }

    private static string? FindWebSocketError(ServerOptions options)
    {
        var socket = options.WebSocket;
        if (socket.Port == 0) return null;
        if (socket.Tls is null && !socket.NoTls) return "websocket requires TLS configuration";
        if (socket.AllowedOrigins.Select(FindOriginError).FirstOrDefault(error => error is not null) is { } origin) return origin;
        if (FindNoAuthUserError(options, socket.NoAuthUser) is { } error) return error;
        if (FindMixedUsersError(options, socket.Authorization, "websocket") is { } mixed) return mixed;
        var hasTrust = options.Operator.Operators.Count > 0 || options.Operator.TrustedKeys.Count > 0;
        if (!string.IsNullOrEmpty(socket.JwtCookie) && !hasTrust)
        {
            return "trusted operators or trusted keys configuration is required for JWT authentication " +
                $"via cookie {QuotedText.Quote(socket.JwtCookie)}";
        }
        return socket.Headers.Keys.Select(FindHeaderError).FirstOrDefault(invalid => invalid is not null);
    }

    private static string? FindOriginError(string origin)
    {
        if (UrlText.Check(origin) is { } error) return $"unable to parse allowed origin: {error}";
        var (scheme, host) = UrlText.Split(origin);
        if (scheme.Length == 0 && !origin.StartsWith('/'))
        {
            return $"unable to parse allowed origin: parse {QuotedText.Quote(origin)}: invalid URI for request";
        }
        var prefix = $"unable to parse allowed origin {QuotedText.Quote(origin)}: ";
        if (scheme is not ("http" or "https")) return prefix + "allowed origins must be absolute URLs with http or https scheme";
        return host.Length == 0 ? prefix + "host is required" : null;
    }

    private static string? FindHeaderError(string header)
    {
        var name = header.ToLowerInvariant();
        if (ReservedHeaders.Contains(name)) return $"websocket: invalid header {QuotedText.Quote(header)} not allowed";
        return name.StartsWith("sec-websocket-", StringComparison.Ordinal)
            ? $"websocket: invalid header {QuotedText.Quote(header)}, \"Sec-WebSocket-\" prefix not allowed"
            : null;
    }
}
