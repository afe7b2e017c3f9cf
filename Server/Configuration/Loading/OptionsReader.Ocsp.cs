using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>OCSP: staples, checks of peers, the cache of both.</summary>
internal sealed partial class OptionsReader
{
    private OcspOptions ReadOcsp(ConfigValue block)
    {
        if (block.Is<bool>(out var isOn)) return new OcspOptions(isOn ? "auto" : "never", []);
        ExpectMap(block, type => $"error parsing ocsp config: unsupported type {type}");
        return FoldUnguarded(block, new OcspOptions("auto", []), (ocsp, key, value) => key switch
        {
            "mode" => ocsp with { Mode = ReadOcspMode(value) },
            "urls" => throw new ConfigTypeException(value, $"interface conversion: interface {{}} is {value.TypeName}, not []string"),
            "url" => ocsp with { OverrideUrls = [value.AsString()] },
            _ => throw new ConfigRefusedException(value, "error parsing ocsp config: unsupported field string"),
        });
    }

    private string ReadOcspMode(ConfigValue value)
    {
        var mode = value.AsString().ToLowerInvariant();
        if (mode is "always" or "must" or "never" or "auto") return mode;
        diagnostics.Error(value, "error parsing ocsp config: unsupported ocsp mode string");
        return "auto";
    }

    private static OcspPeerOptions ReadOcspPeer(ConfigValue block)
    {
        if (block.Is<bool>(out var isOn)) return new OcspPeerOptions { Verify = isOn };
        ExpectMap(block, _ => "error parsing ocsp peer config: unsupported type map[string]interface {}");
        return FoldUnguarded(block, new OcspPeerOptions(), (peer, key, value) => key switch
        {
            "verify" => peer with { Verify = ReadPeerFlag(key, value) },
            "allowed_clockskew" => ReadPeerTime(value) is var time && time >= TimeSpan.Zero ? peer with { ClockSkew = time } : peer,
            "ca_timeout" => ReadPeerTime(value) is var time && time >= TimeSpan.Zero ? peer with { Timeout = time } : peer,
            "cache_ttl_when_next_update_unset" =>
                ReadPeerTime(value) is var time && time >= TimeSpan.Zero ? peer with { TtlWithoutNextUpdate = time } : peer,
            "warn_only" => peer with { WarnOnly = ReadPeerFlag(key, value) },
            "unknown_is_good" => peer with { UnknownIsGood = ReadPeerFlag(key, value) },
            "allow_when_ca_unreachable" => peer with { AllowWhenCaUnreachable = ReadPeerFlag(key, value) },
            _ => throw UnknownPeerField(key, value),
        });
    }

    // Upstream reports a problem below ocsp_peer with both places: the field's inside the message.
    private static ConfigRefusedException UnknownPeerField(string key, ConfigValue value) =>
        new(value, $"{value.Source}: error parsing tls peer config, unknown field [{QuotedText.Quote(key)}]");

    private static bool ReadPeerFlag(string key, ConfigValue value) => value.Is<bool>(out var flag) ? flag : throw UnknownPeerField(key, value);

    private static TimeSpan ReadPeerTime(ConfigValue value)
    {
        const string prefix = "error parsing tls peer config, conversion error: ";
        var isKnownType = value.Is<string>(out _) || value.Is<long>(out _) || value.Is<double>(out _);
        return isKnownType ? ReadTimeout(value, "", error => prefix + error) : throw new ConfigRefusedException(value, prefix + "unexpected type");
    }

    private static OcspCacheOptions ReadOcspCache(ConfigValue block)
    {
        if (block.Is<bool>(out var isOn)) return new OcspCacheOptions { Type = isOn ? "local" : "none" };
        ExpectMap(block, type => $"error parsing tags: unsupported type {type}");
        return FoldUnguarded(block, new OcspCacheOptions(), (cache, key, value) => key switch
        {
            "type" when value.Is<string>(out _) => cache with { Type = ReadCacheType(value) },
            "local_store" when value.Is<string>(out var store) => cache with { LocalStore = store },
            "preserve_revoked" when value.Is<bool>(out var preserves) => cache with { PreserveRevoked = preserves },
            "save_interval" => cache with { SaveInterval = ReadSaveInterval(value) },
            _ => throw new ConfigRefusedException(value, $"error parsing OCSP peer cache config, unknown field [{QuotedText.Quote(key)}]"),
        });
    }

    private static string ReadCacheType(ConfigValue value) => value.AsString().ToLowerInvariant() is ("none" or "local") and var type
        ? type
        : throw new ConfigRefusedException(value, $"error parsing OCSP peer cache config, unknown type [{value.AsString()}]");

    private static TimeSpan ReadSaveInterval(ConfigValue value)
    {
        var isKnownType = value.Is<string>(out _) || value.Is<long>(out _) || value.Is<double>(out _);
        if (!isKnownType) throw new ConfigRefusedException(value, "error parsing OCSP peer cache config, conversion error: unexpected type");
        var interval = ReadTimeout(value, "", error => $"error parsing tls peer config, conversion error: {error}");
        return interval < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(Math.Truncate(interval.TotalSeconds));
    }
}
