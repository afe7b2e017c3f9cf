using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>The protocol between servers, seen by a peer that is a test.</summary>
public sealed class RoutePeerTests
{
    private const string Cluster = "cluster { name: C, listen: \"127.0.0.1:-1\", pool_size: -1, compression: off }\nno_system_account: true\n";

    [Fact]
    [Upstream("test/routes_test.go", "TestRouterListeningSocket")]
    [Upstream("test/routes_test.go", "TestSendRouteInfoOnConnect")]
    [Upstream("new_routes_test.go", "TestNewRouteInfoOnConnect")]
    [Upstream("route_discovery_test.go", "TestSeedFirstRouteInfo")]
    public async Task TheServerSaysWhoItIs()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        var info = await peer.ReadInfoAsync();
        (info.GetProperty("port").GetInt32(), info.GetProperty("server_id").GetString()).ShouldBe((server.ClusterEndPoint!.Port, server.Id));
        info.GetProperty("proto").GetInt32().ShouldBeGreaterThanOrEqualTo(1);
        info.GetProperty("nonce").GetString()!.Length.ShouldBeGreaterThan(0);
        foreach (var capability in new[] { "headers", "lnoc", "lnocu" }) info.GetProperty(capability).GetBoolean().ShouldBeTrue(capability);
        (info.TryGetProperty("auth_required", out var required) && required.GetBoolean()).ShouldBeFalse();
        await GreetAsync(peer);
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestSendRouteSubAndUnsub")]
    [Upstream("new_routes_test.go", "TestNewRouteProgressiveNormalSubs")]
    [Upstream("new_routes_test.go", "TestNewRouteDuplicateSubscription")]
    public async Task InterestIsToldOnceAndQueuesWithTheirWeight()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await OpenAsync(server);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        foreach (var (operation, told) in new[]
        {
            ("SUB foo 1\r\nSUB foo 1\r\n", "RS+ $G foo\r\n"), ("SUB foo 2\r\n", ""), ("SUB foo bar 3\r\n", "RS+ $G foo bar 1\r\n"), ("SUB foo bar 4\r\n", "RS+ $G foo bar 2\r\n"),
            ("SUB foo bar 5\r\n", "RS+ $G foo bar 3\r\n"), ("UNSUB 5\r\n", "RS+ $G foo bar 2\r\n"), ("UNSUB 4\r\n", "RS+ $G foo bar 1\r\n"),
            ("UNSUB 3\r\n", "RS- $G foo bar\r\n"), ("UNSUB 1\r\n", ""), ("UNSUB 2\r\n", "RS- $G foo\r\n"),
        })
        {
            await client.SendAsync(operation);
            await client.FlushAsync();
            await peer.SendAsync("PING\r\n");
            await peer.ExpectAsync(told + "PONG\r\n");
        }
    }

    [Theory]
    [InlineData("", "$G")]
    [InlineData("accounts { FOO { users [ { user: foo, password: p } ] } }", "FOO")]
    [Upstream("new_routes_test.go", "TestNewRouteConnectSubs")]
    [Upstream("new_routes_test.go", "TestNewRouteConnectSubsWithAccount")]
    [Upstream("test/routes_test.go", "TestRouteResendsLocalSubsOnReconnect")]
    public async Task ANewPeerIsToldWhatThereIs(string accounts, string account)
    {
        await using var server = await TestServer.FromConfigAsync(Cluster + accounts);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"foo\",\"pass\":\"p\"}\r\n");
        for (var i = 0; i < 10; i++) await client.SendAsync($"SUB foo {i}\r\nSUB foo bar {100 + i}\r\n");
        await client.FlushAsync();
        for (var round = 0; round < 2; round++)
        {
            using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
            await peer.ReadInfoAsync();
            await SayHelloAsync(peer);
            var lines = new[] { await ReadSubscriptionAsync(peer), await ReadSubscriptionAsync(peer) };
            lines.ShouldBe([$"RS+ {account} foo", $"RS+ {account} foo bar 10"], ignoreOrder: true);
            if (round == 0)
            {
                // The next one has the same id: as long as this one is there it would be sent away.
                peer.Dispose();
                await Wait.Until("the peer is gone", () => server.RouteConnectionCount == 0);
                continue;
            }
            client.Dispose();
            lines = [await ReadSubscriptionAsync(peer), await ReadSubscriptionAsync(peer)];
            lines.ShouldBe([$"RS- {account} foo", $"RS- {account} foo bar"], ignoreOrder: true);
        }
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteRSubs")]
    public async Task EachAccountsInterestIsToldForItself()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster + "accounts { F { users [ { user: f, password: p } ] }, B { users [ { user: b, password: p } ] } }");
        using var peer = await OpenAsync(server);
        using var f = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"f\",\"pass\":\"p\"}\r\n");
        using var b = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"b\",\"pass\":\"p\"}\r\n");
        await f.SendAsync("SUB foo 1\r\n");
        await peer.ExpectAsync("RS+ F foo\r\n");
        await b.SendAsync("SUB foo 1\r\n");
        await peer.ExpectAsync("RS+ B foo\r\n");
        await f.SendAsync("UNSUB 1\r\n");
        await peer.ExpectAsync("RS- F foo\r\n");
        b.Dispose();
        await peer.ExpectAsync("RS- B foo\r\n");
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData(" bar", 100)]
    [Upstream("new_routes_test.go", "TestNewRouteClientClosedWithNormalSubscriptions")]
    [Upstream("new_routes_test.go", "TestNewRouteClientClosedWithQueueSubscriptions")]
    public async Task AClientThatGoesTakesItsInterestInOneLine(string queue, int lines)
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await OpenAsync(server);
        using (var client = await RawClient.OpenAsync(server.ClientEndPoint!))
        {
            await client.SendAsync(string.Concat(Enumerable.Range(1, 100).Select(i => $"SUB foo{queue} {i}\r\n")));
            await client.FlushAsync();
            for (var i = 1; i <= lines; i++) (await ReadSubscriptionAsync(peer)).ShouldBe(queue.Length == 0 ? "RS+ $G foo" : $"RS+ $G foo bar {i}");
        }
        await peer.ExpectAsync($"RS- $G foo{queue}\r\n");
        await peer.FlushAsync();
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteSendSubsAndMsgs")]
    [Upstream("test/routes_test.go", "TestRouteForwardsMsgFromClients")]
    [Upstream("test/routes_test.go", "TestRouteOnlySendOnce")]
    [Upstream("new_routes_test.go", "TestNewRouteHeaderSupport")]
    public async Task AMessageGoesOverOnceWithTheQueuesThatAreMeant()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await OpenAsync(server);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        foreach (var (interest, publish, message) in new[]
        {
            ("RS+ $G foo\r\nRS+ $G foo\r\n", "PUB foo 2\r\nok\r\n", "RMSG $G foo 2\r\nok\r\n"),
            ("RS+ $G foo bar 1\r\n", "PUB foo reply 2\r\nok\r\n", "RMSG $G foo + reply bar 2\r\nok\r\n"),
            ("RS+ $G *\r\n", "PUB foo reply 2\r\nok\r\n", "RMSG $G foo + reply bar 2\r\nok\r\n"),
            ("", "PUB foo 2\r\nok\r\n", "RMSG $G foo | bar 2\r\nok\r\n"),
            ("", "HPUB foo reply 12 14\r\nK1:V1,K2:V2 ok\r\n", "HMSG $G foo + reply bar 12 14\r\nK1:V1,K2:V2 ok\r\n"),
            ("RS- $G foo bar\r\n", "PUB foo 2\r\nok\r\n", "RMSG $G foo 2\r\nok\r\n"),
            ("RS- $G foo\r\nRS- $G *\r\n", "PUB foo 2\r\nok\r\n", ""),
        })
        {
            await peer.SendAsync(interest + "PING\r\n");
            await peer.ExpectAsync("PONG\r\n");
            await client.SendAsync(publish);
            await client.FlushAsync();
            await peer.SendAsync("PING\r\n");
            await peer.ExpectAsync(message + "PONG\r\n");
        }
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteProcessRoutedMsgs")]
    [Upstream("test/routes_test.go", "TestRouteForwardsMsgToClients")]
    [Upstream("test/routes_test.go", "TestRouteQueueSemantics")]
    public async Task AMessageThatComesOverGoesToAllAndToTheQueuesItNames()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await OpenAsync(server);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\nSUB foo bar 11\r\nSUB foo baz 22\r\n");
        await client.FlushAsync();
        foreach (var (routed, expected) in new[]
        {
            ("RMSG $G foo 2\r\nok\r\n", new[] { "MSG foo 1 2" }),
            ("RMSG $G foo reply 2\r\nok\r\n", ["MSG foo 1 reply 2"]),
            ("RMSG $G foo | bar 2\r\nok\r\n", ["MSG foo 1 2", "MSG foo 11 2"]),
            ("RMSG $G foo + reply bar baz 2\r\nok\r\n", ["MSG foo 1 reply 2", "MSG foo 11 reply 2", "MSG foo 22 reply 2"]),
        })
        {
            await peer.SendAsync(routed + "PING\r\n");
            await peer.ReadThroughAsync("PONG\r\n");
            await client.SendAsync("PING\r\n");
            (await client.ReadThroughAsync("PONG\r\n")).Split("\r\n").Where(line => line.StartsWith("MSG", StringComparison.Ordinal)).ShouldBe(expected, ignoreOrder: true);
        }
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestRouteOneHopSemantics")]
    public async Task WhatCameOverARouteGoesOverNone()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await OpenAsync(server);
        using var other = await OpenAsync(server, "NOTHER");
        await other.SendAsync("RS+ $G foo\r\nPING\r\n");
        await other.ReadThroughAsync("PONG\r\n");
        await peer.SendAsync("RS+ $G foo\r\nRMSG $G foo 2\r\nok\r\n");
        await peer.SendAsync("PING\r\n");
        (await peer.ReadThroughAsync("PONG\r\n")).ShouldNotContain("RMSG");
        await other.SendAsync("PING\r\n");
        (await other.ReadThroughAsync("PONG\r\n")).ShouldNotContain("RMSG");
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteRUnsubAccountSpecific")]
    [Upstream("new_routes_test.go", "TestNewRouteRSubCleanupOnDisconnect")]
    public async Task InterestOfAPeerIsTheAccountsAndEndsWithIt()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster + "accounts { A { users [ { user: a, password: p } ] }, B { users [ { user: b, password: p } ] } }");
        using var peer = await OpenAsync(server);
        await peer.SendAsync(string.Concat(Enumerable.Range(0, 100).Select(i => $"RS+ A foo.{i}\r\nRS+ B foo.{i}\r\nRS+ STRANGE foo.{i} bar {i + 1}\r\n")) + "RS- A foo.22\r\n");
        await peer.FlushAsync();
        using var a = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"a\",\"pass\":\"p\"}\r\n");
        using var b = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"b\",\"pass\":\"p\"}\r\n");
        await a.SendAsync("PUB foo.22 2\r\nno\r\n");
        await a.FlushAsync();
        await b.SendAsync("PUB foo.22 2\r\nok\r\n");
        await peer.ExpectAsync("RMSG B foo.22 2\r\nok\r\n");
        peer.Dispose();
        await Wait.Until("no interest", () => server.Accounts.All.All(account => account.Subscriptions.Count == 0));
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestMultipleRoutesSameId")]
    public async Task ASecondConnectionOfTheSamePeerIsOneTooMany()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var first = await OpenAsync(server);
        using var second = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await second.ReadInfoAsync();
        await SayHelloAsync(second);
        await second.ReadToCloseAsync();
        await first.SendAsync("RS+ $G foo\r\n");
        await first.FlushAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("PUB foo 2\r\nok\r\n");
        await first.ExpectAsync("RMSG $G foo 2\r\nok\r\n");
        await first.FlushAsync();
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestRouteToSelf")]
    public async Task AServerKnowsItself()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster);
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await SayHelloAsync(peer, server.Id);
        await peer.ReadToCloseAsync();
        server.RouteConnectionCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestRouteConnectOnShutdownRace")]
    public async Task PeersMayComeWhileTheServerStops()
    {
        var server = await TestServer.FromConfigAsync(Cluster);
        var end = server.ClusterEndPoint!;
        var stopped = false;
        var peers = Task.Run(async () =>
        {
            while (!Volatile.Read(ref stopped))
            {
                try
                {
                    using var peer = await RawClient.ConnectAsync(end);
                    await SayHelloAsync(peer);
                }
                catch (System.Net.Sockets.SocketException)
                {
                    // The listener is gone, or the connection: that is the end they run into.
                    await Task.Yield();
                }
            }
        });
        await Wait.Until("some peers", () => server.Clients.Total >= 0 && !peers.IsCompleted);
        await server.DisposeAsync().AsTask().WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        Volatile.Write(ref stopped, true);
        await peers.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePings")]
    [Upstream("routes_test.go", "TestRouteCustomPing")]
    public async Task PeersArePingedAndStaleOnesClosed()
    {
        await using var server = await TestServer.FromConfigAsync(Cluster.Replace("pool_size", "ping_interval: \"50ms\", ping_max: 2, pool_size", StringComparison.Ordinal));
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        peer.SkipsServerPings = false;
        await peer.ReadInfoAsync();
        await SayHelloAsync(peer);
        (await peer.ReadToCloseAsync()).ShouldEndWith("PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("test/routes_test.go", "TestRouteSendAsyncINFOToClients")]
    [Upstream("reload_test.go", "TestConfigReloadClusterNoAdvertise")]
    public async Task ClientsLearnOfThePeersAddresses(bool hidden)
    {
        await using var server = await TestServer.FromConfigAsync(Cluster.Replace("pool_size", $"no_advertise: {(hidden ? "true" : "false")}, pool_size", StringComparison.Ordinal));
        using var old = await RawClient.OpenAsync(server.ClientEndPoint!);
        await using var client = await server.ConnectAsync();
        using (var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!))
        {
            var info = await peer.ReadInfoAsync();
            (info.TryGetProperty("connect_urls", out var own) && own.GetArrayLength() > 0).ShouldBe(!hidden);
            await SayHelloAsync(peer, "NPEER", ",\"connect_urls\":[\"127.0.0.1:5222\",\"127.0.0.1:7777\"]");
            await peer.SendAsync("PING\r\n");
            await peer.ReadThroughAsync("PONG\r\n");
            await client.FlushAsync();
            if (!hidden) await ExpectUrlsAsync(client, $"{server.ClientEndPoint}", "127.0.0.1:5222", "127.0.0.1:7777");
        }
        await Wait.Until("the peer is gone", () => server.RouteConnectionCount == 0);
        if (!hidden) await Wait.Until("its addresses are gone", () => !client.Info.TryGetProperty("connect_urls", out var urls) || urls.GetArrayLength() == 1);
        else foreach (var told in client.Infos) told.TryGetProperty("connect_urls", out _).ShouldBeFalse();
        await old.FlushAsync();
    }

    private static Task ExpectUrlsAsync(TestClient client, params string[] expected) => Wait.Until(
        "the addresses " + string.Join(", ", expected),
        () => client.Info.TryGetProperty("connect_urls", out var urls) && urls.EnumerateArray().Select(url => url.GetString()).ToHashSet().SetEquals(expected),
        () => client.Info.ToString());

    private static async Task<string> ReadSubscriptionAsync(RawClient peer)
    {
        while (true)
        {
            var line = await peer.ReadLineAsync();
            if (line.StartsWith("RS", StringComparison.Ordinal)) return line;
        }
    }

    private static async Task<RawClient> OpenAsync(NatsServer server, string id = "NPEER")
    {
        var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await GreetAsync(peer, id);
        return peer;
    }

    private static async Task GreetAsync(RawClient peer, string id = "NPEER")
    {
        await SayHelloAsync(peer, id);
        await peer.SendAsync("PING\r\n");
        await peer.ReadThroughAsync("PONG\r\n");
        await Wait.Until("all is read", async () => !await peer.ReadMoreAsync(TimeSpan.FromMilliseconds(20)));
        if (peer.Pending.Length > 0) await peer.ReadUntilSilentAsync(TimeSpan.FromMilliseconds(20));
    }

    private static Task SayHelloAsync(RawClient peer, string id = "NPEER", string more = "") => peer.SendAsync(
        $"CONNECT {{\"echo\":true,\"headers\":true,\"name\":\"{id}\",\"cluster\":\"C\"}}\r\n" +
        $"INFO {{\"server_id\":\"{id}\",\"server_name\":\"{id}\",\"version\":\"2.14.5\",\"proto\":3,\"headers\":true,\"cluster\":\"C\"{more}}}\r\n");
}
