using System.Text.RegularExpressions;
using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Operator mode.</summary>
internal sealed partial class OptionsReader
{
    private const string ResolverUsage =
        "error parsing account resolver, should be MEM or  URL(\"url\") or a map containing dir and type state=[FULL|CACHE])";

    private ServerOptions? ReadOperatorMode(ServerOptions options, string key, ConfigValue value)
    {
        var mode = options.Operator;
        OperatorOptions? changed = key switch
        {
            "operator" or "operators" or "roots" or "root" or "root_operators" or "root_operator" => ReadOperators(mode, value),
            "resolver" or "account_resolver" or "accounts_resolver" => mode with { Resolver = ReadResolver(value) },
            "resolver_tls" => mode with { ResolverTls = ReadTls(value, isClientContext: true) },
            "resolver_preload" => mode with { Preload = ReadPreload(value) },
            "resolver_pinned_accounts" => mode with { PinnedAccounts = ReadTextList("resolver_pinned_accounts", value).ToHashSet() },
            "trusted" or "trusted_keys" => mode with { TrustedKeys = ReadTrustedKeys(value) },
            "default_sentinel" => mode with { DefaultSentinel = value.AsString() },
            _ => null,
        };
        if (changed is null) return null;
        var isSystemAccountFromJwt = changed.Operators is [{ SystemAccount.Length: > 0 }] && options.SystemAccount is null;
        return options with
        {
            Operator = changed,
            SystemAccount = isSystemAccountFromJwt ? changed.Operators[0].SystemAccount : options.SystemAccount,
        };
    }

    private OperatorOptions ReadOperators(OperatorOptions mode, ConfigValue value)
    {
        var sources = new List<string>();
        if (value.Is<string>(out var single)) sources.Add(single);
        else if (value.Is<IReadOnlyList<ConfigValue>>(out var items)) AddOperatorSources(sources, items, value);
        else diagnostics.Error(value, $"error parsing operators: unsupported type {value.TypeName}");
        var operators = new List<OperatorClaims>();
        foreach (var source in sources)
        {
            if (OperatorJwt.Read(source, out var claims) is { } error) diagnostics.Error(value, $"error parsing operator JWT: {error}");
            else operators.Add(claims!);
        }
        mode = mode with { Operators = operators };
        if (operators.Count != 1 || mode.Resolver is not null) return mode;
        // A resolver block takes precedence over what the only operator names.
        return mode with { Resolver = new ResolverOptions { Kind = ResolverKind.Url, Url = operators[0].AccountServerUrl + "/accounts/" } };
    }

    private void AddOperatorSources(List<string> sources, IReadOnlyList<ConfigValue> items, ConfigValue value)
    {
        foreach (var item in items)
        {
            if (item.Is<string>(out var source))
            {
                sources.Add(source);
                continue;
            }
            diagnostics.Error(value, "error parsing operators: unsupported type *conf.token where string is expected");
            return;
        }
    }

    private Dictionary<string, string> ReadPreload(ConfigValue value)
    {
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(value, "preload should be a map of account_public_key:account_jwt");
        }
        var preload = new Dictionary<string, string>();
        foreach (var (key, item) in entries)
        {
            if (!item.Is<string>(out var jwt)) diagnostics.Error(item, "preload map value should be a string JWT");
            else if (!OperatorJwt.IsAccount(jwt)) diagnostics.Error(item, "invalid account JWT");
            else preload[key] = jwt;
        }
        return preload;
    }

    private List<string> ReadTextList(string field, ConfigValue value)
    {
        var isKnownType = value.Is<string>(out _) || value.Is<IReadOnlyList<ConfigValue>>(out _);
        return isKnownType
            ? ReadStrings(field, value)
            : throw new ConfigRefusedException(value, $"error parsing {field}: unsupported type {value.TypeName}");
    }

    private List<string> ReadTrustedKeys(ConfigValue value)
    {
        var keys = ReadStrings("trusted", value);
        foreach (var key in keys.Where(key => !NKeys.IsPublicKey(key, NKeys.Kind.Operator)))
        {
            diagnostics.Error(value, $"trust key {QuotedText.Quote(key)} required to be a valid public operator nkey");
        }
        return keys;
    }

    private ResolverOptions? ReadResolver(ConfigValue value)
    {
        ResolverOptions? resolver;
        if (value.Is<string>(out var text)) resolver = ReadResolverText(text, value);
        else if (value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries)) resolver = ReadResolverMap(entries, value);
        else throw new ConfigRefusedException(value, $"error parsing operator resolver, wrong type {value.TypeName}");
        if (resolver is null) diagnostics.Error(value, ResolverUsage);
        return resolver;
    }

    private static ResolverOptions? ReadResolverText(string text, ConfigValue value)
    {
        if (MemoryResolver().IsMatch(text)) return new ResolverOptions { Kind = ResolverKind.Memory };
        var match = UrlResolver().Match(text);
        if (!match.Success) return null;
        var url = match.Groups[1].Value;
        return UrlText.Parse(url, out _) is null
            ? new ResolverOptions { Kind = ResolverKind.Url, Url = url.EndsWith('/') ? url : url + "/" }
            : throw new ConfigRefusedException(value, $"error parsing account resolver url [{UrlText.Quote(url)}]");
    }

    private ResolverOptions? ReadResolverMap(IReadOnlyDictionary<string, ConfigValue> entries, ConfigValue value)
    {
        T Get<T>(string key, Func<ConfigValue, T> read, T absent) => entries.TryGetValue(key, out var entry) ? read(entry) : absent;

        TimeSpan GetDuration(string key) => Get(key, entry => DurationText.Parse(entry.AsString(), out var duration) is { } error
            ? throw new ConfigRefusedException(value, error)
            : duration, TimeSpan.Zero);

        var resolver = new ResolverOptions
        {
            Kind = ResolverKind.Memory,
            Directory = Get("dir", entry => entry.AsString(), ""),
            AllowDelete = Get("allow_delete", entry => entry.AsBoolean(), false),
            HardDelete = Get("hard_delete", entry => entry.AsBoolean(), false),
            Limit = Get("limit", entry => entry.AsInteger(), 0),
            TimeToLive = GetDuration("ttl"),
            SyncInterval = GetDuration("interval"),
            FetchTimeout = GetDuration("timeout"),
        };
        var hasHardDelete = entries.ContainsKey("hard_delete");
        switch (Get("type", entry => entry.AsString(), "").ToUpperInvariant())
        {
            case "MEM" or "MEMORY":
                return resolver;
            case "CACHE":
                CheckDirectory(resolver, value);
                if (resolver.SyncInterval != TimeSpan.Zero) diagnostics.Error(value, "CACHE does not accept sync");
                if (resolver.AllowDelete) diagnostics.Error(value, "CACHE does not accept allow_delete");
                if (hasHardDelete) diagnostics.Error(value, "CACHE does not accept hard_delete");
                return resolver with { Kind = ResolverKind.Cache };
            case "FULL":
                CheckDirectory(resolver, value);
                if (resolver.TimeToLive != TimeSpan.Zero) diagnostics.Error(value, "FULL does not accept ttl");
                if (hasHardDelete && !resolver.AllowDelete) diagnostics.Error(value, "hard_delete has no effect without delete");
                return resolver with { Kind = ResolverKind.Full };
            default:
                return null;
        }
    }

    private void CheckDirectory(ResolverOptions resolver, ConfigValue value)
    {
        if (string.IsNullOrEmpty(resolver.Directory)) diagnostics.Error(value, "dir has no value and needs to point to a directory");
        else if (File.Exists(resolver.Directory)) diagnostics.Error(value, "dir needs to point to an accessible directory");
    }

    [GeneratedRegex(@"(MEM|MEMORY)\s*", RegexOptions.IgnoreCase)]
    private static partial Regex MemoryResolver();

    [GeneratedRegex(@"URL(?:\(\s*""?([^\s""]*)""?\s*\))?\s*", RegexOptions.IgnoreCase)]
    private static partial Regex UrlResolver();
}
