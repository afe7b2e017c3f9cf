using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Expiry;

/// <summary>Messages go when their time is over: the stream's age, or a time of their own.</summary>
public sealed class MessageExpiryTests
{
    private static readonly StreamConfiguration Own = LedStream.Plain with { AllowMessageTtl = true };

    [Fact]
    [Upstream("memstore_test.go", "TestMemStoreAgeLimit")]
    public void AgedMessagesGo()
    {
        using var stream = new LedStream(LedStream.Plain with { MaxAge = 10 * LedStream.Second });
        stream.Leader.NextTick.ShouldBeNull();
        for (var i = 0; i < 3; i++, stream.Now++) stream.Publish("a");
        stream.Leader.NextTick.ShouldBe(stream.Nanoseconds + (7 * LedStream.Second));
        stream.Pass(6.9);
        stream.Held.ShouldBe("1:a 2:a 3:a");
        stream.Pass(1.2);
        stream.Held.ShouldBe("3:a");
        stream.Pass(10);
        (stream.State.Messages, stream.State.LastSequence, stream.Leader.NextTick).ShouldBe((0UL, 3UL, null));
    }

    [Theory]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTL")]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTL")]
    [Upstream("memstore_test.go", "TestMemStoreMessageTTL")]
    [InlineData("1", 1)]
    [InlineData("5s", 5)]
    [InlineData("1.9s", 1)]
    [InlineData("1m", 60)]
    public void AMessageHasATimeOfItsOwn(string ttl, int seconds)
    {
        using var stream = new LedStream(Own);
        stream.Publish("a", $"Nats-TTL: {ttl}");
        stream.Publish("a");
        stream.Pass(seconds - 0.001);
        stream.Held.ShouldBe("1:a 2:a");
        stream.Pass(0.001);
        stream.Held.ShouldBe("2:a");
        stream.Leader.NextTick.ShouldBeNull();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLRestart")]
    public void TimesSurviveAStart()
    {
        using var stream = new LedStream(Own);
        for (var i = 1; i <= 10; i++) stream.Publish("a", $"Nats-TTL: {i}");
        stream.Pass(3);
        stream.Restart();
        stream.State.FirstSequence.ShouldBe(4UL);
        stream.Pass(2);
        stream.State.FirstSequence.ShouldBe(6UL);
        stream.Replica.Expiry.Count.ShouldBe(5);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLInvalid")]
    public void OnlySecondsAreATime()
    {
        using var stream = new LedStream(Own);
        foreach (var ttl in new[] { "500ms", "0.9s", "-1s", "-2", "soon" }) stream.Publish("a", $"Nats-TTL: {ttl}")!.ShouldContain("\"err_code\":10165", customMessage: ttl);
        stream.State.Messages.ShouldBe(0UL);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLDisabled")]
    public void AStreamThatAllowsNoneRefusesThem()
    {
        using var stream = new LedStream(LedStream.Plain);
        stream.Publish("a", "Nats-TTL: 1s")!.ShouldContain("\"err_code\":10166");
    }

    /// <summary>"never" outlives the age, and does not keep those behind it.</summary>
    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLNeverExpire")]
    public void WhatNeverExpiresStaysWhateverTheAge()
    {
        using var stream = new LedStream(Own with { MaxAge = 10 * LedStream.Second });
        stream.Publish("never", "Nats-TTL: never");
        for (var i = 0; i < 5; i++, stream.Now++) stream.Publish("a");
        stream.Publish("later", "Nats-TTL: Never");
        stream.Pass(7.5);
        stream.Held.ShouldBe("1:never 5:a 6:a 7:later");
        stream.Pass(100);
        stream.Held.ShouldBe("1:never 7:later");
        stream.Leader.NextTick.ShouldBeNull();
        stream.Restart();
        stream.Pass(100);
        stream.Held.ShouldBe("1:never 7:later");
        stream.Publish("a");
        stream.Pass(11);
        stream.Held.ShouldBe("1:never 7:later");
    }

    [Fact]
    public void TheEarlierOfAgeAndOwnTimeCounts()
    {
        using var stream = new LedStream(Own with { MaxAge = 10 * LedStream.Second });
        stream.Publish("short", "Nats-TTL: 3");
        stream.Publish("long", "Nats-TTL: 30");
        stream.Pass(3);
        stream.Held.ShouldBe("2:long");
        stream.Pass(7);
        stream.Held.ShouldBe("");
        stream.Pass(30);
        stream.Leader.NextTick.ShouldBeNull();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreUpdateConfigTTLState")]
    [Upstream("memstore_test.go", "TestMemStoreUpdateConfigTTLState")]
    [Upstream("store_test.go", "TestStoreUpdateConfigTTLState")]
    public void TimesCountOnceTheyAreAllowed()
    {
        using var stream = new LedStream(LedStream.Plain);
        stream.Publish("a");
        stream.Leader.NextTick.ShouldBeNull();
        stream.Update(configuration => configuration with { AllowMessageTtl = true });
        stream.Publish("b", "Nats-TTL: 1");
        stream.Pass(1);
        stream.Held.ShouldBe("1:a");
        stream.Update(configuration => configuration with { AllowMessageTtl = false });
        stream.Publish("c", "Nats-TTL: 1")!.ShouldContain("\"err_code\":10166");
        stream.Publish("d");
        stream.Pass(100);
        stream.Held.ShouldBe("1:a 3:d");
    }

    [Fact]
    public void AnotherConfigurationCountsFromThenOn()
    {
        using var stream = new LedStream(Own);
        stream.Publish("a", "Nats-TTL: 5");
        stream.Publish("b");
        stream.Update(configuration => configuration with { MaxAge = 20 * LedStream.Second, Description = "aged" });
        stream.Pass(5);
        stream.Held.ShouldBe("2:b");
        stream.Pass(15);
        stream.Held.ShouldBe("");
    }

    /// <summary>Messages that were replaced before their time do not add up.</summary>
    [Fact]
    public void WhatIsGoneIsForgotten()
    {
        using var stream = new LedStream(Own with { MaxMessagesPerSubject = 1 });
        for (var i = 0; i < 20_000; i++) stream.Publish($"key.{i % 10}", "Nats-TTL: 1h");
        stream.State.Messages.ShouldBe(10UL);
        stream.Replica.Expiry.Count.ShouldBeLessThan(1100);
        stream.Pass(3600);
        stream.State.Messages.ShouldBe(0UL);
    }

    [Fact]
    public void ManyAtOnceGoInPieces()
    {
        using var stream = new LedStream(Own);
        for (var i = 0; i < 25_000; i++) stream.Publish("a", "Nats-TTL: 1");
        stream.Now++;
        stream.Leader.Tick(stream.Nanoseconds, stream);
        stream.State.Messages.ShouldBe(15_000UL);
        stream.Leader.NextTick!.Value.ShouldBeLessThanOrEqualTo(stream.Nanoseconds);
        stream.Pass(0);
        stream.State.Messages.ShouldBe(0UL);
    }
}
