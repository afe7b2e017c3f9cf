using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Consumers that push: interest, heartbeats, flow control, pace.</summary>
public sealed class ConsumerPushTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamBasicDeliverSubject")]
    [Upstream("jetstream_test.go", "TestJetStreamActiveDelivery")]
    [Upstream(Tests, "TestJetStreamConsumerReconnect")]
    [Upstream(Tests, "TestJetStreamConsumerPushBound")]
    public async Task MessagesGoWhereSomebodyListens()
    {
        await using var server = await StartAsync();
        for (var i = 1; i <= 10; i++) await server.PublishAsync("s", $"{i}");
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"explicit"}""");
        (await server.ConsumerInfoAsync("S", "C")).TryGetProperty("push_bound", out _).ShouldBeFalse();
        (await server.FigureAsync("S", "C", "delivered.consumer_seq")).ShouldBe(0, "nobody listens");
        var listener = await server.Client.SubscribeAsync("to");
        for (var i = 1; i <= 10; i++)
        {
            var message = await listener.NextAsync();
            (message.Subject, message.Text, message.Sequence(), message.Behind()).ShouldBe(("s", $"{i}", i, 10 - i));
            if (i <= 4) await server.AckAsync(message);
        }
        (await server.ConsumerInfoAsync("S", "C")).GetProperty("push_bound").GetBoolean().ShouldBeTrue();
        await listener.UnsubscribeAsync();
        await server.Client.FlushAsync();
        await server.PublishAsync("s", "11");
        (await server.FigureAsync("S", "C", "delivered.consumer_seq")).ShouldBe(10);
        var next = await server.Client.SubscribeAsync("to");
        (await next.NextAsync()).Text.ShouldBe("11", "what was delivered is waited for");
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(7);
    }

    [Fact]
    public async Task OfAGroupOnlyItsMembersCount()
    {
        await using var server = await StartAsync();
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","deliver_group":"g","ack_policy":"explicit"}""");
        await server.Client.SubscribeAsync("to");
        await server.Client.SubscribeAsync("to", "h");
        await server.PublishAsync("s", "1");
        var info = await server.ConsumerInfoAsync("S", "C");
        (info.TryGetProperty("push_bound", out _), info.GetProperty("delivered").GetProperty("consumer_seq").GetInt64()).ShouldBe((false, 0L));
        var member = await server.Client.SubscribeAsync("to", "g");
        (await member.NextAsync()).Text.ShouldBe("1");
        (await server.ConsumerInfoAsync("S", "C")).GetProperty("push_bound").GetBoolean().ShouldBeTrue();
        await member.UnsubscribeAsync();
        await Wait.Until("nobody of the group is left", async () => !(await server.ConsumerInfoAsync("S", "C")).TryGetProperty("push_bound", out _));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamEphemeralConsumers")]
    [Upstream("jetstream_test.go", "TestJetStreamInvalidDeliverSubject")]
    public async Task AnEphemeralOneGoesWithItsListener()
    {
        await using var server = await StartAsync();
        var listener = await server.Client.SubscribeAsync("to");
        await server.Client.FlushAsync();
        var made = await server.ConsumerAsync("S", """{"deliver_subject":"to","ack_policy":"none","inactive_threshold":100000000}""");
        var name = made.GetProperty("name").GetString()!;
        name.Length.ShouldBe(8);
        await server.PublishAsync("s");
        await listener.NextAsync();
        (await server.ConsumerInfoAsync("S", name)).GetProperty("push_bound").GetBoolean().ShouldBeTrue();
        await listener.UnsubscribeAsync();
        await Wait.Until("it to be gone", async () => StreamServer.ErrorOf(await server.ConsumerInfoAsync("S", name)) == 10014);
        (await server.TryConsumerAsync("S", """{"durable_name":"A","deliver_subject":"to.*","ack_policy":"none"}""")).ShouldBe(10079);
        (await server.TryConsumerAsync("S", """{"durable_name":"A","deliver_subject":" x","ack_policy":"none"}""")).ShouldBe(10112);
        (await server.TryConsumerAsync("S", """{"durable_name":"A","deliver_subject":"s","ack_policy":"none"}""")).ShouldBe(10081);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPushConsumerIdleHeartbeats")]
    [Upstream("jetstream_test.go", "TestJetStreamPushConsumerIdleHeartbeatsWithFilterSubject")]
    [Upstream("jetstream_test.go", "TestJetStreamPushConsumerIdleHeartbeatsWithNoInterest")]
    [Upstream("jetstream_test.go", "TestJetStreamFlowControlRequiresHeartbeats")]
    public async Task HeartbeatsComeWhenNothingElseDoes()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s.*"]}""");
        (await server.TryConsumerAsync("S", """{"durable_name":"X","deliver_subject":"to","ack_policy":"none","idle_heartbeat":1000000}""")).ShouldBe(10083);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","deliver_subject":"to","ack_policy":"none","flow_control":true}""")).ShouldBe(10108);
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"none","filter_subject":"s.1","idle_heartbeat":100000000}""");
        await server.PublishAsync("s.2");
        (await server.FigureAsync("S", "C", "delivered.consumer_seq")).ShouldBe(0);
        var listener = await server.Client.SubscribeAsync("to");
        for (var i = 0; i < 3; i++) await BeatAsync("0", "1");
        await server.PublishAsync("s.1");
        (await server.PublishAsync("s.2")).GetProperty("seq").GetInt32().ShouldBe(3);
        TestMessage message;
        while ((message = await listener.NextAsync()).Headers is not null) message.Headers.Status.ShouldBe("100 Idle Heartbeat");
        message.Sequence().ShouldBe(2);
        await BeatAsync("1", null);

        async Task BeatAsync(string delivered, string? stream)
        {
            var beat = (await listener.NextAsync()).Headers!;
            (beat.Status, beat["Nats-Last-Consumer"]).ShouldBe(("100 Idle Heartbeat", delivered));
            if (stream is not null) int.Parse(beat["Nats-Last-Stream"]!).ShouldBeInRange(0, int.Parse(stream));
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPushConsumerFlowControl")]
    [Upstream("jetstream_test.go", "TestJetStreamFlowControlStall")]
    public async Task WhoDoesNotKeepUpIsWaitedFor()
    {
        await using var server = await StartAsync();
        const int Count = 5000;
        await server.PublishManyAsync("s", Count, new string('x', 1000));
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"none","flow_control":true,"idle_heartbeat":200000000}""");
        var listener = await server.Client.SubscribeAsync("to");
        var got = 0;
        string? stalled = null;
        while (stalled is null)
        {
            var message = await listener.NextAsync();
            if (message.Headers is null) got++;
            else if (message.Headers.Status == "100 Idle Heartbeat") stalled = message.Headers["Nats-Consumer-Stalled"];
            got.ShouldBeLessThan(Count, "nothing was answered");
        }
        await server.Client.PublishAsync(stalled, "");
        while (got < Count)
        {
            var message = await listener.NextAsync();
            if (message.Headers is null) got++;
            else if ((message.Reply ?? message.Headers["Nats-Consumer-Stalled"]) is { } reply) await server.Client.PublishAsync(reply, "");
        }
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMaxAckPending")]
    public async Task NoMoreArePushedThanMayBeUnacknowledged()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 100);
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"explicit","max_ack_pending":33}""");
        var listener = await server.Client.SubscribeAsync("to");
        var messages = new List<TestMessage>();
        for (var i = 0; i < 33; i++) messages.Add(await listener.NextAsync());
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(33);
        listener.TryTake().ShouldBeNull();
        for (var i = 0; i < 22; i++) await server.AckAsync(messages[i]);
        for (var i = 0; i < 22; i++) messages.Add(await listener.NextAsync());
        messages[^1].Sequence().ShouldBe(55);
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(33);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMsgHeaders")]
    [Upstream(Tests, "TestJetStreamConsumerNoMsgPayload")]
    public async Task HeadersComeWithOrWithoutWhatTheyHead()
    {
        await using var server = await StartAsync();
        await server.PublishAsync("s", "0123456789", ("name", "derek"));
        await server.PublishAsync("s", "four");
        await server.ConsumerAsync("S", """{"durable_name":"WHOLE","deliver_subject":"whole","ack_policy":"none"}""");
        await server.ConsumerAsync("S", """{"durable_name":"HEADS","deliver_subject":"heads","ack_policy":"none","headers_only":true}""");
        var whole = await server.Client.SubscribeAsync("whole");
        var first = await whole.NextAsync();
        (first.Text, first.Headers!["name"]).ShouldBe(("0123456789", "derek"));
        (await whole.NextAsync()).Headers.ShouldBeNull();
        var heads = await server.Client.SubscribeAsync("heads");
        foreach (var (size, name) in new[] { ("10", "derek"), ("4", null) })
        {
            var message = await heads.NextAsync();
            (message.Payload.Length, message.Headers!["Nats-Msg-Size"], message.Headers["name"]).ShouldBe((0, size, name));
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerReplayRate")]
    [Upstream(Tests, "TestJetStreamConsumerReplayRateNoAck")]
    public async Task ThePaceIsThatOfThePublisherOrOfTheLimit()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await server.PublishAsync("s", new string('x', 10_000));
            if (i is 1 or 3) await WaitAsync(300);
        }
        await server.ConsumerAsync("S", """{"durable_name":"REPLAY","deliver_subject":"replayed","ack_policy":"none","replay_policy":"original"}""");
        var times = new List<double>();
        var listener = await server.Client.SubscribeAsync("replayed");
        await listener.NextAsync();
        for (var i = 1; i < 5; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            await listener.NextAsync();
            times.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }
        times[1].ShouldBeGreaterThan(200);
        times[3].ShouldBeGreaterThan(200);
        await server.ConsumerAsync("S", """{"durable_name":"SLOW","deliver_subject":"slow","ack_policy":"none","rate_limit_bps":800000}""");
        (await server.TryConsumerAsync("S", """{"durable_name":"PULL","ack_policy":"none","rate_limit_bps":800000}""")).ShouldBe(10086);
        (await server.ConsumerInfoAsync("S", "SLOW")).GetProperty("config").GetProperty("rate_limit_bps").GetInt32().ShouldBe(800_000);
    }

    /// <summary>Time between two messages is what is tested.</summary>
    private static async Task WaitAsync(int milliseconds)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Wait.Until("time to pass", () => TimeProvider.System.GetElapsedTime(began).TotalMilliseconds > milliseconds);
    }

    private static async Task<StreamServer> StartAsync()
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        return server;
    }
}
