using NatsAspire.Server.Configuration;
using NatsAspire.Server.Monitoring;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class VarzTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHandleVarz")]
    [Upstream("monitor_test.go", "TestVarz")]
    [Upstream("monitor_test.go", "TestMonitorVarzSubscriptionsResetProperly")]
    public async Task The_server_tells_what_it_moved()
    {
        await using var server = await Monitored.StartAsync();
        await using (var client = await server.ConnectAsync())
        {
            var foo = await client.SubscribeAsync("foo");
            await client.PublishAsync("foo", "Hello");
            await foo.NextAsync();
            for (var i = 0; i < 2; i++)
            {
                var varz = await server.GetJsonAsync("/varz");
                varz.GetProperty("connections").GetInt32().ShouldBe(1);
                varz.GetProperty("total_connections").GetInt32().ShouldBe(1);
                varz.GetProperty("in_msgs").GetInt64().ShouldBe(1);
                varz.GetProperty("out_msgs").GetInt64().ShouldBe(1);
                varz.GetProperty("in_bytes").GetInt64().ShouldBe(5);
                varz.GetProperty("out_client_bytes").GetInt64().ShouldBe(5);
                varz.GetProperty("subscriptions").GetInt32().ShouldBe(1);
                varz.GetProperty("mem").GetInt64().ShouldBeGreaterThan(1_000_000);
                varz.GetProperty("http_req_stats").GetProperty("/varz").GetInt32().ShouldBe(i + 1);
            }
        }
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
        var later = server.Varz();
        (later.Connections, later.TotalConnections, later.InMessages, later.OutBytes, later.Subscriptions).ShouldBe((0, 1, 1, 5, 0));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHttpStatsNoUpdatedWhenUsingServerFuncs")]
    public async Task Only_requests_over_http_are_counted()
    {
        await using var server = await Monitored.StartAsync();
        server.Varz();
        server.Connz();
        server.Routez();
        server.Subsz();
        server.Varz().HttpRequests.ShouldBeEmpty();
        await server.GetAsync("/subscriptionsz");
        await server.GetAsync("/");
        await server.GetAsync("/nothing");
        server.Varz().HttpRequests.ShouldBe(new Dictionary<string, long> { ["/"] = 1, ["/subsz"] = 1 });
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorVarzMetadata")]
    [Upstream("monitor_test.go", "TestMonitorVarzFeatureFlags")]
    [Upstream("monitor_test.go", "TestMonitorClusterEmptyWhenNotDefined")]
    public async Task Options_are_told()
    {
        await using var server = await Monitored.StartAsync("""
            server_name: edge
            server_tags: [a, b]
            server_metadata: { z: "1", a: "two" }
            max_connections: 100, max_subscriptions: 50, max_payload: 2048, ping_interval: "30s", ping_max: 5, write_deadline: "4s"
            authorization { user: u, password: p, timeout: 3 }
            feature_flags: { js_raft_delete_range: true }
            """);
        var varz = server.Varz();
        varz.ServerName.ShouldBe("edge");
        varz.Tags.ShouldBe(["a", "b"]);
        varz.Metadata!.Keys.ShouldBe(["a", "z"]);
        (varz.MaxConnections, varz.MaxSubscriptions, varz.MaxPayload, varz.PingMax).ShouldBe((100, 50, 2048, 5));
        (varz.PingIntervalNanoseconds, varz.WriteDeadlineNanoseconds, varz.AuthTimeout, varz.AuthRequired).ShouldBe((30_000_000_000, 4_000_000_000, 3, true));
        varz.FeatureFlags.ShouldBe(new Dictionary<string, bool> { ["js_ack_fc_v2"] = false, ["js_raft_delete_range"] = true }, ignoreOrder: true);
        (await server.GetJsonAsync("/varz")).GetProperty("cluster").GetRawText().ShouldBe("{}");
    }

    [Fact]
    public async Task Slow_and_stale_clients_are_counted()
    {
        await using var server = await Monitored.StartAsync("", options => options with
        {
            Limits = options.Limits with { PingInterval = TimeSpan.FromMilliseconds(50), MaxPingsOut = 1 },
        });
        using var silent = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await silent.ReadInfoAsync();
        await silent.ReadToCloseAsync();
        await Wait.Until("the stale client to be counted", () => server.Varz().StaleConnections == 1, () => $"{server.Varz().StaleConnectionCounts}");
        server.Varz().StaleConnectionCounts.Clients.ShouldBe(1);
        server.Varz().SlowConsumerCounts.Clients.ShouldBe(0);
    }

    [Theory]
    [InlineData(1, "1s")]
    [InlineData(61, "1m1s")]
    [InlineData(3661, "1h1m1s")]
    [InlineData(86400 + 3661, "1d1h1m1s")]
    [InlineData((365L * 86400) + 86400 + 3661, "1y1d1h1m1s")]
    [Upstream("monitor_test.go", "TestMyUptime")]
    public void Uptime_begins_with_its_first_unit(long seconds, string text) =>
        MonitoringText.Uptime(TimeSpan.FromSeconds(seconds)).ShouldBe(text);

    [Fact]
    public void A_round_trip_is_whole_microseconds_below_a_millisecond()
    {
        MonitoringText.RoundTrip(TimeSpan.Zero).ShouldBe("0s");
        MonitoringText.RoundTrip(new TimeSpan(2879)).ShouldBe("287µs");
        MonitoringText.RoundTrip(new TimeSpan(12_345)).ShouldBe("1.2345ms");
    }

    [Fact]
    public async Task Processor_time_is_measured()
    {
        var usage = new ProcessUsage();
        var until = Environment.TickCount64 + 1100;
        await Wait.Until("a second of work", () =>
        {
            for (var i = 0; i < 1_000_000; i++) Math.Sqrt(i);
            return Environment.TickCount64 > until;
        });
        usage.CpuPercent.ShouldBeGreaterThan(0);
        ProcessUsage.ResidentBytes.ShouldBeGreaterThan(1_000_000);
    }

    [Fact]
    public async Task Proxies_and_listeners_are_told()
    {
        const string Key = "UCARKS2E3KVB7YORL2DG34XLT7PUCOL2SVM7YXV6ETHLW6Z46UUJ2VZ3";
        await using var server = await Monitored.StartAsync("", options => options with { TrustedProxies = [Key] });
        server.Varz().Proxies!.Trusted!.Single().Key.ShouldBe(Key);
        server.Varz().HttpPort.ShouldBe(server.MonitoringUrl!.Port);
        server.Varz().Port.ShouldBe(server.ClientEndPoint!.Port);
    }
}
