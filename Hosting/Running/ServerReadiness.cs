using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Whether a server is ready: healthy, and joined to all that the topology says.</summary>
/// <param name="http">Asks it on its monitoring port.</param>
public sealed class ServerReadiness(HttpClient http)
{
    /// <summary>What it still lacks; empty: nothing.</summary>
    /// <param name="server">Asked.</param>
    /// <param name="expected">Whether a server of the topology is to be waited for.</param>
    public Task<string> DescribeAsync(NatsServerSpec server, Func<NatsServerSpec, bool> expected, CancellationToken cancellation) => AskAsync(server, async () =>
    {
        using var varz = await PageAsync(server, "/varz", cancellation);
        var wanted = server.Cluster.Servers.Count(other => other != server && expected(other));
        var remotes = Number(varz.RootElement, "remotes");
        if (remotes < wanted) return $"{server.Name} sees {remotes} of {wanted} other servers";
        if (await GatewaysAsync(server, expected, cancellation) is { Length: > 0 } gateways) return gateways;
        if (server.Cluster.Hub is { } hub && hub.Servers.Any(expected) && await LeafAsync(server, cancellation) is { Length: > 0 } leaf) return leaf;
        using var health = await http.GetAsync($"{server.MonitorUrl}/healthz", cancellation);
        return health.IsSuccessStatusCode ? "" : $"{server.Name} says {(int)health.StatusCode} on /healthz: {Reason(await health.Content.ReadAsStringAsync(cancellation))}";
    }, cancellation);

    /// <summary>The other cluster it has no connection to; empty: it has one to each with a server that is expected.</summary>
    internal Task<string> GatewaysAsync(NatsServerSpec server, Func<NatsServerSpec, bool> expected, CancellationToken cancellation) => AskAsync(server, async () =>
    {
        if (server.Cluster.Gateways.Count == 0) return "";
        using var gatewayz = await PageAsync(server, "/gatewayz", cancellation);
        var found = gatewayz.RootElement.TryGetProperty("outbound_gateways", out var outbound) ? outbound : default;
        foreach (var other in server.Cluster.Gateways.Where(other => other.Servers.Any(expected)))
        {
            if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(other.Name, out _)) return $"{server.Name} has no gateway to {other.Name} yet";
        }
        return "";
    }, cancellation);

    /// <summary>Whether a leaf node lacks its connection to the hub; empty: it has it.</summary>
    internal Task<string> LeafAsync(NatsServerSpec server, CancellationToken cancellation) => AskAsync(server, async () =>
    {
        using var leafz = await PageAsync(server, "/leafz", cancellation);
        return Number(leafz.RootElement, "leafnodes") > 0 ? "" : $"{server.Name} has no connection to its hub {server.Cluster.Hub?.Name}";
    }, cancellation);

    private static async Task<string> AskAsync(NatsServerSpec server, Func<Task<string>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask();
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return $"{server.Name} does not answer on {server.MonitorUrl} yet";
        }
    }

    private static int Number(JsonElement page, string key) => page.TryGetProperty(key, out var value) && value.TryGetInt32(out var number) ? number : 0;

    private static string Reason(string body)
    {
        try
        {
            using var page = JsonDocument.Parse(body);
            return page.RootElement.TryGetProperty("error", out var error) ? error.ToString() : "no reason given";
        }
        catch (JsonException)
        {
            return "no reason given";
        }
    }

    private async Task<JsonDocument> PageAsync(NatsServerSpec server, string path, CancellationToken cancellation) =>
        JsonDocument.Parse(await http.GetStringAsync(server.MonitorUrl + path, cancellation));
}
