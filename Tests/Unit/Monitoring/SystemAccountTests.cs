using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>What the server tells and answers in the system account.</summary>
public sealed class SystemAccountTests
{
    private const string Accounts =
        """
        accounts {
          A { users: [ { user: a, password: a, permissions: { publish: { allow: [ ">" ], deny: "x" }, allow_responses: true } } ] }
          B { users: [ { user: b, password: b } ] }
          SYS { users: [ { user: s, password: s } ] }
        }
        system_account: SYS
        """;

    [Theory]
    [InlineData("VARZ", "server_id")]
    [InlineData("CONNZ", "connections")]
    [InlineData("SUBSZ", "num_subscriptions")]
    [InlineData("ROUTEZ", "num_routes")]
    [InlineData("GATEWAYZ", "server_id")]
    [InlineData("LEAFZ", "leafnodes")]
    [InlineData("ACCOUNTZ", "accounts")]
    [InlineData("JSZ", "server_id")]
    [InlineData("HEALTHZ", "status")]
    [InlineData("EXPVARZ", "cmdline")]
    [InlineData("IPQUEUESZ", "")]
    [InlineData("RAFTZ", "")]
    [InlineData("PROFILEZ", "error")]
    [Upstream("events_test.go", "TestServerEventsPingMonitorz")]
    public async Task PingsAreAnsweredInAnEnvelope(string name, string key)
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        foreach (var target in new[] { "PING", server.Id })
        {
            var answer = Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{target}.{name}"));
            answer.GetProperty("server").GetProperty("id").GetString().ShouldBe(server.Id);
            answer.GetProperty("server").GetProperty("ver").GetString().ShouldBe("2.14.5");
            var data = answer.GetProperty("data");
            if (key.Length > 0) data.TryGetProperty(key, out _).ShouldBeTrue(data.ToString());
        }
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsPingStatsZ")]
    [Upstream("events_test.go", "TestServerEventsPingStatsZFilter")]
    [Upstream("events_test.go", "TestServerEventsPingStatsZFailFilter")]
    [Upstream("events_test.go", "TestServerEventsFilteredByTag")]
    public async Task StatisticsAreForThoseTheFilterMeans()
    {
        await using var server = await StartAsync("server_name: hare\nserver_tags: [ \"fast\" ]\n");
        await using var system = await ConnectAsync(server, "s");
        foreach (var filter in new[] { "", "{}", """{"server_name":"har"}""", """{"server_name":"hare","exact_match":true}""", """{"tags":["fast"]}""" })
        {
            var answer = Parse(await system.RequestAsync("$SYS.REQ.SERVER.PING", filter));
            answer.GetProperty("statsz").GetProperty("connections").GetInt32().ShouldBe(1, filter);
        }
        var replies = await system.SubscribeAsync("replies");
        foreach (var filter in new[] { """{"server_name":"tortoise"}""", """{"server_name":"har","exact_match":true}""", """{"tags":["slow"]}""", """{"cluster":"C"}""", """{"domain":"d"}""" })
        {
            await system.PublishAsync("$SYS.REQ.SERVER.PING", filter, reply: "replies");
        }
        await system.PublishAsync("$SYS.REQ.SERVER.PING.IDZ", "", reply: "replies");
        Parse(await replies.NextAsync()).GetProperty("name").GetString().ShouldBe("hare", "the filtered ones were not answered");
        Parse(await system.RequestAsync("$SYS.REQ.SERVER.PING.VARZ", "{bad")).GetProperty("error").GetProperty("code").GetInt32().ShouldBe(400);
    }

    [Fact]
    [Upstream("events_test.go", "TestSystemAccountNewConnection")]
    [Upstream("events_test.go", "TestSystemAccountDisconnectBadLogin")]
    public async Task ClientsThatComeAndGoAreReported()
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        var events = await system.SubscribeAsync("$SYS.ACCOUNT.A.>");
        var refused = await system.SubscribeAsync("$SYS.SERVER.*.CLIENT.AUTH.ERR");
        await system.FlushAsync();
        await using (var client = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a", Name = "app" }))
        {
            await client.PublishAsync("hello", "12345");
            var connect = Parse(await NextAsync(events, "CONNECT"));
            connect.GetProperty("type").GetString().ShouldBe("io.nats.server.advisory.v1.client_connect");
            var described = connect.GetProperty("client");
            (described.GetProperty("acc").GetString(), described.GetProperty("user").GetString(), described.GetProperty("name").GetString()).ShouldBe(("A", "a", "app"));
            var connections = Parse(await NextAsync(events, "CONNS"));
            connections.GetProperty("conns").GetInt32().ShouldBe(1);
            await client.FlushAsync();
        }
        var disconnect = Parse(await NextAsync(events, "DISCONNECT"));
        disconnect.GetProperty("reason").GetString().ShouldBeOneOf("Client Closed", "Read Error");
        disconnect.GetProperty("received").GetProperty("msgs").GetInt64().ShouldBe(1);
        disconnect.GetProperty("received").GetProperty("bytes").GetInt64().ShouldBe(5);
        using var stranger = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await stranger.ReadInfoAsync();
        await stranger.SendAsync("CONNECT {\"user\":\"a\",\"pass\":\"wrong\"}\r\n");
        var failure = Parse(await refused.NextAsync());
        failure.GetProperty("reason").GetString().ShouldBe("Authentication Failure");
        failure.GetProperty("client").GetProperty("user").GetString().ShouldBe("a");
        failure.ToString().ShouldNotContain("wrong");
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsStatsZ")]
    public async Task StatisticsComeUnasked()
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        var statistics = await system.SubscribeAsync("$SYS.SERVER.*.STATSZ");
        var first = Parse(await statistics.NextAsync());
        first.GetProperty("server").GetProperty("id").GetString().ShouldBe(server.Id);
        first.GetProperty("statsz").GetProperty("cores").GetInt32().ShouldBe(Environment.ProcessorCount);
    }

    [Fact]
    [Upstream("events_test.go", "TestSystemAccountInternalSubscriptions")]
    public async Task TheEndIsAnnounced()
    {
        var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        var endings = await system.SubscribeAsync("$SYS.SERVER.*.SHUTDOWN");
        await system.FlushAsync();
        await server.DisposeAsync();
        (await endings.NextAsync()).Subject.ShouldBe($"$SYS.SERVER.{server.Id}.SHUTDOWN");
    }

    [Fact]
    public async Task UsersLearnOfThemselvesAndTheirAccountOnly()
    {
        await using var server = await StartAsync();
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var own = Parse(await a.RequestAsync("$SYS.REQ.USER.INFO")).GetProperty("data");
        (own.GetProperty("user").GetString(), own.GetProperty("account").GetString()).ShouldBe(("a", "A"));
        own.GetProperty("permissions").GetProperty("publish").GetProperty("deny")[0].GetString().ShouldBe("x");
        own.GetProperty("permissions").GetProperty("responses").GetProperty("max").GetInt32().ShouldBe(1);
        Parse(await b.RequestAsync("$SYS.REQ.USER.INFO")).GetProperty("data").TryGetProperty("permissions", out _).ShouldBeFalse();
        var connections = Parse(await a.RequestAsync("$SYS.REQ.SERVER.PING.CONNZ", """{"auth":true}""")).GetProperty("data").GetProperty("connections");
        connections.GetArrayLength().ShouldBe(1);
        connections[0].GetProperty("account").GetString().ShouldBe("A");
        Parse(await a.RequestAsync("$SYS.REQ.ACCOUNT.PING.STATZ")).GetProperty("data").GetProperty("account_statz")[0].GetProperty("acc").GetString().ShouldBe("A");
        (await a.RequestAsync("$SYS.REQ.SERVER.PING.VARZ")).IsNoResponders.ShouldBeTrue("that is the system account's business");
        (await a.RequestAsync("$SYS.REQ.ACCOUNT.B.CONNZ")).IsNoResponders.ShouldBeTrue("B is not A's business");
    }

    [Fact]
    [Upstream("events_test.go", "TestAccountReqMonitoring")]
    [Upstream("events_test.go", "TestAccountReqInfo")]
    public async Task AccountsAreAskedAbout()
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        await using var a = await ConnectAsync(server, "a");
        await a.SubscribeAsync("some.subject");
        await a.FlushAsync();
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.INFO")).GetProperty("data").GetProperty("account_name").GetString().ShouldBe("A");
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.CONNZ")).GetProperty("data").GetProperty("num_connections").GetInt32().ShouldBe(1);
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.SUBSZ")).ToString().ShouldContain("some.subject");
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.CONNS")).GetProperty("conns").GetInt32().ShouldBe(1);
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.PING.STATZ")).GetProperty("data").GetProperty("account_statz").GetArrayLength().ShouldBe(2);
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.Nobody.INFO")).GetProperty("error").GetProperty("code").GetInt32().ShouldBe(500);
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsLDMKick")]
    public async Task ClientsAreKickedAndSentAway()
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        await using var a = await ConnectAsync(server, "a");
        await a.FlushAsync();
        var id = a.Info.GetProperty("client_id").GetUInt64();
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.LDM", $$"""{"cid":{{id}}}""")).TryGetProperty("error", out _).ShouldBeFalse();
        await Wait.Until("the client is told", () => a.Infos.Any(info => info.TryGetProperty("ldm", out _)));
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.KICK", $$"""{"cid":{{id}}}""")).TryGetProperty("error", out _).ShouldBeFalse();
        await Wait.Until("the client is gone", () => a.Closed.IsCompleted);
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.KICK", """{"cid":99999}""")).GetProperty("error").GetProperty("code").GetInt32().ShouldBe(500);
    }

    [Fact]
    [Upstream("events_test.go", "TestServerEventsReload")]
    public async Task ReloadIsAskedForOverTheWire()
    {
        await using var server = await StartAsync();
        await using var system = await ConnectAsync(server, "s");
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.RELOAD")).GetProperty("error").GetProperty("description").GetString()!.ShouldContain("config");
        server.OptionsSource = () => TestServer.Parse(Accounts + "\nmax_payload: 4321");
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.RELOAD")).TryGetProperty("error", out _).ShouldBeFalse();
        server.Options.Limits.MaxPayload.ShouldBe(4321);
    }

    [Fact]
    public async Task EveryServerOfAClusterAnswersPings()
    {
        static string Config(string name, int seed) => $"server_name: {name}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", routes: [ {(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")} ] }}\n{Accounts}";
        await using var first = await TestServer.FromConfigAsync(Config("s1", 0));
        await using var second = await TestServer.FromConfigAsync(Config("s2", first.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var system = await ConnectAsync(first, "s");
        var names = new HashSet<string>();
        await Wait.Until("both have answered", async () =>
        {
            var replies = await system.SubscribeAsync("replies." + names.Count);
            await system.PublishAsync("$SYS.REQ.SERVER.PING", "", reply: "replies." + names.Count);
            names.Add(Parse(await replies.NextAsync()).GetProperty("server").GetProperty("name").GetString()!);
            if (await replies.Messages.WaitToReadAsync().AsTask().WaitAsync(TimeSpan.FromMilliseconds(200)).ContinueWith(waited => waited.IsCompletedSuccessfully))
            {
                names.Add(Parse(await replies.NextAsync()).GetProperty("server").GetProperty("name").GetString()!);
            }
            return names.Count == 2;
        });
        Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{second.Id}.VARZ")).GetProperty("data").GetProperty("server_name").GetString().ShouldBe("s2");
    }

    private static async Task<TestMessage> NextAsync(TestSubscription events, string kind)
    {
        while (true)
        {
            var message = await events.NextAsync();
            if (message.Subject.EndsWith("." + kind, StringComparison.Ordinal)) return message;
        }
    }

    private static JsonElement Parse(TestMessage message) => JsonDocument.Parse(message.Text).RootElement;

    private static Task<NatsServer> StartAsync(string more = "") => TestServer.FromConfigAsync(more + Accounts);

    private static Task<TestClient> ConnectAsync(NatsServer server, string user) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });
}
