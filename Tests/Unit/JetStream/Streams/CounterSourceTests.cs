using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

/// <summary>Counters that add up others (ADR-49).</summary>
public sealed class CounterSourceTests
{
    private static readonly StreamConfiguration Counting = LedStream.Plain with { AllowMessageCounter = true };

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAllowMsgCounterSourceAggregates")]
    [Upstream("jetstream_test.go", "TestJetStreamAllowMsgCounterSourceStartingAboveZero")]
    public void WhatASourceHasGrownByIsAdded()
    {
        using var stream = new LedStream(Counting);
        Copy(stream, "all", "ES 7 > > es.hits", "1", "5").ShouldBe(0);
        Copy(stream, "all", "EU 9 > > eu.hits", "4", "4").ShouldBe(0);
        Copy(stream, "all", "ES 8 > > es.hits", "2", "7").ShouldBe(0);
        stream.Publish("all", "Nats-Incr: 1").ShouldBe("""{"stream":"S","seq":4,"val":"12"}""");
        stream.Messages.Select(message => (message.Headers, message.Payload)).ShouldBe([
            ("""Nats-Stream-Source: ES 7 > > es.hits|Nats-Incr: 5|Nats-Counter-Sources: {"ES":{"es.hits":"5"}}""", """{"val":"5"}"""),
            ("""Nats-Stream-Source: EU 9 > > eu.hits|Nats-Incr: 4|Nats-Counter-Sources: {"ES":{"es.hits":"5"},"EU":{"eu.hits":"4"}}""", """{"val":"9"}"""),
            ("""Nats-Stream-Source: ES 8 > > es.hits|Nats-Incr: 2|Nats-Counter-Sources: {"ES":{"es.hits":"7"},"EU":{"eu.hits":"4"}}""", """{"val":"11"}"""),
            ("""Nats-Incr: 1|Nats-Counter-Sources: {"ES":{"es.hits":"7"},"EU":{"eu.hits":"4"}}""", """{"val":"12"}"""),
        ]);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAllowMsgCounterSourceVerbatim")]
    public void AStreamThatCountsNothingStoresThemAsTheyAre()
    {
        using var stream = new LedStream(LedStream.Plain);
        Copy(stream, "all", "ES 7 > > es.hits", "1", "5").ShouldBe(0);
        stream.Messages.ShouldBe([(1UL, "all", "Nats-Stream-Source: ES 7 > > es.hits|Nats-Incr: 1", """{"val":"5"}""")]);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{\"ES\":null}")]
    [InlineData("{\"ES\":{\"es.hits\":null}}")]
    [InlineData("[]")]
    [InlineData("{")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamCounterNullSourcesHeaderDoesNotPanic")]
    public void BrokenSourcesAreAnswered(string sources)
    {
        using var stream = new LedStream(LedStream.Plain);
        stream.Publish("all", $"Nats-Counter-Sources: {sources}", """{"val":"5"}""");
        stream.Update(_ => Counting);
        Copy(stream, "all", "ES 7 > > es.hits", "1", "5").ShouldBeOneOf(0, 10172);
        stream.Publish("all", "Nats-Incr: 1")!.ShouldContain("seq");
    }

    /// <summary>Stores a copied message; tells the error's code.</summary>
    private static int Copy(LedStream stream, string subject, string source, string increment, string value)
    {
        var message = new StoredMessage
        {
            Sequence = 0,
            Timestamp = stream.Nanoseconds,
            Subject = Encoding.ASCII.GetBytes(subject),
            Headers = Encoding.ASCII.GetBytes($"NATS/1.0\r\nNats-Stream-Source: {source}\r\nNats-Incr: {increment}\r\n\r\n"),
            Payload = Encoding.ASCII.GetBytes($"{{\"val\":\"{value}\"}}"),
        };
        var admission = stream.Replica.Propose(message, default, out var entry, isSourced: true);
        if (admission.Error is { } error) return error.ErrorCode;
        entry.IsSourced.ShouldBeTrue();
        var target = new byte[entry.MaxLength];
        stream.Replica.Apply(target.AsSpan(0, entry.Encode(target))).ShouldBeTrue();
        return 0;
    }
}
