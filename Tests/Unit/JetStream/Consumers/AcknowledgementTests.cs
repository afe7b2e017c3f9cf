using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Acknowledgements, redeliveries and what is reported of them.</summary>
public sealed class AcknowledgementTests
{
    private const long Second = LedConsumer.Second;

    [Fact]
    public void TheFloorFollowsTheFirstMessageThatWaits()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 4);
        consumer.Ask("3");
        consumer.Ack(2, "+ACK", "k").ShouldBe("k<-ok");
        consumer.Replica.AckFloor.ShouldBe(default);
        consumer.Ack(1, "").ShouldBe("");
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(2, 2));
        consumer.Ack(3, "+OK");
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(3, 3));
        consumer.Ack(3, "+ACK", "k").ShouldBe("k<-ok", "one that was heard before is confirmed again");
        consumer.Released.ShouldBe([2, 1, 3]);
        new ulong[] { 1, 2, 3, 4 }.Select(consumer.Replica.Needs).ShouldBe([false, false, false, true]);
    }

    [Theory]
    [InlineData(9)]
    [InlineData(ulong.MaxValue)]
    public void WhatWasNotDeliveredIsNotAcknowledged(ulong sequence)
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 2);
        consumer.Ask();
        var entries = consumer.Log.Count;
        consumer.Ack(sequence, "+ACK", "k").ShouldBe("");
        consumer.Ack(sequence, "+TERM", "k").ShouldBe("");
        consumer.Ack(sequence, "-NAK", "k").ShouldBe("k<-ok");
        consumer.Ack(sequence, "+WPI", "k").ShouldBe("k<-ok");
        consumer.Log.Count.ShouldBe(entries);
        consumer.Events.ShouldBeEmpty();
    }

    [Fact]
    public void AForgedDeliveryNumberMovesNothingTooFar()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckPolicy = AckPolicy.All }, messages: 3);
        consumer.Ask("3");
        consumer.Ack(1, consumer: 1_000_000);
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(1, 1));
        consumer.Ack(3);
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(3, 3));
    }

    [Fact]
    public void AnAckOfAllCoversThoseBefore()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckPolicy = AckPolicy.All }, messages: 4);
        consumer.Ask("4");
        consumer.Ack(3);
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(3, 3));
        consumer.Released.ShouldBe([1, 2, 3]);
        consumer.Pass(30).ShouldBe("");
        consumer.Ask("4").ShouldBe("r<-4#2");
    }

    [Fact]
    public void WhatIsNotAcknowledgedComesAgain()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 2);
        consumer.Ask("2");
        consumer.Pass(29.9);
        consumer.Ask("9", "q").ShouldBe("");
        consumer.Pass(0.1).ShouldBe("q<-1#2 q<-2#2");
        consumer.Figures.Redelivered.ShouldBe(2);
        consumer.Figures.Delivered.ShouldBe(new SequencePair(4, 2));
        consumer.Ack(1, consumer: 3);
        consumer.Figures.AckFloor.ShouldBe(new SequencePair(1, 1), "the first delivery counts");
        consumer.Pass(30).ShouldBe("q<-2#3");
    }

    [Fact]
    public void BackoffSaysHowLong()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { Backoff = new([1 * Second, 2 * Second]), AckWait = 1 * Second }, messages: 1);
        consumer.Ask("9");
        consumer.Pass(0.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("r<-1#2");
        consumer.Pass(1.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("r<-1#3");
        consumer.Pass(1.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("r<-1#4", "the last one counts for all that follow");
    }

    [Fact]
    public void AMessageIsGivenUpAfterItsLastDelivery()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxDeliver = 2, AckWait = 1 * Second }, messages: 2);
        consumer.Ask("3").ShouldBe("r<-1 r<-2");
        consumer.Ack(2);
        consumer.Pass(1).ShouldBe("r<-1#2");
        consumer.Pass(1).ShouldBe("");
        consumer.Events.ShouldHaveSingleItem().ShouldBe(new ConsumerEvent(ConsumerEventKind.MaxDeliveries) { StreamSequence = 1, Deliveries = 2 });
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckPending.ShouldBe(0), one => one.AckFloor.ShouldBe(new SequencePair(3, 2)), one => one.Redelivered.ShouldBe(1));
        consumer.Replica.Needs(1).ShouldBeTrue("nobody has acknowledged it");
        consumer.Ack(1, "+ACK", "k").ShouldBe("k<-ok");
        consumer.Replica.Needs(1).ShouldBeFalse();
        consumer.Released.ShouldContain(1UL);
    }

    [Fact]
    public void OnlyOneDeliveryIsNoRedelivery()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxDeliver = 1, AckWait = 1 * Second }, messages: 1);
        consumer.Ask("3");
        consumer.Pass(5).ShouldBe("");
        consumer.Events.Count.ShouldBe(1);
        consumer.Figures.Redelivered.ShouldBe(0);
    }

    [Fact]
    public void ANakComesAgainAtOnceOrLater()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 3);
        consumer.Ask("9").ShouldBe("r<-1 r<-2 r<-3");
        consumer.Ack(2, "-NAK", "k").ShouldBe("k<-ok r<-2#2");
        consumer.Ack(1, """-NAK {"delay": 2000000000}""").ShouldBe("");
        consumer.Ack(3, "-NAK 1.5s").ShouldBe("");
        consumer.Pass(1.4).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("r<-3#2");
        consumer.Pass(0.5).ShouldBe("r<-1#2");
        consumer.Events.Select(one => one.Kind).ShouldBe([ConsumerEventKind.Naked, ConsumerEventKind.Naked, ConsumerEventKind.Naked]);
        consumer.Events[0].ShouldBe(new ConsumerEvent(ConsumerEventKind.Naked) { StreamSequence = 2, ConsumerSequence = 2, Deliveries = 1 });
    }

    [Fact]
    public void ADelayIsExactWithBackoffToo()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { Backoff = new([1 * Second, 60 * Second]), AckWait = 1 * Second }, messages: 1);
        consumer.Ask("9");
        consumer.Pass(1).ShouldBe("r<-1#2");
        consumer.Ack(1, "-NAK 3s", consumer: 2);
        consumer.Pass(2.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("r<-1#3");
    }

    [Fact]
    public void WorkInProgressPutsItOff()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 1);
        consumer.Ask("9");
        consumer.Pass(29);
        consumer.Ack(1, "+WPI", "k").ShouldBe("k<-ok");
        consumer.Pass(29).ShouldBe("");
        consumer.Pass(1).ShouldBe("r<-1#2");
    }

    [Fact]
    public void ATerminatedMessageIsDone()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 1);
        consumer.Ask("9");
        consumer.Ack(1, "+TERM  no good ", "k").ShouldBe("k<-ok");
        consumer.Pass(60).ShouldBe("");
        consumer.Events.ShouldHaveSingleItem().ShouldBe(new ConsumerEvent(ConsumerEventKind.Terminated) { StreamSequence = 1, ConsumerSequence = 1, Deliveries = 1, Reason = "no good" });
    }

    [Fact]
    public void AnAckMayAskForTheNext()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 4);
        consumer.Ask();
        consumer.Ack(1, "+NXT", "n").ShouldBe("n<-2");
        consumer.Ack(2, "+NXT 2", "n").ShouldBe("n<-3 n<-4");
        consumer.Ack(4, """+NXT {"batch": 1, "no_wait": true}""", "n").ShouldBe("n<-[404 No Messages]");
        consumer.Figures.AckPending.ShouldBe(1);
    }

    [Fact]
    public void NoMoreWaitThanMay()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxAckPending = 2 }, messages: 5);
        consumer.Ask("9").ShouldBe("r<-1 r<-2");
        consumer.Ack(1).ShouldBe("r<-3");
        consumer.Update(one => one with { MaxAckPending = 3 });
        consumer.Take().ShouldBe("r<-4");
    }

    [Fact]
    public void OfAcksASampleIsReported()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { SampleFrequency = "100%" }, messages: 1);
        consumer.Ask();
        consumer.Pass(2);
        consumer.Ack(1);
        consumer.Events.ShouldHaveSingleItem().ShouldBe(new ConsumerEvent(ConsumerEventKind.Acknowledged) { StreamSequence = 1, ConsumerSequence = 1, Deliveries = 1, Delay = 2 * Second });

        using var some = new LedConsumer(LedConsumer.Pull with { SampleFrequency = "30", MaxAckPending = -1 }, messages: 1000);
        some.Ask("1000");
        for (var i = 1UL; i <= 1000; i++) some.Ack(i);
        some.Events.Count.ShouldBeInRange(250, 350);
    }

    [Fact]
    public void AMessageThatLeavesTheStreamIsWaitedForNoMore()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 4);
        consumer.Ask("2");
        consumer.Remove(1);
        consumer.Remove(3);
        consumer.Figures.ShouldSatisfyAllConditions(one => one.AckPending.ShouldBe(1), one => one.Pending.ShouldBe(1UL), one => one.AckFloor.ShouldBe(new SequencePair(1, 1)));
        consumer.Events.ShouldHaveSingleItem().Reason.ShouldBe("Unacknowledged message was deleted");
        consumer.Purge();
        consumer.Figures.ShouldSatisfyAllConditions(
            one => one.AckPending.ShouldBe(0), one => one.Pending.ShouldBe(0UL),
            one => one.Delivered.ShouldBe(new SequencePair(2, 4)), one => one.AckFloor.ShouldBe(new SequencePair(2, 4)));
        consumer.Ask();
        consumer.Publish("a");
        consumer.Take().ShouldBe("r<-5");
    }

    [Fact]
    public void WithoutAcksDeliveriesRelease()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { AckPolicy = AckPolicy.None, MaxAckPending = 0 }, messages: 2);
        consumer.Ask("2").ShouldBe("r<-1 r<-2");
        consumer.Released.ShouldBe([1, 2]);
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(2, 2));
        consumer.Ack(1, "+ACK", "k").ShouldBe("");
        consumer.Leader.NextTick.ShouldNotBeNull("it goes to sleep");
        consumer.Pass(6);
        consumer.Leader.NextTick.ShouldBeNull();
    }
}
