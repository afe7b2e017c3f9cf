using System.Text.Json.Serialization;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>What one server tells of a traced message. Keys and order are upstream's.</summary>
public sealed record TraceEvent
{
    [JsonPropertyName("server")] public required ServerIdentityInfo Server { get; init; }
    [JsonPropertyName("request")] public required TracedRequest Request { get; init; }

    /// <summary>Servers it was sent on to.</summary>
    [JsonPropertyName("hops"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Hops { get; init; }
    [JsonPropertyName("events")] public required IReadOnlyList<TraceStep> Steps { get; init; }
}

/// <summary>The message as it came.</summary>
/// <param name="Headers">Its headers, names as written.</param>
/// <param name="Size">Bytes of headers and payload.</param>
public sealed record TracedRequest(
    [property: JsonPropertyName("header")] IReadOnlyDictionary<string, List<string>>? Headers,
    [property: JsonPropertyName("msgsize"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Size);

/// <summary>Something that happened to it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TraceIngress), "in")]
[JsonDerivedType(typeof(TraceMapping), "sm")]
[JsonDerivedType(typeof(TraceStreamExport), "se")]
[JsonDerivedType(typeof(TraceServiceImport), "si")]
[JsonDerivedType(typeof(TraceJetStream), "js")]
[JsonDerivedType(typeof(TraceEgress), "eg")]
public abstract record TraceStep
{
    [JsonPropertyName("ts"), JsonPropertyOrder(-1)] public DateTimeOffset Time { get; init; } = TimeProvider.System.GetUtcNow();
}

/// <summary>It came in; always the first step.</summary>
public sealed record TraceIngress : TraceStep
{
    /// <summary>What it came by: 0 client, 1 route, 2 gateway, 4 leaf node.</summary>
    [JsonPropertyName("kind")] public required int Kind { get; init; }
    [JsonPropertyName("cid")] public required ulong ConnectionId { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("acc")] public required string Account { get; init; }
    [JsonPropertyName("subj")] public required string Subject { get; init; }

    /// <summary>Why it was refused; null: it was not.</summary>
    [JsonPropertyName("error")] public string? Error { get; init; }
}

/// <summary>A mapping of the account gave it another subject.</summary>
public sealed record TraceMapping([property: JsonPropertyName("to")] string To) : TraceStep;

/// <summary>It went over to an account that imports the stream.</summary>
public sealed record TraceStreamExport(
    [property: JsonPropertyName("acc")] string Account, [property: JsonPropertyName("to")] string To) : TraceStep;

/// <summary>It went over to an account that offers the service.</summary>
public sealed record TraceServiceImport(
    [property: JsonPropertyName("acc")] string Account,
    [property: JsonPropertyName("from")] string From,
    [property: JsonPropertyName("to")] string To) : TraceStep;

/// <summary>A stream took it, or would have, or could not. What came of it stands here once the stream has judged.</summary>
public sealed record TraceJetStream([property: JsonPropertyName("stream")] string Stream) : TraceStep
{
    /// <summary>It is stored under; null: it is not.</summary>
    [JsonPropertyName("subject")] public string? Subject { get; set; }

    /// <summary>The stream keeps what consumers want, and none wants it.</summary>
    [JsonPropertyName("nointerest"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsUnwanted { get; set; }
    [JsonPropertyName("error")] public string? Error { get; set; }
}

/// <summary>It went out, or would have, or could not.</summary>
public sealed record TraceEgress : TraceStep
{
    [JsonPropertyName("kind")] public required int Kind { get; init; }
    [JsonPropertyName("cid")] public required ulong ConnectionId { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }

    /// <summary>The other server's place on the message's way.</summary>
    [JsonPropertyName("hop")] public string? Hop { get; init; }

    /// <summary>The receiver's account, when it is not that of the ingress.</summary>
    [JsonPropertyName("acc")] public string? Account { get; init; }
    [JsonPropertyName("sub")] public string? Subscription { get; init; }
    [JsonPropertyName("queue")] public string? Queue { get; init; }
    [JsonPropertyName("error")] public string? Error { get; init; }
}

/// <summary>As much of another server's event as tells whether more will come.</summary>
internal sealed record ReturnedTraceEvent(
    [property: JsonPropertyName("request")] TracedRequest? Request, [property: JsonPropertyName("hops")] int Hops);

/// <summary>Source-generated JSON of trace events.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(TraceEvent))]
[JsonSerializable(typeof(ReturnedTraceEvent))]
internal sealed partial class TraceJson : JsonSerializerContext;
