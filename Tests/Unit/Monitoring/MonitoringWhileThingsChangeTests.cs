using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>Pages asked for while what they tell of changes.</summary>
public sealed class MonitoringWhileThingsChangeTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorVarzReloadRace")]
    [Upstream("monitor_test.go", "TestMonitorVarzRaces")]
    public async Task VarzIsWholeWhileOptionsChange()
    {
        await using var server = await Monitored.StartAsync("no_system_account: true\nmax_connections: 100\nmax_payload: 1000");
        var stop = false;
        var polls = Enumerable.Range(0, 3).Select(i => Task.Run(async () =>
        {
            var seen = 0;
            while (!Volatile.Read(ref stop) || seen == 0)
            {
                var page = i == 0 ? server.Varz() : null;
                var (connections, payload) = page is not null
                    ? (page.MaxConnections, page.MaxPayload)
                    : (await server.GetJsonAsync("/varz")) is var json ? (json.GetProperty("max_connections").GetInt32(), json.GetProperty("max_payload").GetInt32()) : default;
                payload.ShouldBe(connections * 10, "the options of one reload, not of two");
                seen++;
            }
            return seen;
        })).ToList();
        for (var i = 1; i <= 100; i++)
        {
            var options = server.Options;
            await server.ReloadAsync(options with { Limits = options.Limits with { MaxConnections = 100 + i, MaxPayload = (100 + i) * 10 } });
        }
        Volatile.Write(ref stop, true);
        foreach (var seen in await Task.WhenAll(polls)) seen.ShouldBeGreaterThan(0);
        server.Varz().MaxConnections.ShouldBe(200);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorRoutezRace")]
    public async Task RoutezIsAnsweredWhilePeersComeAndGo()
    {
        await using var server = await NatsServer.StartAsync(TestServer.Member("A") with { NoSystemAccount = true });
        var peers = Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                await using var peer = await NatsServer.StartAsync(TestServer.Member($"B{i}", "C", server.ClusterEndPoint!.Port) with { NoSystemAccount = true });
                await Wait.Until("it has come", () => server.PeerCount > 0);
            }
        });
        var seen = 0;
        while (!peers.IsCompleted)
        {
            var page = server.Routez();
            page.Routes.ShouldAllBe(route => route.RemoteId.Length > 0);
            seen = Math.Max(seen, page.Routes.Count);
        }
        await peers;
        seen.ShouldBeGreaterThan(0);
        await Wait.Until("all have gone", () => server.Routez().Routes.Count == 0);
    }

    [Fact]
    [Upstream("test/monitor_test.go", "TestConnzWithAuth")]
    public async Task WhoAConnectionIsIsToldOnDemand()
    {
        await using var server = await Monitored.StartAsync("authorization { users [ { user: alice, password: foo }, { user: bob, password: bar } ] }");
        await using var client = await server.ConnectAsync(new TestClientOptions { User = "alice", Password = "foo" });
        (await server.GetJsonAsync("/connz?auth=1")).GetProperty("connections")[0].GetProperty("authorized_user").GetString().ShouldBe("alice");
        (await server.GetJsonAsync("/connz")).GetProperty("connections")[0].TryGetProperty("authorized_user", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("events_test.go", "TestServerAccountConns")]
    public async Task ConnectionsOfAnAccountAreToldWithTheirTraffic()
    {
        await using var server = await TestServer.FromConfigAsync("system_account: SYS\naccounts { SYS { users: [ {user: s, password: s} ] }, ACC { users: [ {user: a, password: a} ] } }");
        await using var client = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "a" });
        var foo = await client.SubscribeAsync("foo");
        await client.PublishAsync("foo", "HELLO WORLD");
        await client.PublishAsync("bar", "HELLO WORLD");
        await foo.NextAsync();
        await using var admin = await server.ConnectAsync(new TestClientOptions { User = "s", Password = "s" });
        var told = await admin.SubscribeAsync("$SYS.ACCOUNT.ACC.SERVER.CONNS");
        await admin.FlushAsync();
        await using var another = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "a" });
        var message = System.Text.Json.JsonDocument.Parse((await told.NextAsync()).Text).RootElement;
        var (received, sent) = (message.GetProperty("received"), message.GetProperty("sent"));
        (received.GetProperty("msgs").GetInt64(), received.GetProperty("bytes").GetInt64()).ShouldBe((2, 22));
        (sent.GetProperty("msgs").GetInt64(), sent.GetProperty("bytes").GetInt64()).ShouldBe((1, 11));
        message.GetProperty("conns").GetInt32().ShouldBe(2);
    }
}
