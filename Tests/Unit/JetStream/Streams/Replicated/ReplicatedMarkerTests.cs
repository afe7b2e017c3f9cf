using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>What expires in a stream of several replicas goes when they have agreed, and leaves one marker.</summary>
public sealed class ReplicatedMarkerTests
{
    private const string Reason = "Nats-Marker-Reason: MaxAge";

    private static readonly StreamConfiguration Marking = LedStream.Plain with { AllowMessageTtl = true, SubjectDeleteMarkerTtl = 2 * LedStream.Second };

    [Theory]
    [InlineData(1, "")]
    [InlineData(0, "Nats-TTL: 2s")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMMaxAgeRemoveMsgProposal")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMTTLRemoveMsgProposal")]
    public void AReplicaRemovesNothingOnItsOwn(int maxAge, string headers)
    {
        using var group = new StreamGroup(Marking with { MaxAge = maxAge * LedStream.Second });
        group.Publish("foo", headers);
        group.Commit();
        group.CatchAll();
        Pass(group, 2.5);
        group.Commit();
        group.Replica(1).ExpireAged(group.Now).ShouldBeNull();
        Has(group.Replica(1).Store, 1).ShouldBeTrue("it has not applied the removal");
        Has(group.Store, 1).ShouldBeFalse();
        group.ShouldBeAlike();
        Lines(group).ShouldBe(["2 foo marker"]);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMInflightTTL")]
    public void WhatWentUndecidedGoesWhenItIsDecided()
    {
        using var group = new StreamGroup(Marking);
        group.Publish("foo", "Nats-TTL: 2s");
        group.Publish("foo", "Nats-TTL: 3s");
        group.Commit();
        for (var i = 0; i < 7; i++) Pass(group, 0.5);
        Lines(group).ShouldBe(["1 foo", "2 foo"], "nobody has agreed");
        group.Publish("foo");
        group.Commit();
        group.ShouldBeAlike();
        Lines(group).ShouldBe(["3 foo marker", "4 foo"]);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMMsgTTLReverseExpiry")]
    public void TheLaterMessageMayGoFirst()
    {
        using var group = new StreamGroup(Marking with { SubjectDeleteMarkerTtl = 2 * LedStream.Second });
        group.Publish("foo", "Nats-TTL: 3s");
        group.Publish("foo", "Nats-TTL: 2s");
        group.Commit();
        for (var i = 0; i < 7; i++) Pass(group, 0.5);
        var removals = group.Uncommitted;
        group.Publish("bar");
        group.Commit();
        group.ShouldBeAlike();
        Lines(group).ShouldBe(["3 foo marker", "4 bar"]);
        removals.ShouldBe(2);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMTTLAndMaxMsgsPer")]
    public void NoMarkerStandsBetweenMessagesThatGoOneAfterTheOther()
    {
        using var group = new StreamGroup(Marking with { MaxMessagesPerSubject = 3 });
        for (var i = 0; i < 6; i++) PublishOne(0.5);
        for (var i = 0; i < 4; i++) PassAgreed(0.5);
        Lines(group).ShouldBe(["7 foo marker"]);
        group.Delete(7);
        group.Commit();
        // Some make way for others of their subject before their time.
        for (var i = 0; i < 6; i++) PublishOne(i < 3 ? 0.5 : 0);
        for (var i = 0; i < 5; i++) PassAgreed(0.5);
        Lines(group).ShouldBe(["14 foo marker"]);
        group.ShouldBeAlike();

        void PublishOne(double seconds)
        {
            group.Publish("foo", "Nats-TTL: 2s");
            group.Commit();
            PassAgreed(seconds);
        }

        void PassAgreed(double seconds)
        {
            Pass(group, seconds);
            group.Commit();
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMResetLast")]
    public void WhatIsNoLongerTheLastLeavesNoMarker()
    {
        using var group = new StreamGroup(Marking with { MaxAge = 2 * LedStream.Second, SubjectDeleteMarkerTtl = LedStream.Second });
        group.Publish("foo");
        group.Commit();
        group.CatchAll();
        // Those who follow apply it after the first one's time.
        group.Publish("foo", "Nats-TTL: never");
        group.Commit();
        group.Now += 5 * LedStream.Second / 2;
        group.CatchAll();
        group.FailOver(1, 0);
        Pass(group, 0);
        group.Commit();
        group.ShouldBeAlike();
        Lines(group).ShouldBe(["2 foo"]);
        StreamGroup.Describe(group.Store).ShouldContain("Nats-TTL: never");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMMaxAgeRemoveMsgProposalLimitRetries")]
    public void WhatIsNotDecidedIsNotProposedAgainAndAgain()
    {
        using var group = new StreamGroup(Marking with { MaxAge = LedStream.Second, SubjectDeleteMarkerTtl = 3600 * LedStream.Second });
        group.Publish("foo");
        group.Commit();
        Pass(group, 1.2);
        for (var i = 0; i < 100; i++) Pass(group, 0.002);
        group.Uncommitted.ShouldBe(1);
        group.Publish("foo");
        group.Uncommitted.ShouldBe(2);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMMaxAgeProposeExpiryShortRetry")]
    public void WhatIsMuchTooOldGoesSoonAndIsTriedAgainSoon()
    {
        using var group = new StreamGroup(Marking with { MaxAge = 3600 * LedStream.Second, SubjectDeleteMarkerTtl = 3600 * LedStream.Second });
        group.Append(new StreamMessageEntry { LastSequence = 0, Timestamp = 1, Subject = "foo"u8 });
        group.Commit();
        group.Leader.NextTick.ShouldNotBeNull().ShouldBeLessThanOrEqualTo(group.Now);
        Pass(group, 0);
        group.Uncommitted.ShouldBe(1);
        // What it proposed is lost.
        group.FailOver(0, 0);
        group.Leader.NextTick.ShouldNotBeNull().ShouldBeLessThanOrEqualTo(group.Now + (3 * LedStream.Second));
        Pass(group, 3);
        group.Commit();
        group.ShouldBeAlike();
        Lines(group).ShouldBe(["2 foo marker"]);
    }

    private static void Pass(StreamGroup group, double seconds)
    {
        group.Now += (long)(seconds * LedStream.Second);
        group.Leader.Tick(group.Now, group);
    }

    private static bool Has(Server.Storage.Messages.IMessageStore store, ulong sequence) => store.TryLoad(sequence, new Server.Storage.Messages.MessageBuffer());

    /// <summary>Sequences and subjects of what the leader has, and which are markers.</summary>
    private static string[] Lines(StreamGroup group) =>
    [
        .. StreamGroup.Describe(group.Store).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line =>
        {
            var words = line.Split(' ');
            return $"{words[0]} {words[2]}{(line.Contains(Reason, StringComparison.Ordinal) ? " marker" : "")}";
        }),
    ];
}
