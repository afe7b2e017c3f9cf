using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>How servers find each other, and what keeps them apart.</summary>
public sealed class RouteMoreTests
{
    private const string Accounts = "accounts { A { users: [{user: a, password: p}], exports: [{stream: foo}] }, B { users: [{user: b, password: p}], imports: [{stream: {subject: foo, account: A} }] } }";

    [Fact]
    [Upstream("routes_test.go", "TestTLSSeedSolicitWorks")]
    [Upstream("routes_test.go", "TestTLSChainedSolicitWorks")]
    public async Task AMeshInTlsIsFoundFromASeedAndFromAChain()
    {
        using var certificates = new TestCertificates();
        foreach (var chained in new[] { false, true })
        {
            await using var cluster = new TestCluster();
            for (var i = 0; i < 3; i++)
            {
                var seeds = i == 0 ? [] : new[] { cluster[chained ? i - 1 : 0] };
                cluster.Servers.Add(await TestServer.FromConfigAsync(Config($"s{i}", certificates.Block(), "", seeds)));
            }
            await cluster.WaitForMeshAsync();
            await ExchangeAsync(cluster[2], cluster[1], "$G");
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteSendLocalSubsWithLowMaxPending")]
    [Upstream("routes_test.go", "TestRouteNoCrashOnAddingSubToRoute")]
    public async Task ManySubscriptionsAreToldWhateverMayWait()
    {
        await using var first = await TestServer.FromConfigAsync(Config("s1", "", "max_payload: 1024\nmax_pending: 1024"));
        await using var client = await first.ConnectAsync();
        for (var i = 0; i < 1000; i++) await client.SubscribeAsync($"fo.bar.{i}");
        await client.FlushAsync();
        await using var cluster = new TestCluster();
        for (var i = 2; i <= 4; i++)
        {
            cluster.Servers.Add(await TestServer.FromConfigAsync(Config($"s{i}", "", "", first)));
            first.Routez().Routes!.ShouldAllBe(route => route.LastActivity != default);
        }
        foreach (var server in cluster.Servers) await Wait.Until("all subscriptions", () => server.Accounts.Global.Subscriptions.Count >= 1000, () => $"{server.Accounts.Global.Subscriptions.Count}");
        first.PeerCount.ShouldBe(3);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteDuplicateServerName")]
    public async Task TwoOfOneNameAreNotOfOneCluster()
    {
        using var log = new CapturedLog();
        await using var first = await NatsServer.StartAsync(TestServer.Member("A"), log);
        await using var second = await NatsServer.StartAsync(TestServer.Member("A", "C", first.ClusterEndPoint!.Port));
        await Wait.Until("the warning", () => log.Contains("Remote server has a duplicate name: \"A\""), () => string.Join('\n', log.Lines));
        first.PeerCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteNoLeakOnAuthTimeout")]
    public async Task APeerThatSaysNothingIsClosed()
    {
        await using var server = await TestServer.FromConfigAsync("cluster { name: C, listen: \"127.0.0.1:-1\", authorization { user: foo, password: bar, timeout: 0.2 } }");
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        (await peer.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authentication Timeout'\r\n");
        server.RouteConnectionCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePoolBadAuthNoRunawayCreateRoute")]
    [Upstream("route_discovery_test.go", "TestAuthSeedSolicitWorks")]
    public async Task WrongCredentialsAreTriedCalmlyAndRightOnesMesh()
    {
        using var log = new CapturedLog();
        const string authorization = "authorization { user: correct, password: correct, timeout: 5 }";
        await using var first = await NatsServer.StartAsync(TestServer.Parse(Config("S1", authorization, "")), log);
        string Second(string user) => $"server_name: S2\ncluster {{ name: C, listen: \"127.0.0.1:-1\", {authorization}\n routes: [ \"nats://{user}:{user}@127.0.0.1:{first.ClusterEndPoint!.Port}\" ] }}";
        await using var second = await TestServer.FromConfigAsync(Second("incorrect"));
        var until = Environment.TickCount64 + 1500;
        await Wait.Until("a second and a half", () => Environment.TickCount64 > until);
        log.Lines.Count(line => line.Contains("authentication error", StringComparison.Ordinal)).ShouldBeInRange(1, 10);
        await second.ReloadAsync(TestServer.Parse(Second("correct")));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var third = await TestServer.FromConfigAsync(Second("correct").Replace("S2", "S3", StringComparison.Ordinal));
        await Wait.Until("the whole mesh", () => first.PeerCount == 2 && second.PeerCount == 2 && third.PeerCount == 2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pool_size: 5")]
    [InlineData("accounts: [\"A\"]")]
    [InlineData("accounts: [\"A\", \"B\"]")]
    [Upstream("routes_test.go", "TestRoutePoolPerAccountStreamImport")]
    [Upstream("new_routes_test.go", "TestNewRouteStreamImport")]
    public async Task AnImportedStreamCrossesOnEveryKindOfConnection(string routes)
    {
        await using var first = await TestServer.FromConfigAsync(Config("A", routes, Accounts));
        await using var second = await TestServer.FromConfigAsync(Config("B", routes, Accounts, first));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var importer = await second.ConnectAsync(new TestClientOptions { User = "b", Password = "p" });
        var messages = await importer.SubscribeAsync("foo");
        await Wait.Until("interest in both accounts", () => Has(first, "A", "foo") && Has(first, "B", "foo"));
        await using var exporter = await first.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await exporter.PublishAsync("foo", "hello");
        (await messages.NextAsync()).Text.ShouldBe("hello");
        await messages.UnsubscribeAsync();
        await Wait.Until("no interest", () => !Has(first, "A", "foo") && !Has(first, "B", "foo"));
        messages.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRoutePoolCannotBeDisabledIfAccountsPresent")]
    [Upstream("routes_test.go", "TestRoutePoolAndPerAccountErrors")]
    public async Task PinnedAccountsNeedThePool()
    {
        await using var first = await TestServer.FromConfigAsync(Config("A", "accounts: [\"A\"]", Accounts));
        var refused = await Should.ThrowAsync<ConfigurationValueException>(() => first.ReloadAsync(TestServer.Parse(Config("A", "accounts: [\"A\"], pool_size: -1", Accounts))));
        refused.Message.ShouldContain("accounts");
        Should.Throw<Exception>(() => OptionsValidator.Validate(ConfigLoader.LoadText("cluster { port: -1, accounts: [\"abc\", \"def\", \"abc\"] }", CommandLine.Checks).Options)).Message.ShouldContain("duplicate");
        await first.ReloadAsync(TestServer.Parse(Config("A", "pool_size: -1", Accounts)));
        await using var second = await TestServer.FromConfigAsync(Config("B", "pool_size: -1", Accounts, first));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await ExchangeAsync(second, first, "A");
        using var log = new CapturedLog();
        await using var third = await NatsServer.StartAsync(TestServer.Parse(Config("C", "accounts: [\"A\"]", Accounts)), log);
        await using var fourth = await TestServer.FromConfigAsync(Config("D", "accounts: [\"B\"]", Accounts, third));
        await Wait.Until("the refusal", () => log.Contains("No route for account \"B\""), () => string.Join('\n', log.Lines));
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteNoRaceOnClusterNameNegotiation")]
    public async Task AGeneratedNameIsGivenUpOnEveryConnection()
    {
        for (var i = 0; i < 3; i++)
        {
            await using var first = await TestServer.FromConfigAsync($"server_name: s1\n{Accounts}\ncluster {{ listen: \"127.0.0.1:-1\", pool_size: 5, accounts: [ A, B ] }}");
            await using var second = await TestServer.FromConfigAsync(
                $"server_name: s2\n{Accounts}\ncluster {{ name: ZZZZZZZZZZZZ, listen: \"127.0.0.1:-1\", pool_size: 5, accounts: [ A, B ], routes: [ \"nats://127.0.0.1:{first.ClusterEndPoint!.Port}\" ] }}");
            await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1 && first.ClusterName == "ZZZZZZZZZZZZ");
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteSubUnsubRaceLosesRemoteInterest")]
    public async Task InterestIsNotLostWhenOneGoesAsAnotherComes()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        var (leaving, coming) = (new List<TestClient>(), new List<TestClient>());
        for (var i = 0; i < 10; i++)
        {
            leaving.Add(await cluster[0].ConnectAsync());
            coming.Add(await cluster[0].ConnectAsync());
        }
        for (var wave = 0; wave < 10; wave++)
        {
            var subjects = Enumerable.Range(0, 10).Select(i => $"foo.{wave}.{i}").ToArray();
            var before = new List<TestSubscription>();
            for (var i = 0; i < 10; i++) before.Add(await leaving[i].SubscribeAsync(subjects[i]));
            await Wait.Until("all interest", () => subjects.All(subject => Has(cluster[1], "$G", subject)));
            await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(i => new[]
            {
                Task.Run(async () => { await before[i].UnsubscribeAsync(); await leaving[i].FlushAsync(); }),
                Task.Run(async () => { await coming[i].SubscribeAsync(subjects[i]); await coming[i].FlushAsync(); }),
            }));
            await coming[0].SubscribeAsync($"marker.{wave}");
            await Wait.Until("the marker", () => Has(cluster[1], "$G", $"marker.{wave}"));
            subjects.ShouldAllBe(subject => Has(cluster[1], "$G", subject));
        }
        foreach (var client in leaving.Concat(coming)) await client.DisposeAsync();
    }

    private static string Config(string name, string routes, string more, params NatsServer[] to) =>
        $$"""
        server_name: {{name}}
        {{more}}
        cluster { name: C, listen: "127.0.0.1:-1", {{routes}}
          routes: [ {{string.Join(", ", to.Select(server => $"\"nats-route://localhost:{server.ClusterEndPoint!.Port}\""))}} ] }
        """;

    private static async Task ExchangeAsync(NatsServer from, NatsServer to, string account)
    {
        var user = account == "$G" ? null : new TestClientOptions { User = "a", Password = "p" };
        await using var subscriber = await to.ConnectAsync(user);
        var subject = $"exchange.{Guid.NewGuid():N}";
        var messages = await subscriber.SubscribeAsync(subject);
        await Wait.Until($"interest of {to.Name} on {from.Name}", () => Has(from, account, subject));
        await using var publisher = await from.ConnectAsync(user);
        await publisher.PublishAsync(subject, "ok");
        (await messages.NextAsync()).Text.ShouldBe("ok");
    }

    private static bool Has(NatsServer server, string account, string subject) =>
        server.Accounts.Find(account)?.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes(subject)) == true;
}
