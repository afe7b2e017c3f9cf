using System.Numerics;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Publishing;

public sealed class PublishHeadersTests
{
    [Fact]
    public void EveryHeaderIsFound()
    {
        var names = new[]
        {
            "Nats-Msg-Id", "Nats-Expected-Stream", "Nats-Expected-Last-Msg-Id", "Nats-Expected-Last-Subject-Sequence-Subject", "Nats-Rollup", "Nats-TTL",
            "Nats-Incr", "Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit", "Nats-Schedule", "Nats-Schedule-Time-Zone", "Nats-Schedule-TTL",
            "Nats-Schedule-Rollup", "Nats-Schedule-Target", "Nats-Schedule-Source", "Nats-Scheduler", "Nats-Schedule-Next", "Nats-Stream-Source", "Nats-Required-Api-Level",
        };
        var block = "NATS/1.0\r\nX: y\r\n" + string.Concat(names.Select((name, index) => $"{name}:  v{index} \r\n{name}: second\r\n"))
            + "Nats-Expected-Last-Sequence: 5\r\nNats-Expected-Last-Subject-Sequence: 6\r\n\r\n";
        var headers = new PublishHeaders(Encoding.UTF8.GetBytes(block));
        var values = new List<string>();
        Add(headers.MessageId);
        Add(headers.ExpectedStream);
        Add(headers.ExpectedLastMessageId);
        Add(headers.ExpectedLastSubject);
        Add(headers.Rollup);
        Add(headers.Ttl);
        Add(headers.Increment);
        Add(headers.BatchId);
        Add(headers.BatchSequence);
        Add(headers.BatchCommit);
        Add(headers.Schedule);
        Add(headers.ScheduleTimeZone);
        Add(headers.ScheduleTtl);
        Add(headers.ScheduleRollup);
        Add(headers.ScheduleTarget);
        Add(headers.ScheduleSource);
        Add(headers.Scheduler);
        Add(headers.ScheduleNext);
        Add(headers.StreamSource);
        Add(headers.RequiredLevel);
        values.ShouldBe(names.Select((_, index) => $"v{index}"));
        headers.ExpectedLastSequence.ShouldBe(5UL);
        headers.ExpectedLastSubjectSequence.ShouldBe(6UL);
        headers.HasExpectations.ShouldBeTrue();

        void Add(ReadOnlySpan<byte> value) => values.Add(Encoding.UTF8.GetString(value));
    }

    [Fact]
    public void OthersAreNotSeen()
    {
        new PublishHeaders("NATS/1.0\r\nnats-msg-id: a\r\nX-Nats-TTL: 1s\r\nNats-TTLX: 1\r\nNats-Trace-Dest: d\r\n\r\nNats-TTL: 1s\r\n"u8).IsEmpty.ShouldBeTrue();
        new PublishHeaders(default).IsEmpty.ShouldBeTrue();
        new PublishHeaders("NATS/1.0\r\nNats-Expected-Last-Sequence: x\r\n\r\n"u8).ExpectedLastSequence.ShouldBe(ulong.MaxValue);
        new PublishHeaders("NATS/1.0\r\n\r\n"u8).ExpectedLastSequence.ShouldBeNull();
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("10", 10)]
    [InlineData("00", 0)]
    [InlineData("10s", 10)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5s", 1)]
    [InlineData("1000ms", 1)]
    [InlineData("NeVer", -1)]
    [InlineData("1000000\u00b5s", 1)]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLNeverExpire")]
    public void TimesToLiveAreRead(string text, long seconds)
    {
        PublishHeaders.TryParseTtl(Encoding.UTF8.GetBytes(text), out var read).ShouldBeTrue();
        read.ShouldBe(seconds);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("500ms")]
    [InlineData("-5s")]
    [InlineData("bogus")]
    [InlineData("10x")]
    [InlineData("s")]
    [InlineData(".s")]
    [InlineData("1s ")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999999999h")]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLInvalid")]
    public void OthersAreRefused(string text) => PublishHeaders.TryParseTtl(Encoding.UTF8.GetBytes(text), out _).ShouldBeFalse();

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLDisabled")]
    public void TimesToLiveMustBeAllowed()
    {
        var headers = new PublishHeaders("NATS/1.0\r\nNats-TTL: 1s\r\n\r\n"u8);
        PublishRules.CheckTtl(headers, new StreamConfiguration(), out _).ShouldBe(JetStreamErrors.JSMessageTTLDisabledErr);
        PublishRules.CheckTtl(headers, new StreamConfiguration { AllowMessageTtl = true }, out var seconds).ShouldBeNull();
        seconds.ShouldBe(1);
    }

    [Theory]
    [InlineData("+5", "5")]
    [InlineData("-2", "-2")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("abc", null)]
    [InlineData("1.5", null)]
    [InlineData("1_000", null)]
    [InlineData("+", null)]
    public void IncrementsAreRead(string text, string? value)
    {
        var headers = new PublishHeaders(Encoding.UTF8.GetBytes($"NATS/1.0\r\nNats-Incr: {text}\r\n\r\n"));
        headers.TryGetIncrement(out var read).ShouldBe(value is not null);
        if (value is not null) read.ShouldBe(BigInteger.Parse(value));
    }

    [Fact]
    public void HugeIncrementsAreRefused() =>
        new PublishHeaders(Encoding.UTF8.GetBytes($"NATS/1.0\r\nNats-Incr: {new string('9', PublishHeaders.MaxIncrementLength + 1)}\r\n\r\n")).TryGetIncrement(out _).ShouldBeFalse();

    [Theory]
    [InlineData("1ns", 1)]
    [InlineData("-1.000000001s", -1_000_000_001)]
    [InlineData("0", 0)]
    [InlineData("+1m.5s", 60_500_000_000)]
    [InlineData("2562047h47m16.854775807s", long.MaxValue)]
    [InlineData("-2562047h47m16.854775808s", long.MinValue)]
    [InlineData("0.3333333333333333333h", 1_200_000_000_000)]
    public void DurationsAreExact(string text, long nanoseconds)
    {
        GoDuration.TryParse(Encoding.UTF8.GetBytes(text), out var read).ShouldBeTrue();
        read.ShouldBeInRange(nanoseconds - (text.Contains("333", StringComparison.Ordinal) ? 1 : 0), nanoseconds);
    }

    [Fact]
    public void ReadingAllocatesNothing()
    {
        var block = "NATS/1.0\r\nX: y\r\nNats-Msg-Id: 12345\r\nNats-Expected-Last-Sequence: 77\r\nNats-TTL: 1h\r\n\r\n"u8.ToArray();
        Read(block);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Read(block);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000);

        static long Read(byte[] block)
        {
            var headers = new PublishHeaders(block);
            PublishHeaders.TryParseTtl(headers.Ttl, out var seconds);
            return seconds + headers.MessageId.Length + (long)(headers.ExpectedLastSequence ?? 0);
        }
    }
}
