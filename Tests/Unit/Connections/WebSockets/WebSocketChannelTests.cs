using System.Text;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections.WebSockets;

/// <summary>Reading frames.</summary>
public sealed class WebSocketChannelTests
{
    private static readonly WebSocketMode Compressing = new() { Compression = true, MessageLimit = 100_000 };

    [Fact]
    [Upstream("websocket_test.go", "TestWSReadUncompressedFrames")]
    [Upstream("websocket_test.go", "TestWSReadPartialFrameHeaderAtEndOfReadBuffer")]
    [Upstream("websocket_test.go", "TestWSUnmask")]
    [Upstream("websocket_test.go", "TestWSGet")]
    public void FramesComeOutWhereverTheyAreSplit()
    {
        byte[] input =
        [
            .. TestFrames.Of("first"), .. TestFrames.Of(""), .. TestFrames.Of("ping me", TestFrames.Ping),
            .. TestFrames.Of(new string('x', 200)), .. TestFrames.Of("text", TestFrames.Text),
        ];
        var expected = "first" + new string('x', 200) + "text";
        for (var split = 0; split <= input.Length; split++) Read(new WebSocketMode(), input[..split], input[split..]).ShouldBe(expected, $"split at {split}");
        Read(new WebSocketMode(), [.. input.Select(one => new[] { one })]).ShouldBe(expected, "byte by byte");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1000)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(70000)]
    [Upstream("websocket_test.go", "TestWSReadVariousFrameSizes")]
    public void EverySizeOfLengthFieldIsUnderstood(int size)
    {
        var text = string.Concat(Enumerable.Range(0, size).Select(i => (char)('A' + i % 26)));
        Read(new WebSocketMode(), TestFrames.Of(text)).ShouldBe(text);
        Read(new WebSocketMode { RequiresMask = false }, TestFrames.Of(text, masked: false)).ShouldBe(text);
        Read(Compressing, TestFrames.Of(TestFrames.Deflate(text), compressed: true)).ShouldBe(text);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSReadFragmentedFrames")]
    [Upstream("websocket_test.go", "TestWSReadControlFrameBetweebFragmentedFrames")]
    public void FragmentsAndControlFramesBetweenThem()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give(
            TestFrames.Of("first", final: false), TestFrames.Of("between", TestFrames.Ping), TestFrames.Of("second", TestFrames.Continuation, final: false),
            TestFrames.Of("third", TestFrames.Continuation), TestFrames.Of("next"));
        var (bytes, last) = ScriptedChannel.Drain(channel);
        Encoding.ASCII.GetString(bytes).ShouldBe("firstsecondthirdnext");
        last.ShouldBe(ByteChannel.WouldBlock);
        var pong = TestFrames.ReadAll(below.Sent).ShouldHaveSingleItem();
        (pong.Opcode, pong.Final, pong.Masked, pong.Text).ShouldBe((TestFrames.Pong, true, false, "between"));
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSCompressedFragmentedFrame")]
    [Upstream("websocket_test.go", "TestWSCompressedFragmentsDoNotShareNbPoolBuffer")]
    [Upstream("websocket_test.go", "TestWSReadByteWithEmptyCompressedBufferDoesNotPanic")]
    public void CompressedMessagesComeOutWhereverTheyAreSplit()
    {
        var noise = string.Concat(Enumerable.Range(0, 300).Select(i => (char)('a' + i * 7919 % 26)));
        var message = TestFrames.Deflate(noise);
        byte[] input =
        [
            .. TestFrames.Of("plain "), .. TestFrames.Of(message[..20], final: false, compressed: true), .. TestFrames.Of("", TestFrames.Pong),
            .. TestFrames.Of("", TestFrames.Continuation, final: false), .. TestFrames.Of(message[20..], TestFrames.Continuation),
            .. TestFrames.Of(TestFrames.Deflate("PING\r\n"), compressed: true), .. TestFrames.Of(" plain"),
        ];
        var expected = $"plain {noise}PING\r\n plain";
        for (var split = 0; split <= input.Length; split++) Read(Compressing, input[..split], input[split..]).ShouldBe(expected, $"split at {split}");
        Read(Compressing, [.. input.Select(one => new[] { one })]).ShouldBe(expected, "byte by byte");
        for (var buffer = 1; buffer < 40; buffer++)
        {
            using var below = new ScriptedChannel();
            using var channel = new WebSocketChannel(below, Compressing);
            below.Give(input);
            Encoding.ASCII.GetString(ScriptedChannel.Drain(channel, buffer).Bytes).ShouldBe(expected, $"buffer of {buffer}");
        }
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSReadPingFrame")]
    [Upstream("websocket_test.go", "TestWSReadPongFrame")]
    public void APingIsAnsweredAndAPongIsNot()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give(TestFrames.Of("", TestFrames.Ping), TestFrames.Of(new string('p', 125), TestFrames.Ping), TestFrames.Of("x", TestFrames.Pong));
        ScriptedChannel.Drain(channel).Bytes.ShouldBeEmpty();
        TestFrames.ReadAll(below.Sent).Select(frame => (frame.Opcode, frame.Text)).ShouldBe([(TestFrames.Pong, ""), (TestFrames.Pong, new string('p', 125))]);
    }

    [Fact]
    public void PingsOfAPeerThatDoesNotReadCostBoundedMemory()
    {
        using var below = new ScriptedChannel { Room = 0 };
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        var ping = TestFrames.Of(new string('p', 125), TestFrames.Ping);
        for (var i = 0; i < 10_000; i++) below.Give(ping);
        ScriptedChannel.Drain(channel);
        channel.HasUnsent.ShouldBeTrue();
        below.Room = int.MaxValue;
        channel.Send(default).ShouldBe(0);
        channel.HasUnsent.ShouldBeFalse();
        TestFrames.ReadAll(below.Sent).Count.ShouldBeInRange(100, 3000);
    }

    [Theory]
    [InlineData(1000, "bye")]
    [InlineData(1001, "")]
    [InlineData(3000, "own")]
    [InlineData(4999, "own")]
    [Upstream("websocket_test.go", "TestWSReadCloseFrame")]
    [Upstream("websocket_test.go", "TestWSCloseFrameWithPartialOrInvalid")]
    public void ACloseIsAnsweredWithItsStatus(int status, string text)
    {
        using var below = new ScriptedChannel();
        var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give([.. TestFrames.Of("before"), .. TestFrames.OfClose(status, text), .. TestFrames.Of("after")]);
        var (bytes, last) = ScriptedChannel.Drain(channel);
        (Encoding.ASCII.GetString(bytes), last, channel.Fault).ShouldBe(("before", 0, null));
        channel.Closing(CloseReason.ClientClosed);
        channel.Dispose();
        below.IsDisposed.ShouldBeTrue();
        var close = TestFrames.ReadAll(below.Sent).ShouldHaveSingleItem();
        (close.Opcode, close.Close).ShouldBe((TestFrames.Close, (status, text)));
    }

    [Theory]
    [InlineData(new byte[] { }, new byte[] { })]
    [InlineData(new byte[] { 3 }, new byte[] { 0x03, 0xEA })] // 1002
    [InlineData(new byte[] { 0x03, 0xED }, new byte[] { 0x03, 0xEA })] // 1005 -> 1002
    [InlineData(new byte[] { 0x03, 0xEE }, new byte[] { 0x03, 0xEA })] // 1006
    [InlineData(new byte[] { 0x03, 0xF7 }, new byte[] { 0x03, 0xEA })] // 1015
    [InlineData(new byte[] { 0x07, 0xD0 }, new byte[] { 0x03, 0xEA })] // 2000
    [InlineData(new byte[] { 0x13, 0x88 }, new byte[] { 0x03, 0xEA })] // 5000
    [InlineData(new byte[] { 0x00, 0x00 }, new byte[] { 0x03, 0xEA })]
    [InlineData(new byte[] { 0x03, 0xE8, 0xF1, 0x20 }, new byte[] { 0x03, 0xEF })] // no UTF-8: 1007
    [Upstream("websocket_test.go", "TestWSHandleControlFrameErrors")]
    public void ABadCloseIsAnsweredWithAnother(byte[] payload, byte[] answer)
    {
        using var below = new ScriptedChannel();
        var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give(TestFrames.Of(payload, TestFrames.Close));
        ScriptedChannel.Drain(channel);
        channel.Closing(CloseReason.ClientClosed);
        channel.Dispose();
        var close = TestFrames.ReadAll(below.Sent).ShouldHaveSingleItem();
        close.Payload.Take(2).ShouldBe(answer);
    }

    public static TheoryData<byte[], string> Faults => new()
    {
        { TestFrames.Of("hello", masked: false), "mask bit missing" },
        { TestFrames.Of(new string('x', 200), TestFrames.Ping), "control frame length bigger than maximum allowed of 125 bytes" },
        { TestFrames.Of("hello", TestFrames.Ping, final: false), "control frame does not have final bit set" },
        { TestFrames.Of("hello", TestFrames.Close, final: false), "control frame does not have final bit set" },
        { TestFrames.Of("hello", TestFrames.Ping, compressed: true), "control frame must not be compressed" },
        { [.. TestFrames.Of("a", final: false), .. TestFrames.Of("b")], "new message started before final frame for previous message was received" },
        { TestFrames.Of("a", TestFrames.Continuation), "invalid continuation frame" },
        { [.. TestFrames.Of("a", final: false), .. TestFrames.Of("b", TestFrames.Continuation, compressed: true)], "invalid continuation frame" },
        { TestFrames.Of("a", 11), "unknown opcode 11" },
        { TestFrames.Of("a", 3), "unknown opcode 3" },
        { [0xA2, 0x80, 0, 0, 0, 0], "RSV2 and RSV3 must be clear" },
        { [0x92, 0x80, 0, 0, 0, 0], "RSV2 and RSV3 must be clear" },
        { [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "invalid 64-bit payload length" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    [Upstream("websocket_test.go", "TestWSReadErrors")]
    [Upstream("websocket_test.go", "TestWSReadHugePayloadLenDoesNotPanic")]
    [Upstream("websocket_test.go", "TestWSIsControlFrame")]
    public void BrokenFramesAreRefusedWithUpstreamsWords(byte[] frames, string fault)
    {
        using var below = new ScriptedChannel();
        var channel = new WebSocketChannel(below, Compressing);
        below.Give(frames);
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
        channel.Fault.ShouldBe(fault);
        channel.Closing(CloseReason.ReadError);
        channel.Dispose();
        TestFrames.ReadAll(below.Sent).ShouldHaveSingleItem().Close.ShouldBe((1002, fault));
    }

    [Fact]
    public void CompressionThatWasNotAgreedOnIsRefused()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give(TestFrames.Of(TestFrames.Deflate("x"), compressed: true));
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
        channel.Fault.ShouldBe("compressed frame received without negotiated permessage-deflate");
    }

    [Fact]
    public void AFrameMayAnnounceMoreThanThereIsMemory()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, (byte)'h', (byte)'i']);
        var (bytes, last) = ScriptedChannel.Drain(channel);
        (Encoding.ASCII.GetString(bytes), last).ShouldBe(("hi", ByteChannel.WouldBlock));
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSDecompressLimit")]
    public void ADeflateBombEndsAtTheLimit()
    {
        var bomb = TestFrames.Deflate(new byte[50_000_000]);
        bomb.Length.ShouldBeLessThan(100_000);
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, Compressing);
        below.Give(TestFrames.Of(bomb, compressed: true));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var buffer = new byte[4096];
        var total = 0;
        int count;
        while ((count = channel.Receive(buffer)) > 0) total += count;
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000_000);
        count.ShouldBe(ByteChannel.Failed);
        total.ShouldBeInRange(90_000, 110_000);
        channel.Fault.ShouldBe("maximum payload exceeded");
    }

    [Fact]
    public void ACompressedMessageThatNeverEndsStopsAtTheLimit()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, Compressing);
        // Empty stored blocks: input without output.
        byte[] nothing = [.. Enumerable.Range(0, 2000).SelectMany(_ => new byte[] { 0, 0, 0, 0xFF, 0xFF })];
        below.Give(TestFrames.Of(nothing, final: false, compressed: true));
        for (var i = 0; i < 20; i++) below.Give(TestFrames.Of(nothing, TestFrames.Continuation, final: false));
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
        channel.Fault.ShouldBe("maximum payload exceeded");
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSCorruptedCompressedFrameIsRejected")]
    public void CorruptCompressionIsRefused()
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, Compressing);
        var frame = TestFrames.Of(TestFrames.Deflate("PING\r\n"), compressed: true);
        frame[^1] ^= 0xFF;
        below.Give(frame);
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
        channel.Fault!.ShouldContain("corrupt");
    }

    [Fact]
    public void TheEndWithoutACloseIsAnEnd()
    {
        using var below = new ScriptedChannel { Ends = true };
        using var channel = new WebSocketChannel(below, new WebSocketMode());
        below.Give(TestFrames.Of("last words"));
        var (bytes, last) = ScriptedChannel.Drain(channel);
        (Encoding.ASCII.GetString(bytes), last).ShouldBe(("last words", 0));
    }

    private static string Read(WebSocketMode mode, params byte[][] pieces)
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, mode);
        below.Give([.. pieces.Where(piece => piece.Length > 0).Select(piece => piece.ToArray())]);
        var (bytes, last) = ScriptedChannel.Drain(channel);
        channel.Fault.ShouldBeNull();
        last.ShouldBe(ByteChannel.WouldBlock);
        return Encoding.ASCII.GetString(bytes);
    }
}
