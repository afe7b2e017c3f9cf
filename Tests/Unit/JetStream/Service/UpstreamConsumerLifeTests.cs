using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What upstream's tests of consumers show of a server alone: restarts, time, listeners that come and go, accounts.</summary>
public sealed class UpstreamConsumerLifeTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream(Tests, "TestJetStreamConsumerDurableReconnect")]
    [Upstream(Tests, "TestJetStreamConsumerDurableReconnectWithOnlyPending")]
    public async Task OneThatPushesMayPushElsewhere(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"DT","subjects":["foo.*"],"storage":"{{storage}}"}""");
        await server.ConsumerAsync("DT", """{"durable_name":"d22","deliver_subject":"to.1","ack_policy":"explicit","ack_wait":60000000000}""");
        await server.PublishManyAsync("foo.22", 10);
        var first = await server.Client.SubscribeAsync("to.1");
        for (var i = 1; i <= 10; i++)
        {
            var message = await first.NextAsync();
            message.Sequence().ShouldBe(i);
            if (i <= 5) await server.AckAsync(message);
        }
        await first.UnsubscribeAsync();
        await Wait.Until("nobody listens", async () => !(await server.ConsumerInfoAsync("DT", "d22")).TryGetProperty("push_bound", out _));
        await server.PublishAsync("foo.22", "while nobody listened");
        var second = await server.Client.SubscribeAsync("to.2");
        await server.ConsumerAsync("DT", """{"durable_name":"d22","deliver_subject":"to.2","ack_policy":"explicit","ack_wait":60000000000}""");
        var seen = new List<(long, long)>();
        for (var i = 0; i < 6; i++)
        {
            var message = await second.NextAsync();
            seen.Add((message.Sequence(), message.Deliveries()));
            await server.AckAsync(message);
        }
        seen.Order().ShouldBe([(6, 2), (7, 2), (8, 2), (9, 2), (10, 2), (11, 1)]);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerEphemeralRecoveryAfterServerRestart")]
    public async Task AnEphemeralOneOutlivesTheServerAndGoesWithItsListener()
    {
        await using var server = await StartAsync();
        var listener = await server.Client.SubscribeAsync("to");
        var name = (await server.ConsumerAsync("TEST", """{"deliver_subject":"to","ack_policy":"explicit","inactive_threshold":3000000000}""")).GetProperty("name").GetString()!;
        await server.PublishManyAsync("foo", 100);
        for (var i = 0; i < 7; i++) await server.AckAsync(await listener.NextAsync());
        for (var i = 0; i < 2; i++)
        {
            await server.RestartAsync();
            listener = await server.Client.SubscribeAsync("to");
            await Wait.Until("it is active", async () => (await server.ConsumerInfoAsync("TEST", name)).TryGetProperty("push_bound", out _));
            var info = await server.ConsumerInfoAsync("TEST", name);
            info.GetProperty("config").TryGetProperty("durable_name", out _).ShouldBeFalse();
            info.GetProperty("ack_floor").GetProperty("stream_seq").GetInt32().ShouldBe(7);
        }
        await listener.UnsubscribeAsync();
        await Wait.Until("it is gone", async () => StreamServer.ErrorOf(await server.ConsumerInfoAsync("TEST", name)) == 10014);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerDeliverNewNotConsumingBeforeRestart")]
    public async Task WhatIsNewStaysNewOverARestart()
    {
        await using var server = await StartAsync();
        await server.PublishAsync("foo", "old");
        await server.ConsumerAsync("TEST", """{"durable_name":"dur","deliver_subject":"to","ack_policy":"explicit","deliver_policy":"new","filter_subject":"foo"}""");
        await server.PublishManyAsync("foo", 10, "msg");
        (await server.FigureAsync("TEST", "dur", "num_pending")).ShouldBe(10);
        await server.RestartAsync();
        (await server.FigureAsync("TEST", "dur", "num_pending")).ShouldBe(10);
        var listener = await server.Client.SubscribeAsync("to");
        for (var i = 2; i <= 11; i++)
        {
            var message = await listener.NextAsync();
            message.Sequence().ShouldBe(i);
            await server.AckAsync(message);
        }
        (await server.FigureAsync("TEST", "dur", "num_pending")).ShouldBe(0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerDeliverNewMaxRedeliveriesAndServerRestart")]
    public async Task WhatWasGivenUpDoesNotComeBackWithARestart()
    {
        await using var server = await StartAsync();
        var listener = await server.Client.SubscribeAsync("to");
        await server.ConsumerAsync("TEST", """{"durable_name":"dur","deliver_subject":"to","ack_policy":"explicit","deliver_policy":"new","max_deliver":3,"ack_wait":100000000,"filter_subject":"foo"}""");
        await server.PublishAsync("foo", "msg");
        for (var i = 1; i <= 3; i++) (await listener.NextAsync()).Deliveries().ShouldBe(i);
        await server.WaitForFigureAsync("TEST", "dur", "num_ack_pending", 0);
        await server.RestartAsync();
        listener = await server.Client.SubscribeAsync("to");
        await server.PublishAsync("foo", "next");
        (await listener.NextAsync()).Text.ShouldBe("next");
        (await server.FigureAsync("TEST", "dur", "delivered.consumer_seq")).ShouldBe(4);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerEOFBugNewFileStore")]
    public async Task AMirrorsConsumerGoesOnWhenItsMessagesAreReadFromTheDisk()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.bar.*"]}""");
        await server.CreateAsync("""{"name":"M","mirror":{"name":"TEST"}}""");
        var listener = await server.Client.SubscribeAsync("to");
        await server.ConsumerAsync("M", """{"durable_name":"C","deliver_subject":"to","ack_policy":"explicit","filter_subject":"foo.>"}""");
        await server.PublishManyAsync("foo.bar.baz", 100, "OK");
        for (var i = 1; i <= 100; i++) await server.AckAsync(await listener.NextAsync());
        await server.RestartAsync();
        listener = await server.Client.SubscribeAsync("to");
        await server.PublishAsync("foo.bar.baz", "OK");
        (await listener.NextAsync()).Sequence().ShouldBe(101);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream(Tests, "TestJetStreamConsumerReplayQuit")]
    public async Task OneThatReplaysMayBeDeletedWhileItWaits(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"DC","subjects":["s"],"storage":"{{storage}}"}""");
        await server.PublishAsync("s", "first");
        var began = TimeProvider.System.GetTimestamp();
        await Wait.Until("some time has passed", () => TimeProvider.System.GetElapsedTime(began).TotalMilliseconds > 400);
        await server.PublishAsync("s", "second");
        var listener = await server.Client.SubscribeAsync("to");
        await server.ConsumerAsync("DC", """{"name":"R","deliver_subject":"to","replay_policy":"original","ack_policy":"none"}""");
        (await listener.NextAsync()).Text.ShouldBe("first");
        (await server.AskAsync("CONSUMER.DELETE.DC.R")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await server.ConsumerAsync("DC", """{"name":"R","deliver_subject":"to.again","replay_policy":"original","ack_policy":"none"}""");
        var again = await server.Client.SubscribeAsync("to.again");
        (await again.NextAsync()).Text.ShouldBe("first");
        (await again.NextAsync()).Text.ShouldBe("second");
        listener.TryTake().ShouldBeNull("it was deleted before");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerBadNumPending")]
    public async Task WhoPublishesFromWhatHeGetsLeavesNothingPending()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"ORDERS","subjects":["orders.*"]}""");
        for (var i = 0; i < 10; i++) await server.PublishAsync("orders.created");
        var work = await server.Client.SubscribeAsync("work");
        await server.Client.SubscribeAsync("all");
        await server.ConsumerAsync("ORDERS", """{"durable_name":"OP","deliver_subject":"work","ack_policy":"explicit","filter_subject":"orders.created"}""");
        await server.ConsumerAsync("ORDERS", """{"durable_name":"MON","deliver_subject":"all","ack_policy":"explicit","filter_subject":"orders.*"}""");
        for (var round = 1; round <= 2; round++)
        {
            for (var i = 0; i < 10; i++)
            {
                await work.NextAsync();
                await server.PublishAsync("orders.approved");
            }
            (await server.EndsAsync("ORDERS")).Messages.ShouldBe((ulong)(round * 20));
            await server.WaitForFigureAsync("ORDERS", "OP", "num_pending", 0);
            await server.WaitForFigureAsync("ORDERS", "MON", "num_pending", 0);
            if (round == 1) for (var i = 0; i < 10; i++) await server.PublishAsync("orders.created");
        }
        (await server.FigureAsync("ORDERS", "MON", "delivered.consumer_seq")).ShouldBe(40);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerCleanupWithRetentionPolicy")]
    [Upstream(Tests, "TestJetStreamConsumerPendingCountAfterMsgAckAboveFloor")]
    public async Task WhatIsAcknowledgedOutOfOrderLeavesTheStreamAndTheCount()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"ORDERS","subjects":["orders.*"],"retention":"interest"}""");
        await server.CreateAsync("""{"name":"W","subjects":["w"],"retention":"workqueue"}""");
        await server.ConsumerAsync("W", """{"durable_name":"C","ack_policy":"explicit"}""");
        await server.PublishManyAsync("w", 2);
        (await server.FigureAsync("W", "C", "num_pending")).ShouldBe(2);
        await server.AckAsync((await server.FetchAsync("W", "C", 2))[1]);
        (await server.FigureAsync("W", "C", "num_pending")).ShouldBe(0);
        await server.WaitForFigureAsync("W", "C", "num_ack_pending", 1);
        await server.ConsumerAsync("ORDERS", """{"durable_name":"C","ack_policy":"explicit"}""");
        for (var i = 1; i <= 10; i++) await server.PublishAsync($"orders.{i}");
        foreach (var message in await server.FetchAsync("ORDERS", "C", 10)) await server.AckAsync(message);
        // Its floor is beyond all that the stream has when it goes.
        await server.AskAsync("STREAM.PURGE.ORDERS");
        await server.AskAsync("CONSUMER.DELETE.ORDERS.C");
        var state = await server.StateAsync("ORDERS");
        (state.GetProperty("messages").GetInt32(), state.GetProperty("last_seq").GetInt32(), state.GetProperty("consumer_count").GetInt32()).ShouldBe((0, 10, 0));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerAckFloorWithExpired")]
    public async Task WhatIsTooOldIsDone()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"max_age":1500000000}""");
        await server.ConsumerAsync("TEST", """{"durable_name":"dlc","ack_policy":"explicit","ack_wait":60000000000}""");
        await server.PublishManyAsync("foo", 100, "OK");
        (await server.FetchAsync("TEST", "dlc", 100)).Count.ShouldBe(100);
        await Wait.Until("all are gone", async () => (await server.EndsAsync("TEST")).Messages == 0);
        foreach (var (path, expected) in new[]
        {
            ("delivered.consumer_seq", 100), ("delivered.stream_seq", 100), ("ack_floor.consumer_seq", 100), ("ack_floor.stream_seq", 100),
            ("num_ack_pending", 0), ("num_pending", 0), ("num_redelivered", 0),
        })
        {
            (await server.FigureAsync("TEST", "dlc", path)).ShouldBe(expected, path);
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerWQMaxDeliveryRdcCleanedOnMaxAge")]
    public async Task WhatWasGivenUpStaysInAWorkQueueUntilItIsTooOld()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"retention":"workqueue","max_age":3000000000}""");
        await server.ConsumerAsync("TEST", """{"durable_name":"C","ack_policy":"explicit","max_deliver":2,"ack_wait":200000000}""");
        await server.PublishManyAsync("foo", 3);
        var inbox = await server.PullAsync("TEST", "C", "6");
        for (var i = 0; i < 6; i++) await inbox.NextAsync();
        await server.WaitForFigureAsync("TEST", "C", "num_ack_pending", 0);
        (await server.FigureAsync("TEST", "C", "num_redelivered")).ShouldBe(3);
        (await server.EndsAsync("TEST")).Messages.ShouldBe(3UL);
        await Wait.Until("all are gone", async () => (await server.EndsAsync("TEST")).Messages == 0);
        await server.WaitForFigureAsync("TEST", "C", "num_redelivered", 0);
        await server.RestartAsync();
        (await server.FigureAsync("TEST", "C", "num_redelivered")).ShouldBe(0);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"backoff\":[2000000000,4000000000]")]
    [Upstream(Tests, "TestJetStreamConsumerNotInactiveDuringAckWait")]
    [Upstream(Tests, "TestJetStreamConsumerNotInactiveDuringAckWaitBackoff")]
    public async Task NobodyIsAbandonedWhoMayStillWork(string backoff)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.>"]}""");
        for (var i = 0; i < 5; i++) await server.PublishAsync("foo.skip");
        await server.PublishAsync("foo.match");
        await server.ConsumerAsync("TEST", $$"""{"durable_name":"C","ack_policy":"explicit","ack_wait":60000000000,"inactive_threshold":200000000,"filter_subject":"foo.match"{{backoff}}}""");
        var message = (await server.FetchAsync("TEST", "C")).Single();
        await IsStillThereForAsync(1.4);
        if (backoff.Length > 0)
        {
            await server.TellAsync(message, "-NAK");
            message = (await server.FetchAsync("TEST", "C")).Single();
            message.Deliveries().ShouldBe(2);
            await IsStillThereForAsync(3.5);
        }
        await server.AckAsync(message);
        await Wait.Until("it is gone", async () => StreamServer.ErrorOf(await server.AskAsync("CONSUMER.INFO.TEST.C")) == 10014);

        async Task IsStillThereForAsync(double seconds)
        {
            var began = TimeProvider.System.GetTimestamp();
            await Wait.Until(
                "longer than it is kept without use",
                async () =>
                {
                    StreamServer.ErrorOf(await server.ConsumerInfoAsync("TEST", "C")).ShouldBe(0);
                    return TimeProvider.System.GetElapsedTime(began).TotalSeconds > seconds;
                });
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerResetToSequenceConstraintOnStartTime")]
    public async Task AResetDoesNotGoBehindTheTimeWhereItBegins()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("foo", 2);
        await server.ConsumerAsync("TEST", $$"""{"durable_name":"C","ack_policy":"explicit","deliver_policy":"by_start_time","opt_start_time":"{{TimeProvider.System.GetUtcNow().UtcDateTime:O}}"}""");
        await server.PublishAsync("foo", "msg3");
        await server.PublishAsync("foo", "msg4");
        var first = (await server.FetchAsync("TEST", "C")).Single();
        first.Text.ShouldBe("msg3");
        await server.AckAsync(first);
        var refused = await server.AskAsync("CONSUMER.RESET.TEST.C", """{"seq":2}""");
        StreamServer.ErrorOf(refused).ShouldBe(10204);
        refused.GetProperty("error").GetProperty("description").GetString()!.ShouldContain("below start time");
        var answer = await server.AskAsync("CONSUMER.RESET.TEST.C", """{"seq":3}""");
        answer.GetProperty("type").GetString().ShouldBe("io.nats.jetstream.api.v1.consumer_reset_response");
        answer.GetProperty("reset_seq").GetInt32().ShouldBe(3);
        foreach (var place in new[] { "delivered", "ack_floor" })
        {
            answer.GetProperty(place).GetProperty("stream_seq").GetInt32().ShouldBe(2);
            answer.GetProperty(place).TryGetProperty("last_active", out _).ShouldBeFalse();
        }
        (await server.FetchAsync("TEST", "C")).Single().Text.ShouldBe("msg3");
    }

    private static async Task<StreamServer> StartAsync()
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        return server;
    }
}
