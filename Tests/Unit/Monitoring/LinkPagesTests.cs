using NatsAspire.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>What the pages tell of gateways and leaf nodes: what is configured, and what was learned.</summary>
public sealed class LinkPagesTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorGateway")]
    public async Task The_gateway_block_is_told_without_secrets()
    {
        await using var server = await Monitored.StartAsync("""
            server_name: A
            gateway {
              name: A, listen: "127.0.0.1:-1", advertise: "127.0.0.1", connect_retries: 1, authorization { timeout: 1 }
              gateways: [ { name: B, urls: ["nats://ivan:pwdfatal@localhost:1234", "nats://localhost:1235"] } ]
            }
            """);
        for (var i = 0; i < 2; i++)
        {
            var page = (await server.GetAsync("/varz")).Text;
            page.ShouldNotContain("pwdfatal");
            var gateway = Golden.ParseText(page).GetProperty("gateway");
            (gateway.GetProperty("name").GetString(), gateway.GetProperty("host").GetString(), gateway.GetProperty("port").GetInt32()).ShouldBe(("A", "127.0.0.1", server.GatewayEndPoint!.Port));
            (gateway.GetProperty("auth_timeout").GetDouble(), gateway.GetProperty("connect_retries").GetInt32(), gateway.GetProperty("advertise").GetString()).ShouldBe((1, 1, "127.0.0.1"));
            foreach (var absent in new[] { "tls_required", "tls_verify", "reject_unknown" }) gateway.TryGetProperty(absent, out _).ShouldBeFalse(absent);
            var remote = gateway.GetProperty("gateways").EnumerateArray().Single();
            remote.GetProperty("name").GetString().ShouldBe("B");
            remote.GetProperty("urls").EnumerateArray().Select(url => url.GetString()).ShouldBe(["localhost:1234", "localhost:1235"], ignoreOrder: true);
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorGatewayReportItsOwnURLs")]
    public async Task The_own_cluster_is_told_as_it_is_configured()
    {
        await using var server = await TestServer.FromConfigAsync(
            "gateway { name: A, listen: \"127.0.0.1:-1\", gateways: [ { name: A, urls: [\"nats://127.0.0.1:1234\", \"nats://127.0.0.1:1235\"] } ] }");
        server.Varz().Gateway.Gateways!.Single().Urls.ShouldBe(["127.0.0.1:1234", "127.0.0.1:1235"]);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorGatewayURLsUpdated")]
    public async Task Addresses_that_come_and_go_are_told()
    {
        var ports = new FreePorts().Take(2);
        string B(int index) =>
            $"server_name: B{index}\ncluster {{ name: B, listen: \"127.0.0.1:{ports[index]}\", routes: [ \"nats://127.0.0.1:{ports[1 - index]}\" ] }}\ngateway {{ name: B, listen: \"127.0.0.1:-1\" }}";
        await using var first = await TestServer.FromConfigAsync(B(0));
        await using var a = await TestServer.FromConfigAsync(
            $"server_name: A\ngateway {{ name: A, listen: \"127.0.0.1:-1\", gateways: [ {{ name: B, urls: [\"nats://127.0.0.1:{first.GatewayEndPoint!.Port}\"] }} ] }}");
        await Wait.Until("they meet", () => (a.OutboundGatewayCount, a.InboundGatewayCount) == (1, 1));
        string[] Urls() => [.. a.Varz().Gateway.Gateways!.Single().Urls.Order()];
        var alone = new[] { $"127.0.0.1:{first.GatewayEndPoint.Port}" };
        Urls().ShouldBe(alone);
        var second = await TestServer.FromConfigAsync(B(1));
        await Wait.Until("the other is connected", () => a.InboundGatewayCount == 2);
        string[] both = [.. alone.Append($"127.0.0.1:{second.GatewayEndPoint!.Port}").Order()];
        await Wait.Until("both are told", () => Urls().SequenceEqual(both), () => string.Join(' ', Urls()));
        await second.DisposeAsync();
        await Wait.Until("the one that went is not told any more", () => Urls().SequenceEqual(alone), () => string.Join(' ', Urls()));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorLeafNode")]
    public async Task The_leaf_block_is_told_without_secrets()
    {
        await using var server = await Monitored.StartAsync("""
            server_name: hub
            accounts { acc { users: [{user: u, password: p}] } }
            leafnodes { listen: "127.0.0.1:-1", authorization { timeout: 1 }, remotes: [ { url: "nats://ivan:pwdfatal@localhost:1234", account: acc } ] }
            """);
        var page = (await server.GetAsync("/varz")).Text;
        page.ShouldNotContain("pwdfatal");
        var varz = Golden.ParseText(page);
        // A server without a cluster is one of its own name to its hubs only.
        varz.GetProperty("cluster").TryGetProperty("name", out _).ShouldBeFalse();
        var leaf = varz.GetProperty("leaf");
        (leaf.GetProperty("host").GetString(), leaf.GetProperty("port").GetInt32(), leaf.GetProperty("auth_timeout").GetDouble()).ShouldBe(("127.0.0.1", server.LeafNodeEndPoint!.Port, 1));
        foreach (var absent in new[] { "tls_required", "tls_verify" }) leaf.TryGetProperty(absent, out _).ShouldBeFalse(absent);
        var remote = leaf.GetProperty("remotes").EnumerateArray().Single();
        remote.GetProperty("local_account").GetString().ShouldBe("acc");
        remote.GetProperty("urls").EnumerateArray().Single().GetString().ShouldBe("localhost:1234");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorAccountStatzLeafNodes")]
    [Upstream("monitor_test.go", "TestMonitorConnzIncludesLeafnodes")]
    public async Task Leaf_nodes_count_among_connections_and_use_an_account()
    {
        await using var hub = await LeafPair.HubAsync();
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(hub, 1);
        await using var client = await LeafPair.ClientAsync(hub, "b");
        foreach (var options in new AccountStatzOptions[] { new(), new() { Accounts = ["A", "B", "$G"] } })
        {
            hub.AccountStatz(options).Accounts.Where(account => account.Account.Length == 1).Select(account => (account.Account, account.Connections, account.LeafNodes, account.TotalConnections))
                .ShouldBe([("A", 0, 1, 1), ("B", 1, 0, 1)], ignoreOrder: true);
            hub.AccountStatz(options).Accounts.ShouldNotContain(account => account.Account == "$G");
        }
        foreach (var options in new ConnzOptions[] { new(), new() { Account = "A" } })
        {
            var connz = hub.Connz(options);
            var one = connz.Connections!.Single(connection => connection.Kind == "Leafnode");
            one.Name.ShouldBe("leaf");
            connz.Connections!.Count.ShouldBe(options.Account is null ? 2 : 1);
            connz.Total.ShouldBe(connz.Count);
            hub.Connz(options with { ConnectionId = one.Id, Auth = true, Subscriptions = true }).Connections!.Single().AuthorizedUser.ShouldBe("a");
            hub.Connz(options with { State = ConnectionState.Closed }).Connections!.ShouldBeEmpty();
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzTLSCfg")]
    public async Task Each_listener_tells_of_its_tls()
    {
        using var certificates = new TestCertificates();
        var tls = certificates.Block("verify: true").Replace("timeout: 5", "timeout: 1.5", StringComparison.Ordinal);
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: A\naccounts {{ SYS {{ users: [{{user: sys, password: sys}}] }} }}\nsystem_account: SYS\n{tls}\ncluster {{ name: A, listen: \"127.0.0.1:-1\"\n{tls} }}\ngateway {{ name: A, listen: \"127.0.0.1:-1\"\n{tls} }}\nleafnodes {{ listen: \"127.0.0.1:-1\"\n{tls} }}\n");
        var varz = server.Varz();
        (varz.TlsVerify, varz.TlsRequired, varz.TlsTimeout).ShouldBe((true, true, 1.5));
        (varz.Cluster.TlsVerify, varz.Cluster.TlsRequired, varz.Cluster.TlsTimeout).ShouldBe((true, true, 1.5));
        (varz.Gateway.TlsVerify, varz.Gateway.TlsRequired, varz.Gateway.TlsTimeout).ShouldBe((true, true, 1.5));
        (varz.LeafNode.TlsVerify, varz.LeafNode.TlsRequired, varz.LeafNode.TlsTimeout).ShouldBe((true, true, 1.5));
    }
}
