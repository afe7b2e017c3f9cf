using System.Text;
using NatsAspire.Server.Monitoring.Metrics;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class MetricsTests
{
    [Fact]
    public async Task Names_and_labels_are_the_exporters()
    {
        await using var server = await Monitored.StartAsync("server_name: s1");
        await using var client = await server.ConnectAsync();
        var foo = await client.SubscribeAsync("foo");
        await client.PublishAsync("foo", "Hello");
        await foo.NextAsync();
        await server.GetAsync("/varz");
        await server.GetAsync("/");
        var reply = await server.GetAsync("/metrics");
        (reply.Status, reply.ContentType).ShouldBe((200, "text/plain; version=0.0.4; charset=utf-8"));
        var metrics = PrometheusText.Parse(reply.Text);
        metrics["gnatsd_varz_in_msgs"].Value.ShouldBe(1);
        metrics["gnatsd_varz_out_bytes"].Value.ShouldBe(5);
        metrics["gnatsd_varz_connections"].Samples.Single().Labels.ShouldBe(new Dictionary<string, string> { ["server_id"] = server.Id });
        metrics["gnatsd_varz_server_name"].Samples.Single().Labels["value"].ShouldBe("s1");
        metrics["gnatsd_varz_version"].Value.ShouldBe(1);
        metrics["gnatsd_varz_slow_consumer_stats_clients"].Value.ShouldBe(0);
        metrics["gnatsd_varz_http_req_stats"].Value.ShouldBe(1, "of the root page");
        metrics["gnatsd_varz_http_req_stats_varz"].Value.ShouldBe(1);
        metrics["gnatsd_varz_start"].Value.ShouldBe(server.StartedAt.ToUnixTimeMilliseconds());
        metrics["gnatsd_routez_num_routes"].Value.ShouldBe(0);
        metrics["gnatsd_subsz_num_subscriptions"].Value.ShouldBe(1);
        metrics["gnatsd_healthz_status"].Value.ShouldBe(0);
        metrics["gnatsd_healthz_status_value"].Samples.Single().ShouldSatisfyAllConditions(
            one => one.Value.ShouldBe(1), one => one.Labels["value"].ShouldBe("ok"));
        metrics.Keys.ShouldNotContain(name => name.Contains("connz", StringComparison.Ordinal), "connections are told on demand");
        metrics.Keys.ShouldNotContain("gnatsd_varz_config_digest");
    }

    [Fact]
    public async Task A_cluster_tells_what_the_exporter_lets_through()
    {
        await using var cluster = await TestServer.ClusterAsync(2, options => options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } });
        var metrics = PrometheusText.Parse((await cluster[0].GetAsync("/metrics")).Text);
        metrics["gnatsd_varz_routes"].Value.ShouldBe(4);
        metrics["gnatsd_varz_remotes"].Value.ShouldBe(1);
        metrics["gnatsd_varz_cluster_pool_size"].Value.ShouldBe(3);
        metrics["gnatsd_varz_cluster_name"].Samples.Single().Labels["value"].ShouldBe("C");
        metrics.Keys.ShouldNotContain("gnatsd_varz_cluster_cluster_port", "the exporter leaves it out");
        metrics["gnatsd_routez_num_routes"].Value.ShouldBe(4);
    }

    [Fact]
    public async Task Gateways_and_leaf_nodes_have_rows_of_their_own()
    {
        await using var super = await SuperCluster.StartAsync(more: "http: \"127.0.0.1:-1\"");
        await using var hub = await TestServer.FromConfigAsync("server_name: hub\nhttp: \"127.0.0.1:-1\"\nleafnodes { listen: \"127.0.0.1:-1\" }");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nhttp: \"127.0.0.1:-1\"\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{hub.LeafNodeEndPoint!.Port}\" }} ] }}");
        await LeafPair.ConnectedAsync(hub, 1);
        var gateways = PrometheusText.Parse((await super["A1"].GetAsync("/metrics?use_internal_server_name=true")).Text);
        gateways["gnatsd_gatewayz_outbound_gateway_configured"].Samples.Single().ShouldSatisfyAllConditions(
            one => one.Value.ShouldBe(1),
            one => one.Labels.ShouldBe(new Dictionary<string, string> { ["gateway_name"] = "A", ["remote_gateway_name"] = "B", ["server_id"] = "A1" }));
        gateways["gnatsd_gatewayz_inbound_gateway_configured"].Value.ShouldBe(0);
        foreach (var direction in new[] { "outbound", "inbound" })
        {
            foreach (var name in new[] { "rtt", "pending_bytes", "in_msgs", "out_msgs", "in_bytes", "out_bytes", "subscriptions" })
            {
                var row = gateways[$"gnatsd_gatewayz_{direction}_gateway_conn_{name}"].Samples.Single();
                row.Labels.Keys.ShouldBe(["gateway_name", "cid", "remote_gateway_name", "server_id"], ignoreOrder: true);
                row.Labels["remote_gateway_name"].ShouldBe("B");
            }
        }
        var leafs = PrometheusText.Parse((await hub.GetAsync("/metrics")).Text);
        leafs["gnatsd_leafz_conn_nodes_total"].Value.ShouldBe(1);
        foreach (var name in new[] { "info", "conn_rtt", "conn_in_msgs", "conn_out_msgs", "conn_in_bytes", "conn_out_bytes", "conn_subscriptions_total" })
        {
            var row = leafs["gnatsd_leafz_" + name].Samples.Single();
            row.Labels.Keys.ShouldBe(["server_id", "account", "account_id", "ip", "port", "name"], ignoreOrder: true);
            (row.Labels["name"], row.Labels["account"]).ShouldBe(("leaf", "$G"));
        }
        leafs.Keys.ShouldNotContain(name => name.StartsWith("gnatsd_gatewayz_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prefix_label_and_connections_are_asked_for()
    {
        await using var server = await Monitored.StartAsync("server_name: \"a\\\\b\"");
        await using var client = await server.ConnectAsync(new TestClientOptions { Name = "say \"hi\"\nto \\me" });
        await client.SubscribeAsync("foo");
        await client.FlushAsync();
        var sums = PrometheusText.Parse((await server.GetAsync("/metrics?prefix=nats&connz=true&use_internal_server_name=true")).Text);
        sums.Keys.ShouldAllBe(name => name.StartsWith("nats_", StringComparison.Ordinal));
        sums["nats_connz_num_connections"].Value.ShouldBe(1);
        sums["nats_connz_subscriptions"].Value.ShouldBe(1);
        sums["nats_connz_in_msgs"].Type.ShouldBe("counter");
        sums["nats_connz_total"].Samples.Single().Labels["server_id"].ShouldBe(server.Name);
        var details = PrometheusText.Parse((await server.GetAsync("/metrics?connz_detailed=1")).Text);
        details["gnatsd_connz_subscriptions"].Samples.Count.ShouldBe(2, "the client and the sum");
        var labels = details["gnatsd_connz_rtt"].Samples.Single().Labels;
        labels["name"].ShouldBe("say \"hi\"\nto \\me");
        labels["kind"].ShouldBe("Client");
        labels.Keys.Order().ShouldBe(["account", "account_id", "cid", "ip", "kind", "lang", "name", "name_tag", "port", "server_id", "tls_cipher_suite", "tls_version", "type", "version"]);
        details["gnatsd_connz_uptime"].Type.ShouldBe("untyped");
        (await server.GetAsync("/metrics?prefix=1%7B")).Status.ShouldBe(400);
        (await server.GetAsync("/metrics?connz=maybe")).Status.ShouldBe(400);
    }

    [Fact]
    public void Text_is_escaped_and_families_stand_together()
    {
        var writer = new MetricsWriter();
        writer.Add("b", "gauge", "two\nlines \\ and \"quotes\"", 1.5, ("l", "x\\\"\ny"));
        writer.Add("a", "counter", "a", double.PositiveInfinity);
        writer.Add("b", "gauge", "b", double.NaN, ("l", "ü"), ("m", ""));
        Encoding.UTF8.GetString(writer.ToBytes()).ShouldBe(
            "# HELP a a\n# TYPE a counter\na +Inf\n# HELP b two\\nlines \\\\ and \"quotes\"\n# TYPE b gauge\nb{l=\"x\\\\\\\"\\ny\"} 1.5\nb{l=\"ü\",m=\"\"} NaN\n");
    }

    [Theory]
    [InlineData("# HELP a x\n# TYPE a gauge\na 1")]
    [InlineData("# TYPE a gauge\na 1\n")]
    [InlineData("# HELP a x\n# TYPE a gauge\na{l=\"1\"} 1\na{l=\"1\"} 2\n")]
    [InlineData("# HELP a x\n# TYPE a gauge\nb 1\n")]
    [InlineData("# HELP a x\n# TYPE a gauge\na{l=\"\\x\"} 1\n")]
    [InlineData("# HELP a x\n# TYPE a gauge\na one\n")]
    [InlineData("# HELP a x\n# TYPE a gauge\n")]
    [InlineData("# HELP a x\n# TYPE a speed\na 1\n")]
    public void The_tests_own_reader_forgives_nothing(string text) => Should.Throw<FormatException>(() => PrometheusText.Parse(text));
}
