using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>What upstream's tests of redelivery and of counting show, shown of the state machine.</summary>
public sealed class UpstreamRedeliveryTests
{
    private const string Tests = "jetstream_consumer_test.go";
    private const long Millisecond = LedConsumer.Second / 1000;

    [Fact, Upstream(Tests, "TestJetStreamConsumerBackoffNotRespectedWithMultipleInflightRedeliveries")]
    public void EachMessageHasItsOwnBackoff()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { MaxDeliver = 3, AckWait = 2 * LedConsumer.Second, Backoff = new([2 * LedConsumer.Second, 4 * LedConsumer.Second]) });
        consumer.Publish("first");
        consumer.Take().ShouldBe("d<-1");
        consumer.Pass(2).ShouldBe("d<-1#2");
        consumer.Publish("second");
        consumer.Take().ShouldBe("d<-2");
        consumer.Pass(1.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("d<-2#2", "though another one waits longer");
        consumer.Pass(2).ShouldBe("d<-1#3");
        consumer.Pass(2).ShouldBe("d<-2#3");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerBackoffWhenBackoffLengthIsEqualToMaxDeliverConfig")]
    public void ABackoffMayBeAsLongAsThereAreDeliveries()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { MaxDeliver = 3, AckWait = LedConsumer.Second, Backoff = new([LedConsumer.Second, 2 * LedConsumer.Second, 3 * LedConsumer.Second]) });
        consumer.Publish("first");
        consumer.Take().ShouldBe("d<-1");
        consumer.Pass(0.99).ShouldBe("");
        consumer.Pass(0.01).ShouldBe("d<-1#2");
        consumer.Pass(1.99).ShouldBe("");
        consumer.Pass(0.01).ShouldBe("d<-1#3");
        consumer.Pass(2.99);
        consumer.Events.ShouldBeEmpty();
        consumer.Pass(0.01);
        consumer.Events.Single().Kind.ShouldBe(ConsumerEventKind.MaxDeliveries);
    }

    [Theory]
    [InlineData(AckPolicy.Explicit)]
    [InlineData(AckPolicy.All)]
    [Upstream(Tests, "TestJetStreamConsumerRetryAckAfterTimeout")]
    public void AnAcknowledgementThatComesTwiceIsConfirmedTwice(AckPolicy policy)
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckPolicy = policy }, messages: 1);
        consumer.Ask().ShouldBe("r<-1");
        consumer.Ack(1, reply: "first").ShouldBe("first<-ok");
        consumer.Ack(1, reply: "second").ShouldBe("second<-ok");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPullDelayedFirstPullWithReplayOriginal")]
    public void TheFirstOfAReplayComesAtOnceWheneverItIsAskedFor()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { ReplayPolicy = ReplayPolicy.Original }, messages: 1);
        consumer.Pass(0.25);
        consumer.Ask().ShouldBe("r<-1");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPendingCountWithRedeliveries")]
    public void WhatWasGivenUpIsNotCountedAgain()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckWait = 50 * Millisecond, MaxDeliver = 1 }, messages: 1);
        consumer.Ask().ShouldBe("r<-1");
        consumer.Figures.Pending.ShouldBe(0UL);
        consumer.Pass(0.1);
        consumer.Publish("a");
        consumer.Ask().ShouldBe("r<-2");
        consumer.Figures.Pending.ShouldBe(0UL);
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerDurableFilteredSubjectReconnect")]
    public void AFilteredOneThatBeginsWithTheLastGoesOn()
    {
        using var consumer = new LedConsumer(
            LedConsumer.Push with { FilterSubject = "foo.AA", DeliverPolicy = DeliverPolicy.Last, AckWait = 100 * Millisecond }, Enumerable.Range(0, 50).Select(i => i % 2 == 0 ? "foo.AA" : "foo.ZZ"));
        consumer.Take().ShouldBe("d<-49");
        consumer.LastReply.ShouldStartWith("$JS.ACK.S.C.1.49.1.");
        consumer.Ack(49, consumer: 1);
        for (var i = 0; i < 50; i++) consumer.Publish(i % 2 == 0 ? "foo.AA" : "foo.ZZ");
        consumer.Take().ShouldBe(string.Join(" ", Enumerable.Range(0, 25).Select(i => $"d<-{51 + (2 * i)}")));
        for (var i = 0; i < 25; i += 2) consumer.Ack((ulong)(51 + (2 * i)), consumer: (ulong)(2 + i));
        var again = consumer.Pass(0.1).Split(' ');
        again.ShouldBe(Enumerable.Range(0, 12).Select(i => $"d<-{53 + (4 * i)}#2"));
        consumer.LastReply.ShouldStartWith("$JS.ACK.S.C.2.97.38.", customMessage: "deliveries are counted on");
        for (var i = 0; i < 12; i++) consumer.Ack((ulong)(53 + (4 * i)), consumer: (ulong)(27 + i), delivered: 2);
        consumer.Publish("foo.AA");
        consumer.LastReply.ShouldStartWith("$JS.ACK.S.C.1.101.39.");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerStuckAckPending")]
    public void WhatIsReplacedWhileItsRefusalIsDelayedDoesNotWaitForEver()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckWait = 15 * LedConsumer.Second, MaxAckPending = -1, MaxWaiting = 20000 });
        for (var i = 0; i < 500; i++)
        {
            var old = consumer.Publish($"work.{i}");
            consumer.Ask("200");
            consumer.Ack(old, """-NAK {"delay":30000000000}""", consumer: (ulong)(2 * i) + 1);
            // As with one message for each subject.
            consumer.Remove(old);
            var now = consumer.Publish($"work.{i}");
            consumer.Ack(now, """-NAK {"delay":3000000000}""", consumer: (ulong)(2 * i) + 2);
        }
        consumer.Figures.AckPending.ShouldBe(500);
        consumer.Ask("""{"batch":1000,"expires":60000000000}""", "later");
        consumer.Pass(2.9).ShouldBe("");
        var again = consumer.Pass(0.1).Split(' ');
        again.Length.ShouldBe(500);
        again.ShouldAllBe(sent => sent.EndsWith("#2"));
        for (var i = 0; i < 500; i++) consumer.Ack((ulong)(2 * i) + 2, consumer: 1001 + (ulong)i, delivered: 2);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckPending.ShouldBe(0), one => one.Pending.ShouldBe(0UL), one => one.Redelivered.ShouldBe(0));
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerRateLimit")]
    public void ARateIsNotExceeded()
    {
        const int Rate = 100 * 1024 * 1024;
        const int Size = 128 * 1024;
        const int Count = 80;
        using var consumer = new LedConsumer(LedConsumer.Push with { AckPolicy = AckPolicy.None, RateLimit = Rate });
        consumer.Listen(false);
        for (var i = 0; i < Count; i++) consumer.Publish("a", new string('x', Size));
        consumer.Take();
        var began = consumer.Now;
        consumer.Listen(true);
        var got = consumer.Take().Split(' ').Length;
        while (got < Count)
        {
            var sent = consumer.Pass(0.005);
            if (sent.Length > 0) got += sent.Split(' ').Length;
            (consumer.Now - began).ShouldBeLessThan(5);
        }
        (8.0 * Count * Size / (consumer.Now - began)).ShouldBeInRange(Rate * 0.8, Rate * 1.25);
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPendingLowerThanStreamFirstSeq")]
    public void AStreamThatBeginsFarBehindIsFollowed()
    {
        using var consumer = new LedConsumer(LedConsumer.Push, messages: 10);
        consumer.Take();
        for (var i = 1UL; i <= 10; i++) consumer.Ack(i);
        consumer.Listen(false);
        consumer.Purge(below: 1_000_000);
        consumer.Restart();
        consumer.Store.State.FirstSequence.ShouldBe(1_000_000UL);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckPending.ShouldBe(0), one => one.Pending.ShouldBe(0UL), one => one.Delivered.Consumer.ShouldBe(10UL));
        consumer.Listen(true);
        consumer.Publish("a").ShouldBe(1_000_000UL);
        consumer.Take().ShouldBe("d<-1000000");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerDontDecrementPendingCountOnSkippedMsg")]
    public void WhatIsDeletedIsCountedOnce()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Figures.Pending.ShouldBe(0UL);
        consumer.Publish("foo");
        consumer.Figures.Pending.ShouldBe(1UL);
        consumer.Remove(1);
        consumer.Figures.Pending.ShouldBe(0UL);
        for (var i = 0; i < 3; i++) consumer.Publish("foo");
        consumer.Figures.Pending.ShouldBe(3UL);
        consumer.Ask().ShouldBe("r<-2");
        consumer.Figures.Pending.ShouldBe(2UL);
        consumer.Remove(2);
        consumer.Figures.Pending.ShouldBe(2UL, "it had left the count when it was delivered");
        consumer.Remove(3);
        consumer.Figures.Pending.ShouldBe(1UL);
        consumer.Ask().ShouldBe("r<-4");
        consumer.Figures.Pending.ShouldBe(0UL);
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerCheckNumPending")]
    public void TheCountIsNeverMoreThanThereIs()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 5);
        consumer.Figures.Pending.ShouldBe(5UL);
        consumer.Ask("2");
        consumer.Figures.Pending.ShouldBe(3UL);
        consumer.Reset(100).ShouldBeNull();
        consumer.Figures.Pending.ShouldBe(0UL);
        consumer.Reset(1).ShouldBeNull();
        consumer.Ask().ShouldBe("r<-1");
        for (var i = 2UL; i <= 5; i++) consumer.Remove(i);
        consumer.Figures.Pending.ShouldBe(0UL);
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerMaxDeliverUnderflow")]
    public void HowOftenItIsDeliveredMayBeLimitedAndUnlimitedAgain()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { MaxDeliver = -1, AckWait = LedConsumer.Second }, messages: 1);
        consumer.Take();
        for (var i = 2; i <= 5; i++) consumer.Pass(1).ShouldBe($"d<-1#{i}");
        consumer.Update(configuration => configuration with { MaxDeliver = 1 });
        consumer.Pass(5).ShouldBe("");
        consumer.Events.Single().Kind.ShouldBe(ConsumerEventKind.MaxDeliveries);
        consumer.Update(configuration => configuration with { MaxDeliver = -1 });
        consumer.Publish("a");
        consumer.Take().ShouldBe("d<-2");
        for (var i = 2; i <= 5; i++) consumer.Pass(1).ShouldBe($"d<-2#{i}");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerMaxDeliveryRdcNoLeakOnBatchRemoval")]
    [Upstream(Tests, "TestJetStreamConsumerCheckRedeliveredUpdatesRdc")]
    public void WhatWasGivenUpIsForgottenWhenItLeavesTheStream()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxDeliver = 2, AckWait = 200 * Millisecond }, messages: 5);
        consumer.Ask("5");
        consumer.Ask("5");
        consumer.Pass(0.2).Split(' ').Length.ShouldBe(5);
        consumer.Pass(0.5);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.Redelivered.ShouldBe(5), one => one.AckPending.ShouldBe(0), one => one.AckFloor.Stream.ShouldBe(5UL));
        consumer.Ask("""{"batch":5,"no_wait":true}""").ShouldBe("r<-[404 No Messages]", "nothing is due again");
        consumer.Remove(2);
        consumer.Figures.Redelivered.ShouldBe(4);
        consumer.Purge(below: 6);
        consumer.Figures.Redelivered.ShouldBe(0);
        consumer.Restart();
        consumer.Figures.Redelivered.ShouldBe(0, "what is stored knows it too");
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void AConsumerAheadOfItsStreamGoesBackToWhereThatEnds(ulong total)
    {
        using var whole = new LedConsumer(LedConsumer.Pull, messages: (int)total);
        whole.Ask($"{total}");
        for (var i = 1UL; i <= total; i++) whole.Ack(i);
        var state = new System.Buffers.ArrayBufferWriter<byte>();
        whole.Replica.Encode(state);
        using var less = new LedConsumer(LedConsumer.Pull, messages: (int)total - 1);
        less.Replica.Decode(state.WrittenSpan).ShouldBeNull();
        less.Leader.StreamIsWhole(less);
        less.Publish("a").ShouldBe(total);
        less.Ask().ShouldBe($"r<-{total}", "it is new to the consumer");
        less.Ack(total, consumer: less.Figures.Delivered.Consumer);
        less.Figures.ShouldSatisfyAllConditions(
            one => one.Pending.ShouldBe(0UL), one => one.AckPending.ShouldBe(0), one => one.Delivered.Stream.ShouldBe(total), one => one.AckFloor.Stream.ShouldBe(total));
    }
}
