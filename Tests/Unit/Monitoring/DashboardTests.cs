using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>What the dashboards ask for is there.</summary>
public sealed partial class DashboardTests
{
    /// <summary>Metrics of the exporter's own walkthrough dashboard.</summary>
    private static readonly string[] Walkthrough =
        ["connections", "cpu", "in_bytes", "in_msgs", "mem", "out_bytes", "out_msgs", "slow_consumers", "subscriptions"];

    public static string Folder { get; } = Path.Combine(Peers.RepositoryRoot, "dashboards");

    /// <summary>All panels, variables and alert rules, against servers with a stream, a consumer and each other, over routes, gateways and a leaf link.</summary>
    [Fact]
    public async Task Every_metric_of_a_dashboard_exists()
    {
        await using var cluster = await StreamCluster.StartAsync(isMonitored: true);
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await StreamCluster.PlaceAsync(client, "CONSUMER.DURABLE.CREATE.S.c", """{"stream_name":"S","config":{"durable_name":"c","ack_policy":"explicit"}}""");
        var known = new HashSet<string>();
        await using var super = await SuperCluster.StartAsync(more: "http: \"127.0.0.1:-1\"");
        await using var hub = await TestServer.FromConfigAsync("server_name: hub\nhttp: \"127.0.0.1:-1\"\nleafnodes { listen: \"127.0.0.1:-1\" }");
        await using var leaf = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{hub.LeafNodeEndPoint!.Port}\" }} ] }}");
        await LeafPair.ConnectedAsync(hub, 1);
        foreach (var server in cluster.Running.Append(super["A1"]).Append(hub)) known.UnionWith(PrometheusText.Parse((await server.GetAsync("/metrics?connz=true&jsz=all&use_internal_server_name=true")).Text).Keys);
        foreach (var file in Directory.EnumerateFiles(Folder, "*.json"))
        {
            var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).RootElement;
            var used = dashboard.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)
                .Concat(dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("query").GetString()!))
                .SelectMany(query => Metric().Matches(query)).Select(match => match.Value).Distinct().ToList();
            used.Count.ShouldBeGreaterThan(5, file);
            used.Where(name => !known.Contains(name)).ShouldBeEmpty(file);
            var ids = dashboard.GetProperty("panels").EnumerateArray().Select(panel => panel.GetProperty("id").GetInt32()).ToList();
            ids.Distinct().Count().ShouldBe(ids.Count, file);
        }
        var alerts = await File.ReadAllTextAsync(Path.Combine(Folder, "alerts.yml"), TestContext.Current.CancellationToken);
        Metric().Matches(alerts).Select(match => match.Value).Distinct().Where(name => !known.Contains(name)).ShouldBeEmpty("alerts.yml");
    }

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "alerts.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task Promtool_takes_the_rules(string verb, string what, string file)
    {
        await using var promtool = RunningProcess.Start(Peers.Promtool(), verb, what, Path.Combine(Folder, file));
        (await promtool.WaitForExitAsync(TimeSpan.FromSeconds(20))).ShouldBe(0, promtool.Output);
    }

    [Theory]
    [InlineData("gnatsd")]
    [InlineData("nats")]
    public async Task The_exporters_dashboards_find_their_metrics(string prefix)
    {
        await using var server = await Monitored.StartAsync();
        var known = PrometheusText.Parse((await server.GetAsync($"/metrics?prefix={prefix}")).Text);
        Walkthrough.Where(name => !known.ContainsKey($"{prefix}_varz_{name}")).ShouldBeEmpty();
    }

    [GeneratedRegex(@"\b(gnatsd|jetstream)_[a-z0-9_]+")]
    private static partial Regex Metric();
}
