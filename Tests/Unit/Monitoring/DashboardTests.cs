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

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_metric_of_a_dashboard_exists(string file)
    {
        await using var cluster = await TestServer.ClusterAsync(2, options => options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } });
        var known = PrometheusText.Parse((await cluster[0].GetAsync("/metrics?connz=true&use_internal_server_name=true")).Text);
        var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, file), TestContext.Current.CancellationToken)).RootElement;
        var used = dashboard.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)
            .Concat(dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("query").GetString()!))
            .SelectMany(query => Metric().Matches(query)).Select(match => match.Value).Distinct().ToList();
        used.Count.ShouldBeGreaterThan(10);
        used.Where(name => !known.ContainsKey(name)).ShouldBeEmpty();
        var ids = dashboard.GetProperty("panels").EnumerateArray().Select(panel => panel.GetProperty("id").GetInt32()).ToList();
        ids.Distinct().Count().ShouldBe(ids.Count);
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

    [GeneratedRegex(@"\bgnatsd_[a-z0-9_]+")]
    private static partial Regex Metric();
}
