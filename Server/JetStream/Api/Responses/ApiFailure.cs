using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>
/// An answer that says why not. Some answers have fields that are there whatever happened; clients that read them
/// without looking at the error first find what upstream writes.
/// </summary>
public sealed record ApiFailure
{
    private ApiFailure(string type, ApiError error)
    {
        Type = type;
        Error = error;
    }

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type { get; }

    [JsonPropertyName("error"), JsonPropertyOrder(1)] public ApiError Error { get; }

    [JsonPropertyName("total"), JsonPropertyOrder(2)] public long? Total { get; private init; }

    [JsonPropertyName("offset"), JsonPropertyOrder(3)] public long? Offset { get; private init; }

    [JsonPropertyName("limit"), JsonPropertyOrder(4)] public long? Limit { get; private init; }

    [JsonPropertyName("purged"), JsonPropertyOrder(5)] public long? Purged { get; private init; }

    [JsonPropertyName("deliver_subject"), JsonPropertyOrder(6)] public string? DeliverSubject { get; private init; }

    [JsonPropertyName("paused"), JsonPropertyOrder(7)] public bool? Paused { get; private init; }

    [JsonPropertyName("pause_until"), JsonPropertyOrder(8)] public ApiTime? PauseUntil { get; private init; }

    [JsonPropertyName("reset_seq"), JsonPropertyOrder(9)] public ulong? ResetSequence { get; private init; }

    /// <summary>The failing answer of a type.</summary>
    /// <param name="type">One of <see cref="ResponseTypes"/>.</param>
    /// <param name="error">Why.</param>
    public static object Of(string type, ApiError error) => type switch
    {
        ResponseTypes.StreamInfo => new ApiFailure(type, error) { Total = 0, Offset = 0, Limit = 0 },
        ResponseTypes.StreamNames => new StreamsFailure(type, error, null),
        ResponseTypes.StreamList => new StreamsFailure(type, error, []),
        ResponseTypes.ConsumerNames or ResponseTypes.ConsumerList => new ConsumersFailure(type, error),
        ResponseTypes.StreamPurge => new ApiFailure(type, error) { Purged = 0 },
        ResponseTypes.ConsumerPause => new ApiFailure(type, error) { Paused = false, PauseUntil = default(ApiTime) },
        ResponseTypes.ConsumerReset => new ApiFailure(type, error) { ResetSequence = 0 },
        ResponseTypes.StreamRestore => new ApiFailure(type, error) { DeliverSubject = "" },
        _ => new ApiFailure(type, error),
    };
}

/// <summary>A page of streams that is not there.</summary>
public sealed record StreamsFailure(
    [property: JsonPropertyName("type"), JsonPropertyOrder(0)] string Type,
    [property: JsonPropertyName("error"), JsonPropertyOrder(1)] ApiError Error,
    [property: JsonPropertyName("streams"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyList<string>? Streams)
    : PagedResponse;

/// <summary>A page of consumers that is not there.</summary>
public sealed record ConsumersFailure(
    [property: JsonPropertyName("type"), JsonPropertyOrder(0)] string Type,
    [property: JsonPropertyName("error"), JsonPropertyOrder(1)] ApiError Error) : PagedResponse
{
    [JsonPropertyName("consumers"), JsonPropertyOrder(5)] public IReadOnlyList<string> Consumers => [];
}
