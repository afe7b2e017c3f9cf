using System.Text;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Primitives.S2;

namespace NatsAspire.Tests.Unit.Connections;

public sealed class S2ChannelTests
{
    [Fact]
    public void ADirectionIsPlainUntilItIsSwitched()
    {
        using var below = new ScriptedChannel();
        using var channel = new S2Channel(below);
        channel.Send("INFO {}\r\n"u8).ShouldBe(9);
        below.TakeSent().ShouldBe("INFO {}\r\n"u8.ToArray());
        below.Give("plain"u8.ToArray());
        Encoding.ASCII.GetString(ScriptedChannel.Drain(channel).Bytes).ShouldBe("plain");
        channel.StartSending();
        channel.Send("PING\r\n"u8).ShouldBe(6);
        below.TakeSent()[..10].ShouldBe([0xFF, 6, 0, 0, .. "S2sTwO"u8]);
        below.Give("still plain"u8.ToArray());
        Encoding.ASCII.GetString(ScriptedChannel.Drain(channel).Bytes).ShouldBe("still plain");
    }

    [Fact]
    public void TheEffortChangesBetweenChunks()
    {
        using var wire = new ScriptedChannel();
        using var sender = new S2Channel(wire);
        sender.StartSending(S2Effort.None);
        var data = S2Samples.Words(20_000, 3);
        var lengths = new List<int>();
        foreach (var effort in new[] { S2Effort.None, S2Effort.Fast, S2Effort.Best, S2Effort.None })
        {
            var before = wire.Sent.Length;
            sender.SetEffort(effort);
            sender.Send(data).ShouldBe(data.Length);
            lengths.Add(wire.Sent.Length - before);
        }
        lengths[0].ShouldBeGreaterThan(data.Length);
        lengths[1].ShouldBeLessThan(data.Length);
        lengths[2].ShouldBeLessThan(lengths[1]);
        lengths[3].ShouldBeGreaterThan(data.Length);
        S2Decoder.DecodeAll(wire.Sent, 100_000).ShouldBe([.. data, .. data, .. data, .. data]);
    }

    [Theory]
    [InlineData(S2Effort.Fast)]
    [InlineData(S2Effort.Better)]
    [InlineData(S2Effort.Best)]
    [InlineData(S2Effort.None)]
    public void TwoOfThemUnderstandEachOther(S2Effort effort)
    {
        using var wire = new ScriptedChannel();
        using var sender = new S2Channel(wire);
        sender.StartSending(effort);
        var data = S2Samples.Words(500_000, 3);
        for (var rest = data.AsSpan(); rest.Length > 0;) rest = rest[sender.Send(rest)..];
        var stream = wire.Sent;
        if (effort != S2Effort.None) stream.Length.ShouldBeLessThan(data.Length / 2);

        foreach (var early in new[] { 0, 5, 3000, stream.Length })
        {
            using var below = new ScriptedChannel { Ends = true };
            using var receiver = new S2Channel(below);
            receiver.StartReceiving(stream.AsSpan(0, early));
            receiver.HasBuffered.ShouldBe(early > 0);
            foreach (var piece in stream[early..].Chunk(1000)) below.Give(piece);
            var (bytes, last) = ScriptedChannel.Drain(receiver, 777);
            bytes.AsSpan().SequenceEqual(data).ShouldBeTrue();
            last.ShouldBe(0);
        }
    }

    [Fact]
    public void NothingIsLostOverAChannelThatTakesLittle()
    {
        using var below = new ScriptedChannel { Room = 0 };
        using var channel = new S2Channel(below);
        channel.StartSending();
        var data = S2Samples.Noise(200_000, 4);
        var offset = 0;
        while (offset < data.Length || channel.HasUnsent)
        {
            below.Room = 999;
            var sent = channel.Send(data.AsSpan(offset));
            if (sent > 0) offset += sent;
        }
        using var decoder = new S2Decoder();
        var decoded = new byte[data.Length + 1];
        decoder.Decode(below.Sent, decoded, out _).ShouldBe(data.Length);
        decoded[..^1].ShouldBe(data);
    }

    [Fact]
    public void DamageFailsWithAReason()
    {
        using var below = new ScriptedChannel();
        using var channel = new S2Channel(below);
        channel.StartReceiving();
        below.Give("PING\r\n"u8.ToArray());
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
        channel.Fault.ShouldBe("s2: corrupt input: no stream identifier");
        channel.Receive(new byte[10]).ShouldBe(ByteChannel.Failed);
    }

    [Fact]
    public void AnEndWithinAChunkIsDamage()
    {
        using var below = new ScriptedChannel { Ends = true };
        using var channel = new S2Channel(below);
        channel.StartReceiving();
        below.Give([0xFF, 6, 0, 0, .. "S2sTwO"u8, 0x01, 9, 0, 0, 1]);
        ScriptedChannel.Drain(channel).Last.ShouldBe(ByteChannel.Failed);
    }
}
