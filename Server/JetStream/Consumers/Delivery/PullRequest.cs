using System.Buffers.Text;
using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>
/// A request for messages: empty for one, a number, or JSON. What limits the consumer has for it, is for others to check.
/// Requests as clients write them cost no allocation but for the texts of priority groups.
/// </summary>
public readonly partial record struct PullRequest
{
    public PullRequest()
    {
    }

    /// <summary>Messages; as it was asked for, so also 0 or negative.</summary>
    public long Batch { get; init; } = 1;

    /// <summary>Bytes; 0: any number.</summary>
    public long MaxBytes { get; init; }

    /// <summary>Nanoseconds to wait; 0: for ever, or not at all with <see cref="NoWait"/>.</summary>
    public long Expires { get; init; }

    /// <summary>Nanoseconds without a message after which a sign of life is wanted; 0: none is.</summary>
    public long Heartbeat { get; init; }

    /// <summary>Only what is there already.</summary>
    public bool NoWait { get; init; }

    /// <summary>Whether it was JSON. Only these must name a priority group where the consumer has some.</summary>
    public bool IsFormal { get; init; }

    /// <summary>The priority group; null: none.</summary>
    public string? Group { get; init; }

    /// <summary>The id of a pin; null: none.</summary>
    public string? PinId { get; init; }

    /// <summary>Served only if so many messages are left for the consumer; 0: always.</summary>
    public long MinPending { get; init; }

    /// <summary>Served only if so many messages wait for acknowledgements; 0: always.</summary>
    public long MinAckPending { get; init; }

    /// <summary>0, the first, to 9; as it was asked for.</summary>
    public long Priority { get; init; }

    /// <summary>Reads a request.</summary>
    /// <param name="payload">What was sent, without headers.</param>
    /// <param name="request">What is asked for; only to be used when there is no error.</param>
    /// <returns>Null, or what is wrong, to be answered as <c>400 Bad Request - …</c>.</returns>
    public static string? Parse(ReadOnlySpan<byte> payload, out PullRequest request)
    {
        request = new PullRequest();
        payload = AckRequest.Trim(payload);
        if (payload.IsEmpty) return null;
        if (payload[0] != '{')
        {
            if (TryParseNumber(payload, out var batch)) request = request with { Batch = batch };
            return null;
        }
        if (!TryReadPlain(payload, out request))
        {
            var error = ApiReader.ReadSingle(payload, new PullRequest { Batch = 0, IsFormal = true }, Read, out request);
            if (error is not null) return error;
        }
        // Both sides wrap around as upstream's do.
        return request.Heartbeat > 0 && unchecked(request.Heartbeat * 2) > request.Expires ? "heartbeat value too large" : null;
    }

    /// <summary>Digits and a sign, in 64 bits.</summary>
    private static bool TryParseNumber(ReadOnlySpan<byte> text, out long number) =>
        Utf8Parser.TryParse(text, out number, out var consumed) && consumed == text.Length;

    private static PullRequest Read(ref ApiReader reader, PullRequest request)
    {
        if (!reader.Enter("JSApiConsumerGetNextRequest", "PriorityGroup")) return request;
        while (reader.Next(out var field)) request = request.ReadField(ref reader, field);
        return request;
    }

    private PullRequest ReadField(ref ApiReader reader, string field)
    {
        if (field is "expires" or "batch" or "max_bytes" or "no_wait" or "idle_heartbeat") reader.FieldIsOwn();
        switch (field)
        {
            case "expires": return this with { Expires = reader.Nanoseconds(Expires) };
            case "batch": return this with { Batch = reader.Long(Batch, "int") };
            case "max_bytes": return this with { MaxBytes = reader.Long(MaxBytes, "int") };
            case "no_wait": return this with { NoWait = reader.Bool(NoWait) };
            case "idle_heartbeat": return this with { Heartbeat = reader.Nanoseconds(Heartbeat) };
            case "group": return this with { Group = reader.Text(Group) };
            case "min_pending": return this with { MinPending = reader.Long(MinPending) };
            case "min_ack_pending": return this with { MinAckPending = reader.Long(MinAckPending) };
            case "id": return this with { PinId = reader.Text(PinId) };
            case "priority": return this with { Priority = reader.Long(Priority, "int") };
            default:
                reader.Unknown();
                return this;
        }
    }
}
