using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Responses;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>What a member tells the meta leader when it cannot hold a stream it was given (<see cref="Subject"/>).</summary>
public sealed record StreamAssignmentResult
{
    /// <summary>On the system account.</summary>
    public const string Subject = "$SYS.JSC.STREAM.ASSIGNMENT.RESULT";

    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string Account { get; init; } = "";

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public string Stream { get; init; } = "";

    /// <summary>The answer to the client, of a creation or an update.</summary>
    [JsonPropertyName("create_response"), JsonPropertyOrder(3)] public RawJson? CreateResponse { get; init; }

    /// <summary>The answer to the client, of a restore.</summary>
    [JsonPropertyName("restore_response"), JsonPropertyOrder(4)] public RawJson? RestoreResponse { get; init; }

    [JsonPropertyName("is_update"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsUpdate { get; init; }

    /// <summary>The error in the answer; null: there is none.</summary>
    [JsonIgnore] public ApiError? Error => AssignmentResultJson.ErrorOf(CreateResponse ?? RestoreResponse);

    /// <summary>A creation or update that failed.</summary>
    public static StreamAssignmentResult Failed(string account, string stream, ApiError error, bool isUpdate = false) =>
        new() { Account = account, Stream = stream, CreateResponse = AssignmentResultJson.Failure(ResponseTypes.StreamCreate, error), IsUpdate = isUpdate };

    /// <summary>A restore that failed.</summary>
    public static StreamAssignmentResult RestoreFailed(string account, string stream, ApiError error) =>
        new() { Account = account, Stream = stream, RestoreResponse = AssignmentResultJson.Failure(ResponseTypes.StreamRestore, error) };

    public byte[] Encode() => MetaJson.Write(this, MetaJson.Compact.StreamAssignmentResult);

    /// <summary>Null when it is none.</summary>
    public static StreamAssignmentResult? Decode(ReadOnlySpan<byte> json) => AssignmentResultJson.Read(json, MetaJson.Compact.StreamAssignmentResult) is { Account: not null, Stream: not null } result ? result : null;
}

/// <summary>What a member tells the meta leader when it cannot hold a consumer it was given (<see cref="Subject"/>).</summary>
public sealed record ConsumerAssignmentResult
{
    /// <summary>On the system account.</summary>
    public const string Subject = "$SYS.JSC.CONSUMER.ASSIGNMENT.RESULT";

    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string Account { get; init; } = "";

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public string Stream { get; init; } = "";

    [JsonPropertyName("consumer"), JsonPropertyOrder(3)] public string Consumer { get; init; } = "";

    /// <summary>The answer to the client.</summary>
    [JsonPropertyName("response"), JsonPropertyOrder(4)] public RawJson? Response { get; init; }

    /// <summary>The error in the answer; null: there is none.</summary>
    [JsonIgnore] public ApiError? Error => AssignmentResultJson.ErrorOf(Response);

    /// <summary>A creation or change that failed.</summary>
    public static ConsumerAssignmentResult Failed(string account, string stream, string consumer, ApiError error) =>
        new() { Account = account, Stream = stream, Consumer = consumer, Response = AssignmentResultJson.Failure(ResponseTypes.ConsumerCreate, error) };

    public byte[] Encode() => MetaJson.Write(this, MetaJson.Compact.ConsumerAssignmentResult);

    /// <summary>Null when it is none.</summary>
    public static ConsumerAssignmentResult? Decode(ReadOnlySpan<byte> json) =>
        AssignmentResultJson.Read(json, MetaJson.Compact.ConsumerAssignmentResult) is { Account: not null, Stream: not null, Consumer: not null } result ? result : null;
}

/// <summary>What both have in common.</summary>
internal static class AssignmentResultJson
{
    public static RawJson Failure(string type, ApiError error) => new(JetStreamJson.Write(ApiFailure.Of(type, error)));

    public static ApiError? ErrorOf(RawJson? response)
    {
        if (response is not { } json) return null;
        try
        {
            using var document = JsonDocument.Parse(json.Bytes.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("error"u8, out var error)) return null;
            return error.ValueKind == JsonValueKind.Object ? Read(error) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Texts that are none, such as half a surrogate.
            return null;
        }
    }

    public static T? Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ApiError Read(JsonElement error) => new(
        NumberOf(error, "code"u8),
        (ushort)Math.Clamp(NumberOf(error, "err_code"u8), 0, ushort.MaxValue),
        error.TryGetProperty("description"u8, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "");

    private static int NumberOf(JsonElement error, ReadOnlySpan<byte> name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;
}
