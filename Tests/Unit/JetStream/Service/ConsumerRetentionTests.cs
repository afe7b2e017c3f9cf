using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Streams that keep what consumers have not done with, and purges under consumers.</summary>
public sealed class ConsumerRetentionTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWorkQueueRetentionStream")]
    [Upstream(Tests, "TestJetStreamConsumerWorkQueuePolicyOverlap")]
    public async Task AWorkQueueHasOneConsumerForEachMessage()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"W","subjects":["w.>"],"retention":"workqueue"}""");
        (await server.TryConsumerAsync("W", """{"durable_name":"A","ack_policy":"none"}""")).ShouldBe(10084);
        (await server.TryConsumerAsync("W", """{"durable_name":"A","ack_policy":"none","deliver_subject":"to"}""")).ShouldBe(10098);
        (await server.TryConsumerAsync("W", """{"durable_name":"A","ack_policy":"explicit","deliver_policy":"new"}""")).ShouldBe(10101);
        await server.ConsumerAsync("W", """{"durable_name":"A","ack_policy":"explicit"}""");
        (await server.TryConsumerAsync("W", """{"durable_name":"B","ack_policy":"explicit"}""")).ShouldBe(10099);
        (await server.TryConsumerAsync("W", """{"durable_name":"B","ack_policy":"explicit","filter_subject":"w.1"}""")).ShouldBe(10100);
        await server.AskAsync("CONSUMER.DELETE.W.A");
        await server.ConsumerAsync("W", """{"durable_name":"B","ack_policy":"explicit","filter_subject":"w.*.1"}""");
        (await server.TryConsumerAsync("W", """{"durable_name":"C","ack_policy":"explicit","filter_subject":"w.2.*"}""")).ShouldBe(10100, "both would have w.2.1");
        await server.ConsumerAsync("W", """{"durable_name":"C","ack_policy":"explicit","filter_subject":"w.*.2"}""");
        foreach (var subject in new[] { "w.a.1", "w.a.2", "w.b.1", "w.b.3" }) await server.PublishAsync(subject);
        foreach (var message in await server.FetchAsync("W", "B", 5)) await server.AckAsync(message);
        (await server.EndsAsync("W")).ShouldBe((2ul, 2ul, 4ul), "what nobody is for stays");
        await server.AckAsync((await server.FetchAsync("W", "C", 5)).Single());
        (await server.EndsAsync("W")).ShouldBe((1ul, 4ul, 4ul));
        await server.RestartAsync();
        (await server.EndsAsync("W")).ShouldBe((1ul, 4ul, 4ul));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAckExplicitMsgRemoval")]
    [Upstream("jetstream_test.go", "TestJetStreamInterestRetentionStream")]
    [Upstream("jetstream_test.go", "TestJetStreamInterestRetentionStreamWithFilteredConsumers")]
    [Upstream("jetstream_test.go", "TestJetStreamInterestRetentionWithWildcardsAndFilteredConsumers")]
    public async Task AMessageStaysAsLongAsSomebodyIsInterested()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"I","subjects":["i.*"],"retention":"interest"}""");
        await server.PublishAsync("i.1");
        (await server.EndsAsync("I")).Messages.ShouldBe(0ul, "nobody is interested");
        await server.ConsumerAsync("I", """{"durable_name":"ALL","ack_policy":"explicit"}""");
        await server.ConsumerAsync("I", """{"durable_name":"ONE","ack_policy":"explicit","filter_subject":"i.1"}""");
        await server.ConsumerAsync("I", """{"durable_name":"TWO","ack_policy":"none","filter_subject":"i.2"}""");
        foreach (var subject in new[] { "i.1", "i.2", "i.3" }) await server.PublishAsync(subject);
        foreach (var message in await server.FetchAsync("I", "ALL", 5)) await server.AckAsync(message);
        (await server.EndsAsync("I")).Messages.ShouldBe(2ul, "the third is done with");
        await server.FetchAsync("I", "TWO", 5);
        await Wait.Until("delivery to suffice without acknowledgements", async () => (await server.EndsAsync("I")).Messages == 1);
        await server.AckAsync((await server.FetchAsync("I", "ONE", 5)).Single());
        (await server.EndsAsync("I")).Messages.ShouldBe(0ul);
        await server.PublishAsync("i.1");
        await server.AskAsync("CONSUMER.DELETE.I.ALL");
        (await server.EndsAsync("I")).Messages.ShouldBe(1ul, "the other one still wants it");
        await server.AskAsync("CONSUMER.DELETE.I.ONE");
        (await server.EndsAsync("I")).Messages.ShouldBe(0ul);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamInterestRetentionStreamWithDurableRestart")]
    [Upstream("jetstream_test.go", "TestJetStreamInterestStreamConsumerFilterEdit")]
    public async Task InterestOutlivesTheServerAndFollowsTheFilter()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"I","subjects":["i.*"],"retention":"interest"}""");
        await server.ConsumerAsync("I", """{"durable_name":"C","ack_policy":"explicit","filter_subject":"i.1"}""");
        await server.PublishManyAsync("i.1", 4);
        await server.AckAsync((await server.FetchAsync("I", "C"))[0]);
        await server.RestartAsync();
        (await server.EndsAsync("I")).Messages.ShouldBe(3ul);
        await server.ConsumerAsync("I", """{"durable_name":"OTHER","ack_policy":"explicit","filter_subject":"i.2"}""");
        await server.PublishManyAsync("i.2", 2);
        (await server.EndsAsync("I")).Messages.ShouldBe(5ul);
        await server.ConsumerAsync("I", """{"durable_name":"OTHER","ack_policy":"explicit","filter_subject":"i.3"}""");
        await Wait.Until("what nobody wants any more to go", async () => (await server.EndsAsync("I")).Messages == 3);
        await server.PublishAsync("i.3");
        (await server.FetchAsync("I", "OTHER", 5)).Single().Subject.ShouldBe("i.3");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamPurgeWithConsumer")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamPurgeWithConsumerAndRedelivery")]
    [Upstream("jetstream_test.go", "TestJetStreamPurgeEffectsConsumerDelivery")]
    [Upstream(Tests, "TestJetStreamConsumerPurge")]
    public async Task APurgeMovesConsumersOn()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.PublishManyAsync("s", 100);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":200000000}""");
        var messages = await server.FetchAsync("S", "C", 75);
        for (var i = 0; i < 50; i++) await server.TellAsync(messages[i], "+ACK");
        await server.WaitForFigureAsync("S", "C", "ack_floor.stream_seq", 50);
        (await server.AskAsync("STREAM.PURGE.S")).GetProperty("purged").GetInt32().ShouldBe(100);
        (await server.FigureAsync("S", "C", "ack_floor.stream_seq")).ShouldBe(100);
        (await server.FigureAsync("S", "C", "num_ack_pending")).ShouldBe(0);
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(0);
        (await (await server.PullAsync("S", "C", """{"batch":1,"expires":400000000}""")).NextAsync()).Headers!.Status.ShouldBe("408 Request Timeout", "what is gone is not delivered again");
        await server.PublishAsync("s", "after");
        var message = (await server.FetchAsync("S", "C", 5)).Single();
        (message.Text, message.Sequence()).ShouldBe(("after", 101));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPartialPurgeWithAckPending")]
    [Upstream("jetstream_test.go", "TestJetStreamPurgeAndFilteredConsumers")]
    [Upstream("jetstream_test.go", "TestJetStreamSubjectFilteredPurgeClearsPendingAcks")]
    public async Task APartialPurgeTakesItsPartOfWhatIsPending()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s.*"]}""");
        for (var i = 0; i < 10; i++) await server.PublishAsync($"s.{i % 2}");
        await server.ConsumerAsync("S", """{"durable_name":"ALL","ack_policy":"explicit"}""");
        await server.ConsumerAsync("S", """{"durable_name":"ODD","ack_policy":"explicit","filter_subject":"s.1"}""");
        await server.FetchAsync("S", "ALL", 6);
        await server.FetchAsync("S", "ODD", 2);
        await server.AskAsync("STREAM.PURGE.S", """{"filter":"s.0"}""");
        (await server.FigureAsync("S", "ALL", "num_ack_pending")).ShouldBe(3);
        (await server.FigureAsync("S", "ALL", "num_pending")).ShouldBe(2);
        (await server.FigureAsync("S", "ODD", "num_ack_pending")).ShouldBe(2);
        (await server.FigureAsync("S", "ODD", "num_pending")).ShouldBe(3);
        await server.AskAsync("STREAM.PURGE.S", """{"seq":5}""");
        (await server.FigureAsync("S", "ALL", "num_ack_pending")).ShouldBe(1);
        (await server.FigureAsync("S", "ODD", "num_ack_pending")).ShouldBe(0);
        await server.AskAsync("STREAM.PURGE.S", """{"keep":1}""");
        (await server.FigureAsync("S", "ODD", "num_pending")).ShouldBe(1);
        (await server.FetchAsync("S", "ODD", 5)).Single().Sequence().ShouldBe(10);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMessageDeletedDuringRedelivery")]
    [Upstream(Tests, "TestJetStreamConsumerStuckMaxAckPendingAfterMsgDelete")]
    public async Task WhatIsDeletedIsNotWaitedFor()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s"]}""");
        await server.PublishManyAsync("s", 5);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","ack_wait":150000000,"max_ack_pending":3}""");
        (await server.FetchAsync("S", "C", 3)).Count.ShouldBe(3);
        foreach (var sequence in new[] { 1, 2, 3 }) (await server.AskAsync("STREAM.MSG.DELETE.S", $$"""{"seq":{{sequence}}}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await server.WaitForFigureAsync("S", "C", "num_ack_pending", 0);
        var inbox = await server.PullAsync("S", "C", "2");
        (await inbox.NextAsync()).Sequence().ShouldBe(4);
        (await inbox.NextAsync()).Sequence().ShouldBe(5);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamWQMaxDeliveryReached")]
    [Upstream("jetstream_test.go", "TestJetStreamInterestMaxDeliveryReached")]
    public async Task WhatWasTriedTooOftenStaysInItsStream()
    {
        await using var server = await StreamServer.StartAsync();
        foreach (var retention in new[] { "workqueue", "interest" })
        {
            await server.CreateAsync($$"""{"name":"{{retention}}","subjects":["{{retention}}"],"retention":"{{retention}}"}""");
            await server.ConsumerAsync(retention, """{"durable_name":"C","ack_policy":"explicit","ack_wait":100000000,"max_deliver":1}""");
            await server.PublishAsync(retention);
            (await server.FetchAsync(retention, "C")).Count.ShouldBe(1);
            await server.WaitForFigureAsync(retention, "C", "num_ack_pending", 0);
            (await server.EndsAsync(retention)).Messages.ShouldBe(1ul, "it is not done with");
        }
    }
}
