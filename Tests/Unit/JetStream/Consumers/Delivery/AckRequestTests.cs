using System.Text;
using NatsAspire.Server.JetStream.Consumers.Delivery;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Delivery;

public sealed class AckRequestTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData("", AckKind.Ack, "")]
    [InlineData("+ACK", AckKind.Ack, "")]
    [InlineData("+OK", AckKind.Ack, "")]
    [InlineData("+ACK ", AckKind.Unknown, "")]
    [InlineData("hello", AckKind.Unknown, "")]
    [InlineData("-NA", AckKind.Unknown, "")]
    [InlineData("+WPI", AckKind.Progress, "")]
    [InlineData("+WPI!", AckKind.Unknown, "")]
    [InlineData("+NXT", AckKind.Next, "")]
    [InlineData("+NXT 5", AckKind.Next, " 5")]
    [InlineData("+NXT{\"batch\":2}", AckKind.Next, "{\"batch\":2}")]
    [InlineData("+TERM", AckKind.Terminate, "")]
    [InlineData("+TERM  no good \r\n", AckKind.Terminate, "no good")]
    [InlineData("-NAK \t", AckKind.Nak, "")]
    public void Words_are_known(string payload, AckKind kind, string argument)
    {
        var request = AckRequest.Parse(Encoding.UTF8.GetBytes(payload));
        request.Kind.ShouldBe(kind);
        Encoding.UTF8.GetString(request.Argument).ShouldBe(argument);
        request.Delay.ShouldBeNull();
        request.IsDelayBad.ShouldBeFalse();
    }

    [Theory]
    [InlineData("-NAK {\"delay\": 5000000000}", 5 * Second)]
    [InlineData("-NAK{\"DELAY\":1,\"other\":[]}", 1L)]
    [InlineData("-NAK {}", 0L)]
    [InlineData("-NAK 2s", 2 * Second)]
    [InlineData("-NAK1m30s", 90 * Second)]
    [InlineData("-NAK -1s", -Second)]
    [InlineData("-NAK 10", null)]
    [InlineData("-NAK {\"delay\":\"1s\"}", null)]
    [InlineData("-NAK {\"delay\":1", null)]
    [InlineData("-NAK soon", null)]
    public void Delays_are_read(string payload, long? delay)
    {
        var request = AckRequest.Parse(Encoding.UTF8.GetBytes(payload));
        request.Kind.ShouldBe(AckKind.Nak);
        request.Delay.ShouldBe(delay);
        request.IsDelayBad.ShouldBe(delay is null);
    }
}
