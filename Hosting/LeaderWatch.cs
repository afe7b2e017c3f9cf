using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Says who leads the cluster and each stream, whenever that changes.</summary>
/// <param name="topology">The servers; each is asked on its monitoring port.</param>
/// <param name="http">Asks.</param>
/// <param name="log">Where it is said.</param>
internal sealed class LeaderWatch(NatsTopology topology, HttpClient http, IRunnerLog log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, string> _leaders = new(StringComparer.Ordinal);

    /// <summary>Watches until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var ticks = new PeriodicTimer(Interval);
        try
        {
            do
            {
                foreach (var server in topology.Servers) await LookAsync(server, stopping);
            }
            while (await ticks.WaitForNextTickAsync(stopping));
        }
        catch (OperationCanceledException)
        {
            // That is how it ends.
        }
    }

    /// <summary>Only who leads is believed: others hear of a change a little later.</summary>
    private async Task LookAsync(NatsServerSpec server, CancellationToken stopping)
    {
        try
        {
            using var page = JsonDocument.Parse(await http.GetStringAsync($"{server.MonitorUrl}/jsz?accounts=true&streams=true", stopping));
            var root = page.RootElement;
            if (LeaderIn(root, "meta_cluster") == server.Name) Note("the cluster", server.Name);
            if (!root.TryGetProperty("account_details", out var accounts)) return;
            foreach (var account in accounts.EnumerateArray())
            {
                if (!account.TryGetProperty("stream_detail", out var streams)) continue;
                foreach (var stream in streams.EnumerateArray())
                {
                    if (LeaderIn(stream, "cluster") == server.Name) Note($"stream {account.GetProperty("name").GetString()} > {stream.GetProperty("name").GetString()}", server.Name);
                }
            }
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or TaskCanceledException && !stopping.IsCancellationRequested)
        {
            // A server that is down leads nothing; the others say who does.
        }
    }

    private static string? LeaderIn(JsonElement element, string cluster) =>
        element.TryGetProperty(cluster, out var described) && described.TryGetProperty("leader", out var leader) ? leader.GetString() : null;

    private void Note(string what, string leader)
    {
        if (_leaders.TryGetValue(what, out var before) && before == leader) return;
        _leaders[what] = leader;
        log.Notice(before is null ? $"{leader} leads {what}." : $"{leader} leads {what}, after {before}.");
    }
}
