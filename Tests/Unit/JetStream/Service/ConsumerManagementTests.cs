using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Consumers made, changed, paused, reset, listed and deleted.</summary>
public sealed class ConsumerManagementTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerActions")]
    [Upstream(Tests, "TestJetStreamConsumerActionsViaAPI")]
    [Upstream(Tests, "TestJetStreamConsumerActionsOnWorkQueuePolicyStream")]
    public async Task CreationAndUpdateMayBeAskedForOnly()
    {
        await using var server = await StreamServer.StartAsync();
        foreach (var retention in new[] { "limits", "workqueue" })
        {
            await server.CreateAsync($$"""{"name":"{{retention}}","subjects":["{{retention}}.>"],"retention":"{{retention}}"}""");
            (await AskAsync(retention, "update", "one")).ShouldBe(10149);
            (await AskAsync(retention, "create", "one")).ShouldBe(0);
            (await AskAsync(retention, "create", "one")).ShouldBe(0, "it is the same");
            (await AskAsync(retention, "create", "two")).ShouldBe(10148);
            (await AskAsync(retention, "update", "two")).ShouldBe(0);
            (await AskAsync(retention, "", "three")).ShouldBe(0);
            (await server.ConsumerInfoAsync(retention, "C")).GetProperty("config").GetProperty("filter_subject").GetString().ShouldBe($"{retention}.three");
        }

        async Task<int> AskAsync(string stream, string action, string filter) => StreamServer.ErrorOf(await server.AskAsync(
            $"CONSUMER.CREATE.{stream}.C.{stream}.{filter}",
            $$$"""{"stream_name":"{{{stream}}}","action":"{{{action}}}","config":{"durable_name":"C","name":"C","ack_policy":"explicit","filter_subject":"{{{stream}}}.{{{filter}}}"}}"""));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerCreate")]
    [Upstream(Tests, "TestJetStreamConsumerWithNameAndDurable")]
    [Upstream(Tests, "TestJetStreamConsumerAndStreamDescriptions")]
    [Upstream(Tests, "TestJetStreamConsumerAndStreamMetadata")]
    [Upstream("jetstream_test.go", "TestJetStreamInvalidStreamOrConsumerName")]
    public async Task AConsumerIsWhatItWasAskedToBe()
    {
        await using var server = await StartAsync();
        (await server.TryConsumerAsync("S", """{"name":"A","durable_name":"B","ack_policy":"none"}""")).ShouldBe(10017);
        var made = await server.ConsumerAsync("S", """{"name":"A","durable_name":"A","ack_policy":"explicit","description":"mine","metadata":{"key":"value"}}""");
        var config = made.GetProperty("config");
        (made.GetProperty("name").GetString(), config.GetProperty("durable_name").GetString(), config.GetProperty("description").GetString()).ShouldBe(("A", "A", "mine"));
        config.GetProperty("metadata").GetProperty("key").GetString().ShouldBe("value");
        (config.GetProperty("ack_wait").GetInt64(), config.GetProperty("max_deliver").GetInt32(), config.GetProperty("max_waiting").GetInt32(), config.GetProperty("max_ack_pending").GetInt32())
            .ShouldBe((30_000_000_000, -1, 512, 1000));
        foreach (var name in new[] { "a*", "a>", "a b", "a.b" })
        {
            var answer = await server.AskAsync("CONSUMER.CREATE.S", $$$"""{"stream_name":"S","config":{"name":"{{{name}}}","ack_policy":"none"}}""");
            StreamServer.ErrorOf(answer).ShouldNotBe(0, name);
        }
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.CREATE.S.X", """{"stream_name":"S","config":{"name":"X","ack_policy":"sometimes"}}""")).ShouldNotBe(0);
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.CREATE.S.X", """{"stream_name":"OTHER","config":{"name":"X","ack_policy":"none"}}""")).ShouldNotBe(0);
        (await server.TryConsumerAsync("S", $$"""{"name":"X","ack_policy":"none","description":"{{new string('x', 5000)}}"}""")).ShouldBe(10107);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerUpdateRedelivery")]
    [Upstream(Tests, "TestJetStreamConsumerUpdateSurvival")]
    [Upstream("jetstream_test.go", "TestJetStreamChangeConsumerType")]
    public async Task AnUpdateHoldsAndOutlivesTheServer()
    {
        await using var server = await StartAsync();
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":1000000000,"max_deliver":3}""");
        await server.PublishAsync("s");
        (await server.FetchAsync("S", "C")).Count.ShouldBe(1);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":2000000000,"max_deliver":5,"max_ack_pending":22,"description":"changed"}""");
        foreach (var wrong in new[] { "\"deliver_subject\":\"to\",\"ack_policy\":\"explicit\"", "\"ack_policy\":\"all\"", "\"ack_policy\":\"explicit\",\"deliver_policy\":\"new\"", "\"ack_policy\":\"explicit\",\"replay_policy\":\"original\"" })
        {
            (await server.TryConsumerAsync("S", $$"""{"durable_name":"C",{{wrong}}}""")).ShouldBe(10012, wrong);
        }
        await server.RestartAsync();
        var config = (await server.ConsumerInfoAsync("S", "C")).GetProperty("config");
        (config.GetProperty("ack_wait").GetInt64(), config.GetProperty("max_deliver").GetInt32(), config.GetProperty("max_ack_pending").GetInt32(), config.GetProperty("description").GetString())
            .ShouldBe((2_000_000_000, 5, 22, "changed"));
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMaxConsumers")]
    [Upstream(Tests, "TestJetStreamConsumerDefaultsFromStream")]
    public async Task AStreamLimitsItsConsumers()
    {
        await using var server = await StreamServer.StartAsync("limits { max_ack_pending: 5000 }");
        await server.CreateAsync("""{"name":"S","subjects":["s"],"max_consumers":1,"consumer_limits":{"max_ack_pending":15,"inactive_threshold":1000000000}}""");
        (await server.TryConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","max_ack_pending":20}""")).ShouldBe(10121);
        (await server.TryConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","inactive_threshold":2000000000}""")).ShouldBe(10153);
        var config = (await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""")).GetProperty("config");
        (config.GetProperty("max_ack_pending").GetInt32(), config.GetProperty("inactive_threshold").GetInt64()).ShouldBe((15, 1_000_000_000));
        (await server.TryConsumerAsync("S", """{"durable_name":"D","ack_policy":"explicit"}""")).ShouldBe(10026);
        await server.CreateAsync("""{"name":"FREE","subjects":["free"]}""");
        (await server.TryConsumerAsync("FREE", """{"durable_name":"C","ack_policy":"explicit","max_ack_pending":6000}""")).ShouldBe(10121);
    }

    [Theory]
    [InlineData("limits { duplicate_window: \"1m\", max_request_batch: 250, max_ack_pending: 1000 }", "enabled")]
    [InlineData("limits { duplicate_window: \"1m\", max_request_batch: 250 }", "{ max_ack_pending: 1000 }")]
    [Upstream("jetstream_test.go", "TestJetStreamLimits")]
    public async Task AServerAndAnAccountLimitThem(string limits, string account)
    {
        await using var server = await StreamServer.StartAsync(limits, $$"""accounts { ONE { users: [{user: u, password: u}], jetstream: {{account}} } }""", user: "u");
        (await server.CreateAsync("""{"name":"foo"}""")).GetProperty("config").GetProperty("duplicate_window").GetInt64().ShouldBe(60_000_000_000);
        (await server.CreateAsync("""{"name":"bar","duplicate_window":1500000000}""")).GetProperty("config").GetProperty("duplicate_window").GetInt64().ShouldBe(1_500_000_000);
        (await server.TryUpdateAsync("""{"name":"bar","duplicate_window":120000000000}""")).ShouldNotBe(0);
        (await server.TryCreateAsync("""{"name":"baz","duplicate_window":120000000000}""")).ShouldNotBe(0);
        var config = (await server.ConsumerAsync("foo", """{"durable_name":"dur1","ack_policy":"explicit"}""")).GetProperty("config");
        (config.GetProperty("max_ack_pending").GetInt32(), config.GetProperty("max_batch").GetInt32()).ShouldBe((1000, 250));
        (await server.TryConsumerAsync("foo", """{"durable_name":"dur2","ack_policy":"explicit","max_batch":500}""")).ShouldBe(10125);
        (await server.ConsumerAsync("foo", """{"durable_name":"dur2","ack_policy":"explicit","max_ack_pending":500}""")).GetProperty("config").GetProperty("max_ack_pending").GetInt32().ShouldBe(500);
        (await server.TryConsumerAsync("foo", """{"durable_name":"dur2","ack_policy":"explicit","max_ack_pending":2000}""")).ShouldBe(10121);
        (await server.TryConsumerAsync("foo", """{"durable_name":"dur3","ack_policy":"explicit","max_ack_pending":2000}""")).ShouldBe(10121);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPauseViaConfig")]
    [Upstream(Tests, "TestJetStreamConsumerPauseViaEndpoint")]
    [Upstream(Tests, "TestJetStreamConsumerPauseResumeViaEndpoint")]
    [Upstream(Tests, "TestJetStreamConsumerPauseAdvisories")]
    [Upstream(Tests, "TestJetStreamConsumerSurvivesRestart")]
    public async Task APausedOneDeliversNothing()
    {
        await using var server = await StartAsync();
        var advisories = await server.Client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.PAUSE.S.*");
        var until = TimeProvider.System.GetUtcNow().AddMinutes(5).UtcDateTime.ToString("o");
        await server.ConsumerAsync("S", $$"""{"durable_name":"C","ack_policy":"explicit","pause_until":"{{until}}"}""");
        (await advisories.NextAsync()).Text.ShouldContain("\"paused\":true");
        await server.PublishAsync("s");
        (await server.ConsumerInfoAsync("S", "C")).ShouldSatisfyAllConditions(
            info => info.GetProperty("paused").GetBoolean().ShouldBeTrue(), info => info.GetProperty("pause_remaining").GetInt64().ShouldBeGreaterThan(200_000_000_000));
        (await (await server.PullAsync("S", "C", """{"batch":1,"expires":150000000}""")).NextAsync()).Headers!.Status.ShouldBe("408 Request Timeout");
        await server.RestartAsync();
        (await server.ConsumerInfoAsync("S", "C")).GetProperty("paused").GetBoolean().ShouldBeTrue();
        var waiting = await server.PullAsync("S", "C");
        advisories = await server.Client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.PAUSE.S.*");
        (await server.AskAsync("CONSUMER.PAUSE.S.C")).ShouldSatisfyAllConditions(
            answer => answer.GetProperty("paused").GetBoolean().ShouldBeFalse(), answer => answer.GetProperty("type").GetString().ShouldBe("io.nats.jetstream.api.v1.consumer_pause_response"));
        (await waiting.NextAsync()).Sequence().ShouldBe(1);
        (await advisories.NextAsync()).Text.ShouldContain("\"paused\":false");
        await server.PublishAsync("s");
        var soon = TimeProvider.System.GetUtcNow().AddMilliseconds(400).UtcDateTime.ToString("o");
        (await server.AskAsync("CONSUMER.PAUSE.S.C", $$"""{"pause_until":"{{soon}}"}""")).GetProperty("paused").GetBoolean().ShouldBeTrue();
        (await (await server.PullAsync("S", "C")).NextAsync()).Sequence().ShouldBe(2, "the pause ends by itself");
        (await server.AskAsync("CONSUMER.PAUSE.S.NOBODY")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10014);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPauseHeartbeats")]
    public async Task APausedOneIsStillThere()
    {
        await using var server = await StartAsync();
        await server.PublishAsync("s");
        var until = TimeProvider.System.GetUtcNow().AddMinutes(5).UtcDateTime.ToString("o");
        await server.ConsumerAsync("S", $$"""{"durable_name":"C","deliver_subject":"to","ack_policy":"none","idle_heartbeat":100000000,"pause_until":"{{until}}"}""");
        var listener = await server.Client.SubscribeAsync("to");
        for (var i = 0; i < 3; i++) (await listener.NextAsync()).Headers!.Status.ShouldBe("100 Idle Heartbeat");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerResetToSequence")]
    [Upstream(Tests, "TestJetStreamConsumerResetToSequenceConstraintOnStartSeq")]
    public async Task AResetOneBeginsAgain()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 10);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        var messages = await server.FetchAsync("S", "C", 6);
        await server.AckAsync(messages[0]);
        await server.AckAsync(messages[1]);
        var reset = await server.AskAsync("CONSUMER.RESET.S.C");
        (reset.GetProperty("reset_seq").GetInt32(), reset.GetProperty("num_pending").GetInt32(), reset.GetProperty("num_ack_pending").GetInt32()).ShouldBe((3, 8, 0));
        (await server.FetchAsync("S", "C")).Single().ShouldSatisfyAllConditions(
            message => message.Sequence().ShouldBe(3), message => message.Deliveries().ShouldBe(1), message => message.Delivery().ShouldBe(1));
        (await server.AskAsync("CONSUMER.RESET.S.C", """{"seq":8}""")).GetProperty("num_pending").GetInt32().ShouldBe(3);
        (await server.FetchAsync("S", "C", 5)).Select(message => message.Sequence()).ShouldBe([8, 9, 10]);
        await server.ConsumerAsync("S", """{"durable_name":"FROM","ack_policy":"explicit","deliver_policy":"by_start_sequence","opt_start_seq":5}""");
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.RESET.S.FROM", """{"seq":4}""")).ShouldBe(10204);
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.RESET.S.FROM", """{"seq":7}""")).ShouldBe(0);
        await server.RestartAsync();
        (await server.FetchAsync("S", "FROM")).Single().Sequence().ShouldBe(7);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerLegacyDurableCreateSetsConsumerName")]
    [Upstream(Tests, "TestJetStreamConsumerAndStreamNamesWithPathSeparators")]
    [Upstream(Tests, "TestJetStreamConsumerUpdateRejectsStorageChange")]
    public async Task NamesAndStorageAreWhatTheyWere()
    {
        await using var server = await StartAsync();
        var made = await server.AskAsync("CONSUMER.CREATE.S.C", """{"stream_name":"S","action":"create","config":{"durable_name":"C","ack_policy":"explicit","num_replicas":1}}""");
        (made.GetProperty("name").GetString(), made.GetProperty("config").GetProperty("name").GetString()).ShouldBe(("C", "C"));
        foreach (var name in new[] { "a/b", "a\\\\b" })
        {
            (await server.TryConsumerAsync("S", $$"""{"durable_name":"{{name}}","ack_policy":"explicit"}""")).ShouldBe(10127);
            (await server.TryCreateAsync($$"""{"name":"{{name}}"}""")).ShouldBe(10128);
        }
        (await server.TryConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","num_replicas":1,"mem_storage":true}""")).ShouldBe(10012);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamRequestAPI")]
    [Upstream(Tests, "TestJetStreamConsumerDelete")]
    public async Task ConsumersAreListedNamedAndDeleted()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 300; i++) await server.ConsumerAsync("S", $$"""{"durable_name":"C{{i:000}}","ack_policy":"explicit"}""");
        (await NamesAsync("")).ShouldBe((300, 300, 0, 1024));
        (await NamesAsync("""{"offset":290}""")).ShouldBe((10, 300, 290, 1024));
        var list = await server.AskAsync("CONSUMER.LIST.S");
        (list.GetProperty("consumers").GetArrayLength(), list.GetProperty("total").GetInt32(), list.GetProperty("limit").GetInt32()).ShouldBe((256, 300, 256));
        (await server.AskAsync("CONSUMER.LIST.S", """{"offset":256}""")).GetProperty("consumers").GetArrayLength().ShouldBe(44);
        var waiting = await server.PullAsync("S", "C000", """{"batch":1,"expires":30000000000}""");
        await server.Client.FlushAsync();
        (await server.AskAsync("CONSUMER.DELETE.S.C000")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await waiting.NextAsync()).Headers!.Status.ShouldBe("409 Consumer Deleted");
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.DELETE.S.C000")).ShouldBe(10014);
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.INFO.NONE.C001")).ShouldBe(10059);
        (await server.StateAsync("S")).GetProperty("consumer_count").GetInt32().ShouldBe(299);
        (await server.AskAsync("INFO")).GetProperty("consumers").GetInt32().ShouldBe(299);

        async Task<(int, int, int, int)> NamesAsync(string request)
        {
            JsonElement page = await server.AskAsync("CONSUMER.NAMES.S", request);
            return (page.GetProperty("consumers").GetArrayLength(), page.GetProperty("total").GetInt32(), page.GetProperty("offset").GetInt32(), page.GetProperty("limit").GetInt32());
        }
    }

    private static async Task<StreamServer> StartAsync()
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        return server;
    }
}
