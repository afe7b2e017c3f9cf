using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>What is used and what may be, of a tier or altogether. Names and order are upstream's.</summary>
public record AccountTierUsage
{
    /// <summary>Bytes.</summary>
    [JsonPropertyName("memory"), JsonPropertyOrder(10)] public ulong Memory { get; init; }

    /// <summary>Bytes.</summary>
    [JsonPropertyName("storage"), JsonPropertyOrder(11)] public ulong Storage { get; init; }

    /// <summary>Bytes promised to streams with a maximum size.</summary>
    [JsonPropertyName("reserved_memory"), JsonPropertyOrder(12)] public ulong ReservedMemory { get; init; }

    /// <summary>Bytes promised to streams with a maximum size.</summary>
    [JsonPropertyName("reserved_storage"), JsonPropertyOrder(13)] public ulong ReservedStorage { get; init; }

    [JsonPropertyName("streams"), JsonPropertyOrder(14)] public long Streams { get; init; }

    [JsonPropertyName("consumers"), JsonPropertyOrder(15)] public long Consumers { get; init; }

    [JsonPropertyName("limits"), JsonPropertyOrder(16)] public AccountLimits Limits { get; init; } = new();
}

/// <summary>A successful <c>$JS.API.INFO</c>.</summary>
public sealed record AccountInfoResponse : AccountTierUsage
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.AccountInfo;

    [JsonPropertyName("domain"), JsonPropertyOrder(20)] public string? Domain { get; init; }

    [JsonPropertyName("api"), JsonPropertyOrder(21)] public ApiUsage Api { get; init; } = new();

    /// <summary>By name of the tier; null: the account has none.</summary>
    [JsonPropertyName("tiers"), JsonPropertyOrder(22)] public IReadOnlyDictionary<string, AccountTierUsage>? Tiers { get; init; }
}

/// <summary>Requests of an account since the start.</summary>
public sealed record ApiUsage
{
    [JsonPropertyName("level"), JsonPropertyOrder(1)] public int Level { get; init; } = ApiLevel.Current;

    [JsonPropertyName("total"), JsonPropertyOrder(2)] public ulong Total { get; init; }

    [JsonPropertyName("errors"), JsonPropertyOrder(3)] public ulong Errors { get; init; }

    /// <summary>Being served right now.</summary>
    [JsonPropertyName("inflight"), JsonPropertyOrder(4), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Inflight { get; init; }
}

/// <summary>A successful <c>$JS.API.ACCOUNT.PURGE</c>.</summary>
public sealed record AccountPurgeResponse
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.AccountPurge;

    [JsonPropertyName("initiated"), JsonPropertyOrder(2)] public bool Initiated => true;
}
