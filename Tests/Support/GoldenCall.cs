using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Tests.Support;

/// <summary>A request to the JetStream API and what 2.14.5 answered (golden/jsapi).</summary>
/// <param name="Number">Its place in the run; earlier calls made the state that it met.</param>
public sealed record GoldenCall(int Number, string Label, string Account, string Subject, byte[] Payload, byte[] Headers, JsonElement Response)
{
    /// <summary>All calls of a run, in order.</summary>
    /// <param name="run"><c>single</c> or <c>cluster</c>.</param>
    public static IReadOnlyList<GoldenCall> Of(string run) =>
        [.. Golden.Json("jsapi", $"{run}.calls.json").GetProperty("calls").EnumerateArray().Select(Read)];

    /// <summary>All answers of a call with several; empty: there was one at most.</summary>
    public IReadOnlyList<JsonElement> Responses { get; private init; } = [];

    /// <summary>Reply subjects of several messages that were published.</summary>
    public IReadOnlyList<string> Sent { get; private init; } = [];

    /// <summary>Paths of the answer's JSON, from <c>json</c> on, that are never the same.</summary>
    public IReadOnlySet<string> Volatile { get; private init; } = new HashSet<string>();

    /// <summary>The answer's JSON; undefined when there was none.</summary>
    public JsonElement Json => Response.ValueKind == JsonValueKind.Object && Response.TryGetProperty("json", out var json) ? json : default;

    /// <summary>The error answered; undefined when there was none.</summary>
    public JsonElement Error => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("error", out var error) ? error : default;

    public override string ToString() => $"#{Number} {Label}: {Subject} {Encoding.UTF8.GetString(Payload.AsSpan(0, Math.Min(200, Payload.Length)))}";

    private static GoldenCall Read(JsonElement call) => new(
        call.GetProperty("n").GetInt32(), call.GetProperty("label").GetString()!, call.GetProperty("account").GetString()!, call.GetProperty("subject").GetString()!,
        PayloadOf(call), HeadersOf(call), call.TryGetProperty("response", out var response) ? response : default)
    {
        Responses = call.TryGetProperty("responses", out var responses) && responses.ValueKind == JsonValueKind.Array ? [.. responses.EnumerateArray()] : [],
        Sent = call.TryGetProperty("sent", out var sent) ? [.. sent.EnumerateArray().Select(reply => reply.GetString()!)] : [],
        Volatile = call.GetProperty("volatile").EnumerateArray().Select(path => path.GetString()!.TrimEnd('?', '#'))
            .Select(path => path[(path.IndexOf('.') + 1)..]).ToHashSet(),
    };

    private static byte[] PayloadOf(JsonElement call)
    {
        if (call.TryGetProperty("request_len", out var length)) return new byte[length.GetInt32()];
        if (call.TryGetProperty("request_raw", out var raw)) return Encoding.UTF8.GetBytes(raw.ToString());
        if (!call.TryGetProperty("request", out var request) || request.ValueKind == JsonValueKind.Null) return [];
        if (request.ValueKind == JsonValueKind.String) return Encoding.UTF8.GetBytes(request.GetString()!);
        var node = JsonNode.Parse(request.GetRawText());
        return Encoding.UTF8.GetBytes(Expand(node)?.ToJsonString() ?? "null");
    }

    /// <summary>Long texts are recorded as <c>{"$repeat": text, "n": times}</c>.</summary>
    private static JsonNode? Expand(JsonNode? node)
    {
        if (node is JsonArray array) return new JsonArray([.. array.Select(element => Expand(element?.DeepClone()))]);
        if (node is not JsonObject fields) return node?.DeepClone();
        if (fields["$repeat"] is { } text) return JsonValue.Create(string.Concat(Enumerable.Repeat(text.GetValue<string>(), fields["n"]!.GetValue<int>())));
        return new JsonObject(fields.Select(field => KeyValuePair.Create(field.Key, Expand(field.Value))));
    }

    private static byte[] HeadersOf(JsonElement call)
    {
        if (!call.TryGetProperty("request_hdr", out var headers) || headers.ValueKind != JsonValueKind.Object) return [];
        var block = new StringBuilder("NATS/1.0\r\n");
        foreach (var header in headers.EnumerateObject()) block.Append($"{header.Name}: {header.Value.GetString()}\r\n");
        return Encoding.UTF8.GetBytes(block.Append("\r\n").ToString());
    }
}
