using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Pull requests and the statuses of ADR-13.</summary>
public sealed class PullTests
{
    private const string Timeout = "408 Request Timeout|Nats-Pending-Messages: {0}|Nats-Pending-Bytes: {1}";

    [Fact]
    public void ARequestGetsWhatIsThereAndThenWhatComes()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 2);
        consumer.Ask("3").ShouldBe("r<-1 r<-2");
        consumer.Publish("a");
        consumer.Take().ShouldBe("r<-3");
        consumer.Publish("a");
        consumer.Take().ShouldBe("");
        consumer.Figures.ShouldSatisfyAllConditions(
            one => one.Pending.ShouldBe(1UL), one => one.AckPending.ShouldBe(3), one => one.Waiting.ShouldBe(0),
            one => one.Delivered.ShouldBe(new SequencePair(3, 3)), one => one.AckFloor.ShouldBe(default));
    }

    [Fact]
    public void TheReplyTellsOfTheDelivery()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Publish("b", "x", "A: b");
        consumer.Publish("b");
        consumer.Now = 5;
        consumer.Ask();
        consumer.LastReply.ShouldBe($"$JS.ACK.S.C.1.1.1.{LedConsumer.Start}.1");
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nA: b\r\n\r\n");
        consumer.LastPayload.ShouldBe("x");
    }

    [Fact]
    public void SubjectsOfVersionTwoNameDomainAndAccount()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, 1, new ConsumerLeaderOptions { Stream = "S", SubjectScope = "hub.HASH." });
        consumer.Ask();
        consumer.LastReply.ShouldBe($"$JS.ACK.hub.HASH.S.C.1.1.1.{LedConsumer.Start}.0");
    }

    [Fact]
    public void HeadersOnlyTellsTheSize()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { HeadersOnly = true });
        consumer.Publish("b", "xyz", "A: b");
        consumer.Publish("b", "12");
        consumer.Ask();
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nA: b\r\nNats-Msg-Size: 3\r\n\r\n");
        consumer.LastPayload.ShouldBeEmpty();
        consumer.Ask();
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nNats-Msg-Size: 2\r\n\r\n");
    }

    [Theory]
    [InlineData("{", "400 Bad Request - unexpected end of JSON input")]
    [InlineData("""{"batch":1,"expires":1000000000,"idle_heartbeat":600000000}""", "400 Bad Request - heartbeat value too large")]
    [InlineData("""{"batch":1,"min_pending":1}""", "400 Bad Request - Not a Overflow Priority consumer")]
    [InlineData("""{"batch":1,"id":"x"}""", "400 Bad Request - Not a Pinned Client Priority consumer")]
    [InlineData("""{"batch":1,"priority":10}""", "400 Bad Request - Priority must be between 0 and 9")]
    [InlineData("11", "409 Exceeded MaxRequestBatch of 10")]
    [InlineData("""{"batch":1,"expires":61000000000}""", "409 Exceeded MaxRequestExpires of 1m0s")]
    [InlineData("""{"batch":1,"max_bytes":101}""", "409 Exceeded MaxRequestMaxBytes of 100")]
    [InlineData("""{"batch":1,"no_wait":true}""", "404 No Messages")]
    public void WhatCannotBeIsRefused(string request, string status)
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxRequestBatch = 10, MaxRequestExpires = 60 * LedConsumer.Second, MaxRequestBytes = 100 });
        consumer.Ask(request).ShouldBe($"r<-[{status}]");
        consumer.Figures.Waiting.ShouldBe(0);
    }

    [Fact]
    public void APushConsumerIsNotPulled()
    {
        using var consumer = new LedConsumer(LedConsumer.Push);
        consumer.Ask().ShouldBe("r<-[409 Consumer is push based]");
    }

    [Fact]
    public void ARequestExpiresWithWhatItHasNotGot()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 1);
        consumer.Ask("""{"batch":3,"expires":2000000000,"max_bytes":1000}""").ShouldBe("r<-1");
        consumer.Pass(1.9).ShouldBe("");
        var size = 1 + consumer.LastReply.Length;
        consumer.Pass(0.1).ShouldBe($"r<-[{string.Format(Timeout, 2, 1000 - size)}]");
        consumer.Leader.NextTick!.Value.ShouldBeGreaterThan(consumer.Nanoseconds);
    }

    [Fact]
    public void ARequestThatDoesNotWaitEndsWithTheMessages()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 2);
        consumer.Ask("""{"batch":5,"no_wait":true}""").ShouldBe("r<-1 r<-2 r<-[404 No Messages]");
        consumer.Ask("""{"batch":5,"no_wait":true}""").ShouldBe("r<-[404 No Messages]");
        consumer.Ask("""{"batch":5,"no_wait":true,"expires":1000000000}""").ShouldBe("");
        consumer.Publish("a");
        consumer.Take().ShouldBe("r<-3 r<-[404 No Messages]");
        consumer.Ask("""{"batch":5,"no_wait":true,"expires":1000000000}""").ShouldBe("");
        consumer.Pass(1).ShouldBe($"r<-[{string.Format(Timeout, 5, 0)}]");
    }

    [Fact]
    public void ARequestThatDoesNotWaitKnowsOfThoseBefore()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxAckPending = 1 }, messages: 3);
        consumer.Ask("5", "first").ShouldBe("first<-1");
        consumer.Ask("""{"batch":1,"no_wait":true}""").ShouldBe("r<-[408 Requests Pending]");
    }

    [Fact]
    public void BytesLimitARequest()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 3);
        consumer.Ask("""{"batch":2,"max_bytes":10}""").ShouldBe("r<-[409 Message Size Exceeds MaxBytes|Nats-Pending-Messages: 2|Nats-Pending-Bytes: 10]");
        var size = $"$JS.ACK.S.C.1.1.1.{LedConsumer.Start}.1".Length + 1;
        consumer.Ask($$"""{"batch":1,"max_bytes":{{size + 5}}}""").ShouldBe("r<-1 r<-[409 Batch Completed|Nats-Pending-Messages: 0|Nats-Pending-Bytes: 5]");
        consumer.Ask($$"""{"batch":9,"max_bytes":{{size}}}""").ShouldBe("r<-2", "exactly so many end the request");
        consumer.Figures.Waiting.ShouldBe(0);
    }

    [Fact]
    public void NoMoreRequestsWaitThanMay()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxWaiting = 2 });
        consumer.Ask("1", "a").ShouldBe("");
        consumer.Ask("1", "b").ShouldBe("");
        consumer.Ask("1", "c").ShouldBe("c<-[409 Exceeded MaxWaiting]");
        consumer.Ask("""{"batch":1,"expires":9000000000,"idle_heartbeat":1000000000}""", "c").ShouldBe("", "it is told by the missing signs of life");
        consumer.Deaf.Add("a");
        consumer.Now += 1.1;
        consumer.Ask("1", "c").ShouldBe("");
        consumer.Publish("x");
        consumer.Publish("x");
        consumer.Take().ShouldBe("b<-1 c<-2");
    }

    [Fact]
    public void RequestsTakeTurns()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Ask("2", "a");
        consumer.Ask("2", "b");
        for (var i = 0; i < 5; i++) consumer.Publish("x");
        consumer.Take().ShouldBe("a<-1 b<-2 a<-3 b<-4");
    }

    [Fact]
    public void WhoIsGoneGetsNothing()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Ask("1", "a");
        consumer.Ask("1", "b");
        consumer.Deaf.Add("a");
        consumer.Publish("x");
        consumer.Take().ShouldBe("b<-1");
    }

    [Fact]
    public void InterestIsAskedForOnceATurn()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 500);
        consumer.Ask("500");
        consumer.InterestAsked.ShouldBeLessThan(5);
    }

    [Fact]
    public void SignsOfLifeComeWhileThereIsNothing()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 1);
        consumer.Ask("""{"batch":2,"expires":3000000000,"idle_heartbeat":1000000000}""").ShouldBe("r<-1");
        consumer.Pass(1).ShouldBe("r<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1]");
        consumer.Pass(0.5).ShouldBe("");
        consumer.Pass(0.5).ShouldBe("r<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1]");
        consumer.Pass(1).ShouldBe($"r<-[{string.Format(Timeout, 1, 0)}]");
    }

    [Fact]
    public void TheBudgetIsKept()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 10);
        consumer.Leader.Request("10"u8, "r"u8, consumer.Nanoseconds, consumer);
        consumer.Leader.Pump(consumer.Nanoseconds, 4, consumer).ShouldBeTrue();
        consumer.Sent.Count.ShouldBe(4);
        consumer.Leader.Pump(consumer.Nanoseconds, 6, consumer).ShouldBeFalse();
        consumer.Sent.Count.ShouldBe(10);
    }

    [Theory]
    [InlineData("409 Consumer Deleted", false, "r<-[409 Consumer Deleted]")]
    [InlineData("409 Server Shutdown", true, "r<-[409 Server Shutdown|Nats-Pending-Messages: 7|Nats-Pending-Bytes: 0]")]
    public void ThoseWhoWaitHearOfTheEnd(string status, bool withPending, string expected)
    {
        using var consumer = new LedConsumer(LedConsumer.Pull);
        consumer.Ask("7");
        consumer.Leader.Stop(status, withPending, consumer);
        consumer.Take().ShouldBe(expected);
        consumer.Publish("x");
        consumer.Take().ShouldBe("");
    }

    [Fact]
    public void ItGoesWhenNobodyHasUsedItForAWhile()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { Durable = null, InactiveThreshold = 10 * LedConsumer.Second, AckWait = 5 * LedConsumer.Second }, messages: 1);
        consumer.Pass(9);
        consumer.Ask().ShouldBe("r<-1");
        consumer.Pass(9);
        consumer.Ask("""{"batch":1,"expires":20000000000}""").ShouldBe("r<-1#2");
        consumer.Ack(1, consumer: 1);
        consumer.Ask("""{"batch":1,"expires":20000000000}""");
        consumer.Pass(19);
        consumer.Leader.IsAbandoned.ShouldBeFalse("somebody waits");
        consumer.Pass(12);
        consumer.Leader.IsAbandoned.ShouldBeTrue();
    }

    [Fact]
    public void WhatIsWorkedOnKeepsIt()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { Durable = null, InactiveThreshold = 2 * LedConsumer.Second, AckWait = 60 * LedConsumer.Second }, messages: 1);
        consumer.Ask().ShouldBe("r<-1");
        consumer.Pass(60);
        consumer.Leader.IsAbandoned.ShouldBeFalse();
        consumer.Pass(4);
        consumer.Leader.IsAbandoned.ShouldBeTrue();
    }

    [Fact]
    public void AtRestItListensToNothing()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, messages: 2);
        consumer.Leader.IsAwake.ShouldBeFalse();
        consumer.Leader.NextTick.ShouldBeNull();
        consumer.Ask();
        consumer.Leader.IsAwake.ShouldBeTrue();
        consumer.Ack(1);
        consumer.Pass(6);
        consumer.Leader.IsAwake.ShouldBeFalse();
        consumer.Leader.NextTick.ShouldBeNull();
        consumer.Publish("x");
        consumer.Figures.Pending.ShouldBe(2UL);
        consumer.Ask("2").ShouldBe("r<-2 r<-3");
    }
}
