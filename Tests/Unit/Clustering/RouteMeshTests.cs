using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Meshes that form under hard conditions, and that heal.</summary>
public sealed class RouteMeshTests
{
    private const string Accounts = "accounts { A { users: [{user: a, password: p}] }, B { users: [{user: b, password: p}] } }";

    [Fact]
    [Upstream("routes_test.go", "TestRoutePerAccountImplicit")]
    public async Task APinnedConnectionThatGossipMadeComesBack()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("s1", "accounts: [ A ]")));
        for (var i = 2; i <= 3; i++) all.Servers.Add(await TestServer.FromConfigAsync(Config($"s{i}", "accounts: [ A ]", all[0])));
        await all.WaitForMeshAsync();
        var lost = all[2].Routes!.Snapshot().Where(route => route.RemoteId == all[1].Id && route.PinnedAccount is not null).ToArray();
        lost.Length.ShouldBe(2);
        foreach (var route in lost) route.Close(CloseReason.ReadError);
        await Wait.Until("they are gone", () => !all[2].Routes!.Snapshot().Intersect(lost).Any());
        await all.WaitForMeshAsync();
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteReconnectAfterDuplicateRouteUpgrade")]
    public async Task AnyConnectionOfThePoolComesBack()
    {
        await using var all = await TestServer.ClusterAsync(2);
        for (var index = 0; index < 3; index++)
        {
            var lost = all[1].Routes!.Snapshot().First(route => route.PinnedAccount is null && route.PoolIndex == index);
            lost.Close(CloseReason.SlowConsumerWriteDeadline);
            await Wait.Until("it is gone", () => !all[1].Routes!.Snapshot().Contains(lost));
            await all.WaitForMeshAsync();
            await ExchangeAsync(all[0], all[1], null);
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePerAccountConnectRace")]
    public async Task ServersThatAllDialEachOtherSettleAndKnowIt()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(3);
        var routes = string.Join(", ", ports.Select(port => $"\"nats://127.0.0.1:{port}\""));
        await using var all = new TestCluster();
        all.Servers.AddRange(await Task.WhenAll(ports.Select((port, i) => TestServer.FromConfigAsync(
            $"server_name: s{i}\n{Accounts}\nno_system_account: true\ncluster {{ name: C, listen: \"127.0.0.1:{port}\", pool_size: 1, accounts: [ A ], routes: [ {routes} ] }}"))));
        await all.WaitForMeshAsync();
        foreach (var server in all.Servers)
        {
            await Wait.Until("two connections to each", () => server.RouteConnectionCount == 4, () => $"{server.RouteConnectionCount}");
            await Wait.Until(
                "all are known as configured",
                () => server.Routez().Routes.All(route => route is { DidSolicit: true, IsConfigured: true }),
                () => string.Join("; ", server.Routez().Routes.Select(route => $"{route.RemoteName} {route.DidSolicit} {route.IsConfigured}")));
        }
    }

    [Theory]
    [InlineData("pool_size: -1, compression: off")]
    [InlineData("")]
    [Upstream("routes_test.go", "TestRouteImplicitNotTooManyDuplicates")]
    // Eight servers have 112 connections. How often two servers dial at the same moment depends on the machine; where each
    // server dials whatever it hears of, all are dialled at least twice.
    public async Task NewsOfManyServersMakesFewConnectionsTwice(string cluster)
    {
        using var log = new CapturedLog();
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("seed", cluster)));
        for (var i = 1; i <= 7; i++) all.Servers.Add(await NatsServer.StartAsync(TestServer.Parse(Config($"s{i}", cluster, all[0])), log));
        await all.WaitForMeshAsync();
        log.Lines.Count(line => line.Contains("Router connection closed: Duplicate Route", StringComparison.Ordinal)).ShouldBeLessThan(56);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("route_discovery_test.go", "TestStressSeedSolicitWorks")]
    [Upstream("route_discovery_test.go", "TestStressChainedSolicitWorks")]
    public async Task ServersThatStartAtOnceMeshAgainAndAgain(bool chained)
    {
        await using var seed = await TestServer.FromConfigAsync(Config("seed", ""));
        for (var round = 0; round < 3; round++)
        {
            var ports = new NatsAspire.Hosting.FreePorts().Take(3);
            var others = await Task.WhenAll(ports.Select((port, i) => TestServer.FromConfigAsync(
                $"server_name: s{i}\ncluster {{ name: C, listen: \"127.0.0.1:{port}\", routes: [ \"nats://127.0.0.1:{(chained && i > 0 ? ports[i - 1] : seed.ClusterEndPoint!.Port)}\" ] }}")));
            var all = new TestCluster();
            all.Servers.AddRange([seed, .. others]);
            await all.WaitForMeshAsync();
            foreach (var other in others) await other.DisposeAsync();
            await Wait.Until("the seed is alone", () => seed.RouteConnectionCount == 0);
        }
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRoutePoolAndPerAccountNoPanicIfFirstAdded")]
    public async Task TheFirstPinnedAccountMayComeWithAReload()
    {
        const string more = "no_system_account: true";
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "pool_size: 2") + more));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("B", "pool_size: 2", all[0]) + more));
        await all.WaitForMeshAsync();
        await all[0].ReloadAsync(TestServer.Parse(Config("A", "pool_size: 2, accounts: [ A ]") + more));
        await all[1].ReloadAsync(TestServer.Parse(Config("B", "pool_size: 2, accounts: [ A ]", all[0]) + more));
        await Wait.Until("two pooled and one pinned", () => all.Servers.All(server => server.PeerCount == 1 && server.RouteConnectionCount == 3), () => string.Join(", ", all.Servers.Select(server => server.RouteConnectionCount)));
        await ExchangeAsync(all[0], all[1], "a");
        await ExchangeAsync(all[0], all[1], "b");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRoutePoolAndPerAccountWithOlderServer")]
    public async Task ShapesMayChangeBesideAServerWithoutPools()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "pool_size: 3")));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("B", "pool_size: 3", all[0])));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("C", "pool_size: -1", all[0])));
        await all.WaitForMeshAsync();
        foreach (var shape in new[] { "pool_size: 3, accounts: [ A ]", "pool_size: 3", "pool_size: 5", "pool_size: 4, accounts: [ A ]", "pool_size: 3" })
        {
            await all[0].ReloadAsync(TestServer.Parse(Config("A", shape)));
            await all[1].ReloadAsync(TestServer.Parse(Config("B", shape, all[0])));
            await all.WaitForMeshAsync();
            await ExchangeAsync(all[1], all[2], "a");
            await ExchangeAsync(all[2], all[1], "a");
        }
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRoutePoolAndPerAccountNoDuplicateSub")]
    public async Task InterestThatMovesToAPinnedConnectionIsNotTwice()
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", "")));
        for (var i = 0; i < 2; i++) all.Servers.Add(await TestServer.FromConfigAsync(Config($"{(char)('B' + i)}", "", all[0])));
        await all.WaitForMeshAsync();
        await using var subscriber = await all[2].ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        var messages = new List<TestSubscription>();
        var subscribing = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++) messages.Add(await subscriber.SubscribeAsync($"foo.{i}"));
            await subscriber.FlushAsync();
        });
        await Wait.Until("some interest", () => all[1].Accounts.Find("A")!.Subscriptions.Count > 10);
        await all[0].ReloadAsync(TestServer.Parse(Config("A", "accounts: [ A ]")));
        for (var i = 1; i < 3; i++) await all[i].ReloadAsync(TestServer.Parse(Config($"{(char)('A' + i)}", "accounts: [ A ]", all[0])));
        await subscribing;
        await all.WaitForMeshAsync();
        await Wait.Until("all interest", () => Enumerable.Range(0, 1000).All(i => Has(all[1], "A", $"foo.{i}")));
        await using var publisher = await all[1].ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        for (var i = 0; i < 1000; i++) await publisher.PublishAsync($"foo.{i}", "hello");
        await publisher.FlushAsync();
        await Wait.Until("all messages", () => messages.All(one => one.Count >= 1));
        await ExchangeAsync(all[1], all[2], "a");
        messages.ShouldAllBe(one => one.Count == 1);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadClusterWorks")]
    public async Task AReloadThatChangesNoRouteKeepsThemAll()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        string Text(int i, int timeout) =>
            $"server_name: s{i}\ncluster {{ name: C, listen: \"127.0.0.1:{ports[i]}\", authorization {{ user: u, password: p, timeout: {timeout} }}, routes: [ \"nats://u:p@127.0.0.1:{ports[1 - i]}\" ] }}";
        await using var all = new TestCluster();
        all.Servers.AddRange(await Task.WhenAll(Enumerable.Range(0, 2).Select(i => TestServer.FromConfigAsync(Text(i, 3)))));
        await all.WaitForMeshAsync();
        await Wait.Until("all has settled", () => all.Servers.All(server => server.RouteConnectionCount == 4));
        ulong[] Ids() => [.. all.Servers.SelectMany(server => server.Routes!.Snapshot().Select(route => route.Id)).Order()];
        var before = Ids();
        for (var i = 0; i < 2; i++) await all[i].ReloadAsync(TestServer.Parse(Text(i, 5)));
        await ExchangeAsync(all[0], all[1], null);
        await all.WaitForMeshAsync();
        Ids().ShouldBe(before);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadDisableClusterAuthorization")]
    [Upstream("reload_test.go", "TestConfigReloadAuthDoesNotBreakRouteInterest")]
    public async Task InterestOutlivesAuthorizationThatIsGivenUp()
    {
        const string authorization = "authorization { user: u, password: p }";
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("A", authorization)));
        string Second(string more) => $"server_name: B\n{Accounts}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", {more}\n routes: [ \"nats://u:p@127.0.0.1:{all[0].ClusterEndPoint!.Port}\" ] }}";
        all.Servers.Add(await TestServer.FromConfigAsync(Second(authorization)));
        await all.WaitForMeshAsync();
        await using var subscriber = await all[0].ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        var messages = await subscriber.SubscribeAsync("foo");
        await Wait.Until("interest", () => Has(all[1], "A", "foo"));
        await using var publisher = await all[1].ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await publisher.PublishAsync("foo", "hello");
        (await messages.NextAsync()).Text.ShouldBe("hello");
        await all[1].ReloadAsync(TestServer.Parse(Second("")));
        await all.WaitForMeshAsync();
        await Wait.Until("interest still", () => Has(all[1], "A", "foo"));
        await publisher.PublishAsync("foo", "hola");
        (await messages.NextAsync()).Text.ShouldBe("hola");
        await all[1].DisposeAsync();
        await all[0].ReloadAsync(TestServer.Parse(Config("A", "authorization { user: u, password: p, timeout: 3 }")));
        all.Servers[1] = await TestServer.FromConfigAsync(Second(authorization));
        await all.WaitForMeshAsync();
        await Wait.Until("interest again", () => Has(all[1], "A", "foo"));
    }

    private static string Config(string name, string cluster, params NatsServer[] to) =>
        $$"""
        server_name: {{name}}
        {{Accounts}}
        cluster { name: C, listen: "127.0.0.1:-1", {{cluster}}
          routes: [ {{string.Join(", ", to.Select(server => $"\"nats://127.0.0.1:{server.ClusterEndPoint!.Port}\""))}} ] }

        """;

    private static async Task ExchangeAsync(NatsServer from, NatsServer to, string? user)
    {
        var options = user is null ? null : new TestClientOptions { User = user, Password = "p" };
        var account = user?.ToUpperInvariant() ?? "$G";
        await using var subscriber = await to.ConnectAsync(options);
        var subject = $"exchange.{Guid.NewGuid():N}";
        var messages = await subscriber.SubscribeAsync(subject);
        await Wait.Until($"interest of {to.Name} on {from.Name}", () => Has(from, account, subject));
        await using var publisher = await from.ConnectAsync(options);
        await publisher.PublishAsync(subject, "ok");
        (await messages.NextAsync()).Text.ShouldBe("ok");
    }

    private static bool Has(NatsServer server, string account, string subject) =>
        server.Accounts.Find(account)?.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes(subject)) == true;
}
