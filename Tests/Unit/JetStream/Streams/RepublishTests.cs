using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

/// <summary>What is stored goes out again, and may be stored under another subject than it was published on.</summary>
public sealed class RepublishTests
{
    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishAnySubjectMatch")]
    public void StoredMessagesGoOutWithTheirPlace()
    {
        using var stream = new LedStream(With("", "RP.>")) { Now = 1_700_000_000.25 };
        stream.Publish("a", "", "one");
        stream.Publish("b", "Any: thing", "two");
        stream.Publish("a", "Nats-Request-Info: {}", "three");
        stream.Published.ShouldBe([
            ("RP.a", "Nats-Stream: S|Nats-Subject: a|Nats-Sequence: 1|Nats-Time-Stamp: 2023-11-14T22:13:20.25Z|Nats-Last-Sequence: 0", "one"),
            ("RP.b", "Any: thing|Nats-Stream: S|Nats-Subject: b|Nats-Sequence: 2|Nats-Time-Stamp: 2023-11-14T22:13:20.25Z|Nats-Last-Sequence: 0", "two"),
            ("RP.a", "Nats-Stream: S|Nats-Subject: a|Nats-Sequence: 3|Nats-Time-Stamp: 2023-11-14T22:13:20.25Z|Nats-Last-Sequence: 1", "three"),
        ]);
        stream.Messages[^1].Headers.ShouldBe("", "who asked is not stored");
    }

    [Theory]
    [InlineData("one", "uno", "one", "uno")]
    [InlineData("one", "uno", "two", null)]
    [InlineData("one.>", "uno.>", "one.two.three", "uno.two.three")]
    [InlineData("one.>", "uno.>", "two.three", null)]
    [InlineData("*.*", "{{wildcard(2)}}.{{left(1,1)}}", "ab.cd", "cd.a")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishOneTokenMatch")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishOneTokenNoMatch")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishMultiTokenMatch")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishMultiTokenNoMatch")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishLeftRightMappingFunctions")]
    public void OnlyWhatMatches(string source, string destination, string subject, string? target)
    {
        using var stream = new LedStream(With(source, destination));
        stream.Publish(subject);
        stream.Published.Select(one => one.Subject).ShouldBe(target is null ? [] : [target]);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishHeadersOnly")]
    public void TheSizeMayTakeThePayloadsPlace()
    {
        using var stream = new LedStream(With("a", "b") with { Republish = new RepublishConfiguration { Source = "a", Destination = "b", HeadersOnly = true } });
        stream.Publish("a", "", "hello");
        stream.Published[0].Headers.ShouldEndWith("Nats-Last-Sequence: 0|Nats-Msg-Size: 5");
        stream.Published[0].Payload.ShouldBe("");
    }

    [Fact]
    public void RefusedMessagesAndDuplicatesDoNot()
    {
        using var stream = new LedStream(With("", "RP.>"));
        stream.Publish("a", "Nats-Msg-Id: 1");
        stream.Publish("a", "Nats-Msg-Id: 1");
        stream.Publish("a", "Nats-Expected-Stream: T");
        stream.Published.Count.ShouldBe(1);
        stream.Update(configuration => configuration with { Republish = null });
        stream.Publish("a");
        stream.Published.Count.ShouldBe(1);
    }

    /// <summary>The messages of a batch tell of each other.</summary>
    [Fact]
    public void ABatchGoesOutWhenItIsCommitted()
    {
        using var stream = new LedStream(With("", "RP.>") with { AllowAtomicPublish = true });
        stream.Publish("a", "Nats-Batch-Id: b\r\nNats-Batch-Sequence: 1");
        stream.Published.ShouldBeEmpty();
        stream.Publish("a", "Nats-Batch-Id: b\r\nNats-Batch-Sequence: 2\r\nNats-Batch-Commit: 1");
        stream.Published.Select(one => one.Headers[^1]).ShouldBe(['0', '1']);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamImplicitRePublishAfterSubjectTransform")]
    public void SubjectsAreRewrittenFirst()
    {
        using var stream = new LedStream(With("B.>", "RP.>") with { SubjectTransform = new SubjectTransformConfiguration { Source = "A.>", Destination = "B.>" }, AllowRollup = true });
        stream.Publish("A.x", "", "one");
        stream.Publish("other");
        stream.Publish("A.x", "Nats-Expected-Last-Subject-Sequence: 1\r\nNats-Rollup: sub", "two")!.ShouldContain("\"seq\":3");
        stream.Held.ShouldBe("2:other 3:B.x");
        stream.Published.Select(one => one.Subject).ShouldBe(["RP.x", "RP.x"]);
        stream.Published[1].Headers.ShouldContain("Nats-Subject: B.x|Nats-Sequence: 3");
        using var follower = new LedStream(stream.Replica.Configuration);
        foreach (var entry in stream.Log) follower.Replica.Apply(entry).ShouldBeTrue();
        follower.Describe().ShouldBe(stream.Describe());
    }

    private static StreamConfiguration With(string source, string destination) =>
        LedStream.Plain with { Republish = new RepublishConfiguration { Source = source, Destination = destination } };
}
