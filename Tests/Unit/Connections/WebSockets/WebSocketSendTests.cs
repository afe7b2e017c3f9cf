using System.Text;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections.WebSockets;

/// <summary>Making frames.</summary>
public sealed class WebSocketSendTests
{
    private const int BrowserLimit = 4096;

    [Theory]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65535)]
    [InlineData(65536)]
    [Upstream("websocket_test.go", "TestWSFrameOutbound")]
    [Upstream("websocket_test.go", "TestWSCreateFrameHeader")]
    public void AMessageIsOneFrame(int size)
    {
        foreach (var masks in new[] { false, true })
        {
            var data = Noise(size);
            var frame = Sent(new WebSocketMode { Masks = masks }, data).ShouldHaveSingleItem();
            (frame.Opcode, frame.Final, frame.Compressed, frame.Masked).ShouldBe((TestFrames.Binary, true, false, masks));
            frame.Payload.ShouldBe(data);
        }
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSNoCorruptionWithFrameSizeLimit")]
    public void BrowsersGetSmallMessages()
    {
        var data = Noise(3 * BrowserLimit + 10);
        var frames = Sent(new WebSocketMode { FrameLimit = BrowserLimit }, data);
        frames.Select(frame => (frame.Opcode, frame.Final, frame.Payload.Length))
            .ShouldBe([(TestFrames.Binary, true, BrowserLimit), (TestFrames.Binary, true, BrowserLimit), (TestFrames.Binary, true, BrowserLimit), (TestFrames.Binary, true, 10)]);
        frames.SelectMany(frame => frame.Payload).ShouldBe(data);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("websocket_test.go", "TestWSCompressionFrameSizeLimit")]
    [Upstream("websocket_test.go", "TestWSCompressionBasic")]
    public void OnlyTheFirstFrameOfACompressedMessageSaysSo(bool masks)
    {
        var data = Text(60_000);
        var frames = Sent(new WebSocketMode { Compression = true, FrameLimit = BrowserLimit, Masks = masks }, data);
        frames.Count.ShouldBeGreaterThan(1);
        frames.Select(frame => frame.Opcode).ShouldBe([TestFrames.Binary, .. Enumerable.Repeat(TestFrames.Continuation, frames.Count - 1)]);
        frames.Select(frame => frame.Compressed).ShouldBe([true, .. Enumerable.Repeat(false, frames.Count - 1)]);
        frames.Select(frame => frame.Final).ShouldBe([.. Enumerable.Repeat(false, frames.Count - 1), true]);
        frames.ShouldAllBe(frame => frame.Payload.Length <= BrowserLimit && frame.Masked == masks);
        TestFrames.Inflate([.. frames.SelectMany(frame => frame.Payload)]).ShouldBe(data);
    }

    [Fact]
    public void ForSafariACompressedMessageIsOneFrame()
    {
        var data = Text(60_000);
        var frame = Sent(new WebSocketMode { Compression = true, FrameLimit = BrowserLimit, SplitsCompressed = false }, data).ShouldHaveSingleItem();
        (frame.Compressed, frame.Final).ShouldBe((true, true));
        TestFrames.Inflate(frame.Payload).ShouldBe(data);
    }

    [Fact]
    public void WhatIsSmallOrDoesNotShrinkIsSentAsItIs()
    {
        var mode = new WebSocketMode { Compression = true };
        Sent(mode, new byte[64]).ShouldHaveSingleItem().Compressed.ShouldBeFalse();
        Sent(mode, new byte[65]).ShouldHaveSingleItem().Compressed.ShouldBeTrue();
        var noise = Noise(5000);
        var frame = Sent(mode, noise).ShouldHaveSingleItem();
        frame.Compressed.ShouldBeFalse();
        frame.Payload.ShouldBe(noise);
    }

    [Fact]
    public void EveryMessageDecompressesByItself()
    {
        var frames = Sent(new WebSocketMode { Compression = true }, Text(3000), Text(3000));
        frames.Count.ShouldBe(2);
        foreach (var frame in frames) TestFrames.Inflate(frame.Payload).ShouldBe(Text(3000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("websocket_test.go", "TestWSWithPartialWrite")]
    [Upstream("websocket_test.go", "TestWSCompressionWithPartialWrite")]
    public void NothingIsLostOverAChannelThatTakesLittle(bool compression)
    {
        using var below = new ScriptedChannel { Room = 0 };
        using var channel = new WebSocketChannel(below, new WebSocketMode { Compression = compression, FrameLimit = BrowserLimit });
        var data = Text(200_000);
        var offset = 0;
        while (offset < data.Length || channel.HasUnsent)
        {
            below.Room = 700;
            var sent = channel.Send(data.AsSpan(offset));
            if (sent > 0) offset += sent;
            else sent.ShouldBeOneOf(ByteChannel.WouldBlock, 0);
        }
        var text = new List<byte>();
        var message = new List<byte>();
        var compressed = false;
        foreach (var frame in TestFrames.ReadAll(below.Sent))
        {
            if (frame.Opcode == TestFrames.Binary) compressed = frame.Compressed;
            message.AddRange(frame.Payload);
            if (!frame.Final) continue;
            text.AddRange(compressed ? TestFrames.Inflate([.. message]) : [.. message]);
            message.Clear();
        }
        text.ShouldBe(data);
    }

    [Theory]
    [InlineData(CloseReason.ClientClosed, 1000)]
    [InlineData(CloseReason.AuthenticationViolation, 1008)]
    [InlineData(CloseReason.SlowConsumerPendingBytes, 1008)]
    [InlineData(CloseReason.MaxSubscriptionsExceeded, 1008)]
    [InlineData(CloseReason.TlsHandshakeError, 1015)]
    [InlineData(CloseReason.ParseError, 1002)]
    [InlineData(CloseReason.ProtocolViolation, 1002)]
    [InlineData(CloseReason.MaxPayloadExceeded, 1009)]
    [InlineData(CloseReason.StaleConnection, 1001)]
    [InlineData(CloseReason.ServerShutdown, 1001)]
    [InlineData(CloseReason.WrongPort, 1011)]
    [Upstream("websocket_test.go", "TestWSEnqueueCloseMsg")]
    public void AReasonToCloseHasItsStatus(CloseReason reason, int status)
    {
        using var below = new ScriptedChannel();
        var channel = new WebSocketChannel(below, new WebSocketMode());
        channel.Closing(reason);
        channel.Dispose();
        TestFrames.ReadAll(below.Sent).ShouldHaveSingleItem().Close.ShouldBe((status, reason.Text()));
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSCreateCloseMessage")]
    public void ACloseTextThatIsTooLongEndsWithDots()
    {
        var fits = CloseFrame.Create(1011, "ABCDEFGHIJ");
        Encoding.UTF8.GetString(fits.AsSpan(2)).ShouldBe("ABCDEFGHIJ");
        var cut = CloseFrame.Create(1002, new string('A', 135));
        cut.Length.ShouldBe(125);
        Encoding.UTF8.GetString(cut.AsSpan(2)).ShouldBe(new string('A', 120) + "...");
        var wide = CloseFrame.Create(1002, "A" + new string('ä', 100));
        wide.Length.ShouldBeLessThanOrEqualTo(125);
        Encoding.UTF8.GetString(wide.AsSpan(2)).ShouldBe("A" + new string('ä', 59) + "...");
    }

    private static List<TestFrame> Sent(WebSocketMode mode, params byte[][] messages)
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, mode);
        foreach (var message in messages)
        {
            for (var rest = message; rest.Length > 0;) rest = rest[channel.Send(rest)..];
        }
        return TestFrames.ReadAll(below.Sent);
    }

    private static byte[] Noise(int size)
    {
        var data = new byte[size];
        new Random(5).NextBytes(data);
        return data;
    }

    /// <summary>Compresses to about a half.</summary>
    private static byte[] Text(int size)
    {
        var random = new Random(6);
        return [.. Enumerable.Range(0, size).Select(_ => (byte)('a' + random.Next(12)))];
    }
}
