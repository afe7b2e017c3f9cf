using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>Every request of the API that was answered: <c>$JS.EVENT.ADVISORY.API</c>.</summary>
public sealed record ApiAuditAdvisory() : JetStreamAdvisory("api_audit")
{
    [JsonPropertyName("server"), JsonPropertyOrder(1)] public required string Server { get; init; }

    [JsonPropertyName("client"), JsonPropertyOrder(2)] public required ClientInfo Client { get; init; }

    [JsonPropertyName("subject"), JsonPropertyOrder(3)] public required string Subject { get; init; }

    /// <summary>Null: it had no payload.</summary>
    [JsonPropertyName("request"), JsonPropertyOrder(4)] public string? Request { get; init; }

    [JsonPropertyName("response"), JsonPropertyOrder(5)] public required string Response { get; init; }
}

/// <summary>A stream was made, changed or deleted: <c>$JS.EVENT.ADVISORY.STREAM.{CREATED,UPDATED,DELETED}.stream</c>.</summary>
public sealed record StreamActionAdvisory() : JetStreamAdvisory("stream_action")
{
    [JsonPropertyName("stream"), JsonPropertyOrder(1)] public required string Stream { get; init; }

    /// <summary>One of <see cref="AdvisoryAction"/>.</summary>
    [JsonPropertyName("action"), JsonPropertyOrder(2)] public required string Action { get; init; }
}

/// <summary>What was done.</summary>
public static class AdvisoryAction
{
    public const string Create = "create";
    public const string Modify = "modify";
    public const string Delete = "delete";
}

/// <summary>A snapshot begins: <c>$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_CREATE.stream</c>.</summary>
public sealed record SnapshotCreateAdvisory() : JetStreamAdvisory("snapshot_create")
{
    [JsonPropertyName("stream"), JsonPropertyOrder(1)] public required string Stream { get; init; }

    [JsonPropertyName("state"), JsonPropertyOrder(2)] public required StreamState State { get; init; }

    [JsonPropertyName("client"), JsonPropertyOrder(3)] public required ClientInfo Client { get; init; }
}

/// <summary>A snapshot was sent: <c>$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_COMPLETE.stream</c>.</summary>
public sealed record SnapshotCompleteAdvisory() : JetStreamAdvisory("snapshot_complete")
{
    [JsonPropertyName("stream"), JsonPropertyOrder(1)] public required string Stream { get; init; }

    [JsonPropertyName("start"), JsonPropertyOrder(2)] public required ApiTime Start { get; init; }

    [JsonPropertyName("end"), JsonPropertyOrder(3)] public required ApiTime End { get; init; }

    [JsonPropertyName("client"), JsonPropertyOrder(4)] public required ClientInfo Client { get; init; }
}

/// <summary>A restore begins: <c>$JS.EVENT.ADVISORY.STREAM.RESTORE_CREATE.stream</c>.</summary>
public sealed record RestoreCreateAdvisory() : JetStreamAdvisory("restore_create")
{
    [JsonPropertyName("stream"), JsonPropertyOrder(1)] public required string Stream { get; init; }

    [JsonPropertyName("client"), JsonPropertyOrder(2)] public required ClientInfo Client { get; init; }
}

/// <summary>A stream was restored: <c>$JS.EVENT.ADVISORY.STREAM.RESTORE_COMPLETE.stream</c>.</summary>
public sealed record RestoreCompleteAdvisory() : JetStreamAdvisory("restore_complete")
{
    [JsonPropertyName("stream"), JsonPropertyOrder(1)] public required string Stream { get; init; }

    [JsonPropertyName("start"), JsonPropertyOrder(2)] public required ApiTime Start { get; init; }

    [JsonPropertyName("end"), JsonPropertyOrder(3)] public required ApiTime End { get; init; }

    /// <summary>Received.</summary>
    [JsonPropertyName("bytes"), JsonPropertyOrder(4)] public required long Bytes { get; init; }

    [JsonPropertyName("client"), JsonPropertyOrder(5)] public required ClientInfo Client { get; init; }
}

/// <summary>An atomic batch came to nothing: <c>$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.stream</c>.</summary>
public sealed record BatchAbandonedAdvisory() : JetStreamAdvisory("stream_batch_abandoned")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public required string Stream { get; init; }

    [JsonPropertyName("batch"), JsonPropertyOrder(101)] public required string BatchId { get; init; }

    /// <summary>One of <see cref="BatchAbandonReason"/>.</summary>
    [JsonPropertyName("reason"), JsonPropertyOrder(102)] public required string Reason { get; init; }
}

/// <summary>Why a batch came to nothing.</summary>
public static class BatchAbandonReason
{
    /// <summary>Nothing came for too long.</summary>
    public const string Timeout = "timeout";

    /// <summary>More messages than allowed.</summary>
    public const string Large = "large";

    /// <summary>A message was missing.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>It needs an API level that the server does not have.</summary>
    public const string Unsupported = "unsupported";
}
