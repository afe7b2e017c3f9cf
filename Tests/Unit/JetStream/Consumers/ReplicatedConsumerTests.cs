using System.Globalization;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Consumers on several replicas: what a client sees has been agreed upon.</summary>
public sealed class ReplicatedConsumerTests
{
    private static readonly ConsumerConfiguration Pull = LedConsumer.Pull with { AckWait = 5 * LedConsumer.Second };

    [Fact]
    public void AMessageIsDeliveredWhenItsDeliveryIsAgreedUpon()
    {
        using var group = new ConsumerGroup(Pull, messages: 5);
        group.Commit();
        group.Ask("3");
        group.Take().ShouldBe("");
        group.Commit(1);
        group.Take().ShouldBe("r<-1");
        group.Commit();
        group.Take().ShouldBe("r<-2 r<-3");
        group.ShouldBeAlike("");
    }

    [Fact]
    public void AnAcknowledgementIsConfirmedWhenItIsAgreedUpon()
    {
        using var group = new ConsumerGroup(Pull, messages: 3);
        group.Ask("1");
        group.Commit();
        group.Take();
        group.Ack(1, 1, reply: "ok");
        group.Ack(1, 1, reply: "again");
        group.Take().ShouldBe("");
        group.Released.ShouldBeEmpty();
        group.Commit();
        group.Take().ShouldBe("ok<-ok again<-ok");
        group.Released.ShouldBe([1UL]);
        group.Ack(1, 1, reply: "later");
        group.Take().ShouldBe("later<-ok", "nothing is under way any more");
    }

    /// <summary>Statuses come behind the messages that were sent before them.</summary>
    [Fact]
    public void StatusesComeInOrder()
    {
        using var group = new ConsumerGroup(Pull, messages: 2);
        group.Commit();
        group.Ask("""{"batch":5,"no_wait":true}""");
        group.Take().ShouldBe("");
        group.Commit();
        group.Take().ShouldBe("r<-1 r<-2 r<-[404 No Messages]");
    }

    /// <summary>What was not agreed upon was never sent, and is sent by the next leader for the first time.</summary>
    [Fact]
    public void ANewLeaderGoesOnFromWhatIsAgreedUpon()
    {
        using var group = new ConsumerGroup(Pull, messages: 5);
        group.Ask("4");
        group.Commit(3);
        group.Take().ShouldBe("r<-1 r<-2");
        group.Ack(1, 1, reply: "lost");
        group.FailOver(1, 0);
        group.Take().ShouldBe("");
        group.Ask("9");
        group.Commit();
        group.Take().ShouldBe("r<-3 r<-4 r<-5", "the first two wait for their acknowledgements");
        group.Pass(6);
        group.Commit();
        group.Take().ShouldContain("r<-1#2 r<-2#2");
        group.ShouldBeAlike("");
    }

    [Fact]
    public void WhoWaitsIsToldOfANewLeader()
    {
        using var group = new ConsumerGroup(Pull, messages: 1);
        group.Ask("1", "served");
        group.Ask("5", "waits");
        group.Ask("""{"batch":1,"expires":3000000000}""", "leaves");
        group.Commit();
        group.Pass(4);
        group.Commit();
        group.Take();
        group.Log.Count(entry => entry[0] == (byte)EntryOperation.AddPendingRequest).ShouldBe(2, "who was served at once is nobody's business");
        group.FailOver(1, 0);
        group.Commit();
        group.Take().ShouldBe("waits<-[409 Leadership Change]");
        group.FailOver(2, 0);
        group.Commit();
        group.Take().ShouldBe("", "it has been told");
        group.Publish();
        group.Commit();
        group.Take().ShouldBe("", "nobody waits");
    }

    /// <summary>Nobody waits for nothing, and nobody is told twice.</summary>
    [Fact]
    public void WhoMakesWayTellsOnlyThoseOfWhomTheOthersDoNotKnow()
    {
        using var group = new ConsumerGroup(Pull, messages: 0);
        group.Ask("5", "known");
        group.Pass(4);
        group.Commit();
        group.Ask("5", "unknown");
        group.Take().ShouldBe("");
        group.Leader.StandDown(group);
        group.Take().ShouldStartWith("unknown<-[409 Leadership Change");
        group.FailOver(1, 0);
        group.Commit();
        group.Take().ShouldBe("known<-[409 Leadership Change]");
    }

    /// <summary>As many as may wait at the leader, and no more.</summary>
    [Fact]
    public void RequestsOfOthersAreBounded()
    {
        var replica = new ConsumerReplica(Pull with { MaxWaiting = 3 });
        for (var i = 0; i < 100; i++) replica.Apply([(byte)EntryOperation.AddPendingRequest, (byte)'r', (byte)i], Silence.Instance).ShouldBeTrue();
        replica.Apply([(byte)EntryOperation.RemovePendingRequest, (byte)'r', 1], Silence.Instance).ShouldBeTrue();
        replica.Apply([(byte)EntryOperation.AddPendingRequest], Silence.Instance).ShouldBeTrue();
        replica.TakeRequests().Count().ShouldBe(2);
        replica.TakeRequests().ShouldBeEmpty();
        replica.HasState.ShouldBeFalse();
    }

    /// <summary>A stream's replica may be behind for a while: that is no reason to begin anew.</summary>
    [Fact]
    public void AStreamThatIsBehindIsWaitedFor()
    {
        using var group = new ConsumerGroup(Pull, messages: 5);
        group.Ask("5");
        group.Commit();
        group.Take();
        group.Store.Truncate(3);
        group.FailOver(1, 0);
        group.Commit();
        group.LeaderReplica.Delivered.ShouldBe(new SequencePair(5, 5));
        // Unless it is known to have lost its end.
        group.Leader.StreamIsWhole(group);
        group.Commit();
        group.LeaderReplica.Delivered.ShouldBe(new SequencePair(0, 0));
    }

    [Fact]
    public void ABeginningIsAgreedUpon()
    {
        using var group = new ConsumerGroup(Pull with { DeliverPolicy = DeliverPolicy.New }, messages: 5);
        group.FailOver(1, 0);
        group.Publish();
        group.FailOver(2, group.Uncommitted);
        group.Ask("5");
        group.Commit();
        group.Take().ShouldBe("r<-6");
    }

    [Theory]
    [InlineData(AckPolicy.Explicit)]
    [InlineData(AckPolicy.All)]
    [InlineData(AckPolicy.None)]
    public void AcknowledgedMessagesDoNotComeBack(AckPolicy policy)
    {
        for (var seed = 1; seed <= 60; seed++) Run(seed, policy);
    }

    private static void Run(int seed, AckPolicy policy)
    {
        var random = new Random(seed);
        using var group = new ConsumerGroup(Pull with { AckPolicy = policy, MaxAckPending = policy == AckPolicy.None ? -1 : random.Next(1, 20) }, random.Next(10), random.Next(1, 4));
        var confirmed = new HashSet<ulong>();
        var delivered = new HashSet<ulong>();
        group.OnDelivery = sequence =>
        {
            confirmed.ShouldNotContain(sequence, $"seed {seed}: it was acknowledged");
            if (policy != AckPolicy.None) group.LeaderReplica.Delivered.Stream.ShouldBeGreaterThanOrEqualTo(sequence, $"seed {seed}: nobody else knows of it");
            delivered.Add(sequence);
        };
        for (var step = 0; step < 200; step++)
        {
            switch (random.Next(12))
            {
                case 0:
                    group.FailOver(random.Next(group.Members), random.Next(group.Uncommitted + 1));
                    break;
                case 1 or 2:
                    group.Publish();
                    break;
                case 3 or 4:
                    group.Ask($$"""{"batch":{{random.Next(1, 6)}},"expires":2000000000}""");
                    break;
                case 5:
                    group.Pass(random.Next(4));
                    break;
                case 6:
                    group.Catch(random.Next(group.Members));
                    break;
                case 7 or 8 or 9 when group.Deliveries.Count > 0:
                    Ack(group, random);
                    break;
                default:
                    group.Commit(random.Next(5));
                    break;
            }
            Confirm(group, confirmed, policy);
        }
        Finish(group, delivered, policy, seed);
    }

    private static void Ack(ConsumerGroup group, Random random)
    {
        var (sequence, consumer, times) = group.Deliveries[random.Next(group.Deliveries.Count)];
        var answer = random.Next(6) switch
        {
            0 => "-NAK",
            1 => "+WPI",
            2 => "-NAK 1s",
            _ => "+ACK",
        };
        group.Ack(sequence, consumer, times, answer, answer == "+ACK" ? $"{sequence}" : "");
    }

    private static void Confirm(ConsumerGroup group, HashSet<ulong> confirmed, AckPolicy policy)
    {
        foreach (var text in group.Sent.Where(text => text.EndsWith("<-ok", StringComparison.Ordinal)))
        {
            var sequence = ulong.Parse(text[..^4], CultureInfo.InvariantCulture);
            if (policy == AckPolicy.Explicit) confirmed.Add(sequence);
        }
        group.Sent.Clear();
    }

    /// <summary>In the end, everything has come.</summary>
    private static void Finish(ConsumerGroup group, HashSet<ulong> delivered, AckPolicy policy, int seed)
    {
        group.Commit();
        for (var round = 0; round < 300 && group.LeaderReplica.AckFloor.Stream < group.Store.State.LastSequence; round++)
        {
            group.Ask("5");
            group.Commit();
            foreach (var (sequence, consumer, times) in group.Deliveries.TakeLast(10).ToList()) group.Ack(sequence, consumer, times);
            group.Pass(6);
            group.Commit();
        }
        group.LeaderReplica.AckFloor.Stream.ShouldBe(group.Store.State.LastSequence, $"seed {seed}");
        // Who acknowledges all says so of what was lost on its way, too.
        if (policy == AckPolicy.Explicit) delivered.Count.ShouldBe((int)group.Store.State.LastSequence, $"seed {seed}");
        group.ShouldBeAlike($"seed {seed}");
    }

    private sealed class Silence : IConsumerObserver
    {
        public static readonly Silence Instance = new();

        public void Released(ulong sequence)
        {
            // Nothing is asked of it.
        }

        public void ReleasedThrough(ulong sequence)
        {
            // Nothing is asked of it.
        }
    }
}
