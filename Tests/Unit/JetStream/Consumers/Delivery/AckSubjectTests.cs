using System.Text;
using NatsAspire.Server.JetStream.Consumers.Delivery;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Delivery;

public sealed class AckSubjectTests
{
    [Theory]
    [InlineData("$JS.ACK.ORD.c1.1.2.3.1700000000000000000.5", "ORD", "c1", 1UL, 2UL, 3UL, 1700000000000000000, 5UL)]
    [InlineData("$JS.ACK._.AAAAAAAA.ORD.c1.1.2.3.4.5", "ORD", "c1", 1UL, 2UL, 3UL, 4L, 5UL)]
    [InlineData("$JS.ACK.hub.AAAAAAAA.ORD.c1.1.2.3.4.5.token", "ORD", "c1", 1UL, 2UL, 3UL, 4L, 5UL)]
    [InlineData("$JS.ACK.hub.AAAAAAAA.ORD.c1.1.2.3.4.5.more.tokens.6", "ORD", "c1", 1UL, 2UL, 3UL, 4L, 5UL)]
    [InlineData("$JS.ACK.ORD.c1.x..-3.4a.", "ORD", "c1", ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, -1L, ulong.MaxValue)]
    public void Both_versions_are_read(string subject, string stream, string consumer, ulong delivered, ulong streamSequence, ulong sequence, long timestamp, ulong pending)
    {
        AckSubject.TryParse(Encoding.UTF8.GetBytes(subject), out var parsed).ShouldBeTrue();
        Encoding.UTF8.GetString(parsed.Stream).ShouldBe(stream);
        Encoding.UTF8.GetString(parsed.Consumer).ShouldBe(consumer);
        parsed.Delivered.ShouldBe(delivered);
        parsed.StreamSequence.ShouldBe(streamSequence);
        parsed.ConsumerSequence.ShouldBe(sequence);
        parsed.Timestamp.ShouldBe(timestamp);
        parsed.Pending.ShouldBe(pending);
    }

    [Theory]
    [InlineData("")]
    [InlineData("$JS.ACK.")]
    [InlineData("$JS.ACK")]
    [InlineData("$JS.ACK.ORD.c1.1.2.3.4")]
    [InlineData("$JS.ACK.ORD.c1.1.2.3.4.5.6")]
    [InlineData("$JS.ACX.ORD.c1.1.2.3.4.5")]
    [InlineData("a.$JS.ACK.c1.1.2.3.4.5")]
    public void Others_are_not(string subject) => AckSubject.TryParse(Encoding.UTF8.GetBytes(subject), out _).ShouldBeFalse();

    [Fact]
    public void What_is_written_is_read()
    {
        foreach (var prefix in new[] { AckSubject.Prefix("S", "C"), AckSubject.Prefix(null, "hash1234", "S", "C"), AckSubject.Prefix("hub", "hash1234", "S", "C") })
        {
            var buffer = new byte[prefix.Length + AckSubject.MaxNumbersLength];
            var length = AckSubject.Format(buffer, prefix, long.MaxValue, 2, long.MaxValue, long.MaxValue, long.MaxValue);
            AckSubject.TryParse(buffer.AsSpan(0, length), out var parsed).ShouldBeTrue();
            parsed.Delivered.ShouldBe((ulong)long.MaxValue);
            parsed.StreamSequence.ShouldBe(2UL);
            parsed.Timestamp.ShouldBe(long.MaxValue);
            AckSubject.Format(buffer, prefix, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, long.MinValue, ulong.MaxValue).ShouldBe(buffer.Length);
        }
        var text = new byte[200];
        Encoding.UTF8.GetString(text, 0, AckSubject.Format(text, AckSubject.Prefix("ORD", "c1"), 1, 2, 3, 4, 0)).ShouldBe("$JS.ACK.ORD.c1.1.2.3.4.0");
        Encoding.UTF8.GetString(text, 0, AckSubject.Format(text, AckSubject.Prefix(null, "h", "ORD", "c1"), 1, 2, 3, 4, 0)).ShouldBe("$JS.ACK._.h.ORD.c1.1.2.3.4.0");
    }
}
