using System.Globalization;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>JetStream of the server.</summary>
internal sealed partial class OptionsReader
{
    private const int MinConcurrentIo = 4;
    private const int MaxConcurrentIo = 8192;

    private ServerOptions ReadJetStream(ServerOptions options, ConfigValue block)
    {
        if (ReadSwitch(block, isPlaceKnown: true) is { } isOn) return options with { JetStream = options.JetStream with { Enabled = isOn } };
        return FoldUnguarded(block, options with { JetStream = options.JetStream with { Enabled = true } }, (read, key, value) => key switch
        {
            "store" or "store_dir" or "storedir" => read with { StoreDirectory = ReadStoreDirectory(read, value) },
            _ => read with { JetStream = ReadJetStreamEntry(read.JetStream, block, key, value) },
        });
    }

    /// <summary>A boolean or a word for one; null for a map.</summary>
    private static bool? ReadSwitch(ConfigValue value, bool isPlaceKnown)
    {
        if (value.Is<bool>(out var isOn)) return isOn;
        if (value.Is<IReadOnlyDictionary<string, ConfigValue>>(out _)) return null;
        string error;
        if (value.Is<string>(out var word))
        {
            switch (word.ToLowerInvariant())
            {
                case "enabled" or "enable":
                    return true;
                case "disabled" or "disable":
                    return false;
            }
            error = $"Expected 'enabled' or 'disabled' for string value, got '{word}'";
        }
        else
        {
            error = $"Expected map, bool or string to define JetStream, got {value.TypeName}";
        }
        throw isPlaceKnown ? new ConfigRefusedException(value, error) : new ConfigRefusedException(error);
    }

    private static string ReadStoreDirectory(ServerOptions options, ConfigValue value) => string.IsNullOrEmpty(options.StoreDirectory)
        ? value.AsString()
        : throw new ConfigRefusedException(value, "Duplicate 'store_dir' configuration");

    private JetStreamOptions ReadJetStreamEntry(JetStreamOptions jetStream, ConfigValue block, string key, ConfigValue value) => key switch
    {
        "strict" => jetStream with { Strict = ReadStrict(value) },
        "sync" or "sync_interval" => WithSync(jetStream, key, value),
        "max_memory_store" or "max_mem_store" or "max_mem" => jetStream with { MaxMemory = ReadStorageSize("max_mem_store", value) },
        "max_file_store" or "max_file" => jetStream with { MaxStore = ReadStorageSize("max_file_store", value) },
        "domain" => jetStream with { Domain = value.AsString() },
        "enable" or "enabled" => jetStream with { Enabled = value.AsBoolean() },
        "key" or "ek" or "encryption_key" => jetStream with { EncryptionKey = value.AsString() },
        "prev_key" or "prev_ek" or "prev_encryption_key" => jetStream with { PreviousEncryptionKey = value.AsString() },
        "cipher" => jetStream with { Cipher = ReadCipher(value) },
        "extension_hint" => jetStream with { ExtensionHint = value.AsString().ToLowerInvariant() },
        "limits" => jetStream with { Limits = ReadJetStreamLimits(value) },
        "tpm" => ReadTpm(jetStream, value),
        "unique_tag" => jetStream with { UniqueTag = NormalizeTag(value.AsString()) },
        "max_outstanding_catchup" => jetStream with { MaxOutstandingCatchup = ReadStorageSize(key, value) },
        "max_buffered_size" => jetStream with { MaxBufferedSize = ReadStorageSize(key, value) },
        "max_buffered_msgs" => jetStream with { MaxBufferedMessages = ReadCount("a parseable size", key, value) },
        "request_queue_limit" => jetStream with { RequestQueueLimit = ReadCount("a parseable size", key, value) },
        "info_queue_limit" => jetStream with { InfoQueueLimit = ReadCount("a parseable size", key, value) },
        "meta_compact" => jetStream with { MetaCompact = ReadCount("an absolute size", key, value, 0) },
        "meta_compact_size" => jetStream with { MetaCompactSize = ReadMetaCompactSize(key, value) },
        "meta_compact_sync" => jetStream with { MetaCompactSync = value.AsBoolean() },
        "max_concurrent_io" => jetStream with { MaxConcurrentIo = ReadConcurrentIo(key, value) },
        _ => Unknown(jetStream, block, value),
    };

    private static bool ReadStrict(ConfigValue value) => value.Is<bool>(out var isStrict)
        ? isStrict
        : throw new ConfigRefusedException(value, $"Expected 'true' or 'false' for bool value, got '{value}'");

    private JetStreamOptions WithSync(JetStreamOptions jetStream, string key, ConfigValue value)
    {
        var isAlways = value.Is<string>(out var word) && word.Equals("always", StringComparison.OrdinalIgnoreCase);
        return isAlways
            ? jetStream with { SyncAlways = true, SyncInterval = TimeSpan.FromMinutes(2) }
            : jetStream with { SyncInterval = ReadDuration(key, value) };
    }

    /// <summary>Bytes, or digits with K, M, G or T.</summary>
    private static long ReadStorageSize(string field, ConfigValue value)
    {
        if (value.Is<long>(out var bytes)) return bytes;
        if (!value.Is<string>(out var text)) throw new ConfigRefusedException(value, $"{field} must be int64 or string");
        if (text.Length == 0) return 0;
        var digits = text[..^1];
        if (!long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            throw new ConfigRefusedException(value, $"{field} strconv.ParseInt: parsing {QuotedText.Quote(digits)}: invalid syntax");
        }
        var power = "KMGT".IndexOf(text[^1]);
        return power < 0
            ? throw new ConfigRefusedException(value, $"{field} sizes defined as strings must end in K, M, G, T")
            : number << (10 * (power + 1));
    }

    private static long ReadMetaCompactSize(string key, ConfigValue value) => ReadStorageSize(key, value) is >= 0 and var size
        ? size
        : throw new ConfigRefusedException(value, $"Expected an absolute size for {QuotedText.Quote(key)}, got {value}");

    private static long ReadCount(string what, string key, ConfigValue value, long minimum = long.MinValue) =>
        value.Is<long>(out var count) && count >= minimum
            ? count
            : throw new ConfigRefusedException(value, $"Expected {what} for {QuotedText.Quote(key)}, got {value}");

    private static int ReadConcurrentIo(string key, ConfigValue value) =>
        value.Is<long>(out var count) && count is >= MinConcurrentIo and <= MaxConcurrentIo
            ? (int)count
            : throw new ConfigRefusedException(value, $"Expected an absolute size for {QuotedText.Quote(key)} between 4 and 8192, got {value}");

    private static JetStreamCipher ReadCipher(ConfigValue value) => value.AsString().ToLowerInvariant() switch
    {
        "chacha" or "chachapoly" => JetStreamCipher.ChaCha,
        "aes" => JetStreamCipher.Aes,
        _ => throw new ConfigRefusedException(value, $"Unknown cipher type: {QuotedText.Quote(value.AsString())}"),
    };

    private JetStreamLimitOptions ReadJetStreamLimits(ConfigValue block)
    {
        ExpectMap(block, type => $"Expected a map to define JetStreamLimits, got {type}");
        return FoldUnguarded(block, new JetStreamLimitOptions(), (limits, key, value) => key switch
        {
            "max_ack_pending" => limits with { MaxAckPending = value.AsInteger() },
            "max_ha_assets" => limits with { MaxHighlyAvailableAssets = value.AsInteger() },
            "max_request_batch" => limits with { MaxRequestBatch = value.AsInteger() },
            "duplicate_window" => limits with { DuplicateWindow = ReadBareDuration(value) },
            "batch" => ReadBatchLimits(limits, value),
            _ => Unknown(limits, block, value),
        });
    }

    private JetStreamLimitOptions ReadBatchLimits(JetStreamLimitOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected a map to define batch limits, got {type}");
        return FoldUnguarded(block, start, (limits, key, value) => key switch
        {
            "max_inflight_per_stream" => limits with { MaxBatchInflightPerStream = value.AsInteger() },
            "max_inflight_total" => limits with { MaxBatchInflightTotal = value.AsInteger() },
            "max_msgs" => limits with { MaxBatchSize = value.AsInteger() },
            "timeout" => limits with { BatchTimeout = ReadBareDuration(value) },
            _ => Unknown(limits, block, value),
        });
    }

    /// <summary>A duration whose errors upstream reports without a place.</summary>
    private TimeSpan ReadBareDuration(ConfigValue value)
    {
        if (DurationText.Parse(value.AsString(), out var duration) is { } error) diagnostics.Error(error);
        return duration;
    }

    private JetStreamOptions ReadTpm(JetStreamOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected a map to define JetStreamLimits, got {type}");
        return FoldUnguarded(block, start with { Tpm = new TpmOptions() }, (jetStream, key, value) => key switch
        {
            "keys_file" => jetStream with { Tpm = jetStream.Tpm! with { KeysFile = value.AsString() } },
            "encryption_password" => jetStream with { Tpm = jetStream.Tpm! with { EncryptionPassword = value.AsString() } },
            "srk_password" => jetStream with { Tpm = jetStream.Tpm! with { SrkPassword = value.AsString() } },
            "pcr" => jetStream with { Tpm = jetStream.Tpm! with { Pcr = value.AsInteger() } },
            "cipher" => jetStream with { Cipher = ReadCipher(value) },
            _ => Unknown(jetStream, block, value),
        });
    }

    private static Dictionary<string, string> ReadDefaultDomains(ConfigValue value) =>
        value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries)
            ? entries.ToDictionary(entry => entry.Key, entry => entry.Value.AsString())
            : throw new ConfigRefusedException(value, $"error default_js_domain config: unsupported type {value.TypeName}");
}
