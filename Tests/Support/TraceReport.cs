using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>A trace event as its receiver reads it.</summary>
public sealed class TraceReport
{
    private readonly JsonElement _root;

    private TraceReport(JsonElement root) => _root = root;

    public string Server => _root.GetProperty("server").GetProperty("name").GetString()!;

    public int Hops => _root.TryGetProperty("hops", out var hops) ? hops.GetInt32() : 0;

    public int Size => _root.GetProperty("request").GetProperty("msgsize").GetInt32();

    /// <summary>The message's headers as name=value, sorted.</summary>
    public string Headers => string.Join(' ', _root.GetProperty("request").GetProperty("header").EnumerateObject()
        .Select(header => $"{header.Name}={string.Join(',', header.Value.EnumerateArray().Select(value => value.GetString()))}"));

    public JsonElement Ingress => Of("in").ShouldHaveSingleItem();

    public int IngressKind => Ingress.GetProperty("kind").GetInt32();

    public string? Error => Text(Ingress, "error");

    /// <summary>What happened, without times and numbers of connections: type and the fields that are there.</summary>
    public string[] Steps => [.. _root.GetProperty("events").EnumerateArray().Skip(1).Select(Describe)];

    public IEnumerable<JsonElement> Egresses => Of("eg");

    public static TraceReport Parse(byte[] json)
    {
        var root = JsonDocument.Parse(json).RootElement;
        root.GetProperty("events")[0].GetProperty("type").GetString().ShouldBe("in");
        foreach (var step in root.GetProperty("events").EnumerateArray()) step.GetProperty("ts").GetDateTimeOffset().Year.ShouldBeGreaterThan(2000);
        return new TraceReport(root);
    }

    /// <summary>The next event on a subscription.</summary>
    public static async Task<TraceReport> NextAsync(TestSubscription events) => Parse((await events.NextAsync()).Payload);

    public static string? Text(JsonElement step, string name) => step.TryGetProperty(name, out var value) ? value.GetString() : null;

    private IEnumerable<JsonElement> Of(string type) =>
        _root.GetProperty("events").EnumerateArray().Where(step => step.GetProperty("type").GetString() == type);

    private static string Describe(JsonElement step) => string.Join(' ', step.EnumerateObject()
        .Where(field => field.Name is not ("ts" or "cid"))
        .Select(field => field.Name == "type" ? field.Value.GetString()! : $"{field.Name}={field.Value}"));
}
