using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /jsz is to show; keys are those of a request to the system account.</summary>
public sealed record JszOptions
{
    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("accounts")] public bool Accounts { get; init; }
    [JsonPropertyName("streams")] public bool Streams { get; init; }
    [JsonPropertyName("consumer")] public bool Consumer { get; init; }
    [JsonPropertyName("direct_consumer")] public bool DirectConsumer { get; init; }
    [JsonPropertyName("config")] public bool Config { get; init; }

    /// <summary>Only the leader of the meta group answers.</summary>
    [JsonPropertyName("leader_only")] public bool LeaderOnly { get; init; }

    [JsonPropertyName("offset")] public long Offset { get; init; }
    [JsonPropertyName("limit")] public long Limit { get; init; }
    [JsonPropertyName("raft")] public bool Raft { get; init; }
    [JsonPropertyName("stream_leader_only")] public bool StreamLeaderOnly { get; init; }
}

/// <summary>/jsz of a server without JetStream. Keys are upstream's.</summary>
public sealed record Jsz
{
    [JsonPropertyName("memory")] public long Memory { get; init; }
    [JsonPropertyName("storage")] public long Storage { get; init; }
    [JsonPropertyName("reserved_memory")] public long ReservedMemory { get; init; }
    [JsonPropertyName("reserved_storage")] public long ReservedStorage { get; init; }
    [JsonPropertyName("accounts")] public int Accounts { get; init; }
    [JsonPropertyName("ha_assets")] public int HighlyAvailableAssets { get; init; }
    [JsonPropertyName("api")] public JszApi Api { get; init; } = new(0, 0, 0);
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("disabled"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Disabled { get; init; }
    [JsonPropertyName("config")] public JszConfig Config { get; init; } = new(0, 0);
    [JsonPropertyName("streams")] public int Streams { get; init; }
    [JsonPropertyName("consumers")] public int Consumers { get; init; }
    [JsonPropertyName("messages")] public long Messages { get; init; }
    [JsonPropertyName("bytes")] public long Bytes { get; init; }
    [JsonPropertyName("total")] public int Total { get; init; }

    /// <summary>The state of this moment.</summary>
    /// <exception cref="MonitoringException">Only a leader is to answer.</exception>
    public static Jsz Collect(MonitoringSource source, JszOptions? options = null) => options is { LeaderOnly: true }
        ? throw new MonitoringException("filtered response: not leader")
        : new Jsz { ServerId = source.ServerId, Now = MonitoringSource.Now, Disabled = true };
}

/// <summary>Requests to JetStream.</summary>
public sealed record JszApi(
    [property: JsonPropertyName("level")] int Level,
    [property: JsonPropertyName("total")] long Total,
    [property: JsonPropertyName("errors")] long Errors);

/// <summary>Limits of JetStream.</summary>
public sealed record JszConfig(
    [property: JsonPropertyName("max_memory")] long MaxMemory,
    [property: JsonPropertyName("max_storage")] long MaxStorage);
