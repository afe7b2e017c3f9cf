using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>A successful <c>CONSUMER.CREATE</c> or <c>CONSUMER.DURABLE.CREATE</c>.</summary>
public sealed record ConsumerCreateResponse : ConsumerInfo
{
    /// <summary>An answer of what a consumer is.</summary>
    [SetsRequiredMembers]
    public ConsumerCreateResponse(ConsumerInfo info) : base(info)
    {
    }

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerCreate;
}

/// <summary>A successful <c>CONSUMER.INFO</c>.</summary>
public sealed record ConsumerInfoResponse : ConsumerInfo
{
    /// <summary>An answer of what a consumer is.</summary>
    [SetsRequiredMembers]
    public ConsumerInfoResponse(ConsumerInfo info) : base(info)
    {
    }

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerInfo;
}

/// <summary>A successful <c>CONSUMER.RESET</c>.</summary>
public sealed record ConsumerResetResponse : ConsumerInfo
{
    /// <summary>An answer of what a consumer is then, and where it begins again.</summary>
    [SetsRequiredMembers]
    public ConsumerResetResponse(ConsumerInfo info, ulong sequence) : base(info) => Sequence = sequence;

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerReset;

    /// <summary>Where it begins again.</summary>
    [JsonPropertyName("reset_seq"), JsonPropertyOrder(30)] public ulong Sequence { get; }
}

/// <summary>A successful <c>CONSUMER.PAUSE</c>.</summary>
public sealed record ConsumerPauseResponse
{
    /// <summary>An answer.</summary>
    /// <param name="until">What was asked for.</param>
    /// <param name="now">The present time.</param>
    public ConsumerPauseResponse(ApiTime until, ApiTime now)
    {
        PauseUntil = until.ToUtc();
        Paused = now.CompareTo(PauseUntil) < 0;
        PauseRemaining = Paused ? PauseUntil.UnixNanoseconds - now.UnixNanoseconds : 0;
    }

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerPause;

    [JsonPropertyName("paused"), JsonPropertyOrder(2)] public bool Paused { get; }

    [JsonPropertyName("pause_until"), JsonPropertyOrder(3)] public ApiTime PauseUntil { get; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("pause_remaining"), JsonPropertyOrder(4), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long PauseRemaining { get; }
}

/// <summary>A successful <c>CONSUMER.UNPIN</c>, which has nothing to tell.</summary>
public sealed record ConsumerUnpinResponse
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerUnpin;
}

/// <summary>A successful <c>CONSUMER.NAMES</c>, by name.</summary>
public sealed record ConsumerNamesResponse : PagedResponse
{
    /// <summary>Names of a page.</summary>
    public const int PageSize = 1024;

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerNames;

    [JsonPropertyName("consumers"), JsonPropertyOrder(5)] public IReadOnlyList<string> Consumers { get; init; } = [];

    /// <summary>The page of names that begins at an offset.</summary>
    /// <param name="names">All names in their order.</param>
    /// <param name="offset">Names to leave out.</param>
    public static ConsumerNamesResponse Page(IReadOnlyList<string> names, long offset)
    {
        var page = StreamNamesResponse.PageOf(names, ref offset, PageSize);
        return new ConsumerNamesResponse { Total = names.Count, Offset = offset, Limit = PageSize, Consumers = page };
    }
}

/// <summary>A successful <c>CONSUMER.LIST</c>, by name.</summary>
public sealed record ConsumerListResponse : PagedResponse
{
    /// <summary>Consumers of a page.</summary>
    public const int PageSize = 256;

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.ConsumerList;

    [JsonPropertyName("consumers"), JsonPropertyOrder(5)] public IReadOnlyList<ConsumerInfo> Consumers { get; init; } = [];

    /// <summary>Consumers of the page that could not be asked.</summary>
    [JsonPropertyName("missing"), JsonPropertyOrder(6)] public IReadOnlyList<string>? Missing { get; init; }

    /// <summary>Consumers of the page that do not run, and why.</summary>
    [JsonPropertyName("offline"), JsonPropertyOrder(7)] public IReadOnlyDictionary<string, string>? Offline { get; init; }
}
