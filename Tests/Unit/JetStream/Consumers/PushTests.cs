using System.Text;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Pushing: interest, signs of life, flow control, pace, pauses.</summary>
public sealed class PushTests
{
    private const long Second = LedConsumer.Second;

    private static readonly ConsumerConfiguration Ordered = LedConsumer.Push with { AckPolicy = AckPolicy.None, MaxAckPending = 0, FlowControl = true, Heartbeat = 5 * Second };

    [Fact]
    public void MessagesGoToWhoListens()
    {
        using var consumer = new LedConsumer(LedConsumer.Push, messages: 2);
        consumer.Take().ShouldBe("d<-1 d<-2");
        consumer.Listen(false);
        consumer.Publish("a");
        consumer.Take().ShouldBe("");
        consumer.Figures.IsPushBound.ShouldBeFalse();
        consumer.Listen(true);
        consumer.Take().ShouldBe("d<-3");
        consumer.Figures.IsPushBound.ShouldBeTrue();
    }

    [Fact]
    public void AnotherSubjectGetsWhatWaitsAgain()
    {
        using var consumer = new LedConsumer(LedConsumer.Push, messages: 2);
        consumer.Ack(1);
        consumer.Take();
        consumer.Update(one => one with { DeliverSubject = "e" });
        consumer.Take().ShouldBe("e<-2#2");
    }

    [Fact]
    public void SignsOfLifeComeWhenNothingElseDoes()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { Heartbeat = 2 * Second }, messages: 1);
        consumer.Take();
        consumer.Pass(2).ShouldBe("d<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1]");
        consumer.Pass(1);
        consumer.Publish("a");
        consumer.Take().ShouldBe("d<-2");
        consumer.Pass(1.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("d<-[100 Idle Heartbeat|Nats-Last-Consumer: 2|Nats-Last-Stream: 2]");
        consumer.Listen(false);
        consumer.Pass(60).ShouldBe("", "nobody listens");
    }

    [Fact]
    public void FlowControlStopsAndGoesOn()
    {
        using var consumer = new LedConsumer(Ordered);
        var payload = new string('x', 1024 * 1024);
        for (var i = 0; i < 8; i++) consumer.Publish("a", payload);
        consumer.Take().ShouldBe("d<-1 d<-[100 FlowControl Request] d<-2", "the window begins with 2 MiB, and half of it asks");
        var reply = consumer.LastStatusReply;
        reply.ShouldMatch(@"^\$JS\.FC\.S\.C\.[0-9A-Za-z]{4}$");
        consumer.Pass(5).ShouldBe($"d<-[100 Idle Heartbeat|Nats-Last-Consumer: 2|Nats-Last-Stream: 2|Nats-Consumer-Stalled: {reply}]");
        consumer.Leader.FlowControlled("$JS.FC.S.C.none"u8, default, consumer.Nanoseconds, consumer);
        consumer.DoPump();
        consumer.Take().ShouldBe("");
        consumer.Leader.FlowControlled(Encoding.UTF8.GetBytes(reply), default, consumer.Nanoseconds, consumer);
        consumer.DoPump();
        consumer.Take().ShouldBe("d<-3 d<-[100 FlowControl Request] d<-4 d<-5", "the window has doubled");
    }

    [Fact]
    public void FlowControlMayAcknowledge()
    {
        using var consumer = new LedConsumer(Ordered with { AckPolicy = AckPolicy.FlowControl, MaxAckPending = 3, AckWait = 0 }, messages: 5);
        consumer.Take().ShouldBe("d<-1 d<-2 d<-3 d<-[100 FlowControl Request]");
        consumer.Ack(2, "+ACK", "k").ShouldBe("", "nobody acknowledges one by one");
        consumer.Leader.FlowControlled(Encoding.UTF8.GetBytes(consumer.LastStatusReply), new SequencePair(2, 2), consumer.Nanoseconds, consumer);
        consumer.DoPump();
        consumer.Take().ShouldBe("d<-4 d<-5 d<-[100 FlowControl Request]");
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(2, 2));
    }

    [Fact]
    public void TheRateIsLimited()
    {
        var options = new ConsumerLeaderOptions { Stream = "S", RateBurst = 1100 };
        using var consumer = new LedConsumer(LedConsumer.Push with { RateLimit = 8 * 1000 }, 0, options);
        for (var i = 0; i < 4; i++) consumer.Publish("a", new string('x', 1000));
        consumer.Take().ShouldBe("d<-1");
        consumer.Pass(0.5).ShouldBe("");
        consumer.Pass(0.6).ShouldBe("d<-2");
        consumer.Pass(2.2).ShouldBe("d<-3 d<-4");
        consumer.Update(one => one with { RateLimit = 0 });
        for (var i = 0; i < 4; i++) consumer.Publish("a", new string('x', 1000));
        consumer.Take().ShouldBe("d<-5 d<-6 d<-7 d<-8");
    }

    [Fact]
    public void OldMessagesAreReplayedInTheirOwnTime()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { ReplayPolicy = ReplayPolicy.Original, DeliverPolicy = DeliverPolicy.All }, []);
        consumer.Publish("a");
        consumer.Take().ShouldBe("d<-1");
        consumer.Pass(3);
        consumer.Publish("a");
        consumer.Take().ShouldBe("d<-2", "what comes now comes at once");

        consumer.Replica.Apply([18, 1, 0, 0, 0, 0, 0, 0, 0], consumer).ShouldBeTrue();
        consumer.Restart();
        consumer.Listen(true);
        consumer.Take().ShouldBe("d<-1");
        consumer.Pass(2.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("d<-2");
        consumer.Pass(10);
        consumer.Publish("a");
        consumer.Take().ShouldBe("d<-3");
    }

    [Fact]
    public void APauseEndsByItself()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { PauseUntil = ApiTime.FromUnix(LedConsumer.Start + (10 * Second)) }, messages: 1);
        consumer.Take().ShouldBe("");
        consumer.Figures.IsPaused.ShouldBeTrue();
        consumer.Figures.PauseRemaining.ShouldBe(10 * Second);
        consumer.Pass(9.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("d<-1");
        consumer.Figures.IsPaused.ShouldBeFalse();
        consumer.Update(one => one with { PauseUntil = ApiTime.FromUnix(consumer.Nanoseconds + (5 * Second)) });
        consumer.Publish("a");
        consumer.Take().ShouldBe("");
        consumer.Update(one => one with { PauseUntil = null });
        consumer.Take().ShouldBe("d<-2");
        consumer.Events.Select(one => one.IsPaused).ShouldBe([false, true, false]);
    }

    [Fact]
    public void ItGoesWhenNobodyListens()
    {
        using var consumer = new LedConsumer(LedConsumer.Push with { Durable = null, InactiveThreshold = 10 * Second });
        consumer.Pass(60);
        consumer.Leader.IsAbandoned.ShouldBeFalse();
        consumer.Listen(false);
        consumer.Pass(9);
        consumer.Listen(true);
        consumer.Pass(20);
        consumer.Listen(false);
        consumer.Pass(9.9);
        consumer.Leader.IsAbandoned.ShouldBeFalse();
        consumer.Pass(0.2);
        consumer.Leader.IsAbandoned.ShouldBeTrue();
    }
}
