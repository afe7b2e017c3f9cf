using NatsAspire.Server.JetStream.Api.Requests;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>Header blocks that direct gets are answered with when there is no message to send.</summary>
public static class DirectGetStatus
{
    /// <summary>The header that the server's level does not reach.</summary>
    public static ReadOnlySpan<byte> RequiredLevel => "NATS/1.0 412 Required Api Level\r\n\r\n"u8;

    public static ReadOnlySpan<byte> MessageNotFound => "NATS/1.0 404 Message Not Found\r\n\r\n"u8;

    /// <summary>None of the subjects of a request for several has a message.</summary>
    public static ReadOnlySpan<byte> NoResults => "NATS/1.0 404 No Results\r\n\r\n"u8;

    /// <summary>More subjects match than are answered at once.</summary>
    public static ReadOnlySpan<byte> TooManyResults => "NATS/1.0 413 Too Many Results\r\n\r\n"u8;

    /// <summary>What is wrong with a request.</summary>
    public static ReadOnlySpan<byte> Of(DirectGetProblem problem) => problem switch
    {
        DirectGetProblem.Empty => "NATS/1.0 408 Empty Request\r\n\r\n"u8,
        DirectGetProblem.Malformed => "NATS/1.0 408 Malformed Request\r\n\r\n"u8,
        _ => "NATS/1.0 408 Bad Request\r\n\r\n"u8,
    };
}
