using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What upstream's tests of consumers show of a server alone: names, counts, filters, retention.</summary>
public sealed class UpstreamConsumerTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Theory]
    [InlineData("TE%ST", "wor%ker", "", "$JS.ACK.TE%ST.wor%ker.")]
    [InlineData("TE%ST", "wor%ker", "domain: \"hu%b\"", "$JS.ACK.hu%b.szMpdrwD.TE%ST.wor%ker.")]
    [InlineData("Test%123", "Test%123", "", "$JS.ACK.Test%123.Test%123.")]
    [Upstream(Tests, "TestJetStreamConsumerAckV1NameWithPercent")]
    [Upstream(Tests, "TestJetStreamConsumerAckV2NameWithPercent")]
    public async Task NamesMayHaveSignsThatFormat(string stream, string consumer, string jetStream, string prefix)
    {
        await using var server = await StreamServer.StartAsync(jetStream, jetStream.Length > 0 ? "feature_flags { js_ack_fc_v2: true }" : "");
        await server.CreateAsync($$"""{"name":"{{stream}}","subjects":["foo"],"storage":"memory"}""");
        await server.ConsumerAsync(stream, $$"""{"durable_name":"{{consumer}}","ack_policy":"explicit"}""");
        await server.PublishAsync("foo", "Hello World!");
        var message = await (await server.PullAsync(stream, consumer)).NextAsync();
        message.Reply.ShouldStartWith(prefix);
        await server.AckAsync(message);
        (await server.FigureAsync(stream, consumer, "num_ack_pending")).ShouldBe(0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerWithFormattingSymbol")]
    public async Task SoMayNamesOfOnesThatPush()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"Test%123","subjects":["foo"]}""");
        await server.PublishManyAsync("foo", 10, "OK");
        var listener = await server.Client.SubscribeAsync("bar");
        await server.ConsumerAsync("Test%123", """{"durable_name":"Test%123","filter_subject":"foo","deliver_subject":"bar","ack_policy":"explicit"}""");
        for (var i = 1; i <= 10; i++) (await listener.NextAsync()).Reply.ShouldStartWith($"$JS.ACK.Test%123.Test%123.1.{i}.{i}.");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerAckReplyFormats")]
    public async Task AcknowledgementsOfEitherVersionAreUnderstood()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("foo.a", 4);
        await server.ConsumerAsync("TEST", """{"durable_name":"C","ack_policy":"explicit"}""");
        (await server.FetchAsync("TEST", "C", 4)).Count.ShouldBe(4);
        foreach (var reply in new[]
        {
            "$JS.ACK.TEST.C.1.1.1.0.0",
            "$JS.ACK._.szMpdrwD.TEST.C.1.2.2.0.0",
            "$JS.ACK._.szMpdrwD.TEST.C.1.3.3.0.0.random",
            "$JS.ACK._.szMpdrwD.TEST.C.1.4.4.0.0.random.more.tokens",
        })
        {
            (await server.Client.RequestAsync(reply)).Payload.ShouldBeEmpty();
        }
        (await server.FigureAsync("TEST", "C", "ack_floor.stream_seq")).ShouldBe(4);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerUnpin")]
    public async Task OnlyAGroupThatIsThereIsUnpinned()
    {
        await using var server = await StartAsync();
        await server.ConsumerAsync("TEST", """{"durable_name":"C","ack_policy":"explicit","priority_groups":["A"],"priority_policy":"pinned_client","priority_timeout":10000000000}""");
        foreach (var (asset, request, code) in new[]
        {
            ("TEST.C", """{"group":"B"}""", 10160),
            ("NOT_EXIST.C", """{"group":"A"}""", 10059),
            ("TEST.NOT_EXIST", """{"group":"A"}""", 10014),
            ("TEST.C", """{"group":""}""", 10025),
            ("TEST.C", """{"group":"group    name\r\n"}""", 10162),
            ("TEST.C", """{"group":"A"}""", 0),
        })
        {
            StreamServer.ErrorOf(await server.AskAsync($"CONSUMER.UNPIN.{asset}", request)).ShouldBe(code, request);
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerBadCreateErr")]
    public async Task OneThatPushesHasNobodyWaiting()
    {
        await using var server = await StartAsync();
        var answer = await server.AskAsync("CONSUMER.CREATE.TEST.C", """{"stream_name":"TEST","config":{"durable_name":"C","deliver_subject":"X","max_waiting":100,"ack_policy":"none"}}""");
        answer.GetProperty("error").GetProperty("description").GetString().ShouldBe("consumer in push mode can not set max waiting");
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.CREATE.TEST.C", """{"stream_name":"TEST","config":{"durable_name":"C","rate_limit_bps":1000,"ack_policy":"explicit"}}""")).ShouldBe(10086, "only who pushes has a rate");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerStreamUpdate")]
    public async Task StreamsAndConsumersAreUpdatedToWhatTheyAreAndToSomethingElse()
    {
        await using var server = await StreamServer.StartAsync("max_mem_store: 2MB, max_file_store: 8MB");
        await server.CreateAsync("""{"name":"foo","duplicate_window":60000000000}""");
        (await server.TryUpdateAsync("""{"name":"foo","subjects":["foo"],"duplicate_window":60000000000}""")).ShouldBe(0);
        (await server.TryUpdateAsync("""{"name":"foo","subjects":["foo"],"duplicate_window":60000000000,"description":"stream"}""")).ShouldBe(0);
        await server.ConsumerAsync("foo", """{"durable_name":"dur1","ack_policy":"explicit"}""");
        await server.ConsumerAsync("foo", """{"durable_name":"dur1","ack_policy":"explicit"}""");
        await server.ConsumerAsync("foo", """{"durable_name":"dur1","ack_policy":"explicit","description":"consumer"}""");
        (await server.ConsumerInfoAsync("foo", "dur1")).GetProperty("config").GetProperty("description").GetString().ShouldBe("consumer");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjectsAck")]
    [Upstream(Tests, "TestJetStreamConsumerStateAlwaysFromStore")]
    public async Task TheFloorFollowsWhatTheFiltersLetThrough()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["events","data","other"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subjects":["events","data"]}""");
        foreach (var subject in new[] { "events", "data", "data", "data", "events", "data", "data", "other" }) await server.PublishAsync(subject);
        (await server.FigureAsync("S", "C", "delivered.stream_seq")).ShouldBe(0);
        var messages = await server.FetchAsync("S", "C", 3);
        (await server.FigureAsync("S", "C", "delivered.stream_seq")).ShouldBe(3);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(0);
        await server.AckAsync(messages[0]);
        await server.AckAsync(messages[1]);
        (await server.FigureAsync("S", "C", "ack_floor.consumer_seq")).ShouldBe(2);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(2);
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(4);
        foreach (var message in await server.FetchAsync("S", "C", 10)) await server.AckAsync(message);
        await server.AckAsync(messages[2]);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(7);
        (await server.FigureAsync("S", "C", "delivered.stream_seq")).ShouldBe(7, "the message that it does not want is not delivered");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjectsWithAddedMessages")]
    public async Task SeveralFiltersLetThroughInTheOrderOfTheStreamWhatComesMeanwhile()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["events.>"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"explicit","filter_subjects":["events.created","events.processed"]}""");
        foreach (var (kind, text) in new[]
        {
            ("created", "0"), ("created", "1"), ("created", "2"), ("created", "3"), ("other", "BAD"), ("processed", "4"),
            ("processed", "5"), ("processed", "6"), ("other", "BAD"), ("processed", "7"), ("processed", "8"),
        })
        {
            await server.PublishAsync($"events.{kind}", text);
        }
        var listener = await server.Client.SubscribeAsync("to");
        for (var i = 0; i < 10; i++)
        {
            if (i == 5) await server.PublishAsync("events.created", "9");
            if (i == 7) await server.PublishAsync("events.processed", "10");
            if (i == 9) await server.PublishAsync("events.other", "BAD");
            if (i == 9) await server.PublishAsync("events.created", "11");
            var message = await listener.NextAsync();
            message.Text.ShouldBe($"{i}");
            await server.AckAsync(message);
        }
        await server.WaitForFigureAsync("S", "C", "delivered.consumer_seq", 12);
        (await server.FigureAsync("S", "C", "delivered.stream_seq")).ShouldBe(15);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(12);
        (await server.FigureAsync("S", "C", "ack_floor.consumer_seq")).ShouldBe(10);
    }

    [Theory]
    [InlineData("foo.A", "\"foo.A\",\"foo.A.>\"", 10)]
    [InlineData("foo.subject", "\"foo.subject.A\",\"foo.subject.A.>\"", 0)]
    [InlineData("foo.A", "\"foo.A\",\"foo.*.A\"", 10)]
    [Upstream(Tests, "TestJetStreamConsumerDeliverAllOverlappingFilterSubjects")]
    [Upstream(Tests, "TestJetStreamConsumerDeliverAllNonOverlappingFilterSubjects")]
    [Upstream(Tests, "TestJetStreamConsumerDeliverPartialOverlappingFilterSubjects")]
    public async Task FiltersThatLookAlikeLetThroughWhatEachDoes(string subject, string filters, int expected)
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync(subject, 10);
        await server.ConsumerAsync("TEST", $$"""{"name":"C","ack_policy":"explicit","filter_subjects":[{{filters}}]}""");
        (await server.FigureAsync("TEST", "C", "num_pending")).ShouldBe(expected);
        var messages = await server.FetchAsync("TEST", "C", 20);
        messages.Select(message => message.Sequence()).ShouldBe(Enumerable.Range(1, expected).Select(i => (long)i));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerAllowOverlappingSubjectsIfNotSubset")]
    public async Task FiltersMayMeetButNotContainEachOther()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["event.>"]}""");
        string[] parts = ["foo", "bar", "baz", "oth"];
        var subjects = parts.SelectMany(start => parts.Select(end => $"event.{start}.{end}")).ToList();
        foreach (var subject in subjects) await server.PublishAsync(subject);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"explicit","filter_subjects":["event.>","event.*.foo"]}""")).ShouldBe(10138);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subjects":["event.foo.*","event.*.foo"]}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(7);
        (await server.FetchAsync("S", "C", 16)).Select(message => message.Subject).ShouldBe(subjects.Where(subject => subject.Contains("foo")));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerLongSubjectHang")]
    public async Task TheLastOfEachSubjectComesThoughOthersWerePurged()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["a1.>","a2.>"],"allow_rollup_hdrs":true}""");
        for (var i = 0; i < 2; i++)
        {
            await server.PublishAsync($"a1.{new string('a', 22)}{i}", "hello");
            await server.PublishAsync($"a2.{i}", "contents");
        }
        await server.AskAsync("STREAM.PURGE.S", """{"filter":"a2.>"}""");
        (await server.EndsAsync("S")).Messages.ShouldBe(2UL);
        var listener = await server.Client.SubscribeAsync("to");
        await server.ConsumerAsync("S", """{"name":"O","deliver_subject":"to","deliver_policy":"last_per_subject","filter_subject":"a1.>","ack_policy":"none","max_deliver":1,"flow_control":true,"idle_heartbeat":5000000000,"mem_storage":true}""");
        for (var i = 0; i < 2; i++) (await listener.NextAsync()).Text.ShouldBe("hello");
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream(Tests, "TestJetStreamConsumerPendingBugWithKV")]
    public async Task OneThatBeginsWithTheLastOfEachSubjectCountsSubjects(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"KV","subjects":["kv.>"],"storage":"{{storage}}","max_msgs_per_subject":1}""");
        foreach (var key in new[] { 1, 2, 3, 1 }) await server.PublishAsync($"kv.{key}");
        (await server.EndsAsync("KV")).Messages.ShouldBe(3UL);
        await server.ConsumerAsync("KV", """{"durable_name":"dlc","deliver_subject":"xxx","deliver_policy":"last_per_subject","filter_subject":">","ack_policy":"none"}""");
        (await server.FigureAsync("KV", "dlc", "num_pending")).ShouldBe(3);
    }

    private static async Task<StreamServer> StartAsync()
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.>"]}""");
        return server;
    }
}
