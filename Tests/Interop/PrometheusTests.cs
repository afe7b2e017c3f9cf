using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Monitoring;

namespace NatsAspire.Tests.Interop;

/// <summary>Debian's Prometheus scrapes a cluster with our scrape file, and answers the dashboard's queries.</summary>
public sealed class PrometheusTests
{
    private static readonly HttpClient Http = new();

    [Fact]
    public async Task A_prometheus_scrapes_a_cluster()
    {
        var program = Peers.Prometheus();
        await using var cluster = await TestServer.ClusterAsync(3, options => options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } });
        await using var client = await cluster[0].ConnectAsync();
        await client.PublishAsync("foo", "Hello");
        await client.FlushAsync();
        var folder = Directory.CreateTempSubdirectory("natsaspire-prometheus");
        try
        {
            var port = FreePort();
            var configuration = Path.Combine(folder.FullName, "prometheus.yml");
            await File.WriteAllTextAsync(configuration, await ScrapeFileAsync(cluster.Servers), TestContext.Current.CancellationToken);
            await using var prometheus = RunningProcess.Start(
                program, $"--config.file={configuration}", $"--storage.tsdb.path={folder.FullName}/data", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn");
            var api = new Uri($"http://127.0.0.1:{port}/api/v1/");
            var up = 0.0;
            await Wait.Until("three servers to be scraped", async () => (up = await QueryAsync(api, "sum(up{job=\"nats\"})")) == 3, () => $"{up} up; {prometheus.Output}", TimeSpan.FromSeconds(60));
            (await QueryAsync(api, "sum(gnatsd_varz_in_client_msgs)")).ShouldBe(1);
            (await QueryAsync(api, "count(gnatsd_varz_routes == 8)")).ShouldBe(3);
            (await QueryAsync(api, "sum(gnatsd_connz_num_connections{server_id=\"s1\"})")).ShouldBe(1);
            await AskDashboardAsync(api);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The repository's file, with these servers and a shorter interval.</summary>
    private static async Task<string> ScrapeFileAsync(IEnumerable<NatsServer> servers)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(DashboardTests.Folder, "prometheus.yml"), TestContext.Current.CancellationToken);
        text.ShouldContain("scrape_interval: 15s");
        text.ShouldContain("[\"127.0.0.1:8222\"]");
        return text.Replace("scrape_interval: 15s", "scrape_interval: 1s", StringComparison.Ordinal)
            .Replace("[\"127.0.0.1:8222\"]", $"[{string.Join(", ", servers.Select(server => $"\"{server.MonitoringUrl!.Authority}\""))}]", StringComparison.Ordinal);
    }

    /// <summary>Every query of the dashboard is one Prometheus understands; those of the moment have an answer.</summary>
    private static async Task AskDashboardAsync(Uri api)
    {
        var dashboard = Golden.Parse(Path.Combine(DashboardTests.Folder, "nats-servers.json"));
        foreach (var target in dashboard.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()))
        {
            var query = target.GetProperty("expr").GetString()!.Replace("$server", ".*", StringComparison.Ordinal).Replace("$__rate_interval", "1m", StringComparison.Ordinal);
            var answer = await AskAsync(api, query);
            answer.GetProperty("status").GetString().ShouldBe("success", $"{query}: {answer}");
            var isOverTime = query.Contains('[', StringComparison.Ordinal);
            if (!isOverTime) answer.GetProperty("data").GetProperty("result").GetArrayLength().ShouldBeGreaterThan(0, query);
        }
    }

    private static async Task<double> QueryAsync(Uri api, string query)
    {
        try
        {
            var result = (await AskAsync(api, query)).GetProperty("data").GetProperty("result");
            return result.GetArrayLength() == 0 ? 0 : double.Parse(result[0].GetProperty("value")[1].GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException)
        {
            // It has not begun to listen.
            return -1;
        }
    }

    private static async Task<JsonElement> AskAsync(Uri api, string query)
    {
        var text = await Http.GetStringAsync(new Uri(api, "query?query=" + Uri.EscapeDataString(query)), TestContext.Current.CancellationToken);
        return JsonDocument.Parse(text).RootElement;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
