using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What clients say of messages, and what is delivered again.</summary>
public sealed class ConsumerAcknowledgementTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueAckWaitRedelivery")]
    [Upstream("jetstream_test.go", "TestJetStreamRedeliverCount")]
    [Upstream("jetstream_test.go", "TestJetStreamRedeliverAndLateAck")]
    [Upstream("jetstream_test.go", "TestJetStreamPendingNextTimer")]
    public async Task WhatIsNotAcknowledgedInTimeComesAgain(string storage)
    {
        await using var server = await StartAsync(storage);
        await server.PublishManyAsync("s", 10);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":150000000}""");
        var first = await server.FetchAsync("S", "C", 20);
        first.Count.ShouldBe(10);
        var again = await server.PullAsync("S", "C", "10");
        for (var i = 1; i <= 10; i++)
        {
            var message = await again.NextAsync();
            (message.Sequence(), message.Deliveries(), message.Delivery()).ShouldBe((i, 2, 10 + i));
        }
        // A late one counts as any other, whichever delivery it answers.
        await server.AckAsync(first[0]);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(1);
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(9);
        var third = await (await server.PullAsync("S", "C")).NextAsync();
        (third.Sequence(), third.Deliveries()).ShouldBe((2, 3));
        (await server.FigureAsync("S", "C", "num_redelivered")).ShouldBe(9);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueNakRedelivery")]
    [Upstream("jetstream_test.go", "TestJetStreamCanNotNakAckd")]
    [Upstream("jetstream_test.go", "TestJetStreamNakRedeliveryWithNoWait")]
    public async Task WhatIsRefusedComesAgainAtOnceOrLater()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 3);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        var messages = await server.FetchAsync("S", "C", 3);
        await server.TellAsync(messages[1], "-NAK");
        var again = (await server.FetchAsync("S", "C", 3)).Single();
        (again.Sequence(), again.Deliveries()).ShouldBe((2, 2));
        await server.AckAsync(again);
        await server.TellAsync(again, "-NAK");
        (await server.FetchAsync("S", "C", 3)).ShouldBeEmpty("what is acknowledged cannot be refused");
        var told = TimeProvider.System.GetTimestamp();
        await server.TellAsync(messages[0], """-NAK {"delay": 400000000}""");
        await server.TellAsync(messages[2], "-NAK 100ms");
        var inbox = await server.PullAsync("S", "C", "2");
        (await inbox.NextAsync()).Sequence().ShouldBe(3);
        (await inbox.NextAsync()).Sequence().ShouldBe(1);
        TimeProvider.System.GetElapsedTime(told).TotalMilliseconds.ShouldBeGreaterThan(390);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueWorkingIndicator")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueTerminateDelivery")]
    public async Task WorkInProgressIsNotDisturbedAndTerminatedWorkIsOver()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 2);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":400000000}""");
        var advisories = await server.Client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.C");
        var work = (await server.FetchAsync("S", "C")).Single();
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began).TotalMilliseconds < 900)
        {
            await server.AckAsync(work, "+WPI");
            (await server.FigureAsync("S", "C", "num_redelivered")).ShouldBe(0);
        }
        var again = await (await server.PullAsync("S", "C", "2")).NextAsync();
        again.Sequence().ShouldBe(2);
        await server.AckAsync(again, "+TERM not now");
        (await advisories.NextAsync()).Text.ShouldContain("\"reason\":\"not now\"");
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(1);
        await server.AckAsync(work);
        await server.WaitForFigureAsync("S", "C", "ack_floor.stream_seq", 2);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueAckAndNext")]
    [Upstream("jetstream_test.go", "TestJetStreamAckNext")]
    public async Task AnAcknowledgementMayAskForMore()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 6);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        var message = (await server.FetchAsync("S", "C")).Single();
        for (var i = 2; i <= 4; i++)
        {
            message = await server.Client.RequestAsync(message.Reply!, i == 3 ? """+NXT {"batch":1}""" : "+NXT");
            message.Sequence().ShouldBe(i);
        }
        var inbox = await server.Client.SubscribeAsync("two");
        await server.Client.PublishAsync(message.Reply!, "+NXT 2", "two");
        (await inbox.NextAsync()).Sequence().ShouldBe(5);
        (await inbox.NextAsync()).Sequence().ShouldBe(6);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(4);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAckAllRedelivery")]
    [Upstream(Tests, "TestJetStreamConsumerAckAck")]
    [Upstream(Tests, "TestJetStreamConsumerAckFloorFill")]
    public async Task AcknowledgementsFillTheFloor()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 10);
        await server.ConsumerAsync("S", """{"durable_name":"ALL","ack_policy":"all","ack_wait":200000000}""");
        var messages = await server.FetchAsync("S", "ALL", 10);
        await server.AckAsync(messages[5]);
        (await server.FigureAsync("S", "ALL", "ack_floor.stream_seq")).ShouldBe(6);
        var again = await server.PullAsync("S", "ALL", "4");
        for (var i = 7; i <= 10; i++) (await again.NextAsync()).Sequence().ShouldBe(i);
        await server.ConsumerAsync("S", """{"durable_name":"EACH","ack_policy":"explicit"}""");
        var each = await server.FetchAsync("S", "EACH", 10);
        foreach (var i in new[] { 2, 1, 4 }) await server.AckAsync(each[i]);
        (await server.FigureAsync("S", "EACH", "ack_floor.stream_seq")).ShouldBe(0, "the first one is not acknowledged");
        await server.AckAsync(each[0]);
        (await server.FigureAsync("S", "EACH", "ack_floor.stream_seq")).ShouldBe(3);
        await server.AckAsync(each[3]);
        (await server.FigureAsync("S", "EACH", "ack_floor.stream_seq")).ShouldBe(5);
        (await server.FigureAsync("S", "EACH", "ack_floor.consumer_seq")).ShouldBe(5);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAckReplyStreamPending")]
    [Upstream("jetstream_test.go", "TestJetStreamAckReplyStreamPendingWithAcks")]
    [Upstream(Tests, "TestJetStreamConsumerInfoNumPending")]
    public async Task EveryMessageSaysHowManyAreBehindIt()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s.*"],"retention":"workqueue"}""");
        for (var i = 0; i < 10; i++) await server.PublishAsync($"s.{i % 2}");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subject":"s.0"}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(5);
        foreach (var left in new[] { 4, 3 }) (await server.FetchAsync("S", "C")).Single().Behind().ShouldBe(left);
        await server.PublishAsync("s.0");
        await server.PublishAsync("s.1");
        var third = (await server.FetchAsync("S", "C")).Single();
        third.Behind().ShouldBe(3);
        await server.AskAsync("STREAM.MSG.DELETE.S", """{"seq":7}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(2);
        await server.AckAsync(third);
        (await server.FetchAsync("S", "C")).Single().Behind().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamRedeliveryAfterServerRestart")]
    [Upstream("jetstream_test.go", "TestJetStreamDeliveryAfterServerRestart")]
    [Upstream(Tests, "TestJetStreamConsumerMaxDeliveryAndServerRestart")]
    [Upstream(Tests, "TestJetStreamConsumerDeleteAndServerRestart")]
    public async Task ARestartForgetsNothing()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s", 10);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":300000000,"max_deliver":3}""");
        await server.ConsumerAsync("S", """{"durable_name":"GONE","ack_policy":"explicit"}""");
        await server.AskAsync("CONSUMER.DELETE.S.GONE");
        var messages = await server.FetchAsync("S", "C", 5);
        await server.AckAsync(messages[0]);
        await server.RestartAsync();
        StreamServer.ErrorOf(await server.ConsumerInfoAsync("S", "GONE")).ShouldBe(10014);
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(4);
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(5);
        var seen = new Dictionary<long, long>();
        var inbox = await server.PullAsync("S", "C", "100");
        for (var i = 0; i < (4 * 2) + (5 * 3); i++)
        {
            var message = await inbox.NextAsync();
            seen[message.Sequence()] = message.Deliveries();
        }
        seen.Keys.Order().ToArray().ShouldBe([2, 3, 4, 5, 6, 7, 8, 9, 10]);
        seen.Values.ShouldAllBe(deliveries => deliveries == 3, "deliveries before the restart count");
        await server.WaitForFigureAsync("S", "C", "num_ack_pending", 0);
        inbox.TryTake().ShouldBeNull();
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMaxDeliveries")]
    [Upstream(Tests, "TestJetStreamConsumerDeliveryCount")]
    [Upstream(Tests, "TestJetStreamConsumerMaxDeliverUpdate")]
    public async Task DeliveriesAreCountedAndLimited()
    {
        await using var server = await StartAsync();
        await server.PublishAsync("s");
        var advisories = await server.Client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":100000000,"max_deliver":2}""");
        var inbox = await server.PullAsync("S", "C", "10");
        (await inbox.NextAsync()).Deliveries().ShouldBe(1);
        (await inbox.NextAsync()).Deliveries().ShouldBe(2);
        (await advisories.NextAsync()).Text.ShouldContain("\"deliveries\":2");
        await server.WaitForFigureAsync("S", "C", "num_ack_pending", 0);
        (await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":100000000,"max_deliver":3}""")).GetProperty("config").GetProperty("max_deliver").GetInt32().ShouldBe(3);
        await server.PublishAsync("s");
        for (var i = 1; i <= 3; i++) (await inbox.NextAsync()).Deliveries().ShouldBe(i);
        (await advisories.NextAsync()).Text.ShouldContain("\"deliveries\":3");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerBackOff")]
    [Upstream("jetstream_test.go", "TestJetStreamBackOffCheckPending")]
    public async Task LaterDeliveriesComeLater()
    {
        await using var server = await StartAsync();
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"explicit","max_deliver":1,"backoff":[1000000,2000000]}""")).ShouldBe(10116);
        var made = await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":5000000000,"max_deliver":5,"backoff":[50000000,300000000]}""");
        made.GetProperty("config").GetProperty("ack_wait").GetInt64().ShouldBe(50_000_000, "the first step is the wait");
        await server.PublishAsync("s");
        var inbox = await server.PullAsync("S", "C", "10");
        await inbox.NextAsync();
        var times = new List<double>();
        for (var i = 2; i <= 4; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            (await inbox.NextAsync()).Deliveries().ShouldBe(i);
            times.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }
        times[1].ShouldBeGreaterThan(250);
        times[2].ShouldBeGreaterThan(250, "the last step is repeated");
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(1);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerAckSampling")]
    [Upstream(Tests, "TestJetStreamConsumerAckSamplingSpecifiedUsingUpdateConsumer")]
    public async Task AcknowledgementsAreMeasured()
    {
        await using var server = await StartAsync();
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","sample_freq":"100%"}""");
        await server.ConsumerAsync("S", """{"durable_name":"LATER","ack_policy":"explicit"}""");
        await server.ConsumerAsync("S", """{"durable_name":"LATER","ack_policy":"explicit","sample_freq":"100"}""");
        var metrics = await server.Client.SubscribeAsync("$JS.EVENT.METRIC.CONSUMER.ACK.S.*");
        await server.PublishAsync("s");
        foreach (var name in new[] { "C", "LATER" })
        {
            await server.AckAsync((await server.FetchAsync("S", name)).Single());
            var text = (await metrics.NextAsync()).Text;
            text.ShouldContain("\"type\":\"io.nats.jetstream.metric.v1.consumer_ack\"");
            text.ShouldContain($"\"consumer\":\"{name}\",\"consumer_seq\":1,\"stream_seq\":1");
        }
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"explicit","sample_freq":"often"}""")).ShouldBe(10095);
    }

    private static async Task<StreamServer> StartAsync(string storage = "file")
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"S","subjects":["s"],"storage":"{{storage}}"}""");
        return server;
    }
}
