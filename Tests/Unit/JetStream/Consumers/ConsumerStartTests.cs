using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Where consumers begin, at first and anew, and what resting ones cost.</summary>
[Collection("alone")]
public sealed class ConsumerStartTests
{
    private static readonly string[] Subjects = ["a", "b", "a", "c", "b", "a"];

    [Theory]
    [InlineData(DeliverPolicy.All, null, "r<-1 r<-2 r<-3 r<-4 r<-5 r<-6")]
    [InlineData(DeliverPolicy.All, "b", "r<-2 r<-5")]
    [InlineData(DeliverPolicy.Last, null, "r<-6")]
    [InlineData(DeliverPolicy.Last, "b", "r<-5")]
    [InlineData(DeliverPolicy.Last, "none", "")]
    [InlineData(DeliverPolicy.New, null, "")]
    [InlineData(DeliverPolicy.ByStartSequence, null, "r<-4 r<-5 r<-6")]
    [InlineData(DeliverPolicy.ByStartSequence, "a", "r<-6")]
    [InlineData(DeliverPolicy.LastPerSubject, null, "r<-4 r<-5 r<-6")]
    [InlineData(DeliverPolicy.LastPerSubject, "b", "r<-5")]
    public void APolicySaysWhere(DeliverPolicy policy, string? filter, string expected)
    {
        using var consumer = new LedConsumer(
            LedConsumer.Pull with { DeliverPolicy = policy, FilterSubject = filter, StartSequence = policy == DeliverPolicy.ByStartSequence ? 4u : 0 }, Subjects);
        consumer.Figures.Pending.ShouldBe((ulong)expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
        consumer.Ask("9").ShouldBe(expected);
        consumer.Publish(filter ?? "a");
        consumer.Take().ShouldBe("r<-7");
    }

    [Fact]
    public void ATimeSaysWhere()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { DeliverPolicy = DeliverPolicy.ByStartTime, StartTime = ApiTime.FromUnix(LedConsumer.Start + 1) }, Subjects);
        consumer.Figures.Delivered.ShouldBe(new SequencePair(0, 6));
        consumer.Ask("9").ShouldBe("");
    }

    [Fact]
    public void WhatItBeganWithIsKept()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { DeliverPolicy = DeliverPolicy.New });
        consumer.Publish("a");
        consumer.Restart();
        consumer.Ask("9").ShouldBe("r<-1");
    }

    [Fact]
    public void AResetBeginsAnew()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, Subjects);
        consumer.Ask("3");
        consumer.Ack(1);
        consumer.Reset(0).ShouldBeNull();
        consumer.Figures.ShouldSatisfyAllConditions(
            one => one.Delivered.ShouldBe(new SequencePair(0, 1)), one => one.AckPending.ShouldBe(0), one => one.Pending.ShouldBe(5UL), one => one.LastDelivered.ShouldBe(0));
        consumer.Ask("9").ShouldBe("r<-2 r<-3 r<-4 r<-5 r<-6");
        consumer.Reset(6).ShouldBeNull();
        consumer.Take().ShouldBe("r<-6");
        consumer.ReleasedThrough.ShouldBe(5UL);
    }

    [Theory]
    [InlineData(DeliverPolicy.New, 3, "not allowed")]
    [InlineData(DeliverPolicy.ByStartSequence, 3, "below start seq")]
    [InlineData(DeliverPolicy.ByStartTime, 3, "below start time")]
    [InlineData(DeliverPolicy.ByStartSequence, 4, null)]
    [InlineData(DeliverPolicy.New, 0, null)]
    public void AResetMustBeAllowed(DeliverPolicy policy, ulong sequence, string? error)
    {
        using var consumer = new LedConsumer(
            LedConsumer.Pull with
            {
                DeliverPolicy = policy,
                StartSequence = policy == DeliverPolicy.ByStartSequence ? 4u : 0,
                StartTime = policy == DeliverPolicy.ByStartTime ? ApiTime.FromUnix(LedConsumer.Start + 1) : null,
            },
            Subjects);
        consumer.Reset(sequence).ShouldBe(error);
    }

    [Fact]
    public void TenThousandAtRestTakeLittleMemory()
    {
        const int Count = 10_000;
        using var one = new LedConsumer(LedConsumer.Pull, messages: 1);
        var options = new ConsumerLeaderOptions { Stream = "S" };
        var kept = new ConsumerLeader[Count];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Count; i++)
        {
            var effects = one;
            var replica = new ConsumerReplica(LedConsumer.Pull with { Name = $"C{i}", Durable = $"C{i}" });
            kept[i] = new ConsumerLeader(replica, one.Store, options);
            replica.Apply([18, 1, 0, 0, 0, 0, 0, 0, 0], one);
            kept[i].Begin(LedConsumer.Start, effects);
            kept[i].IsAwake.ShouldBeFalse();
            kept[i].NextTick.ShouldBeNull();
        }
        ((GC.GetTotalMemory(forceFullCollection: true) - before) / Count).ShouldBeLessThan(2048);
        GC.KeepAlive(kept);
    }

    [Fact]
    public void DeliveriesAndAcksAllocateNothingEach()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxAckPending = 100 }, messages: 20_000);
        var effects = new Silent(consumer.Replica);
        long Spend(ulong from)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var sequence = from; sequence < from + 5000; sequence++)
            {
                consumer.Leader.Request(default, "r"u8, consumer.Nanoseconds, effects);
                consumer.Leader.Pump(consumer.Nanoseconds, 10, effects);
                consumer.Leader.Acknowledge(effects.Ack, "+ACK"u8, "k"u8, consumer.Nanoseconds, effects);
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Spend(1);
        Spend(5001).ShouldBeLessThan(5000 * 4);
        consumer.Replica.AckFloor.Stream.ShouldBe(10_000UL);
    }
}
