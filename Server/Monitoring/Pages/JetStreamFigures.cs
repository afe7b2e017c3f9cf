using System.Text.Json.Serialization;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>How JetStream is configured; zeros when it is off.</summary>
public sealed record JetStreamConfig
{
    /// <summary>Upstream's when nothing is configured, in nanoseconds. Acknowledgements wait for the disk then, so it is only told.</summary>
    private const long DefaultSyncInterval = 120_000_000_000;

    /// <summary>Bytes of streams in memory.</summary>
    [JsonPropertyName("max_memory")] public long MaxMemory { get; init; }

    /// <summary>Bytes of streams on the disk.</summary>
    [JsonPropertyName("max_storage")] public long MaxStorage { get; init; }

    [JsonPropertyName("store_dir")] public string? StoreDirectory { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("sync_interval"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long SyncInterval { get; init; }

    /// <summary>What is acknowledged is on the disk.</summary>
    [JsonPropertyName("sync_always"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool SyncAlways { get; init; }

    [JsonPropertyName("domain")] public string? Domain { get; init; }
    [JsonPropertyName("compress_ok"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool CompressOk { get; init; }
    [JsonPropertyName("unique_tag")] public string? UniqueTag { get; init; }
    [JsonPropertyName("strict"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Strict { get; init; }

    internal static JetStreamConfig Of(JetStreamEngine engine, JetStreamOptions options)
    {
        return new JetStreamConfig
        {
            MaxMemory = engine.MaxMemory,
            MaxStorage = engine.MaxStore,
            StoreDirectory = engine.StoreDirectory,
            SyncInterval = options.SyncInterval is { } interval ? (long)interval.TotalNanoseconds : DefaultSyncInterval,
            SyncAlways = options.SyncAlways || options.SyncInterval is null,
            Domain = engine.Domain,
            CompressOk = true,
            UniqueTag = options.UniqueTag,
            Strict = options.Strict,
        };
    }
}

/// <summary>Limits of the whole server; those that are not configured are not shown.</summary>
public sealed record JetStreamLimits
{
    [JsonPropertyName("max_request_batch"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxRequestBatch { get; init; }
    [JsonPropertyName("max_ack_pending"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxAckPending { get; init; }
    [JsonPropertyName("max_ha_assets"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxHighlyAvailableAssets { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("max_duplicate_window"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long DuplicateWindow { get; init; }

    [JsonPropertyName("max_batch_inflight_per_stream"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxBatchInflightPerStream { get; init; }
    [JsonPropertyName("max_batch_inflight_total"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxBatchInflightTotal { get; init; }
    [JsonPropertyName("max_batch_size"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxBatchSize { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("max_batch_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long BatchTimeout { get; init; }

    internal static JetStreamLimits Of(JetStreamLimitOptions options)
    {
        return new JetStreamLimits
        {
            MaxRequestBatch = options.MaxRequestBatch,
            MaxAckPending = options.MaxAckPending,
            MaxHighlyAvailableAssets = options.MaxHighlyAvailableAssets,
            DuplicateWindow = (long)options.DuplicateWindow.TotalNanoseconds,
            MaxBatchInflightPerStream = options.MaxBatchInflightPerStream,
            MaxBatchInflightTotal = options.MaxBatchInflightTotal,
            MaxBatchSize = options.MaxBatchSize,
            BatchTimeout = (long)options.BatchTimeout.TotalNanoseconds,
        };
    }
}

/// <summary>What JetStream holds and has been asked.</summary>
public record JetStreamStatistics
{
    /// <summary>Bytes.</summary>
    [JsonPropertyName("memory"), JsonPropertyOrder(-10)] public ulong Memory { get; init; }

    /// <summary>Bytes.</summary>
    [JsonPropertyName("storage"), JsonPropertyOrder(-9)] public ulong Storage { get; init; }

    /// <summary>Bytes promised to streams; of an account what it may use, 2^64-1: anything.</summary>
    [JsonPropertyName("reserved_memory"), JsonPropertyOrder(-8)] public ulong ReservedMemory { get; init; }

    /// <summary>Bytes promised to streams; of an account what it may use, 2^64-1: anything.</summary>
    [JsonPropertyName("reserved_storage"), JsonPropertyOrder(-7)] public ulong ReservedStorage { get; init; }

    [JsonPropertyName("accounts"), JsonPropertyOrder(-6)] public int Accounts { get; init; }
    [JsonPropertyName("ha_assets"), JsonPropertyOrder(-5)] public int HighlyAvailableAssets { get; init; }
    [JsonPropertyName("api"), JsonPropertyOrder(-4)] public JszApi Api { get; init; } = new(0, 0, 0);

    internal static JetStreamStatistics Of(JetStreamService service)
    {
        var accounts = service.Engine.Accounts;
        var reserved = service.Engine.Reservations;
        var requests = service.Requests;
        return new JetStreamStatistics
        {
            Memory = accounts.Values.Aggregate(0UL, (sum, account) => sum + account.Used(StorageType.Memory)),
            Storage = accounts.Values.Aggregate(0UL, (sum, account) => sum + account.Used(StorageType.File)),
            ReservedMemory = (ulong)reserved.ReservedMemory,
            ReservedStorage = (ulong)reserved.ReservedStorage,
            Accounts = accounts.Count,
            Api = new JszApi(requests.Level, requests.Total, requests.Errors),
        };
    }
}

/// <summary>Requests to JetStream.</summary>
public sealed record JszApi(
    [property: JsonPropertyName("level")] int Level,
    [property: JsonPropertyName("total")] ulong Total,
    [property: JsonPropertyName("errors")] ulong Errors);

/// <summary>The jetstream block of /varz and of a server's statistics; empty without JetStream.</summary>
public sealed record JetStreamVarz
{
    [JsonPropertyName("config")] public JetStreamConfig? Config { get; init; }
    [JsonPropertyName("stats")] public JetStreamStatistics? Statistics { get; init; }

    /// <summary>Null: the server stands alone.</summary>
    [JsonPropertyName("meta")] public MetaCluster? Meta { get; init; }
    [JsonPropertyName("limits")] public JetStreamLimits? Limits { get; init; }

    /// <summary>Null: JetStream does not run.</summary>
    internal static JetStreamVarz? Of(MonitoringSource source)
    {
        if (source.JetStream() is not { } service) return null;
        return new JetStreamVarz
        {
            Config = JetStreamConfig.Of(service.Engine, source.Options.JetStream),
            Statistics = JetStreamStatistics.Of(service),
            Meta = MetaCluster.Of(service),
            Limits = JetStreamLimits.Of(source.Options.JetStream.Limits),
        };
    }
}
