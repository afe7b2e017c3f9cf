using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>A server's monitoring pages of one moment; null: it did not give that one.</summary>
/// <param name="Ailment">What /healthz complains of; null: nothing.</param>
internal sealed record ServerPages(JsonElement? Varz, JsonElement? Routez, JsonElement? Gatewayz, JsonElement? Leafz, JsonElement? Jsz, string? Ailment)
{
    private const int MaxPage = 16 * 1024 * 1024;

    public static readonly ServerPages None = new(null, null, null, null, null, null);

    /// <summary>Asks for all that the topology lets expect.</summary>
    public static async Task<ServerPages> ReadAsync(HttpClient http, NatsServerSpec server, CancellationToken cancellation)
    {
        var varz = await PageAsync(http, server, "/varz", cancellation);
        if (varz is null) return None;
        var cluster = server.Cluster;
        return new ServerPages(
            varz,
            cluster.Size > 1 ? await PageAsync(http, server, "/routez", cancellation) : null,
            cluster.Gateways.Count > 0 ? await PageAsync(http, server, "/gatewayz", cancellation) : null,
            cluster.IsLeaf || cluster.HasLeafNodes ? await PageAsync(http, server, "/leafz", cancellation) : null,
            cluster.Spec.JetStream is not null ? await PageAsync(http, server, "/jsz?accounts=true&streams=true&consumers=true", cancellation) : null,
            await AilmentAsync(http, server, cancellation));
    }

    public static long Number(JsonElement? page, string key) =>
        page is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? (long)value.GetDouble() : 0;

    public static string? Text(JsonElement? page, string key) =>
        page is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static JsonElement? Child(JsonElement? page, string key) =>
        page is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(key, out var value) ? value : null;

    public static bool Flag(JsonElement element, string key) => element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.True;

    public static IEnumerable<JsonElement> List(JsonElement? page, string key) =>
        Child(page, key) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>One page; null: it does not come.</summary>
    public static async Task<JsonElement?> PageAsync(HttpClient http, NatsServerSpec server, string path, CancellationToken cancellation)
    {
        try
        {
            using var response = await http.GetAsync(server.MonitorUrl + path, cancellation);
            if (!response.IsSuccessStatusCode || response.Content.Headers.ContentLength > MaxPage) return null;
            using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation));
            return document.RootElement.Clone();
        }
        catch (Exception error) when (IsAbsence(error, cancellation))
        {
            return null;
        }
    }

    /// <summary>What /healthz complains of; null: nothing.</summary>
    private static async Task<string?> AilmentAsync(HttpClient http, NatsServerSpec server, CancellationToken cancellation)
    {
        try
        {
            using var response = await http.GetAsync(server.MonitorUrl + "/healthz", cancellation);
            if (response.IsSuccessStatusCode) return null;
            using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation));
            return Text(document.RootElement, "error") ?? $"says {(int)response.StatusCode} on /healthz";
        }
        catch (Exception error) when (IsAbsence(error, cancellation))
        {
            return "does not answer on /healthz";
        }
    }

    private static bool IsAbsence(Exception error, CancellationToken cancellation) =>
        error is HttpRequestException or JsonException || (error is TaskCanceledException && !cancellation.IsCancellationRequested);
}
