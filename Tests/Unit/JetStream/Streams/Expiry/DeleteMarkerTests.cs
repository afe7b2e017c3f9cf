using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Expiry;

/// <summary>Where the last message of a subject expires, a marker says so (ADR-43).</summary>
public sealed class DeleteMarkerTests
{
    private const string Marker = "Nats-Marker-Reason: MaxAge|Nats-TTL: 1m0s|Nats-Rollup: sub";

    private static readonly StreamConfiguration Marking = LedStream.Plain with
    {
        AllowMessageTtl = true,
        SubjectDeleteMarkerTtl = 60 * LedStream.Second,
        MaxAge = 100 * LedStream.Second,
    };

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamSubjectDeleteMarkers")]
    [Upstream("filestore_test.go", "TestFileStoreSubjectDeleteMarkers")]
    [Upstream("memstore_test.go", "TestMemStoreSubjectDeleteMarkers")]
    public void TheLastMessageOfASubjectMakesWayForAMarker()
    {
        using var stream = new LedStream(Marking);
        stream.Publish("a");
        stream.Publish("a");
        stream.Publish("b");
        stream.Pass(100);
        stream.Messages.Select(message => (message.Sequence, message.Subject, message.Headers, message.Payload))
            .ShouldBe([(4UL, "a", Marker, ""), (5UL, "b", Marker, "")]);
        stream.Pass(60);
        stream.Held.ShouldBe("", "markers leave no markers");
        stream.Leader.NextTick.ShouldBeNull();
    }

    [Fact]
    public void OwnTimesLeaveMarkersToo()
    {
        using var stream = new LedStream(Marking with { MaxAge = 0 });
        stream.Publish("a", "Nats-TTL: 90");
        stream.Publish("a", "Nats-TTL: 70");
        stream.Pass(70);
        stream.Held.ShouldBe("1:a", "another is left");
        stream.Pass(20);
        stream.Messages.ShouldBe([(3UL, "a", Marker, "")]);
    }

    /// <summary>A time shorter than the marker's becomes as long, but where a subject has one message only.</summary>
    [Theory]
    [InlineData(-1, "Nats-Msg-Id: x|Nats-TTL: 60")]
    [InlineData(1, "Nats-TTL: 5|Nats-Msg-Id: x")]
    [Upstream("jetstream_test.go", "TestJetStreamSubjectDeleteMarkersTTLRollupWithoutMaxAge")]
    public void ATimeIsAtLeastTheMarkers(int perSubject, string stored)
    {
        using var stream = new LedStream(Marking with { MaxMessagesPerSubject = perSubject });
        stream.Publish("a", "Nats-TTL: 5\r\nNats-Msg-Id: x");
        stream.Messages[0].Headers.ShouldBe(stored);
        stream.Pass(5);
        stream.Messages[0].Headers.ShouldBe(perSubject == 1 ? Marker : stored);
        stream.Pass(60);
        stream.Messages.Select(message => message.Headers).ShouldBe(perSubject == 1 ? [] : [Marker]);
    }

    [Theory]
    [InlineData("KV-Operation: PURGE", true)]
    [InlineData("Nats-Marker-Reason: Purge", true)]
    [InlineData("KV-Operation: DEL", false)]
    [Upstream("jetstream_test.go", "TestJetStreamKVNoSubjectDeleteMarkerOnPurgeMarker")]
    public void MarkersOfClientsLeaveNone(string header, bool isMarker)
    {
        using var stream = new LedStream(Marking);
        stream.Publish("a", header);
        stream.Pass(100);
        stream.Messages.Select(message => message.Headers).ShouldBe(isMarker ? [] : [Marker]);
    }

    /// <summary>What is proposed and not yet applied is neither proposed twice at once nor forgotten.</summary>
    [Fact]
    public void AReplicatedStreamAgreesOnWhatGoes()
    {
        using var stream = new LedStream(Marking) { IsReplicated = true };
        for (var i = 0; i < 3; i++)
        {
            stream.Publish("a");
            stream.ApplyAll();
        }
        stream.Log.Clear();
        stream.Pass(100);
        stream.Log.Count.ShouldBe(3, "two removals, one marker");
        stream.Pass(1);
        stream.Log.Count.ShouldBe(3);
        stream.ApplyAll();
        stream.Messages.ShouldBe([(4UL, "a", Marker, "")]);
        stream.Pass(2);
        stream.Log.Count.ShouldBe(3, "all came about");
    }

    [Fact]
    public void WhatWasLostIsProposedAgain()
    {
        using var stream = new LedStream(Marking) { IsReplicated = true };
        stream.Publish("a");
        stream.ApplyAll();
        stream.Pass(100);
        stream.Pass(2.1);
        stream.Log.Count.ShouldBe(3);
    }

    /// <summary>Followers do not expire by themselves: all hold the same after the same log.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void FollowersHoldTheSame(int seed)
    {
        var random = new Random(seed);
        var configuration = Marking with { MaxMessagesPerSubject = seed % 2 == 0 ? 2 : -1 };
        using var stream = new LedStream(configuration);
        for (var i = 0; i < 500; i++)
        {
            var ttl = random.Next(4) switch { 0 => $"Nats-TTL: {random.Next(1, 200)}", 1 when random.Next(5) == 0 => "Nats-TTL: never", _ => "" };
            stream.Publish($"s.{random.Next(10)}", ttl);
            stream.Pass(random.Next(5));
            if (random.Next(50) == 0) stream.Restart();
        }
        using var follower = new LedStream(configuration);
        foreach (var entry in stream.Log)
        {
            follower.Replica.Apply(entry).ShouldBeTrue();
            follower.Replica.ExpireAged(stream.Nanoseconds).ShouldBeNull();
        }
        follower.Describe().ShouldBe(stream.Describe(), $"seed {seed}");
        stream.Pass(1000);
        stream.Pass(1000);
        stream.Messages.Where(message => !message.Headers.Contains("never")).ShouldBeEmpty();
    }
}
