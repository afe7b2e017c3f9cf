using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>What upstream's tests of delivery show, shown of the state machine.</summary>
public sealed class UpstreamDeliveryTests
{
    private const string Tests = "jetstream_consumer_test.go";
    private const long Millisecond = LedConsumer.Second / 1000;

    private static readonly ConsumerConfiguration Pinned = LedConsumer.Pull with
    {
        PriorityPolicy = PriorityPolicy.PinnedClient,
        PriorityGroups = new(["A"]),
        PinnedTtl = 30 * LedConsumer.Second,
    };

    [Fact, Upstream(Tests, "TestJetStreamConsumerWQMaxDeliveryAckFloorAdvancesWithPending")]
    public void TheFloorPassesWhatWasGivenUp()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxDeliver = 2, AckWait = 200 * Millisecond }, messages: 3);
        consumer.Ask("3").ShouldBe("r<-1 r<-2 r<-3");
        consumer.Ask("3");
        consumer.Pass(0.2).ShouldBe("r<-1#2 r<-2#2 r<-3#2");
        consumer.Publish("a");
        consumer.Pass(0.3);
        consumer.Ask().ShouldBe("r<-4");
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckPending.ShouldBe(1), one => one.Redelivered.ShouldBe(3), one => one.AckFloor.Stream.ShouldBe(3UL));
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerNakThenAckFloorMove")]
    public void TheFloorMovesWhenTheFirstIsDoneAfterARefusal()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 11);
        consumer.Ask("11");
        consumer.Ack(1, "-NAK");
        for (var i = 2UL; i <= 10; i++) consumer.Ack(i);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckFloor.ShouldBe(default), one => one.AckPending.ShouldBe(2));
        consumer.Ask().ShouldBe("r<-1#2");
        consumer.Ack(1, consumer: 12, delivered: 2);
        consumer.Figures.ShouldSatisfyAllConditions(
            one => one.Delivered.ShouldBe(new SequencePair(12, 11)), one => one.AckFloor.ShouldBe(new SequencePair(10, 10)), one => one.AckPending.ShouldBe(1));
        consumer.Ack(11);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckFloor.ShouldBe(new SequencePair(12, 11)), one => one.AckPending.ShouldBe(0));
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinnedPlainRequestNoPanic")]
    public void APlainRequestIsServedThoughAGroupIsPinned()
    {
        using var consumer = new LedConsumer(Pinned, messages: 1);
        consumer.Ask("1").ShouldBe("r<-1");
        consumer.LastHeaders.ShouldBeEmpty();
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinnedMaxBytesRejectDoesNotOrphanPin")]
    public void WhoTakesNothingIsNotPinned()
    {
        using var consumer = new LedConsumer(Pinned);
        consumer.Publish("foo", new string('x', 200));
        consumer.Ask("""{"batch":1,"max_bytes":10,"expires":30000000000,"group":"A"}""", "a").ShouldStartWith("a<-[409 Message Size Exceeds MaxBytes");
        consumer.Ask("""{"batch":1,"expires":30000000000,"group":"A"}""", "b").ShouldBe("b<-1");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerNoWaitNoMessagesOnEos")]
    [Upstream(Tests, "TestJetStreamConsumerNoWaitNoMessagesOnEosWithDeliveredMsgs")]
    [Upstream(Tests, "TestJetStreamConsumerPullNoWaitBatchLargerThanPending")]
    public void WhoDoesNotWaitIsToldOfTheEnd()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Ask("""{"batch":2,"no_wait":true}""").ShouldBe("r<-[404 No Messages]");
        consumer.Publish("a");
        consumer.Ask("""{"batch":2,"no_wait":true}""").ShouldBe("r<-1 r<-[404 No Messages]");
        for (var i = 0; i < 5; i++) consumer.Publish("a");
        consumer.Ask("""{"batch":10,"no_wait":true}""").ShouldBe("r<-2 r<-3 r<-4 r<-5 r<-6 r<-[404 No Messages]");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerPullMaxWaitingOfOne")]
    [Upstream(Tests, "TestJetStreamConsumerPullMaxWaitingOfOneWithHeartbeatInterval")]
    public void OnlyOneMayWait()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxWaiting = 1 });
        consumer.Ask("""{"batch":1,"expires":250000000}""").ShouldBe("");
        consumer.Pass(0.25).ShouldStartWith("r<-[408 Request Timeout");
        consumer.Ask("""{"batch":1}""", "a").ShouldBe("");
        consumer.Ask("""{"batch":1,"expires":500000000,"idle_heartbeat":250000000}""", "b").ShouldBe("");
        consumer.Ask("""{"batch":1}""", "b").ShouldBe("b<-[409 Exceeded MaxWaiting]");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPullMaxAckPendingRedeliveries")]
    public void WithOneThatMayWaitItComesAgainAndAgain()
    {
        using var consumer = new LedConsumer(
            LedConsumer.Pull with { DeliverPolicy = DeliverPolicy.ByStartSequence, StartSequence = 4, MaxAckPending = 1, AckWait = 20 * Millisecond }, messages: 10);
        for (var delivery = 1; delivery <= 5; delivery++)
        {
            consumer.Ask();
            consumer.Pass(0.02);
            consumer.LastReply.ShouldBe($"$JS.ACK.S.C.{delivery}.4.{delivery}.{LedConsumer.Start}.6");
        }
    }
}
