using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>JetStream of an account.</summary>
internal sealed partial class OptionsReader
{
    private AccountJetStreamOptions? ReadAccountJetStream(ConfigValue block)
    {
        if (ReadSwitch(block, isPlaceKnown: false) is { } isOn) return isOn ? new AccountJetStreamOptions() : null;
        return FoldUnguarded(block, new AccountJetStreamOptions(), (limits, key, value) => key switch
        {
            "max_memory" or "max_mem" or "mem" or "memory" => limits with { MaxMemory = ReadSize(key, value) },
            "max_store" or "max_file" or "max_disk" or "store" or "disk" => limits with { MaxStore = ReadSize(key, value) },
            "max_streams" or "streams" => limits with { MaxStreams = ReadSize(key, value) },
            "max_consumers" or "consumers" => limits with { MaxConsumers = ReadSize(key, value) },
            "max_bytes_required" or "max_stream_bytes" or "max_bytes" => limits with { MaxBytesRequired = ReadFlag(key, value) },
            "mem_max_stream_bytes" or "memory_max_stream_bytes" => limits with { MemoryMaxStreamBytes = ReadSize(key, value) },
            "disk_max_stream_bytes" or "store_max_stream_bytes" => limits with { StoreMaxStreamBytes = ReadSize(key, value) },
            "max_ack_pending" => limits with { MaxAckPending = ReadSize(key, value) },
            "cluster_traffic" => limits with { OwnsClusterTraffic = ReadClusterTraffic(key, value) },
            _ => Unknown(limits, block, value),
        });
    }

    private static long ReadSize(string key, ConfigValue value) => ReadCount("a parseable size", key, value);

    private static bool ReadFlag(string key, ConfigValue value) => value.Is<bool>(out var flag)
        ? flag
        : throw new ConfigRefusedException(value, $"Expected a parseable bool for {QuotedText.Quote(key)}, got {value}");

    private static bool ReadClusterTraffic(string key, ConfigValue value)
    {
        if (!value.Is<string>(out var owner))
        {
            throw new ConfigRefusedException(value, $"Expected either 'system' or 'owner' string value for {QuotedText.Quote(key)}, got {value}");
        }
        return owner switch
        {
            "system" or "" => false,
            "owner" => true,
            _ => throw new ConfigRefusedException(value, $"Expected 'system' or 'owner' string value for {QuotedText.Quote(key)}, got {value}"),
        };
    }
}
