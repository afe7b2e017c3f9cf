using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Authorization blocks.</summary>
internal sealed partial class OptionsReader
{
    /// <summary>An authorization block; a list of users counts even when empty.</summary>
    private readonly record struct AuthorizationBlock(AuthorizationOptions Options, bool HasUsers);

    private ServerOptions? ReadSecurity(ServerOptions options, string key, ConfigValue value) => key switch
    {
        "authorization" => options with { Authorization = ReadAuthorization(options, value) },
        "no_auth_user" => options with { Authorization = options.Authorization with { NoAuthUser = value.AsString() } },
        "system_account" or "system" => options,
        "no_system_account" or "no_system" or "no_sys_acc" => options with { NoSystemAccount = value.AsBoolean() },
        "tls" => options with { Tls = ReadTls(value, isClientContext: true) },
        "allow_non_tls" => options with { AllowNonTls = value.AsBoolean() },
        "ocsp" => options with { Ocsp = ReadOcsp(value) },
        "ocsp_cache" => options with { OcspCache = ReadOcspCache(value) },
        "proxies" => options with { TrustedProxies = ReadProxies(value) },
        _ => null,
    };

    private AuthorizationOptions ReadAuthorization(ServerOptions options, ConfigValue value)
    {
        var (authorization, hasUsers) = ReadAuthorizationBlock(value);
        var hasUser = !string.IsNullOrEmpty(authorization.Username);
        var hasToken = !string.IsNullOrEmpty(authorization.Token);
        if ((hasUser || !string.IsNullOrEmpty(authorization.Password)) && hasToken)
        {
            throw new ConfigRefusedException(value, "Cannot have a user/pass and token");
        }
        if (hasUsers || _userNames.Count > 0)
        {
            if (hasUser) throw new ConfigRefusedException(value, "Can not have a single user/pass and a users array");
            if (hasToken) throw new ConfigRefusedException(value, "Can not have a token and a users array");
        }
        foreach (var user in authorization.Users) ClaimName(user, value);
        return authorization with { NoAuthUser = options.Authorization.NoAuthUser };
    }

    /// <summary>Names of users and nkeys are unique over all accounts.</summary>
    private void ClaimName(UserOptions user, ConfigValue at)
    {
        var name = user.NKey ?? user.Username ?? "";
        if (_userNames.Add(name)) return;
        throw new ConfigRefusedException(at, $"Duplicate {(user.NKey is null ? "user" : "nkey")} {QuotedText.Quote(name)} detected");
    }

    private AuthorizationBlock ReadAuthorizationBlock(ConfigValue block) =>
        Fold(block, new AuthorizationBlock(new AuthorizationOptions { Timeout = TimeSpan.Zero }, false), (read, key, value) => key switch
        {
            "users" => new AuthorizationBlock(read.Options with { Users = ReadUsers(value, isPlaceKnown: true) }, true),
            _ => read with { Options = ReadAuthorizationEntry(read.Options, block, key, value) },
        });

    private AuthorizationOptions ReadAuthorizationEntry(AuthorizationOptions options, ConfigValue block, string key, ConfigValue value)
    {
        switch (key)
        {
            case "user" or "username":
                return options with { Username = value.AsString() };
            case "pass" or "password":
                return options with { Password = value.AsString() };
            case "token":
                return options with { Token = value.AsString() };
            case "timeout":
                var timeout = ReadTimeout(value, "authorization config");
                WarnOfLongTimeout(key, value, timeout);
                return options with { Timeout = timeout };
            case "default_permission" or "default_permissions" or "permissions":
                return options with { DefaultPermissions = ReadPermissions(value, isPlaceKnown: true) };
            case "auth_callout" or "auth_hook":
                return options with { Callout = ReadCallout(value) };
            case "proxy_required":
                return options with { ProxyRequired = value.AsBoolean() };
            default:
                return Unknown(options, block, value);
        }
    }

    private AuthCalloutOptions ReadCallout(ConfigValue block)
    {
        if (!block.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
        {
            throw new ConfigRefusedException(block, $"Expected authorization callout to be a map/struct, got {block}");
        }
        var last = block;
        var start = new AuthCalloutOptions { Issuer = "" };
        var callout = FoldUnguarded(block, start, (read, key, value) => ReadCalloutEntry(read, key, last = value));
        if (callout.Issuer.Length == 0) throw new ConfigRefusedException(last, "Authorization callouts require an issuer to be specified");
        if (callout.AuthUsers.Count == 0)
        {
            throw new ConfigRefusedException(last, "Authorization callouts require authorized users to be specified");
        }
        return callout;
    }

    private AuthCalloutOptions ReadCalloutEntry(AuthCalloutOptions callout, string key, ConfigValue value)
    {
        switch (key)
        {
            case "issuer":
                return callout with { Issuer = ReadKey(value, NKeys.Kind.Account, "callout user to be a valid public account nkey") };
            case "account" or "acc":
                return callout with { Account = value.AsString() };
            case "auth_users" or "users":
                return callout with { AuthUsers = ReadTexts(value, "auth_users field") };
            case "xkey" or "key":
                return callout with { XKey = ReadKey(value, NKeys.Kind.Curve, "callout xkey to be a valid public xkey") };
            case "allowed_accounts":
                return callout with { AllowedAccounts = ReadTexts(value, "allowed accounts field") };
        }
        if (!value.IsUsedVariable) diagnostics.Error(value, $"Unknown field {QuotedText.Quote(key)} parsing authorization callout");
        return callout;
    }

    private static string ReadKey(ConfigValue value, NKeys.Kind kind, string expectation) =>
        NKeys.IsPublicKey(value.AsString(), kind)
            ? value.AsString()
            : throw new ConfigRefusedException(value, $"Expected {expectation}, got {QuotedText.Quote(value.AsString())}");

    private static List<string> ReadTexts(ConfigValue value, string what) =>
        value.Is<IReadOnlyList<ConfigValue>>(out var items)
            ? [.. items.Select(item => item.AsString())]
            : throw new ConfigRefusedException(value, $"Expected {what} to be an array, got *conf.token");

    private void CheckCalloutAccounts(ServerOptions options)
    {
        var accounts = options.Accounts.Select(account => account.Name).ToHashSet();
        foreach (var account in options.Authorization.Callout?.AllowedAccounts ?? [])
        {
            if (accounts.Contains(account)) continue;
            diagnostics.Error($"auth_callout allowed account {QuotedText.Quote(account)} not found in configured accounts");
        }
    }

    private SimpleAuthorizationOptions ReadSimpleAuthorization(ConfigValue block) =>
        Fold(block, new SimpleAuthorizationOptions(), (options, key, value) => key switch
        {
            "user" or "username" => options with { Username = value.AsString() },
            "pass" or "password" => options with { Password = value.AsString() },
            "token" => options with { Token = value.AsString() },
            "timeout" => options with { Timeout = value.Is<long>(out _) || value.Is<double>(out _) ? ReadTimeout(value, "") : Seconds(1) },
            _ => Unknown(options, block, value),
        });

    private List<string> ReadProxies(ConfigValue block)
    {
        ExpectMap(block, type => $"expected proxies to be a map/struct, got {type}");
        return Fold(block, new List<string>(), (proxies, key, value) => key switch
        {
            "trusted" => ReadTrustedProxies(value),
            _ => Unknown(proxies, block, value),
        });
    }

    private List<string> ReadTrustedProxies(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"expected proxies' trusted field to be an array, got {value.TypeName}");
        }
        var trusted = new List<string>();
        foreach (var item in items)
        {
            diagnostics.GuardRefused(() =>
            {
                ExpectMap(item, type => $"expected proxies' trusted entry to be a map/struct, got {type}");
                trusted.Add(Fold(item, "", (proxy, key, setting) => key switch
                {
                    "key" or "public_key" => ReadProxyKey(setting),
                    _ => Unknown(proxy, item, setting),
                }));
            });
        }
        return trusted;
    }

    private static string ReadProxyKey(ConfigValue value) =>
        NKeys.IsPublicKey(value.AsString())
            ? value.AsString()
            : throw new ConfigRefusedException(value, $"invalid proxy key {QuotedText.Quote(value.AsString())}");
}
