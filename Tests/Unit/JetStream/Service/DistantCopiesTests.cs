using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Mirrors and sources of streams that are reached over an API only: in other accounts, or through a consumer made beforehand.</summary>
public sealed class DistantCopiesTests
{
    /// <summary>As upstream's tests import it.</summary>
    private const string Accounts =
        """
        accounts {
          ORIGIN {
            jetstream: enabled, users: [ { user: origin, password: origin } ]
            exports [ { service: "$JS.API.CONSUMER.>" }, { stream: "RI.DELIVER.SYNC.>" }, { service: "$JS.FC.>" } ]
          }
          COPY {
            jetstream: enabled, users: [ { user: copy, password: copy } ]
            imports [
              { service: { account: ORIGIN, subject: "$JS.API.CONSUMER.>" }, to: "RI.JS.API.CONSUMER.>" }
              { stream: { account: ORIGIN, subject: "RI.DELIVER.SYNC.>" } }
              { service: { account: ORIGIN, subject: "$JS.FC.>" } }
            ]
          }
        }
        """;

    private const string External = """ "external":{"api":"RI.JS.API","deliver":"RI.DELIVER.SYNC.X"} """;

    [Fact]
    public async Task AnotherAccountsStreamIsMirroredAndSourcedWithoutGapOrRepetitionOverARestart()
    {
        const int Many = 3000;
        await using var server = await StreamServer.StartAsync("", Accounts, "copy");
        await using (var origin = await OriginAsync(server))
        {
            await CreateAsync(origin, """{"name":"O","subjects":["o.*"]}""");
            await PublishAsync(origin, 1, Many);
            (await origin.RequestAsync("$JS.API.STREAM.MSG.DELETE.O", """{"seq":7}""")).Text.ShouldContain("success");
        }
        await server.CreateAsync($$"""{"name":"M","mirror":{"name":"O",{{External}}} }""");
        await server.CreateAsync($$"""{"name":"S","sources":[{"name":"O","filter_subject":"o.1",{{External}}}]}""");
        await server.CreateAsync($$"""{"name":"T","sources":[{"name":"O","subject_transforms":[{"src":"o.1","dest":"t.1"},{"src":"o.2","dest":"t.2"}],{{External}}}]}""");
        await Wait.Until("the mirror has all", async () => await server.EndsAsync("M") == (Many - 1, 1, Many));
        await HasAsync(server, "S", Many / 10);
        await HasAsync(server, "T", Many / 5);
        var info = (await server.AskAsync("STREAM.INFO.M")).GetProperty("mirror");
        (info.GetProperty("name").GetString(), info.GetProperty("lag").GetInt32()).ShouldBe(("O", 0));
        info.GetProperty("active").GetInt64().ShouldBeGreaterThanOrEqualTo(0);

        await server.RestartAsync();
        await using (var origin = await OriginAsync(server)) await PublishAsync(origin, Many + 1, 2 * Many);
        await Wait.Until("the mirror has all", async () => await server.EndsAsync("M") == ((2 * Many) - 1, 1, 2 * Many));
        await HasAsync(server, "S", 2 * Many / 10);
        await HasAsync(server, "T", 2 * Many / 5);
        var last = (await server.AskAsync("STREAM.MSG.GET.S", """{"last_by_subj":"o.1"}""")).GetProperty("message");
        System.Text.Encoding.UTF8.GetString(last.GetProperty("data").GetBytesFromBase64()).ShouldBe($"{(2 * Many) - 9}");
        System.Text.Encoding.UTF8.GetString(last.GetProperty("hdrs").GetBytesFromBase64()).ShouldContain($"Nats-Stream-Source: O:{Server.Primitives.NodeHash.Of("RI.JS.API")} {(2 * Many) - 9} o.1 > o.1");
    }

    [Fact]
    public async Task AnOriginThatIsNotThereIsSaidAndFoundWhenItComes()
    {
        await using var server = await StreamServer.StartAsync("", Accounts, "copy");
        await server.CreateAsync($$"""{"name":"M","mirror":{"name":"O",{{External}}} }""");
        await Wait.Until("it says so", async () => (await server.AskAsync("STREAM.INFO.M")).GetProperty("mirror").TryGetProperty("error", out var error) && error.GetProperty("err_code").GetInt32() == 10059);
        await using var origin = await OriginAsync(server);
        await CreateAsync(origin, """{"name":"O","subjects":["o.*"]}""");
        await PublishAsync(origin, 1, 5);
        await HasAsync(server, "M", 5);
        (await server.AskAsync("STREAM.INFO.M")).GetProperty("mirror").TryGetProperty("error", out _).ShouldBeFalse();
        // Its consumer goes, as it does when a server of the other side ends: another one is made.
        var consumers = JsonDocument.Parse((await origin.RequestAsync("$JS.API.CONSUMER.NAMES.O")).Payload).RootElement.GetProperty("consumers");
        foreach (var consumer in consumers.EnumerateArray()) await origin.RequestAsync($"$JS.API.CONSUMER.DELETE.O.{consumer.GetString()}");
        await PublishAsync(origin, 6, 9);
        await Wait.Until("it has the rest", async () => (await server.EndsAsync("M")).Messages == 9, timeout: TimeSpan.FromSeconds(40));
    }

    [Theory]
    [InlineData("limits")]
    [InlineData("interest")]
    [InlineData("workqueue")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDurableStreamSource")]
    public async Task AConsumerMadeBeforehandIsReadAndAcknowledgedByFlowControl(string retention)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"O","subjects":["o.*"],"retention":"{{retention}}"}""");
        var made = await server.AskAsync("CONSUMER.CREATE.O.C", """{"stream_name":"O","config":{"durable_name":"C","name":"C","deliver_subject":"d","ack_policy":"flow_control","flow_control":true,"idle_heartbeat":1000000000,"max_ack_pending":1000}}""");
        made.TryGetProperty("error", out _).ShouldBeFalse(made.ToString());
        await PublishAsync(server.Client, 1, 2500);
        await server.CreateAsync("""{"name":"S","sources":[{"name":"O","consumer":{"name":"C","deliver_subject":"d"}}]}""");
        await HasAsync(server, "S", 2500);
        if (retention == "limits") return;
        await Wait.Until("what is copied is acknowledged, and goes", async () => (await server.EndsAsync("O")).Messages < 1000);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamDurableStreamMirrorAndSourceIncorrectConsumerConfig")]
    public async Task AConsumerThatIsAcknowledgedOtherwiseIsRefused()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"O","subjects":["o.*"]}""");
        await server.AskAsync("CONSUMER.CREATE.O.C", """{"stream_name":"O","config":{"durable_name":"C","name":"C","deliver_subject":"d","ack_policy":"explicit"}}""");
        string[] bad = ["""{"name":"","deliver_subject":"d"}""", """{"name":"C","deliver_subject":""}""", """{"name":"C.b","deliver_subject":"d"}""", """{"name":"C","deliver_subject":"d.."}"""];
        foreach (var consumer in bad)
        {
            (await server.TryCreateAsync($$"""{"name":"M","mirror":{"name":"O","consumer":{{consumer}} } }""")).ShouldBe(10213, consumer);
            (await server.TryCreateAsync($$"""{"name":"S","sources":[{"name":"O","consumer":{{consumer}} }]}""")).ShouldBe(10215, consumer);
        }
        foreach (var more in new[] { "\"opt_start_seq\":1", "\"opt_start_time\":\"2026-11-21T00:00:00Z\"", "\"filter_subject\":\"filter\"" })
        {
            (await server.TryCreateAsync($$"""{"name":"M","mirror":{"name":"O",{{more}},"consumer":{"name":"C","deliver_subject":"d"} } }""")).ShouldBe(10213, more);
        }
        (await server.TryCreateAsync("""{"name":"S","sources":[{"name":"O","subject_transforms":[{"src":">","dest":"a.>"}],"consumer":{"name":"C","deliver_subject":"a"}},{"name":"O","subject_transforms":[{"src":">","dest":"b.>"}],"consumer":{"name":"C","deliver_subject":"b"}}]}""")).ShouldNotBe(0);
        await server.CreateAsync("""{"name":"M","mirror":{"name":"O","consumer":{"name":"C","deliver_subject":"d"}}}""");
        await Wait.Until("the mirror says so", async () => (await server.AskAsync("STREAM.INFO.M")).GetProperty("mirror").TryGetProperty("error", out var error) && error.GetProperty("err_code").GetInt32() == 10214);
        (await server.AskAsync("STREAM.UPDATE.M", """{"name":"M","mirror":{"name":"O","subject_transforms":[{"src":">","dest":"a.>"}],"consumer":{"name":"C","deliver_subject":"d"}}}""")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10055);
        await server.CreateAsync("""{"name":"S","sources":[{"name":"O","consumer":{"name":"C","deliver_subject":"d"}}]}""");
        await Wait.Until("the source says so", async () => (await server.AskAsync("STREAM.INFO.S")).GetProperty("sources")[0].TryGetProperty("error", out var error) && error.GetProperty("err_code").GetInt32() == 10217);
    }

    private static Task<TestClient> OriginAsync(StreamServer server) =>
        TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = "origin", Password = "origin" });

    private static async Task CreateAsync(TestClient client, string configuration) =>
        (await client.RequestAsync($"$JS.API.STREAM.CREATE.{JsonDocument.Parse(configuration).RootElement.GetProperty("name").GetString()}", configuration)).Text.ShouldContain("did_create");

    /// <summary>Messages with the numbers as payload; the last one is acknowledged.</summary>
    private static async Task PublishAsync(TestClient client, int from, int to)
    {
        for (var i = from; i < to; i++) await client.PublishAsync($"o.{i % 10}", $"{i}");
        (await client.RequestAsync($"o.{to % 10}", $"{to}")).Text.ShouldContain("seq");
    }

    private static async Task HasAsync(StreamServer server, string stream, int messages)
    {
        var last = "";
        await Wait.Until($"{stream} has {messages}", HasThemAsync, () => last, TimeSpan.FromSeconds(30));

        async Task<bool> HasThemAsync()
        {
            var info = await server.AskAsync($"STREAM.INFO.{stream}");
            last = info.ToString();
            return info.GetProperty("state").GetProperty("messages").GetInt32() == messages;
        }
    }
}
