using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Priority groups (ADR-42).</summary>
public sealed class PriorityGroupTests
{
    private static readonly ConsumerConfiguration Overflow = LedConsumer.Pull with { PriorityPolicy = PriorityPolicy.Overflow, PriorityGroups = new(["g"]) };
    private static readonly ConsumerConfiguration Pinned = Overflow with { PriorityPolicy = PriorityPolicy.PinnedClient, PinnedTtl = 10 * LedConsumer.Second };
    private static readonly ConsumerConfiguration Prioritized = Overflow with { PriorityPolicy = PriorityPolicy.Prioritized };

    [Theory]
    [InlineData("""{"batch":1}""", "400 Bad Request - Priority Group missing")]
    [InlineData("""{"batch":1,"group":"h"}""", "400 Bad Request - Invalid Priority Group")]
    public void AGroupMustBeNamed(string request, string status)
    {
        using var consumer = new LedConsumer(Overflow, messages: 1);
        consumer.Ask(request).ShouldBe($"r<-[{status}]");
    }

    [Fact]
    public void OverflowGetsWhatIsTooMuch()
    {
        using var consumer = new LedConsumer(Overflow);
        consumer.Ask("""{"batch":9,"group":"g","min_pending":3}""", "over").ShouldBe("");
        consumer.Publish("a");
        consumer.Publish("a");
        consumer.Take().ShouldBe("");
        consumer.Publish("a");
        consumer.Take().ShouldBe("over<-1");
        consumer.Ask("""{"batch":1,"group":"g"}""", "plain").ShouldBe("plain<-2");
        consumer.Ask("""{"batch":1,"group":"g","min_ack_pending":2}""", "busy").ShouldBe("busy<-3", "two wait for acknowledgements");
    }

    [Fact]
    public void OneClientIsPinnedUntilItGoes()
    {
        using var consumer = new LedConsumer(Pinned);
        consumer.Ask("""{"batch":9,"group":"g"}""", "a");
        consumer.Ask("""{"batch":9,"group":"g"}""", "b");
        consumer.Publish("x");
        consumer.Take().ShouldBe("a<-1");
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nNats-Pin-Id: pin1\r\n\r\n");
        consumer.Publish("x");
        consumer.Take().ShouldBe("a<-2");
        consumer.Figures.PinnedId.ShouldBe("pin1");
        consumer.Ask("""{"batch":1,"group":"g","id":"other"}""", "c").ShouldBe("c<-[423 Nats-Pin-Id mismatch]");
        consumer.Pass(9);
        consumer.Ask("""{"batch":1,"group":"g","id":"pin1"}""", "a2").ShouldBe("");
        consumer.Pass(9);
        consumer.Publish("x", "", "K: v");
        consumer.LastHeaders.ShouldBe("NATS/1.0\r\nK: v\r\nNats-Pin-Id: pin1\r\n\r\n");
        consumer.Take();
        consumer.Pass(1);
        consumer.Publish("x");
        consumer.Take().ShouldEndWith("b<-4");
        consumer.Events.Select(one => (one.Kind, one.Reason, one.PinId)).ShouldBe(
            [(ConsumerEventKind.Pinned, null, "pin1"), (ConsumerEventKind.Unpinned, "timeout", null), (ConsumerEventKind.Pinned, null, "pin2")]);
    }

    [Fact]
    public void APinCanBeTakenAway()
    {
        using var consumer = new LedConsumer(Pinned, messages: 1);
        consumer.Ask("""{"batch":9,"group":"g"}""", "a").ShouldBe("a<-1");
        consumer.Leader.Unpin("nobody", consumer).ShouldBeFalse();
        consumer.Leader.Unpin("g", consumer).ShouldBeTrue();
        consumer.Ask("""{"batch":9,"group":"g"}""", "b").ShouldBe("");
        consumer.Publish("x");
        consumer.Take().ShouldBe("a<-[423 Nats-Wrong-Pin-Id|Nats-Pending-Messages: 8|Nats-Pending-Bytes: 0] b<-2");
        consumer.Events[1].ShouldBe(new ConsumerEvent(ConsumerEventKind.Unpinned) { Group = "g", Reason = "admin" });
    }

    [Fact]
    public void TheLowestPriorityIsServedFirst()
    {
        using var consumer = new LedConsumer(Prioritized);
        consumer.Ask("""{"batch":2,"group":"g","priority":5}""", "late");
        consumer.Ask("""{"batch":2,"group":"g","priority":1}""", "a");
        consumer.Ask("""{"batch":2,"group":"g","priority":1}""", "b");
        for (var i = 0; i < 6; i++) consumer.Publish("x");
        consumer.Take().ShouldBe("a<-1 b<-2 a<-3 b<-4 late<-5 late<-6");
    }
}
