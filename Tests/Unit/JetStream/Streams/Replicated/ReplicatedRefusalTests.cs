using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>What a leader refuses by what is under way, and what its replicas make of it.</summary>
public sealed class ReplicatedRefusalTests
{
    /// <summary>What is under way on a subject counts, whether it expected anything itself or not.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 0")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterExpectedPerSubjectConsistency")]
    public void OfTwoThatExpectNothingOfASubjectOneIsRefused(string first)
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.Publish("foo", first, "1", "r1");
        group.Publish("foo", "Nats-Expected-Last-Subject-Sequence: 0", "2", "r2");
        group.Commit();
        group.Take("r1").ShouldBe("""{"stream":"S","seq":1}""");
        group.Take("r2").ShouldNotBeNull().ShouldContain("wrong last sequence");
        group.Publish("bar", "Nats-Expected-Last-Subject-Sequence: 0", "3", "r3");
        group.Commit();
        group.Take("r3").ShouldBe("""{"stream":"S","seq":2}""");
        group.Leader.InFlightMessages.ShouldBe(0UL);
        group.ShouldBeAlike();
    }

    /// <summary>What finds no room is refused before it is proposed: replicas have nothing to count.</summary>
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDiscardNewPerSubjectRejectsWithoutCLFSBump")]
    public void WhatASubjectHasNoRoomForIsNotProposed()
    {
        using var group = new StreamGroup(LedStream.Plain with { Discard = DiscardPolicy.New, DiscardNewPerSubject = true, MaxMessagesPerSubject = 1 });
        group.Publish("foo", "", "1", "r1");
        group.Publish("foo", "", "2", "r2");
        group.Commit();
        group.Take("r1").ShouldBe("""{"stream":"S","seq":1}""");
        group.Take("r2").ShouldNotBeNull().ShouldContain("maximum messages per subject exceeded");
        group.Delete(1);
        group.Publish("foo", "", "3", "r3");
        group.Commit();
        group.Take("r3").ShouldBe("""{"stream":"S","seq":2}""");
        group.ShouldBeAlike();
        for (var member = 0; member < 3; member++) group.Replica(member).Failed.ShouldBe(0UL);
    }
}
