using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Services and streams of another account whose other end is on another server, over every kind of route.</summary>
public sealed class ServicesOverRoutesTests
{
    [Theory]
    [InlineData("test.request", "test.request", null)]
    [InlineData("test.request", "test.request", "group")]
    [InlineData("ngs.update.*", "ngs.update.bar", null)]
    [Upstream("new_routes_test.go", "TestNewRouteServiceImport")]
    [Upstream("new_routes_test.go", "TestNewRouteServiceImportQueueGroups")]
    [Upstream("new_routes_test.go", "TestNewRouteServiceExportWithWildcards")]
    public async Task ARequestGoesOverAndItsAnswerComesBack(string exported, string imported, string? queue)
    {
        foreach (var only in new[] { "", ", accounts: [ B ]" })
        {
            await using var cluster = await StartAsync("", $"exports: [ {{ service: \"{exported}\"{only} }} ]", $"imports: [ {{ service: {{ account: A, subject: \"{imported}\" }}, to: foo.request }} ]");
            await using var responder = await ImportTests.ConnectAsync(cluster[0], "a");
            await using var requestor = await ImportTests.ConnectAsync(cluster[1], "b");
            var requests = await responder.SubscribeAsync(exported, queue);
            await Wait.Until("interest", () => Has(cluster[1], "A", imported));
            var answers = await requestor.SubscribeAsync("reply", queue);
            await requestor.PublishAsync("foo.request", "hi", reply: "reply");
            var request = await requests.NextAsync();
            (request.Subject, request.Text).ShouldBe((imported, "hi"));
            request.Reply.ShouldNotBe("reply");
            await responder.PublishAsync(request.Reply!, "ok");
            var answer = await answers.NextAsync();
            (answer.Subject, answer.Text, answer.Reply).ShouldBe(("reply", "ok", null));
            cluster[1].Accounts.Find("A")!.Responses.Count.ShouldBe(0);
        }
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteServiceImportDanglingRemoteSubs")]
    public async Task RequestsWithoutAnswerMakeNoInterestOfTheirOwn()
    {
        await using var cluster = await StartAsync("", "exports: [ { service: test.request } ]", "imports: [ { service: { account: A, subject: test.request }, to: foo.request } ]");
        await using var responder = await ImportTests.ConnectAsync(cluster[0], "a");
        await using var requestor = await ImportTests.ConnectAsync(cluster[1], "b");
        var requests = await responder.SubscribeAsync("test.request");
        await Wait.Until("interest", () => Has(cluster[1], "A", "test.request"));
        await requestor.SubscribeAsync("reply");
        await requestor.PublishAsync("foo.request", "hi", reply: "reply");
        await requests.NextAsync();
        var before = cluster[0].Accounts.Find("A")!.Subscriptions.Count;
        for (var i = 0; i < 100; i++) await requestor.PublishAsync("foo.request", "hi", reply: "reply");
        await Wait.Until("all requests", () => requests.Count == 101);
        cluster[0].Accounts.Find("A")!.Subscriptions.Count.ShouldBe(before);
        await requests.UnsubscribeAsync();
        await responder.FlushAsync();
        cluster[0].Accounts.Find("A")!.Subscriptions.Count.ShouldBe(before - 1);
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteStreamImportLargeFanout")]
    public async Task ManyImportersOfOneStreamAreOneInterest()
    {
        const int fanout = 100;
        var importers = string.Join('\n', Enumerable.Range(0, fanout).Select(i => $"  I{i} {{ users: [ {{ user: i{i}, password: i{i} }} ], imports: [ {{ stream: {{ account: A, subject: foo }} }} ] }}"));
        const string exporter = "A { users: [ { user: a, password: a } ], exports: [ { stream: foo } ] }";
        await using var first = await TestServer.FromConfigAsync($"server_name: s1\ncluster {{ name: C, listen: \"127.0.0.1:-1\" }}\naccounts {{ {exporter} }}");
        await using var second = await TestServer.FromConfigAsync(
            $"server_name: s2\ncluster {{ name: C, listen: \"127.0.0.1:-1\", routes: [ \"nats://127.0.0.1:{first.ClusterEndPoint!.Port}\" ] }}\naccounts {{ {exporter}\n{importers}\n }}");
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        var clients = new List<TestClient>();
        var messages = new List<TestSubscription>();
        for (var i = 0; i < fanout; i++)
        {
            clients.Add(await ImportTests.ConnectAsync(second, $"i{i}"));
            messages.Add(await clients[i].SubscribeAsync("foo"));
            await clients[i].FlushAsync();
        }
        await Wait.Until("interest", () => Has(first, "A", "foo"));
        first.Accounts.Find("A")!.Subscriptions.Count.ShouldBe(1);
        await using var publisher = await ImportTests.ConnectAsync(first, "a");
        await publisher.PublishAsync("foo", "hello");
        foreach (var subscription in messages) (await subscription.NextAsync()).Text.ShouldBe("hello");
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("pool_size: 5")]
    [InlineData("accounts: [ S, A, B ]")]
    [Upstream("routes_test.go", "TestRoutePoolAndPerAccountWithServiceLatencyNoDataRace")]
    [Upstream("service_latency_test.go", "TestServiceLatencyMissingResults")]
    public async Task EveryRequestIsReportedWhateverConnectionItTook(string routes)
    {
        await using var cluster = await StartAsync(
            routes,
            "exports: [ { service: \"req.*\", latency: { sampling: 100%, subject: results } } ]",
            "imports: [ { service: { account: A, subject: req.echo }, to: request, share: true } ]");
        await using var responder = await ImportTests.ConnectAsync(cluster[0], "a");
        await using var requestor = await ImportTests.ConnectAsync(cluster[1], "b");
        var requests = await responder.SubscribeAsync("req.echo");
        var reports = await responder.SubscribeAsync("results");
        await Wait.Until("interest", () => Has(cluster[1], "A", "results") && Has(cluster[1], "A", "req.echo"));
        for (var i = 0; i < 10; i++)
        {
            var answer = requestor.RequestAsync("request", "hello");
            var request = await requests.NextAsync();
            var until = Environment.TickCount64 + 30;
            await Wait.Until("some work", () => Environment.TickCount64 > until);
            await responder.PublishAsync(request.Reply!, request.Text);
            (await answer).Text.ShouldBe("hello");
            var report = Golden.ParseText((await reports.NextAsync()).Text);
            report.GetProperty("status").GetInt32().ShouldBe(200);
            foreach (var key in new[] { "service", "system", "total" }) report.GetProperty(key).GetInt64().ShouldBeGreaterThan(0, key);
            report.GetProperty("responder").GetProperty("user").GetString().ShouldBe("a");
        }
        await Wait.Until("no request is open", () => cluster[1].Accounts.Find("A")!.Responses.Count == 0);
    }

    private static async Task<TestCluster> StartAsync(string routes, string exports, string imports)
    {
        var cluster = new TestCluster();
        for (var i = 0; i < 2; i++)
        {
            var seed = i == 0 ? "" : $"\"nats://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"";
            cluster.Servers.Add(await TestServer.FromConfigAsync(
                $$"""
                server_name: s{{i}}
                accounts {
                  A { users: [ { user: a, password: a } ], {{exports}} }
                  B { users: [ { user: b, password: b } ], {{imports}} }
                  S { users: [ { user: s, password: s } ] }
                }
                system_account: S
                cluster { name: C, listen: "127.0.0.1:-1", {{routes}}
                  routes: [ {{seed}} ] }
                """));
        }
        await cluster.WaitForMeshAsync();
        return cluster;
    }

    private static bool Has(NatsServer server, string account, string subject) =>
        server.Accounts.Find(account)!.Subscriptions.Match(System.Text.Encoding.ASCII.GetBytes(subject)).Links.Length > 0
        || server.Accounts.Find(account)!.Subscriptions.Match(System.Text.Encoding.ASCII.GetBytes(subject)).Queues.Length > 0;
}
