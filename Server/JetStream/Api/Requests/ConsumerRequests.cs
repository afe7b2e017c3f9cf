using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>CONSUMER.NAMES</c> and <c>CONSUMER.LIST</c>. The payload is optional.</summary>
public sealed record ConsumerListRequest : IApiRequest<ConsumerListRequest>
{
    /// <summary>Consumers to leave out, in order of their names; not negative.</summary>
    public long Offset { get; init; }

    static ConsumerListRequest IApiRequest<ConsumerListRequest>.Read(ref ApiReader reader, ConsumerListRequest request)
    {
        if (!reader.Enter("JSApiConsumersRequest", "ApiPagedRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "offset") request = request with { Offset = Math.Max(0, reader.Long(request.Offset, "int")) };
            else reader.Unknown();
        }
        return request;
    }
}

/// <summary><c>CONSUMER.PAUSE</c>. The payload is optional: without it the consumer goes on.</summary>
public sealed record ConsumerPauseRequest : IApiRequest<ConsumerPauseRequest>
{
    /// <summary>Nothing is delivered before; the zero time or one that has passed: go on.</summary>
    public ApiTime PauseUntil { get; init; }

    static ConsumerPauseRequest IApiRequest<ConsumerPauseRequest>.Read(ref ApiReader reader, ConsumerPauseRequest request)
    {
        if (!reader.Enter("JSApiConsumerPauseRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "pause_until") request = request with { PauseUntil = reader.Time() ?? request.PauseUntil };
            else reader.Unknown();
        }
        return request;
    }
}

/// <summary><c>CONSUMER.UNPIN</c>. The payload is not optional, but unknown fields always pass.</summary>
public sealed record ConsumerUnpinRequest
{
    /// <summary>The priority group whose client is to be pinned no more.</summary>
    public string Group { get; init; } = "";

    /// <summary>Reads a request.</summary>
    /// <param name="payload">JSON.</param>
    /// <param name="request">What was read; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null. Whether the consumer has the group, is for others to check.</returns>
    public static ApiError? Read(ReadOnlySpan<byte> payload, out ConsumerUnpinRequest request)
    {
        var error = ApiReader.ReadSingle(payload, new ConsumerUnpinRequest(), ReadFields, out request);
        if (error is null && request.Group.Length == 0) error = "consumer group not specified";
        if (error is not null) return JetStreamErrors.JSInvalidJSONErr.With(error);
        return PriorityGroupName.IsValid(request.Group) ? null : JetStreamErrors.JSConsumerInvalidGroupNameErr;
    }

    private static ConsumerUnpinRequest ReadFields(ref ApiReader reader, ConsumerUnpinRequest request)
    {
        if (!reader.Enter("JSApiConsumerUnpinRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "group") request = request with { Group = reader.String(request.Group) };
            else reader.Unknown();
        }
        return request;
    }
}

/// <summary><c>CONSUMER.RESET</c>. The payload is optional; unknown fields always pass.</summary>
public sealed record ConsumerResetRequest
{
    /// <summary>Where to begin again; 0: behind what is acknowledged.</summary>
    public ulong Sequence { get; init; }

    /// <summary>Reads a request.</summary>
    /// <param name="payload">JSON, or nothing at all.</param>
    /// <param name="request">What was read; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null. Whether the sequence goes with the consumer, is for others to check.</returns>
    public static ApiError? Read(ReadOnlySpan<byte> payload, out ConsumerResetRequest request)
    {
        request = new ConsumerResetRequest();
        if (payload.IsEmpty) return null;
        return ApiReader.ReadSingle(payload, request, ReadFields, out request) is { } error ? JetStreamErrors.JSInvalidJSONErr.With(error) : null;
    }

    private static ConsumerResetRequest ReadFields(ref ApiReader reader, ConsumerResetRequest request)
    {
        if (!reader.Enter("JSApiConsumerResetRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "seq") request = request with { Sequence = reader.ULong(request.Sequence) };
            else reader.Unknown();
        }
        return request;
    }
}
