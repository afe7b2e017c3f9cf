using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>Events of the system account are as NATS's published schemas say, to the last key.</summary>
public sealed class EventSchemaTests
{
    /// <summary>
    /// 2.14.5 says it (golden user-info-request), the schema does not know it yet; so with the name and the number of
    /// subscriptions of <c>account_connections</c> (upstream's AccountStat).
    /// </summary>
    private const string FeatureFlags = "/server/feature_flags";

    private const string Config =
        """
        server_name: n1
        server_tags: [ "fast" ]
        accounts {
          A: { users: [ { user: a, password: a } ], exports: [ { service: "svc", latency: { sampling: 100%, subject: "latency" } } ] }
          B: { users: [ { user: b, password: b } ], imports: [ { service: { account: A, subject: "svc" }, share: true } ] }
          SYS { users: [ { user: s, password: s } ] }
        }
        system_account: SYS
        """;

    [Fact]
    public async Task ComingGoingAndCountsMatchTheirSchemas()
    {
        await using var server = await TestServer.FromConfigAsync(Config);
        await using var system = await ConnectAsync(server, "s");
        var events = await system.SubscribeAsync("$SYS.ACCOUNT.A.>");
        await system.FlushAsync();
        await using (var client = await ConnectAsync(server, "a", "app"))
        {
            await client.PublishAsync("x", "12345");
            await client.FlushAsync();
            JsonSchema.ShouldMatch(await NextAsync(events, "CONNECT"), "server/advisory/v1/client_connect.json", FeatureFlags);
            JsonSchema.ShouldMatch(await NextAsync(events, "CONNS"), "server/advisory/v1/account_connections.json", FeatureFlags, "/name", "/num_subscriptions");
        }
        JsonSchema.ShouldMatch(await NextAsync(events, "DISCONNECT"), "server/advisory/v1/client_disconnect.json", FeatureFlags);
    }

    [Fact]
    public async Task ARefusalMatchesTheSchemaOfADisconnect()
    {
        await using var server = await TestServer.FromConfigAsync(Config);
        await using var system = await ConnectAsync(server, "s");
        var refused = await system.SubscribeAsync("$SYS.SERVER.*.CLIENT.AUTH.ERR");
        await system.FlushAsync();
        using var stranger = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await stranger.ReadInfoAsync();
        await stranger.SendAsync("CONNECT {\"user\":\"a\",\"pass\":\"wrong\"}\r\n");
        JsonSchema.ShouldMatch(Golden.ParseText((await refused.NextAsync()).Text), "server/advisory/v1/client_disconnect.json", FeatureFlags);
    }

    [Fact]
    public async Task AServiceLatencyMatchesItsSchema()
    {
        await using var server = await TestServer.FromConfigAsync(Config);
        await using var responder = await ConnectAsync(server, "a", "responder");
        var latency = await responder.SubscribeAsync("latency");
        var requests = await responder.SubscribeAsync("svc");
        await responder.FlushAsync();
        await using var requestor = await ConnectAsync(server, "b", "requestor");
        var answer = requestor.RequestAsync("svc", "?");
        await responder.PublishAsync((await requests.NextAsync()).Reply!, "!");
        await answer;
        JsonSchema.ShouldMatch(Golden.ParseText((await latency.NextAsync()).Text), "server/metric/v1/service_latency.json");
    }

    private static Task<TestClient> ConnectAsync(Server.Hosting.NatsServer server, string user, string? name = null) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user, Name = name });

    private static async Task<JsonElement> NextAsync(TestSubscription events, string kind)
    {
        while (true)
        {
            var message = await events.NextAsync();
            if (message.Subject.EndsWith("." + kind, StringComparison.Ordinal)) return Golden.ParseText(message.Text);
        }
    }
}
