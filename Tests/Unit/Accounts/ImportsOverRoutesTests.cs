using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Exporter and importer on different servers of a cluster.</summary>
public sealed class ImportsOverRoutesTests
{
    [Fact]
    [Upstream("accounts_test.go", "TestAccountServiceImportReplyDroppedAcrossClusterRoutes")]
    public async Task StreamsAndServicesCrossTheMesh()
    {
        await using var first = await TestServer.FromConfigAsync(Config("s1", 0));
        await using var second = await TestServer.FromConfigAsync(Config("s2", first.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var a = await ImportTests.ConnectAsync(first, "a");
        await using var b = await ImportTests.ConnectAsync(second, "b");
        await ServeOnceAsync(a, b, second);
        await using var otherA = await ImportTests.ConnectAsync(second, "a");
        await using var otherB = await ImportTests.ConnectAsync(first, "b");
        var messages = await otherB.SubscribeAsync("from.a.events.>");
        await otherB.FlushAsync();
        await InterestAsync(second, "A", "events.x");
        await otherA.PublishAsync("events.x", "1");
        var message = await messages.NextAsync();
        (message.Subject, message.Text).ShouldBe(("from.a.events.x", "1"));
    }

    /// <summary>The requestor's server times the whole, the responder's server the service; one report holds both.</summary>
    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencyRemoteConnect")]
    [Upstream("service_latency_test.go", "TestServiceLatencyRemoteConnectAdjustNegativeValues")]
    public async Task TheHalvesOfALatencyAreJoined()
    {
        await using var first = await TestServer.FromConfigAsync(Config("s1", 0));
        await using var second = await TestServer.FromConfigAsync(Config("s2", first.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var responder = await ImportTests.ConnectAsync(first, "a");
        await using var requestor = await ImportTests.ConnectAsync(second, "b");
        var reports = await responder.SubscribeAsync("latency");
        var requests = await responder.SubscribeAsync("svc.*");
        await responder.FlushAsync();
        await InterestAsync(second, "A", "svc.x");
        await InterestAsync(second, "A", "latency");
        for (var i = 0; i < 5; i++)
        {
            var answer = requestor.RequestAsync("ask.x");
            await responder.PublishAsync((await requests.NextAsync()).Reply!, "yes");
            await answer;
            var report = Golden.ParseText((await reports.NextAsync()).Text);
            JsonSchema.ShouldMatch(report, "server/metric/v1/service_latency.json");
            report.GetProperty("requestor").GetProperty("acc").GetString().ShouldBe("B");
            report.GetProperty("responder").GetProperty("server").GetString().ShouldBe("s1");
            report.GetProperty("responder").GetProperty("user").GetString().ShouldBe("a");
            foreach (var key in new[] { "service", "system", "total" }) report.GetProperty(key).GetInt64().ShouldBeGreaterThanOrEqualTo(0);
            report.GetProperty("total").GetInt64().ShouldBeGreaterThanOrEqualTo(report.GetProperty("service").GetInt64());
        }
        await Wait.Until("no request is open", () => second.Accounts.Find("A")!.Responses.Count == 0);
    }

    /// <summary>Each request is answered once, although both servers have the import.</summary>
    private static async Task ServeOnceAsync(TestClient a, TestClient b, NatsServer importing)
    {
        var requests = await a.SubscribeAsync("svc.*");
        await a.FlushAsync();
        await InterestAsync(importing, "A", "svc.x");
        for (var i = 0; i < 20; i++)
        {
            var answer = b.RequestAsync("ask.x", $"{i}");
            var request = await requests.NextAsync();
            request.Text.ShouldBe($"{i}");
            await a.PublishAsync(request.Reply!, "yes " + request.Text);
            (await answer).Text.ShouldBe($"yes {i}");
        }
        requests.Count.ShouldBe(20);
        // An answer goes ahead of the measurement that the other server sends of it.
        await Wait.Until("no request is open", () => importing.Accounts.Find("A")!.Responses.Count == 0);
    }

    private static Task InterestAsync(NatsServer server, string account, string subject) => Wait.Until(
        $"interest of {account} in {subject} has come to {server.Name}",
        () => !server.Accounts.Find(account)!.Subscriptions.Match(System.Text.Encoding.UTF8.GetBytes(subject)).Links.Length.Equals(0));

    private static string Config(string name, int seed) =>
        $$"""
        server_name: {{name}}
        cluster { name: C, listen: "127.0.0.1:-1", routes: [ {{(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")}} ] }
        accounts {
          A { users: [ { user: a, password: a } ], exports: [ { stream: "events.>" }, { service: "svc.*", latency: { sampling: 100%, subject: latency } } ] }
          B { users: [ { user: b, password: b } ], imports: [
            { stream: { account: A, subject: "events.>" }, prefix: "from.a" }, { service: { account: A, subject: "svc.*" }, to: "ask.*" } ] }
        }
        """;
}
