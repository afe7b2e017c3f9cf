using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>
/// Makes options of the values of a configuration. Blocks are folded into records entry by entry, in the order
/// of the file. A wrong value is reported and left out; a value of a wrong type ends its block.
/// </summary>
internal sealed partial class OptionsReader(ConfigDiagnostics diagnostics, MappingValidator? validateMapping)
{
    private const string GlobalAccount = "$G";
    private readonly HashSet<string> _userNames = [];

    public ServerOptions Read(IReadOnlyDictionary<string, ConfigValue> entries)
    {
        var options = OptionsBaseline.Empty;
        diagnostics.Guard(() => options = options with { SystemAccount = ReadSystemAccount(entries) });
        foreach (var (key, value) in entries)
        {
            diagnostics.Guard(() => options = ReadTop(options, key, value), value);
        }
        CheckCalloutAccounts(options);
        return options;
    }

    private static string? ReadSystemAccount(IReadOnlyDictionary<string, ConfigValue> entries)
    {
        var value = entries.GetValueOrDefault("system_account") ?? entries.GetValueOrDefault("system");
        if (value is null) return null;
        if (!value.Is<string>(out var name)) throw new ConfigRefusedException(value, "system account name must be a string");
        return name.Length == 0 ? null : name;
    }

    private ServerOptions ReadTop(ServerOptions options, string key, ConfigValue value)
    {
        var name = key.ToLowerInvariant();
        var changed = ReadGeneral(options, name, value)
            ?? ReadLogging(options, name, value)
            ?? ReadMonitoring(options, name, value)
            ?? ReadLimits(options, name, value)
            ?? ReadSecurity(options, name, value)
            ?? ReadBlock(options, name, value)
            ?? ReadOperatorMode(options, name, value);
        if (changed is null) diagnostics.Unknown(key, value);
        return changed ?? options;
    }

    private ServerOptions? ReadBlock(ServerOptions options, string key, ConfigValue value) => key switch
    {
        "accounts" => ReadAccounts(options, value),
        "cluster" => options with { Cluster = ReadCluster(options.Cluster, value) },
        "gateway" => options with { Gateway = ReadGateway(options.Gateway, value) },
        "leaf" or "leafnodes" => options with { LeafNode = ReadLeafNode(options.LeafNode, value) },
        "websocket" or "ws" => options with { WebSocket = ReadWebSocket(options.WebSocket, value) },
        "mqtt" => options with { Mqtt = ReadMqtt(options.Mqtt, value) },
        "jetstream" => ReadJetStream(options, value),
        "store_dir" or "storedir" => options with { StoreDirectory = ReadStoreDirectory(options, value) },
        "mappings" or "maps" => options with { Mappings = ReadMappings(value) },
        "default_js_domain" => options with { DefaultJetStreamDomains = ReadDefaultDomains(value) },
        _ => null,
    };

    /// <summary>Folds the entries of a map; a refused entry is left out, a wrong type ends the map.</summary>
    private T Fold<T>(ConfigValue block, T start, Func<T, string, ConfigValue, T> step)
    {
        diagnostics.Guard(() => FoldUnguarded(block, start, (current, key, value) =>
        {
            diagnostics.GuardRefused(() => start = step(current, key, value));
            return start;
        }));
        return start;
    }

    /// <summary>Folds the entries of a map; any problem is the caller's.</summary>
    private static T FoldUnguarded<T>(ConfigValue block, T start, Func<T, string, ConfigValue, T> step)
    {
        foreach (var (key, value) in block.AsMap()) start = step(start, key.ToLowerInvariant(), value);
        return start;
    }

    private T Unknown<T>(T unchanged, ConfigValue block, ConfigValue value)
    {
        var key = block.AsMap().First(entry => ReferenceEquals(entry.Value, value)).Key;
        diagnostics.Unknown(key, value);
        return unchanged;
    }

    private static IReadOnlyDictionary<string, ConfigValue> ExpectMap(ConfigValue value, Func<string, string> message) =>
        value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var map) ? map : throw new ConfigRefusedException(value, message(value.TypeName));

    private static int ToInt(ConfigValue value) => (int)Math.Clamp(value.AsInteger(), int.MinValue, int.MaxValue);

    private TimeSpan ReadDuration(string field, ConfigValue value)
    {
        if (!value.Is<string>(out var text))
        {
            diagnostics.WarnField(field, value, $"{field} should be converted to a duration");
            return Seconds(value.AsInteger());
        }
        if (DurationText.Parse(text, out var duration) is not { } error) return duration;
        diagnostics.Error(value, $"error parsing {field}: {error}");
        return TimeSpan.Zero;
    }

    private static TimeSpan Seconds(double seconds)
    {
        var limit = TimeSpan.MaxValue.TotalSeconds / 2;
        return TimeSpan.FromSeconds(Math.Clamp(seconds, -limit, limit));
    }

    /// <summary>Seconds as a number, or a duration.</summary>
    private static TimeSpan ReadTimeout(ConfigValue value, string where, Func<string, string>? onError = null)
    {
        if (value.Is<long>(out var whole)) return Seconds(whole);
        if (value.Is<double>(out var seconds)) return Seconds(seconds);
        if (!value.Is<string>(out var text)) throw new ConfigRefusedException(value, $"error parsing {where}, 'timeout' wrong type");
        if (DurationText.Parse(text, out var duration) is { } error)
        {
            throw new ConfigRefusedException(value, onError?.Invoke(error) ?? $"error parsing {where}, 'timeout' {error}");
        }
        return duration;
    }

    private void WarnOfLongTimeout(string key, ConfigValue value, TimeSpan timeout)
    {
        if (timeout <= TimeSpan.FromSeconds(60)) return;
        var seconds = timeout.TotalSeconds.ToString("F6", System.Globalization.CultureInfo.InvariantCulture);
        diagnostics.WarnField(key, value, $"timeout of {value} ({seconds} seconds) is high, consider keeping it under 60 seconds. " +
            "possibly caused by unquoted duration; use '1m' instead of 1m, for example");
    }

    private WriteTimeoutPolicy ReadWriteTimeout(ConfigValue value)
    {
        switch (value.AsString())
        {
            case "default":
                return WriteTimeoutPolicy.Default;
            case "close":
                return WriteTimeoutPolicy.Close;
            case "retry":
                return WriteTimeoutPolicy.Retry;
        }
        diagnostics.Error(value, "write_timeout must be 'default', 'close' or 'retry'");
        return WriteTimeoutPolicy.Default;
    }

    /// <summary>A string or an array of them; what is no string is reported.</summary>
    private List<string> ReadStrings(string field, ConfigValue value)
    {
        if (value.Is<string>(out var single)) return [single];
        var texts = new List<string>();
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            diagnostics.Error(value, $"error parsing {field}: unsupported type {value.TypeName}");
            return texts;
        }
        foreach (var item in items)
        {
            if (item.Is<string>(out var text)) texts.Add(text);
            else diagnostics.Error(item, $"error parsing {field}: unsupported type in array {item.TypeName}");
        }
        return texts;
    }

    /// <summary>A port, or host:port.</summary>
    private static (string Host, int Port) ReadListen(ConfigValue value)
    {
        if (value.Is<long>(out _)) return ("", ToInt(value));
        if (!value.Is<string>(out var text)) throw new ConfigRefusedException(value, $"expected port or host:port, got {value.TypeName}");
        if (!ListenAddress.TrySplit(text, out var host, out var port))
        {
            throw new ConfigRefusedException(value, $"could not parse address string {QuotedText.Quote(text)}");
        }
        const System.Globalization.NumberStyles style = System.Globalization.NumberStyles.AllowLeadingSign;
        return int.TryParse(port, style, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? (host, number)
            : throw new ConfigRefusedException(value, $"could not parse port {QuotedText.Quote(port)}");
    }

    private List<Uri> ReadUrls(string kind, ConfigValue value)
    {
        var urls = new List<Uri>();
        var seen = new HashSet<string>();
        foreach (var item in value.AsArray())
        {
            var text = item.AsString();
            if (!seen.Add(text)) diagnostics.WarnField(UrlText.HideUsers(text), item, $"Duplicate {kind} entry detected");
            else diagnostics.GuardRefused(() => urls.Add(ReadUrl(kind, item)));
        }
        return urls;
    }

    private static Uri ReadUrl(string kind, ConfigValue value)
    {
        var text = value.AsString().Trim();
        return UrlText.Parse(text, out var url) is null
            ? url!
            : throw new ConfigRefusedException(value, $"error parsing {kind} url [{UrlText.Quote(text)}]");
    }
}
