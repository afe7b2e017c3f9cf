using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Consumers that are pulled: requests, batches, statuses, limits.</summary>
public sealed class ConsumerPullTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream("jetstream_test.go", "TestJetStreamBasicWorkQueue")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueRequest")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueRequestBatch")]
    public async Task RequestsAreServedFromWhatIsThereAndThenFromWhatComes(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"MQ","subjects":["bar"],"storage":"{{storage}}"}""");
        await server.ConsumerAsync("MQ", """{"durable_name":"PBO","ack_policy":"explicit"}""");
        await server.PublishManyAsync("bar", 10, "work");
        for (var i = 1; i <= 5; i++)
        {
            var one = await (await server.PullAsync("MQ", "PBO", i % 2 == 0 ? "" : "1")).NextAsync();
            (one.Subject, one.Text, one.Sequence(), one.Delivery()).ShouldBe(("bar", "work", i, i));
        }
        var batch = await server.PullAsync("MQ", "PBO", """{"batch":25}""");
        for (var i = 6; i <= 10; i++) (await batch.NextAsync()).Sequence().ShouldBe(i);
        for (var i = 11; i <= 30; i++)
        {
            await server.PublishAsync("bar", "more");
            (await batch.NextAsync()).Sequence().ShouldBe(i);
        }
        await server.PublishAsync("bar", "too much");
        (await server.FigureAsync("MQ", "PBO", "num_pending")).ShouldBe(1, "the batch is complete");
        batch.TryTake().ShouldBeNull();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamSubjectFiltering")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueSubjectFiltering")]
    [Upstream("jetstream_test.go", "TestJetStreamWildcardSubjectFiltering")]
    [Upstream(Tests, "TestJetStreamConsumerFilterSubject")]
    [Upstream(Tests, "TestJetStreamConsumerSingleTokenSubject")]
    public async Task FiltersChooseMessages()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["foo.*","one"]}""");
        for (var i = 0; i < 50; i++) foreach (var subject in new[] { "foo.A", "foo.B", "foo.C" }) await server.Client.PublishAsync(subject, subject);
        await server.PublishAsync("one");
        await server.ConsumerAsync("S", """{"durable_name":"B","ack_policy":"explicit","filter_subject":"foo.B"}""");
        await server.ConsumerAsync("S", """{"durable_name":"ANY","ack_policy":"none","filter_subject":"foo.*"}""");
        await server.ConsumerAsync("S", """{"durable_name":"ONE","ack_policy":"none","filter_subject":"one"}""");
        var messages = await server.FetchAsync("S", "B", 200);
        messages.Count.ShouldBe(50);
        messages.ShouldAllBe(message => message.Subject == "foo.B" && message.Text == "foo.B");
        messages.Select(message => message.Sequence()).ShouldBe(Enumerable.Range(0, 50).Select(i => i * 3L + 2));
        messages[^1].Behind().ShouldBe(0);
        (await server.FetchAsync("S", "ANY", 200)).Count.ShouldBe(150);
        (await server.FetchAsync("S", "ONE", 200)).Single().Subject.ShouldBe("one");
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","filter_subject":"bar"}""")).ShouldBe(0, "it never has anything to deliver");
        (await server.ConsumerInfoAsync("S", "X")).GetProperty("num_pending").GetInt32().ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueMaxWaiting")]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueWrapWaiting")]
    [Upstream(Tests, "TestJetStreamConsumerPullMaxWaiting")]
    [Upstream(Tests, "TestJetStreamConsumerPullConsumerFIFO")]
    public async Task SoManyRequestsWaitInTheirOrder()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","max_waiting":8}""");
        for (var round = 0; round < 3; round++)
        {
            var waiting = new List<TestSubscription>();
            for (var i = 0; i < 8; i++) waiting.Add(await server.PullAsync("S", "C"));
            var tooMuch = await server.PullAsync("S", "C");
            (await tooMuch.NextAsync()).Headers!.Status.ShouldBe("409 Exceeded MaxWaiting");
            (await server.FigureAsync("S", "C", "num_waiting")).ShouldBe(8);
            for (var i = 0; i < 8; i++)
            {
                await server.PublishAsync("s", $"{round} {i}");
                (await waiting[i].NextAsync()).Text.ShouldBe($"{round} {i}");
            }
            (await server.FigureAsync("S", "C", "num_waiting")).ShouldBe(0);
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullMultipleRequestsExpireOutOfOrder")]
    public async Task RequestsRunOutInTheirOwnTime()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        var inbox = await server.Client.SubscribeAsync("i.*");
        foreach (var milliseconds in new[] { 800, 400, 100, 250 })
        {
            await server.Client.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.S.C", $$"""{"batch":1,"expires":{{milliseconds}}000000}""", $"i.{milliseconds}");
        }
        foreach (var expected in new[] { 100, 250, 400, 800 })
        {
            var message = await inbox.NextAsync();
            (message.Subject, message.Headers!.Status).ShouldBe(($"i.{expected}", "408 Request Timeout"));
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamNextMsgNoInterest")]
    [Upstream(Tests, "TestJetStreamConsumerPullRemoveInterest")]
    [Upstream(Tests, "TestJetStreamConsumerPullRequestCleanup")]
    public async Task WhoIsGoneGetsNothing()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":1000000000}""");
        for (var i = 0; i < 5; i++) await (await server.PullAsync("S", "C", "10")).UnsubscribeAsync();
        await server.Client.FlushAsync();
        await server.PublishAsync("s", "first");
        await server.WaitForFigureAsync("S", "C", "num_waiting", 0);
        (await server.FigureAsync("S", "C", "delivered.consumer_seq")).ShouldBe(0);
        var message = (await server.FetchAsync("S", "C")).Single();
        (message.Text, message.Deliveries()).ShouldBe(("first", 1));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullTimeoutHeaders")]
    [Upstream(Tests, "TestJetStreamConsumerPullTimeout")]
    [Upstream(Tests, "TestJetStreamConsumerPullOneShotBehavior")]
    [Upstream(Tests, "TestJetStreamConsumerPullLargeBatchExpired")]
    public async Task RequestsThatRunOutAreTold()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        (await (await server.PullAsync("S", "C", """{"batch":1,"no_wait":true}""")).NextAsync()).Headers!.Status.ShouldBe("404 No Messages");
        (await (await server.PullAsync("S", "C", """{"batch":0,"no_wait":true}""")).NextAsync()).Headers!.Status.ShouldBe("404 No Messages");
        await server.PublishManyAsync("s", 20);
        var inbox = await server.PullAsync("S", "C", """{"batch":50,"expires":300000000}""");
        for (var i = 0; i < 20; i++) (await inbox.NextAsync()).Subject.ShouldBe("s");
        var end = (await inbox.NextAsync()).Headers!;
        (end.Status, end["Nats-Pending-Messages"], end["Nats-Pending-Bytes"]).ShouldBe(("408 Request Timeout", "30", "0"));
        (await server.FigureAsync("S", "C", "num_waiting")).ShouldBe(0);
        await server.PublishManyAsync("s", 3);
        var enough = await server.PullAsync("S", "C", """{"batch":10,"no_wait":true,"expires":200000000}""");
        for (var i = 0; i < 3; i++) await enough.NextAsync();
        (await enough.NextAsync()).Headers!.Status.ShouldBe("404 No Messages", "it has got what was there");
        (await (await server.PullAsync("S", "C", """{"batch":1,"expires":"soon"}""")).NextAsync()).Headers!.Status.ShouldStartWith("400 Bad Request");
        (await (await server.PullAsync("S", "C", """{"batch":1,"expires":100000000,"idle_heartbeat":90000000}""")).NextAsync()).Headers!.Status.ShouldStartWith("400 Bad Request - heartbeat value too large");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullRequestMaximums")]
    [Upstream(Tests, "TestJetStreamConsumerPullMaxBytes")]
    [Upstream(Tests, "TestJetStreamConsumerPullBatchCompleted")]
    public async Task RequestsHaveLimits()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","max_batch":10,"max_bytes":8192,"max_expires":1000000000}""");
        (await StatusAsync("""{"batch":11,"no_wait":true}""")).ShouldBe("409 Exceeded MaxRequestBatch of 10");
        (await StatusAsync("""{"batch":1,"expires":2000000000}""")).ShouldBe("409 Exceeded MaxRequestExpires of 1s");
        (await StatusAsync("""{"batch":1,"max_bytes":10000,"no_wait":true}""")).ShouldBe("409 Exceeded MaxRequestMaxBytes of 8192");
        await server.PublishManyAsync("s", 3, new string('x', 1024));
        var inbox = await server.PullAsync("S", "C", """{"batch":10,"max_bytes":2400,"expires":1000000000}""");
        for (var i = 0; i < 2; i++) (await inbox.NextAsync()).Payload.Length.ShouldBe(1024);
        var end = (await inbox.NextAsync()).Headers!;
        (end.Status, end["Nats-Pending-Messages"]).ShouldBe(("409 Message Size Exceeds MaxBytes", "8"));
        int.Parse(end["Nats-Pending-Bytes"]!).ShouldBeInRange(1, 400);
        var complete = await server.PullAsync("S", "C", """{"batch":1,"max_bytes":4000,"expires":1000000000}""");
        (await complete.NextAsync()).Payload.Length.ShouldBe(1024);
        var last = (await complete.NextAsync()).Headers!;
        (last.Status, last["Nats-Pending-Messages"]).ShouldBe(("409 Batch Completed", "0"));

        async Task<string> StatusAsync(string request) => (await (await server.PullAsync("S", "C", request)).NextAsync()).Headers!.Status;
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullHeartBeats")]
    public async Task WhoWaitsHearsThatTheServerIsThere()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        var inbox = await server.PullAsync("S", "C", """{"batch":10,"expires":800000000,"idle_heartbeat":100000000}""");
        await server.PublishAsync("s");
        (await inbox.NextAsync()).Subject.ShouldBe("s");
        var beats = 0;
        TestHeaders said;
        while ((said = (await inbox.NextAsync()).Headers!).Status == "100 Idle Heartbeat")
        {
            (said["Nats-Last-Consumer"], said["Nats-Last-Stream"]).ShouldBe(("1", "1"));
            beats++;
        }
        said.Status.ShouldBe("408 Request Timeout");
        beats.ShouldBeInRange(3, 8);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullMaxAckPending")]
    [Upstream(Tests, "TestJetStreamConsumerPullConsumerOneShotOnMaxAckLimit")]
    public async Task NoMoreAreDeliveredThanMayBeUnacknowledged()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.PublishManyAsync("s", 100);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","max_ack_pending":33}""");
        var first = await server.FetchAsync("S", "C", 33);
        first.Count.ShouldBe(33);
        (await (await server.PullAsync("S", "C", """{"batch":5,"no_wait":true,"expires":100000000}""")).NextAsync()).Headers!.Status.ShouldBe("408 Request Timeout");
        await server.AckAsync(first[0]);
        await server.AckAsync(first[5]);
        (await server.FetchAsync("S", "C", 2)).Select(message => message.Sequence()).ShouldBe([34, 35]);
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(33);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","max_ack_pending":50}""");
        (await server.FetchAsync("S", "C", 17)).Count.ShouldBe(17, "the limit is another one now");
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(50);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullNoAck")]
    [Upstream("jetstream_test.go", "TestJetStreamPushConsumersPullError")]
    public async Task PullingNeedsNoAcknowledgementsButAConsumerThatIsPulled()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.PublishManyAsync("s", 10);
        await server.ConsumerAsync("S", """{"durable_name":"N","ack_policy":"none"}""");
        (await server.FetchAsync("S", "N", 20)).Count.ShouldBe(10);
        (await server.FigureAsync("S", "N", "num_ack_pending")).ShouldBe(0);
        await server.ConsumerAsync("S", """{"durable_name":"P","deliver_subject":"to","ack_policy":"none"}""");
        (await (await server.PullAsync("S", "P")).NextAsync()).Headers!.Status.ShouldBe("409 Consumer is push based");
        (await (await server.PullAsync("S", "NOBODY")).NextAsync()).IsNoResponders.ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamEphemeralPullConsumers")]
    [Upstream("jetstream_test.go", "TestJetStreamEphemeralPullConsumersInactiveThresholdAndNoWait")]
    [Upstream("jetstream_test.go", "TestJetStreamServerCrashOnPullConsumerDeleteWithInactiveThresholdAfterAck")]
    public async Task WhatNobodyUsesGoes()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.PublishAsync("s");
        var made = await server.ConsumerAsync("S", """{"ack_policy":"explicit","inactive_threshold":300000000}""");
        var name = made.GetProperty("name").GetString()!;
        var used = TimeProvider.System.GetTimestamp();
        await server.AckAsync((await server.FetchAsync("S", name)).Single());
        while (TimeProvider.System.GetElapsedTime(used).TotalMilliseconds < 700) (await server.FetchAsync("S", name)).ShouldBeEmpty("whoever asks uses it");
        await Wait.Until("it to be gone", async () => StreamServer.ErrorOf(await server.ConsumerInfoAsync("S", name)) == 10014);
        (await (await server.PullAsync("S", name)).NextAsync()).IsNoResponders.ShouldBeTrue();
        JsonElement state = await server.StateAsync("S");
        state.GetProperty("consumer_count").GetInt32().ShouldBe(0);
    }
}
