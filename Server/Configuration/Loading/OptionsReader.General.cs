using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Single values at the top level.</summary>
internal sealed partial class OptionsReader
{
    private ServerOptions? ReadGeneral(ServerOptions options, string key, ConfigValue value)
    {
        switch (key)
        {
            case "listen":
                var (host, port) = ReadListen(value);
                return options with { Host = host, Port = port };
            case "port":
                return options with { Port = ToInt(value) };
            case "host" or "net":
                return options with { Host = value.AsString() };
            case "client_advertise":
                return options with { ClientAdvertise = value.AsString() };
            case "server_name":
                if (value.AsString().Contains(' ')) throw new ConfigRefusedException(value, "server name cannot contain spaces");
                return options with { ServerName = value.AsString() };
            case "pidfile" or "pid_file":
                return options with { PidFile = value.AsString() };
            case "ports_file_dir":
                return options with { PortsFileDirectory = value.AsString() };
            case "lame_duck_duration":
                return options with { LameDuckDuration = ReadLameDuckDuration(value) };
            case "lame_duck_grace_period":
                return options with { LameDuckGracePeriod = ReadLameDuckGracePeriod(value) };
            case "server_tags":
                return options with { Tags = [.. options.Tags.Concat(ReadTags(value)).Distinct()] };
            case "server_metadata":
                return options with { Metadata = ReadMetadata(value) };
            case "feature_flags":
                return options with { FeatureFlags = ReadFeatureFlags(value) };
            case "proxy_protocol":
                return options with { ProxyProtocol = value.AsBoolean() };
            default:
                return null;
        }
    }

    private static TimeSpan ReadStrictDuration(string field, ConfigValue value) =>
        DurationText.Parse(value.AsString(), out var duration) is { } error
            ? throw new ConfigRefusedException(value, $"error parsing {field}: {error}")
            : duration;

    private static TimeSpan ReadLameDuckDuration(ConfigValue value)
    {
        var duration = ReadStrictDuration("lame_duck_duration", value);
        return duration >= TimeSpan.FromSeconds(30)
            ? duration
            : throw new ConfigRefusedException(value, $"invalid lame_duck_duration of {DurationText.Format(duration)}, minimum is 30 seconds");
    }

    private static TimeSpan ReadLameDuckGracePeriod(ConfigValue value)
    {
        var period = ReadStrictDuration("lame_duck_grace_period", value);
        return period >= TimeSpan.Zero
            ? period
            : throw new ConfigRefusedException(value, "invalid lame_duck_grace_period, needs to be positive");
    }

    private static List<string> ReadTags(ConfigValue value)
    {
        if (value.Is<string>(out var single)) return [NormalizeTag(single)];
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"error parsing tags: unsupported type {value.TypeName}");
        }
        var tags = new List<string>();
        foreach (var item in items)
        {
            if (!item.Is<string>(out var tag))
            {
                throw new ConfigRefusedException(value, "error parsing tags: unsupported type *conf.token where string is expected");
            }
            tags.Add(NormalizeTag(tag));
        }
        return tags;
    }

    private static string NormalizeTag(string tag) => tag.Trim().ToLowerInvariant();

    private static Dictionary<string, string> ReadMetadata(ConfigValue value)
    {
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(value, $"error parsing metadata: unsupported type {value.TypeName}");
        }
        return entries.ToDictionary(entry => entry.Key, entry => entry.Value.AsString());
    }

    private static Dictionary<string, bool> ReadFeatureFlags(ConfigValue value)
    {
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(value, $"error parsing feature flags: unsupported type {value.TypeName}");
        }
        var flags = new Dictionary<string, bool>();
        foreach (var (name, setting) in entries)
        {
            flags[name] = setting.Is<bool>(out var flag)
                ? flag
                : throw new ConfigRefusedException(setting, $"error parsing feature flag {QuotedText.Quote(name)}: expected bool, got {setting.TypeName}");
        }
        return flags;
    }
}
