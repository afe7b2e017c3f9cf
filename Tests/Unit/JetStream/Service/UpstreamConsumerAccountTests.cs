using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What upstream's tests of consumers show across accounts, and of flow control that acknowledges.</summary>
public sealed class UpstreamConsumerAccountTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Theory]
    [InlineData("mh")]
    [InlineData("ik")]
    [Upstream(Tests, "TestJetStreamConsumerPullCrossAccountExpires")]
    public async Task RequestsFromOtherAccountsGoWithThoseWhoAsk(string user)
    {
        await using var server = await StreamServer.StartAsync(
            more: """
            accounts: {
              JS: { jetstream: enabled, users: [ {user: js, password: js} ], exports: [ { service: "$JS.API.CONSUMER.MSG.NEXT.>", response: stream } ] },
              IU: {
                users: [ {user: mh, password: mh} ], imports: [ { service: { subject: "$JS.API.CONSUMER.MSG.NEXT.*.*", account: JS } } ]
                exports: [ { service: "$JS.API.CONSUMER.MSG.NEXT.>", response: stream } ]
              },
              IU2: { users: [ {user: ik, password: ik} ], imports: [ { service: { subject: "$JS.API.CONSUMER.MSG.NEXT.*.*", account: IU } } ] }
            }
            """,
            user: "js");
        await server.CreateAsync("""{"name":"PC","subjects":["foo"]}""");
        await using var client = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });
        await server.ConsumerAsync("PC", """{"durable_name":"PC","ack_policy":"explicit"}""");
        await server.PublishManyAsync("foo", 20, "OK");
        await GetAndGoAsync(client, "PC");
        (await server.AskAsync("CONSUMER.DELETE.PC.PC")).GetProperty("success").GetBoolean().ShouldBeTrue();
        // One that nobody keeps goes when nobody waits any more.
        var name = (await server.ConsumerAsync("PC", """{"ack_policy":"none","inactive_threshold":100000000}""")).GetProperty("name").GetString()!;
        var inbox = await WaitAsync(client, name, 1);
        await server.PublishAsync("foo", "last");
        (await inbox.NextAsync()).Text.ShouldBe("last");
        (await server.FigureAsync("PC", name, "num_waiting")).ShouldBe(1);
        await inbox.UnsubscribeAsync();
        await Wait.Until("it is gone", async () => StreamServer.ErrorOf(await server.ConsumerInfoAsync("PC", name)) == 10014);
        await server.AskAsync("STREAM.PURGE.PC");

        async Task GetAndGoAsync(TestClient client, string consumer)
        {
            var inbox = await WaitAsync(client, consumer, 1);
            for (var i = 0; i < 10; i++) (await inbox.NextAsync()).Text.ShouldBe("OK");
            await server.AskAsync("STREAM.PURGE.PC");
            inbox = await WaitAsync(client, consumer, 10);
            await server.WaitForFigureAsync("PC", consumer, "num_waiting", 10);
            await inbox.UnsubscribeAsync();
            await server.WaitForFigureAsync("PC", consumer, "num_waiting", 0);
        }

        static async Task<TestSubscription> WaitAsync(TestClient client, string consumer, int requests)
        {
            var inbox = await client.SubscribeAsync($"xx.{Guid.NewGuid():N}");
            for (var i = 0; i < requests; i++) await client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.PC.{consumer}", """{"batch":10}""", inbox.Subject);
            await client.FlushAsync();
            return inbox;
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullCrossAccountsAndLeafNodes")]
    public async Task RequestsCrossAccountsOnBothSidesOfALeafNode()
    {
        await using var hub = await StreamServer.StartAsync(
            "domain: JSD",
            """
            server_name: SJS
            leafnodes: { host: 127.0.0.1, port: -1 }
            accounts: {
              JS: { jetstream: enabled, users: [ {user: js, password: js} ], exports: [ { service: "$JS.API.CONSUMER.MSG.NEXT.>", response: stream } ] }
              IU: { users: [ {user: mh, password: mh} ], imports: [ { service: { subject: "$JS.API.CONSUMER.MSG.NEXT.*.*", account: JS } } ] }
            }
            """,
            "js");
        await using var leaf = await TestServer.FromConfigAsync($$"""
            server_name: SLN
            leafnodes: { remotes: [ { url: "nats-leaf://mh:mh@127.0.0.1:{{hub.Server.LeafNodeEndPoint!.Port}}", account: A } ] }
            accounts: {
              A: { users: [ {user: l, password: l} ], exports: [ { service: "$JS.JSD.API.CONSUMER.MSG.NEXT.>", response: stream } ] }
              B: { users: [ {user: m, password: m} ], imports: [ { service: { subject: "$JS.JSD.API.CONSUMER.MSG.NEXT.*.*", account: A } } ] }
            }
            """);
        await hub.CreateAsync("""{"name":"PC","subjects":["foo"]}""");
        await hub.PublishManyAsync("foo", 10, "OK");
        await hub.ConsumerAsync("PC", """{"durable_name":"PC","ack_policy":"explicit"}""");
        await using var client = await TestClient.ConnectAsync(leaf.ClientEndPoint!, new TestClientOptions { User = "m", Password = "m" });
        const string next = "$JS.JSD.API.CONSUMER.MSG.NEXT.PC.PC";
        const string request = """{"batch":10,"expires":500000000}""";
        var inbox = await client.SubscribeAsync("xx");
        await Wait.Until(
            "somebody hears the request over there",
            async () =>
            {
                await client.PublishAsync(next, request, "xx");
                await client.FlushAsync();
                return inbox.Count > 0;
            });
        for (var i = 0; i < 10;)
        {
            // Who asked in vain is told so in between.
            var answer = await inbox.NextAsync();
            if (answer.Headers is { Status.Length: > 0 }) continue;
            answer.Text.ShouldBe("OK");
            i++;
        }
        // What was asked before the answers came waits too; it ends by itself.
        await hub.WaitForFigureAsync("PC", "PC", "num_waiting", 0);
        for (var i = 0; i < 10; i++) await client.PublishAsync(next, """{"batch":10,"expires":2000000000}""", "xx");
        await client.FlushAsync();
        await hub.WaitForFigureAsync("PC", "PC", "num_waiting", 10);
        await inbox.UnsubscribeAsync();
        await hub.WaitForFigureAsync("PC", "PC", "num_waiting", 0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerResetResponseAcrossServiceImport")]
    public async Task AResetIsAnsweredIntoAnotherAccount()
    {
        await using var server = await StreamServer.StartAsync(
            more: """
            system_account: SYS
            accounts {
              A { jetstream: enabled, users = [{user: a, password: a}], exports = [{service: "$JS.API.CONSUMER.RESET.TEST.*", accounts: [B]}] }
              B {
                jetstream: enabled, users = [{user: b, password: b}]
                imports = [{service: {account: A, subject: "$JS.API.CONSUMER.RESET.TEST.*"}, to: "$JS.REMOTE.API.CONSUMER.RESET.TEST.*"}]
              }
              SYS { users = [{user: admin, password: admin}] }
            }
            """,
            user: "a");
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        await server.ConsumerAsync("TEST", """{"durable_name":"CONSUMER","ack_policy":"explicit"}""");
        await using var client = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = "b", Password = "b" });
        var answer = await ResetAsync("");
        (answer.GetProperty("name").GetString(), answer.GetProperty("reset_seq").GetInt32()).ShouldBe(("CONSUMER", 1));
        StreamServer.ErrorOf(await ResetAsync("{")).ShouldBe(10025);

        async Task<JsonElement> ResetAsync(string request)
        {
            var message = await client.RequestAsync("$JS.REMOTE.API.CONSUMER.RESET.TEST.CONSUMER", request);
            var answer = JsonDocument.Parse(message.Payload).RootElement;
            answer.GetProperty("type").GetString().ShouldBe("io.nats.jetstream.api.v1.consumer_reset_response");
            return answer;
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerAckFlowControlBasics")]
    public async Task WhoAcknowledgesByFlowControlHasAllThatItNeeds()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        Check(await server.ConsumerAsync("TEST", """{"durable_name":"DEFAULT","deliver_subject":"to","ack_policy":"flow_control"}"""));
        foreach (var (rest, code) in new[]
        {
            ("\"max_ack_pending\":-1,\"ack_wait\":30000000000,\"max_deliver\":1", 10218),
            ("\"deliver_subject\":\"to\",\"max_ack_pending\":-1,\"ack_wait\":30000000000,\"max_deliver\":1", 10219),
            ("\"deliver_subject\":\"to\",\"flow_control\":true,\"max_ack_pending\":-1,\"ack_wait\":30000000000,\"max_deliver\":1", 10052),
            ("\"deliver_subject\":\"to\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":-1,\"ack_wait\":30000000000,\"max_deliver\":1", 10220),
            ("\"deliver_subject\":\"to\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":1000,\"ack_wait\":30000000000,\"max_deliver\":1", 10221),
            ("\"deliver_subject\":\"to\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":1000,\"ack_wait\":1000000000,\"backoff\":[1000000000,2000000000],\"max_deliver\":1", 10221),
            ("\"deliver_subject\":\"to\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":1000,\"max_deliver\":1", 10222),
        })
        {
            StreamServer.ErrorOf(await MakeAsync(rest)).ShouldBe(code, rest);
        }
        Check(await MakeAsync("\"deliver_subject\":\"to\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":1000"));

        Task<JsonElement> MakeAsync(string rest) =>
            server.AskAsync("CONSUMER.CREATE.TEST.CONSUMER", $$$"""{"stream_name":"TEST","pedantic":true,"config":{"durable_name":"CONSUMER","ack_policy":"flow_control",{{{rest}}}}}""");

        static void Check(JsonElement answer)
        {
            StreamServer.ErrorOf(answer).ShouldBe(0, answer.ToString());
            var configuration = answer.GetProperty("config");
            configuration.GetProperty("flow_control").GetBoolean().ShouldBeTrue();
            configuration.GetProperty("idle_heartbeat").GetInt64().ShouldBe(1_000_000_000);
            configuration.TryGetProperty("ack_wait", out _).ShouldBeFalse();
            configuration.GetProperty("max_ack_pending").GetInt32().ShouldBe(1000);
            configuration.GetProperty("max_deliver").GetInt32().ShouldBe(-1);
        }
    }

    [Fact]
    public async Task FlowControlOfTheSecondVersionIsAnswered()
    {
        await using var server = await StreamServer.StartAsync(more: "feature_flags { js_ack_fc_v2: true }");
        const int Count = 5000;
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"storage":"memory"}""");
        await server.PublishManyAsync("foo", Count, new string('x', 1000));
        var listener = await server.Client.SubscribeAsync("to");
        await server.ConsumerAsync("TEST", """{"durable_name":"C","deliver_subject":"to","ack_policy":"none","flow_control":true,"idle_heartbeat":5000000000}""");
        var got = 0;
        var asked = 0;
        while (got < Count)
        {
            var message = await listener.NextAsync();
            if (message.Headers is null)
            {
                got++;
                continue;
            }
            if (message.Reply is null) continue;
            message.Reply.ShouldStartWith("$JS.FC._.szMpdrwD.TEST.C.");
            await server.Client.PublishAsync(message.Reply);
            asked++;
        }
        asked.ShouldBeGreaterThan(1, "the window is smaller than what was sent");
    }
}
