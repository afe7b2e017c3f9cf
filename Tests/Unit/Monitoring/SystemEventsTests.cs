using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>The system account where it is the only one with users.</summary>
public sealed class SystemEventsTests
{
    private const string OnlySystem = "accounts { $SYS { users [{user: admin, password: pwd}] } }";

    [Theory]
    [InlineData("\"user\":\"admin\",\"pass\":\"pwd\"", "$SYS")]
    [InlineData("\"user\":\"admin\",\"pass\":\"wrong\"", null)]
    [InlineData("\"auth_token\":\"sometoken\"", null)]
    [InlineData("\"user\":\"admin\"", null)]
    [InlineData("", "$G")]
    [Upstream("events_test.go", "TestSystemAccountNoAuthUser")]
    public async Task WhoSaysNothingIsOfTheGlobalAccount(string credentials, string? account)
    {
        await using var server = await TestServer.FromConfigAsync(OnlySystem);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync($"CONNECT {{\"verbose\":false{(credentials.Length > 0 ? "," : "")}{credentials}}}\r\nPING\r\n");
        if (account is null)
        {
            (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
            return;
        }
        await client.ExpectAsync("PONG\r\n");
        server.Clients.Clients.Single().Account!.Name.ShouldBe(account);
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsConnectDisconnectForGlobalAcc")]
    [Upstream("events_test.go", "TestServerEventsAndDQSubscribers")]
    [Upstream("events_test.go", "TestServerEventsReceivedByQSubs")]
    public async Task EventsReachQueuesToo()
    {
        await using var server = await TestServer.FromConfigAsync(OnlySystem);
        await using var admin = await AdminAsync(server);
        var connects = await admin.SubscribeAsync("$SYS.ACCOUNT.$G.CONNECT", "qq");
        var disconnects = await admin.SubscribeAsync("$SYS.ACCOUNT.*.DISCONNECT", "qq");
        var refused = await admin.SubscribeAsync("$SYS.SERVER.*.CLIENT.AUTH.ERR", "qq");
        await admin.FlushAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var client = await server.ConnectAsync();
        }
        for (var i = 0; i < 10; i++)
        {
            (await connects.NextAsync()).Subject.ShouldBe("$SYS.ACCOUNT.$G.CONNECT");
            (await disconnects.NextAsync()).Subject.ShouldBe("$SYS.ACCOUNT.$G.DISCONNECT");
        }
        using var stranger = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await stranger.SendAsync("CONNECT {\"user\":\"admin\",\"pass\":\"wrong\"}\r\n");
        (await refused.NextAsync()).Text.ShouldContain("Authentication Failure");
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsStatszSingleServer")]
    [Upstream("monitor_test.go", "TestMonitorServerIDZRequest")]
    [Upstream("events_test.go", "TestServerEventsPingStatsSlowConsumersStats")]
    [Upstream("events_test.go", "TestServerEventsPingStatsStaleConnectionStats")]
    public async Task StatisticsTellOfSlowAndStaleClientsOnlyWhenThereAreAny()
    {
        await using var server = await TestServer.FromConfigAsync("server_name: TEST22\nping_interval: \"50ms\"\nping_max: 1\n" + OnlySystem);
        await using var admin = await AdminAsync(server);
        (await (await admin.SubscribeAsync("$SYS.SERVER.*.STATSZ")).NextAsync()).Subject.ShouldBe($"$SYS.SERVER.{server.Id}.STATSZ");
        var id = Parse(await admin.RequestAsync("$SYS.REQ.SERVER.PING.IDZ"));
        (id.GetProperty("name").GetString(), id.GetProperty("id").GetString()).ShouldBe(("TEST22", server.Id));
        string[] subjects = ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.STATSZ", $"$SYS.REQ.SERVER.{server.Id}.STATSZ"];
        foreach (var subject in subjects)
        {
            var before = Parse(await admin.RequestAsync(subject)).GetProperty("statsz");
            (before.TryGetProperty("slow_consumer_stats", out _), before.TryGetProperty("stale_connection_stats", out _)).ShouldBe((false, false), subject);
        }
        using var stale = await RawClient.OpenAsync(server.ClientEndPoint!);
        await stale.ReadToCloseAsync();
        server.Clients.CountSlowConsumer(null);
        foreach (var subject in subjects)
        {
            var after = Parse(await admin.RequestAsync(subject)).GetProperty("statsz");
            after.GetProperty("slow_consumer_stats").GetProperty("clients").GetInt64().ShouldBe(1, subject);
            after.GetProperty("stale_connection_stats").GetProperty("clients").GetInt64().ShouldBe(1, subject);
        }
    }

    [Fact]
    [Upstream("events_test.go", "TestServerUnstableEventFilterMatch")]
    public async Task AnExactNameMeansOneServerEveryTime()
    {
        static string Config(string name, int seed) =>
            $"server_name: {name}\ncluster {{ name: clust, listen: \"127.0.0.1:-1\", routes: [ {(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")} ] }}\nsystem_account: SYS\naccounts {{ SYS {{ users: [ {{user: b, password: b}} ] }} }}\nno_auth_user: b";
        await using var first = await TestServer.FromConfigAsync(Config("srv1", 0));
        await using var second = await TestServer.FromConfigAsync(Config("srv10", first.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var client = await first.ConnectAsync();
        await Wait.Until("the other's services are known", () => first.Accounts.System!.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes($"$SYS.REQ.SERVER.{second.Id}.VARZ")));
        foreach (var name in new[] { "srv10", "srv1" })
        {
            for (var i = 0; i < 10; i++)
            {
                var answer = Parse(await client.RequestAsync("$SYS.REQ.SERVER.PING.VARZ", $$"""{"server_name":"{{name}}","exact_match":true}"""));
                answer.GetProperty("server").GetProperty("name").GetString().ShouldBe(name);
            }
        }
    }

    [Fact]
    [Upstream("events_test.go", "TestSubszPagination")]
    public async Task SubscriptionsOfAnAccountComeInPages()
    {
        await using var server = await TestServer.FromConfigAsync(OnlySystem);
        await using var admin = await AdminAsync(server);
        await using var client = await server.ConnectAsync();
        for (var i = 0; i < 100; i++) await client.SubscribeAsync($"foo.{i}");
        for (var i = 0; i < 10; i++) await client.SubscribeAsync("bar.*");
        await client.FlushAsync();
        var page = Parse(await admin.RequestAsync("$SYS.REQ.ACCOUNT.$G.SUBSZ", """{"subscriptions":true,"limit":10}""")).GetProperty("data");
        page.GetProperty("subscriptions_list").GetArrayLength().ShouldBe(10);
        page.GetProperty("total").GetInt32().ShouldBeInRange(110, 120);
        page = Parse(await admin.RequestAsync("$SYS.REQ.ACCOUNT.$G.SUBSZ", """{"subscriptions":true,"limit":5,"test":"bar.A"}""")).GetProperty("data");
        (page.GetProperty("subscriptions_list").GetArrayLength(), page.GetProperty("total").GetInt32()).ShouldBe((5, 10));
    }

    private static JsonElement Parse(TestMessage message) => JsonDocument.Parse(message.Text).RootElement;

    private static Task<TestClient> AdminAsync(NatsServer server) => server.ConnectAsync(new TestClientOptions { User = "admin", Password = "pwd" });
}
