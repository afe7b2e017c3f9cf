using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>How news of a server reaches those that it does not dial.</summary>
public sealed class RouteGossipTests
{
    private const string Accounts = "accounts { A { users: [{user: a, password: p}] }, B { users: [{user: b, password: p}] } }";

    [Theory]
    [InlineData("pool_size: -1, compression: off")]
    [InlineData("pool_size: -1")]
    [InlineData("compression: off")]
    [InlineData("")]
    [Upstream("routes_test.go", "TestRouteImplicitJoinsSeparateGroups")]
    public async Task TwoMeshesBecomeOneByOneRoute(string cluster)
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("S1", cluster)));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("S2", cluster, all[0])));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("S3", cluster, all[0])));
        await all.WaitForMeshAsync();
        await using var others = new TestCluster();
        others.Servers.Add(await TestServer.FromConfigAsync(Config("S4", cluster)));
        others.Servers.Add(await TestServer.FromConfigAsync(Config("S5", cluster, others[0])));
        await others.WaitForMeshAsync();
        await all[2].ReloadAsync(TestServer.Parse(Config("S3", cluster, all[0], others[0])));
        all.Servers.AddRange(others.Servers);
        await all.WaitForMeshAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("routes_test.go", "TestRoutePerAccountGossipWorks")]
    public async Task PinnedAccountsAreHeardOfToo(bool bySeed)
    {
        const string cluster = "accounts: [ A ]";
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", cluster)));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("B", cluster, all[0])));
        await all.WaitForMeshAsync();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("C", cluster, bySeed ? [] : [all[0]])));
        if (bySeed) await all[0].ReloadAsync(TestServer.Parse(Config("A", cluster, all[2])));
        await all.WaitForMeshAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AServerWithAGeneratedNameJoinsThroughOneThatGaveItsOwnUp(bool hasDialled)
    {
        await using var all = new TestCluster();
        if (hasDialled) all.Servers.Add(await NatsServer.StartAsync(TestServer.Member("s2", "AAA")));
        var through = await TestServer.FromConfigAsync(Nameless("s1", hasDialled ? all[0] : null));
        all.Servers.Add(through);
        if (!hasDialled) all.Servers.Add(await NatsServer.StartAsync(TestServer.Member("s2", "AAA", through.ClusterEndPoint!.Port)));
        await all.WaitForMeshAsync();
        all.Servers.Add(await TestServer.FromConfigAsync(Nameless("s3", through)));
        await all.WaitForMeshAsync();
        all.Servers.ShouldAllBe(server => server.ClusterName == "AAA");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePerAccountGossipWorksWithOldServerNotSeed")]
    public async Task AServerWithoutPoolsHearsOfNoPinnedAccount()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "compression: off, accounts: [ A ]")));
        using var old = await RawClient.ConnectAsync(all[0].ClusterEndPoint!);
        await old.ReadInfoAsync();
        await GreetAsync(old, "OLD", "\"port\":1");
        await Wait.Until("the old server is known", () => all[0].RouteConnectionCount == 1);
        all.Servers.Add(await TestServer.FromConfigAsync(Config("C", "compression: off, accounts: [ A ]", all[0])));
        await Wait.Until("the new one is known", () => all[0].RouteConnectionCount == 6);
        await old.SendAsync("PING\r\n");
        var told = (await old.ReadThroughAsync("PONG\r\n")).Split("\r\n").Where(line => line.Contains("\"server_name\":\"C\"", StringComparison.Ordinal)).ToArray();
        told.Length.ShouldBe(1);
        told[0].ShouldNotContain("route_account");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePerAccountGossipWorksWithOldServerSeed")]
    public async Task AServerWithoutPoolsBringsThoseTogetherThatHaveThem()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "pool_size: -1")));
        var port = all[0].ClusterEndPoint!.Port;
        all.Servers.Add(await TestServer.FromConfigAsync(Config("B", "accounts: [ A ]", all[0])));
        await all.WaitForMeshAsync();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("C", "accounts: [ A ]", all[0])));
        await all.WaitForMeshAsync();
        await WaitForConnectionsAsync(all, 2, 6, 6);
        await all[0].DisposeAsync();
        var upgraded = TestServer.Parse(Config("A", "accounts: [ A ]"));
        all.Servers[0] = await NatsServer.StartAsync(upgraded with { Cluster = upgraded.Cluster with { Port = port } });
        await all.WaitForMeshAsync();
        await WaitForConnectionsAsync(all, 10, 10, 10);
    }

    [Fact]
    [Upstream("route_discovery_test.go", "TestSeedMultipleRouteInfo")]
    [Upstream("route_discovery_test.go", "TestSeedReturnIPInInfo")]
    public async Task EveryPeerHearsOfTheNextWithItsAddress()
    {
        await using var seed = await TestServer.FromConfigAsync(Config("seed", "compression: off, pool_size: -1"));
        var peers = new List<RawClient>();
        for (var i = 1; i <= 3; i++)
        {
            var peer = await RawClient.ConnectAsync(seed.ClusterEndPoint!);
            await peer.ReadInfoAsync();
            await GreetAsync(peer, $"P{i}", $"\"port\":{20 + i}");
            // Only who is known already hears of the next: the answer shows that the greeting was taken.
            await peer.SendAsync("PING\r\n");
            await peer.ReadThroughAsync("PONG\r\n");
            foreach (var earlier in peers)
            {
                var told = await earlier.ReadLineAsync();
                while (!told.StartsWith("INFO", StringComparison.Ordinal)) told = await earlier.ReadLineAsync();
                told.ShouldContain($"\"server_id\":\"P{i}\"");
                told.ShouldContain($"\"ip\":\"nats-route://127.0.0.1:{20 + i}/\"");
                told.ShouldNotContain("nonce");
            }
            peers.Add(peer);
        }
        foreach (var peer in peers) peer.Dispose();
    }

    [Fact]
    [Upstream("routes_test.go", "TestClusterAdvertise")]
    public async Task AnAdvertisedAddressIsTheOneOthersDial()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "")));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("B", "", all[0])));
        await all.WaitForMeshAsync();
        await using var third = await TestServer.FromConfigAsync(Config("C", $"cluster_advertise: \"{listener.LocalEndpoint}\"", all[0]));
        using var dialled = await Wait.For("B dials", listener.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask());
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadClusterAdvertise")]
    public async Task WhatIsAdvertisedFollowsAReload()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(Config("A", "")), log);
        var port = server.ClusterEndPoint!.Port;
        foreach (var (advertise, host, toldPort, ip) in new[]
        {
            ("cluster_advertise: \"me:1\"", "me", 1, "nats-route://me:1/"),
            ("cluster_advertise: me", "me", port, $"nats-route://me:{port}/"),
            ("cluster_advertise: \"me:-1\"", "me", port, $"nats-route://me:{port}/"),
            ("", "127.0.0.1", port, null),
        })
        {
            await server.ReloadAsync(TestServer.Parse(Config("A", advertise)));
            using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
            await Wait.Until("INFO after " + advertise, () => peer.ReadMoreAsync(TimeSpan.FromSeconds(1)), () => string.Join('\n', log.Lines.TakeLast(20)));
            var info = await peer.ReadInfoAsync();
            (info.GetProperty("host").GetString(), info.GetProperty("port").GetInt32()).ShouldBe((host, toldPort));
            (info.TryGetProperty("ip", out var told) ? told.GetString() : null).ShouldBe(ip);
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestClusterAdvertiseErrorOnStartup")]
    public async Task AnAdvertisedAddressHasToBeOne()
    {
        var refused = await Should.ThrowAsync<ConfigurationValueException>(() => TestServer.FromConfigAsync(Config("A", "cluster_advertise: \"addr:::123\"")));
        refused.Message.ShouldContain("Cluster.Advertise");
    }

    [Fact]
    [Upstream("route_discovery_test.go", "TestImplicitRouteRetry")]
    public async Task AServerHeardOfIsTriedAsOftenAsConfigured()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("seed", "compression: off, pool_size: -1")));
        using var log = new CapturedLog();
        all.Servers.Add(await NatsServer.StartAsync(TestServer.Parse(Config("A", "compression: off, pool_size: -1, connect_retries: 5", all[0])), log));
        await all.WaitForMeshAsync();
        using var reserved = new TcpListener(IPAddress.Loopback, 0);
        reserved.Start();
        var end = (IPEndPoint)reserved.LocalEndpoint;
        reserved.Stop();
        using var peer = await RawClient.ConnectAsync(all[0].ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await GreetAsync(peer, "B", $"\"port\":{end.Port}");
        await Wait.Until("a failed attempt", () => log.Contains("Error trying to connect to route (attempt 1)"), () => string.Join('\n', log.Lines.TakeLast(5)));
        using var listener = new TcpListener(end);
        listener.Start();
        using var dialled = await Wait.For("another attempt", listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask());
        using var reader = new StreamReader(dialled.GetStream());
        (await Wait.For("CONNECT", reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()))!.ShouldStartWith("CONNECT {");
        (await Wait.For("INFO", reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()))!.ShouldContain(all[1].Id);
    }

    private static Task GreetAsync(RawClient peer, string id, string more) => peer.SendAsync(
        $"CONNECT {{\"headers\":true,\"name\":\"{id}\",\"cluster\":\"abc\"}}\r\n" +
        $"INFO {{\"server_id\":\"{id}\",\"server_name\":\"{id}\",\"version\":\"2.9.0\",\"proto\":1,\"headers\":true,\"cluster\":\"abc\",\"host\":\"127.0.0.1\",{more}}}\r\n");

    private static Task WaitForConnectionsAsync(TestCluster all, params int[] expected) => Wait.Until(
        "the right number of connections",
        () => all.Servers.Select(server => server.RouteConnectionCount).SequenceEqual(expected),
        () => string.Join(", ", all.Servers.Select(server => server.RouteConnectionCount)));

    private static string Nameless(string name, NatsServer? to) =>
        $"server_name: {name}\ncluster {{ listen: \"127.0.0.1:-1\", routes: [ {(to is null ? "" : $"\"nats://127.0.0.1:{to.ClusterEndPoint!.Port}\"")} ] }}";

    private static string Config(string name, string cluster, params NatsServer[] to) =>
        $$"""
        server_name: {{name}}
        {{Accounts}}
        cluster { name: abc, listen: "127.0.0.1:-1", {{cluster}}
          routes: [ {{string.Join(", ", to.Select(server => $"\"nats://127.0.0.1:{server.ClusterEndPoint!.Port}\""))}} ] }
        """;
}
