using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary>Reading of requests, which all do alike.</summary>
public static class ApiRequest
{
    /// <summary>Whether a request has anything to be read: those whose payload is optional ignore all but objects and arrays.</summary>
    public static bool HasPayload(ReadOnlySpan<byte> payload) =>
        JsonSyntax.SkipBlanks(payload, 0) is var first && first < payload.Length && payload[first] is (byte)'{' or (byte)'[';

    /// <summary>Whether a request says nothing: no payload, or an object without fields.</summary>
    public static bool IsEmpty(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty) return true;
        var open = JsonSyntax.SkipBlanks(payload, 0);
        if (open == payload.Length || payload[open] != '{') return false;
        var close = JsonSyntax.SkipBlanks(payload, open + 1);
        return close < payload.Length && payload[close] == '}' && JsonSyntax.SkipBlanks(payload, close + 1) == payload.Length;
    }

    /// <summary>Reads a request of a type.</summary>
    /// <param name="payload">JSON.</param>
    /// <param name="strict">Whether unknown fields are refused; the server's <c>strict</c>, true unless it is turned off.</param>
    /// <param name="request">What was read; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Read<T>(ReadOnlySpan<byte> payload, bool strict, out T request) where T : IApiRequest<T>, new() =>
        ApiReader.ReadRequest(payload, strict, new T(), T.Read, out request) is { } error ? JetStreamErrors.JSInvalidJSONErr.With(error) : null;
}

/// <summary>A request that can be read.</summary>
public interface IApiRequest<T> where T : IApiRequest<T>
{
    /// <summary>Reads it over what is known of it so far.</summary>
    internal static abstract T Read(ref ApiReader reader, T request);
}
