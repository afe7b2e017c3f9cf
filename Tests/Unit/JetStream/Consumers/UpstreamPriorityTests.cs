using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>What upstream's tests of priority groups show, shown of the state machine.</summary>
public sealed class UpstreamPriorityTests
{
    private const string Tests = "jetstream_consumer_test.go";

    private static readonly ConsumerConfiguration Overflow = LedConsumer.Pull with { PriorityPolicy = PriorityPolicy.Overflow, PriorityGroups = new(["A"]) };
    private static readonly ConsumerConfiguration Pinned = Overflow with { PriorityPolicy = PriorityPolicy.PinnedClient, PinnedTtl = 30 * LedConsumer.Second };
    private static readonly ConsumerConfiguration Prioritized = Overflow with { PriorityPolicy = PriorityPolicy.Prioritized, AckPolicy = AckPolicy.None };

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinned")]
    public void ThePinnedOneGetsAllUntilItsTimeIsOver()
    {
        using var consumer = new LedConsumer(Pinned with { PinnedTtl = 10 * LedConsumer.Second });
        for (var i = 0; i < 100; i++) consumer.Publish("foo", "", i % 2 == 0 ? "Some-Header: Value" : "");
        consumer.Ask("""{"batch":3,"expires":5000000000,"group":"A"}""", "one").ShouldBe("one<-1 one<-2 one<-3");
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nSome-Header: Value\r\nNats-Pin-Id: pin1\r\n\r\n");
        consumer.Ask("""{"batch":3,"expires":5000000000,"group":"A"}""", "two").ShouldBe("", "another one is pinned");
        consumer.Ask("""{"batch":3,"expires":250000000,"group":"A","id":"WRONG"}""", "one").ShouldBe("one<-[423 Nats-Pin-Id mismatch]");
        consumer.Ask("""{"batch":3,"expires":250000000,"group":"A","id":"pin1"}""", "four").ShouldBe("four<-4 four<-5 four<-6");
        consumer.Events.Clear();
        consumer.Ask("""{"batch":3,"expires":50000000000,"group":"A"}""", "five").ShouldBe("");
        consumer.Pass(9).ShouldBe("two<-[408 Request Timeout|Nats-Pending-Messages: 3|Nats-Pending-Bytes: 0]");
        consumer.Pass(1).ShouldBe("five<-7 five<-8 five<-9");
        consumer.Leader.Unpin("A", consumer).ShouldBeTrue();
        consumer.Events.Select(one => (one.Kind, one.Reason)).ShouldBe(
            [(ConsumerEventKind.Unpinned, "timeout"), (ConsumerEventKind.Pinned, null), (ConsumerEventKind.Unpinned, "admin")]);
        consumer.Ask("""{"batch":3,"expires":250000000,"group":"A","id":"WRONG"}""", "six").ShouldStartWith("six<-[423 Nats-Wrong-Pin-Id");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream(Tests, "TestJetStreamConsumerPinnedUnsetsAfterAtMostPinnedTTL")]
    public void APinEndsBeforeItsRequest(bool isPublished)
    {
        using var consumer = new LedConsumer(Pinned with { PinnedTtl = LedConsumer.Second }, messages: isPublished ? 1 : 0);
        consumer.Ask("""{"batch":2,"expires":2000000000,"group":"A"}""").ShouldBe(isPublished ? "r<-1" : "");
        consumer.Pass(0.75);
        consumer.Figures.PinnedId.ShouldBe(isPublished ? "pin1" : null);
        consumer.Pass(0.5).ShouldBe("");
        consumer.Figures.PinnedId.ShouldBeNull();
        consumer.Pass(0.75).ShouldStartWith("r<-[408 Request Timeout");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinnedUnsubscribeOnPinned")]
    public void WhoIsPinnedAndGoneIsReplacedWhenHisTimeIsOver()
    {
        using var consumer = new LedConsumer(Pinned with { PinnedTtl = LedConsumer.Second }, messages: 1);
        const string Request = """{"batch":3,"expires":5000000000,"idle_heartbeat":250000000,"group":"A"}""";
        consumer.Ask(Request, "one").ShouldBe("one<-1");
        consumer.Ask(Request, "two").ShouldBe("");
        consumer.Deaf.Add("one");
        consumer.Publish("a");
        consumer.Pass(0.9).ShouldBe("two<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1] two<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1] two<-[100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1]");
        consumer.Pass(0.1).ShouldContain("two<-2");
        consumer.Figures.PinnedId.ShouldBe("pin2");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerUnpinNoMessages")]
    public void WhoIsUnpinnedHearsOfItWithTheNextMessage()
    {
        using var consumer = new LedConsumer(Pinned);
        consumer.Ask("""{"batch":30,"expires":60000000000,"group":"A"}""", "one");
        consumer.Ask("""{"batch":30,"expires":60000000000,"group":"A"}""", "two");
        consumer.Publish("a");
        consumer.Publish("a");
        consumer.Take().ShouldBe("one<-1 one<-2");
        consumer.Leader.Unpin("A", consumer).ShouldBeTrue();
        consumer.Publish("a");
        consumer.Publish("a");
        consumer.Take().ShouldBe("two<-3 one<-[423 Nats-Wrong-Pin-Id|Nats-Pending-Messages: 28|Nats-Pending-Bytes: 0] two<-4");
        consumer.LastHeaders.ShouldContain("Nats-Pin-Id: pin2");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerUnpinPickDifferentRequest")]
    public void WithoutMessagesOnlyTheAdvisoryTellsOfIt()
    {
        using var consumer = new LedConsumer(Pinned, messages: 1);
        consumer.Ask("""{"batch":5,"expires":15000000000,"group":"A"}""", "first").ShouldBe("first<-1");
        consumer.Ask("""{"batch":5,"expires":15000000000,"group":"A"}""", "second").ShouldBe("");
        consumer.Leader.Unpin("A", consumer);
        consumer.DoPump();
        consumer.Pass(1).ShouldBe("");
        consumer.Events[^1].Kind.ShouldBe(ConsumerEventKind.Unpinned);
        consumer.Publish("a");
        consumer.Take().ShouldBe("first<-[423 Nats-Wrong-Pin-Id|Nats-Pending-Messages: 4|Nats-Pending-Bytes: 0] second<-2");
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nNats-Pin-Id: pin2\r\n\r\n");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinnedTTL")]
    public void OneAfterTheOtherIsPinned()
    {
        using var consumer = new LedConsumer(Pinned with { PinnedTtl = 3 * LedConsumer.Second }, messages: 10);
        const string Request = """{"batch":1,"expires":10000000000,"group":"A"}""";
        consumer.Ask(Request, "first").ShouldBe("first<-1");
        consumer.Ask(Request, "second").ShouldBe("");
        consumer.Pass(2.9).ShouldBe("");
        consumer.Pass(0.1).ShouldBe("second<-2");
        consumer.LastHeaders.ShouldContain("pin2");
        consumer.Ask(Request, "third").ShouldBe("");
        consumer.Pass(3).ShouldBe("third<-3");
        consumer.LastHeaders.ShouldContain("pin3");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPinnedStandbyMaxBytesNotEroded")]
    public void WhatThePinnedOneGetsIsNotTakenFromTheBytesOfOthers()
    {
        using var consumer = new LedConsumer(Pinned);
        consumer.Ask("""{"batch":100000,"expires":30000000000,"group":"A"}""", "a");
        consumer.Ask("""{"batch":100,"max_bytes":500,"expires":30000000000,"group":"A"}""", "b");
        for (var i = 0; i < 50; i++) consumer.Publish("foo.bar", new string('x', 200));
        consumer.Take().Split(' ').ShouldAllBe(sent => sent.StartsWith("a<-"));
        consumer.Figures.Waiting.ShouldBe(2);
    }

    [Theory]
    [InlineData("PINNED", """{"batch":1,"expires":5000000000,"group":"A"}""", "r<-1")]
    [InlineData("PINNED", """{"batch":1,"expires":5000000000}""", "r<-[400 Bad Request - Priority Group missing]")]
    [InlineData("PINNED", """{"batch":1,"expires":5000000000,"group":"Bad"}""", "r<-[400 Bad Request - Invalid Priority Group]")]
    [InlineData("OVERFLOW", """{"batch":1,"expires":5000000000,"group":"A","id":"PINNED-ID"}""", "r<-[400 Bad Request - Not a Pinned Client Priority consumer]")]
    [InlineData("STANDARD", """{"batch":1,"expires":5000000000,"group":"A","id":"PINNED-ID"}""", "r<-[400 Bad Request - Not a Pinned Client Priority consumer]")]
    [InlineData("OVERFLOW", """{"batch":1,"expires":5000000000,"group":"A","min_pending":1000}""", "r<-[408 Request Timeout|Nats-Pending-Messages: 1|Nats-Pending-Bytes: 0]")]
    [InlineData("OVERFLOW", """{"batch":1,"expires":5000000000,"group":"A","min_pending":10}""", "r<-1")]
    [InlineData("OVERFLOW", """{"batch":1,"expires":5000000000,"group":"A","min_pending":10,"min_ack_pending":5}""", "r<-1")]
    [InlineData("PINNED", """{"batch":1,"expires":5000000000,"group":"A","min_pending":10}""", "r<-[400 Bad Request - Not a Overflow Priority consumer]")]
    [InlineData("STANDARD", """{"batch":1,"expires":5000000000,"group":"A","min_pending":10}""", "r<-[400 Bad Request - Not a Overflow Priority consumer]")]
    [InlineData("STANDARD", """{"batch":1,"expires":2000000000,"priority":10}""", "r<-[400 Bad Request - Priority must be between 0 and 9]")]
    [InlineData("STANDARD", """{"batch":1,"expires":2000000000,"min_pending":1}""", "r<-[400 Bad Request - Not a Overflow Priority consumer]")]
    [InlineData("STANDARD", """{"batch":1,"expires":2000000000,"id":"PINNED-ID"}""", "r<-[400 Bad Request - Not a Pinned Client Priority consumer]")]
    [Upstream(Tests, "TestJetStreamConsumerPriorityPullRequests")]
    [Upstream(Tests, "TestJetStreamConsumerInvalidPriorityGroupRequestNotServed")]
    public void RequestsSayWhatTheirConsumerUnderstandsOrWaitForNothing(string kind, string request, string answer)
    {
        var configuration = kind switch { "PINNED" => Pinned, "OVERFLOW" => Overflow, _ => LedConsumer.Pull };
        using var consumer = new LedConsumer(configuration, messages: 50);
        consumer.Ask(request);
        consumer.PassExactly(6 * LedConsumer.Second);
        consumer.Trace.Count.ShouldBe(1 + consumer.Events.Count, "one answer and no other");
        consumer.Figures.Waiting.ShouldBe(0);
        consumer.Ask(request, "again");
        var sent = string.Join(" ", consumer.Trace);
        sent.ShouldContain(answer.Contains('[') ? answer[(answer.IndexOf('[') + 1)..answer.IndexOfAny(['|', ']'])] : "r $JS.ACK.S.C.1.1.1.");
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerOverflow")]
    public void OverflowStandsBackUntilThereIsTooMuch()
    {
        using var consumer = new LedConsumer(Overflow, messages: 1);
        consumer.Ask("""{"batch":1,"expires":90000000000,"min_ack_pending":1,"group":"A"}""", "unacked").ShouldBe("");
        consumer.Ask("""{"batch":1,"expires":90000000000,"min_pending":1,"group":"A"}""", "single").ShouldBe("single<-1");
        consumer.Publish("a");
        consumer.Take().ShouldBe("unacked<-2", "one waits for its acknowledgement by now");
        consumer.Publish("a");
        consumer.Publish("a");
        consumer.Ask("""{"batch":1,"expires":90000000000,"min_pending":10,"group":"A"}""", "ten").ShouldBe("");
        consumer.Ask("""{"batch":1,"expires":90000000000,"group":"A"}""", "plain").ShouldBe("plain<-3");
        for (var i = 0; i < 100; i++) consumer.Publish("a");
        consumer.Take().ShouldBe("ten<-4");
        consumer.Ask("""{"batch":1,"expires":90000000000,"min_ack_pending":50,"group":"A"}""", "busy").ShouldBe("");
        var all = consumer.Ask("""{"batch":200,"expires":90000000000,"group":"A"}""", "plain").Split(' ');
        all.Count(sent => sent.StartsWith("busy<-")).ShouldBe(1, "many acknowledgements are missing");
        all.Length.ShouldBe(100);
    }

    [Fact, Upstream(Tests, "TestJetStreamConsumerPrioritized")]
    public void WhoIsMoreImportantGoesFirstWheneverHeComes()
    {
        using var consumer = new LedConsumer(Prioritized);
        foreach (var wrong in new[] { 10, -5 }) Ask("x", wrong, 1).ShouldBe("x<-[400 Bad Request - Priority must be between 0 and 9]");
        Ask("p3", 3, 1);
        Ask("p1", 1, 1);
        Ask("p2", 2, 2);
        foreach (var served in new[] { "p1<-1", "p2<-2", "p2<-3", "p3<-4" })
        {
            consumer.Publish("foo");
            consumer.Take().ShouldBe(served);
        }
        Ask("sub3", 3, 3);
        consumer.Publish("foo");
        consumer.Take().ShouldBe("sub3<-5");
        Ask("sub2", 2, 2);
        consumer.Publish("foo");
        consumer.Take().ShouldBe("sub2<-6");
        Ask("sub1", 1, 1);
        for (var i = 0; i < 3; i++) consumer.Publish("foo");
        consumer.Take().ShouldBe("sub1<-7 sub2<-8 sub3<-9");

        string Ask(string reply, int priority, int batch) => consumer.Ask($$"""{"batch":{{batch}},"expires":10000000000,"group":"A","priority":{{priority}}}""", reply);
    }
}
