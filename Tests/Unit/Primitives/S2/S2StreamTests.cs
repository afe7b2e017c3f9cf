using System.Text;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives.S2;

public sealed class S2StreamTests
{
    private static readonly byte[] Identifier = [0xFF, 6, 0, 0, .. "S2sTwO"u8];

    [Fact]
    public void EveryStreamOfTheGoEncoderIsDecoded()
    {
        var count = 0;
        foreach (var name in S2Samples.Names)
        {
            foreach (var (kind, stream) in S2Samples.Encodings(name, "stream_"))
            {
                Decode(stream, 64 * 1024).ShouldBe(S2Samples.Data(name), $"{name} {kind}");
                count++;
            }
        }
        count.ShouldBeGreaterThan(55);
    }

    [Theory]
    [InlineData("route-s2-fast")]
    [InlineData("route-s2-better")]
    [InlineData("route-s2-best")]
    [InlineData("route-s2-auto")]
    [InlineData("leaf-s2-fast")]
    [InlineData("leaf-s2-auto")]
    public void ConversationsOfRealServersAreDecoded(string capture)
    {
        var count = 0;
        foreach (var connection in Golden.Json("serverwire", capture + ".json").GetProperty("connections").EnumerateArray())
        {
            foreach (var side in new[] { "A", "B" })
            {
                if (!connection.TryGetProperty(side + "_s2_hex", out var hex)) continue;
                var decoded = Decode(Convert.FromHexString(hex.GetString()!), 4096);
                Encoding.Latin1.GetString(decoded).ShouldBe(connection.GetProperty(side + "_s2_decoded").GetString());
                count++;
            }
        }
        count.ShouldBeGreaterThan(1);
    }

    [Fact]
    public void AStreamMayBeSplitAnywhere()
    {
        var stream = S2Samples.Encodings("text-4500", "stream_flushed").Single().Bytes;
        var data = S2Samples.Data("text-4500");
        for (var split = 0; split <= stream.Length; split++) Decode([stream[..split], stream[split..]], 1000).ShouldBe(data);
        foreach (var output in new[] { 1, 7, 100, 10_000 }) Decode([.. stream.Select(one => new[] { one })], output).ShouldBe(data);
    }

    [Theory]
    [InlineData(S2Effort.Fast, 1024 * 1024)]
    [InlineData(S2Effort.Fast, 1000)]
    [InlineData(S2Effort.Better, 64 * 1024)]
    [InlineData(S2Effort.Best, 64 * 1024)]
    [InlineData(S2Effort.None, 64 * 1024)]
    public void WhatIsEncodedIsDecodedToTheSame(S2Effort effort, int blockSize)
    {
        var encoder = new S2Encoder(blockSize) { Effort = effort };
        var stream = new List<byte>();
        var all = new List<byte>();
        foreach (var input in S2Samples.Inputs().Where(input => input.Length < 1_000_000))
        {
            var target = new byte[encoder.MaxLength(input.Length)];
            stream.AddRange(target.AsSpan(0, encoder.Encode(input, target)));
            all.AddRange(input);
        }
        stream.Take(Identifier.Length).ShouldBe(Identifier);
        if (effort != S2Effort.None) stream.Count.ShouldBeLessThan(all.Count);
        Decode([.. stream], 64 * 1024).AsSpan().SequenceEqual(all.ToArray()).ShouldBeTrue();
    }

    [Fact]
    public void WholeValuesAsStreams()
    {
        foreach (var input in S2Samples.Inputs().Where(input => input.Length < 1_000_000))
        {
            S2Decoder.DecodeAll(S2Encoder.EncodeAll(input), input.Length).AsSpan().SequenceEqual(input).ShouldBeTrue();
        }
        foreach (var name in S2Samples.Names)
        {
            foreach (var (_, stream) in S2Samples.Encodings(name, "stream_")) S2Decoder.DecodeAll(stream, 1_000_000).ShouldBe(S2Samples.Data(name));
        }
        var encoded = S2Encoder.EncodeAll(new byte[1000]);
        Should.Throw<InvalidDataException>(() => S2Decoder.DecodeAll(encoded, 999));
        Should.Throw<InvalidDataException>(() => S2Decoder.DecodeAll(encoded.AsSpan(0, encoded.Length - 1), 1000));
        Should.Throw<InvalidDataException>(() => S2Decoder.DecodeAll(encoded.AsSpan(0, 12), 1000));
        S2Decoder.DecodeAll([], 0).ShouldBeEmpty();
    }

    [Fact]
    public void ChunksThatMeanNothingAreSkipped()
    {
        byte[] plain = [0x01, 5, 0, 0, 0x78, 0xEE, 0xE4, 0x28, (byte)'a'];
        byte[] sample = [.. S2Samples.Encodings("one", "stream_default").Single().Bytes];
        sample[10..].ShouldBe([0x01, 5, 0, 0, .. sample[14..18], (byte)'a']);
        plain = sample[10..];
        Decode([.. Identifier, 0xFE, 3, 0, 0, 1, 2, 3, 0x80, 0, 0, 0, 0x99, 1, 0, 0, 9, .. Identifier, .. plain, 0xFE, 0, 0, 0, .. plain], 100)
            .ShouldBe("aa"u8.ToArray());
        Decode([0xFF, 6, 0, 0, .. "sNaPpY"u8, .. plain], 100).ShouldBe("a"u8.ToArray());
    }

    [Theory]
    [InlineData("01050000", "no stream identifier")]
    [InlineData("ff050000", "stream identifier of another length")]
    [InlineData("ff06000053327354774e", "unknown stream identifier")]
    [InlineData("ff06000053327354774f02000000", "unsupported chunk type 0x02")]
    [InlineData("ff06000053327354774f7f000000", "unsupported chunk type 0x7f")]
    [InlineData("ff06000053327354774f00030000", "impossible length")]
    [InlineData("ff06000053327354774f00ffffff", "impossible length")]
    [InlineData("ff06000053327354774f010500000000000061", "checksum mismatch")]
    [InlineData("ff06000053327354774f000400000000000000000000", "block without a length")]
    [InlineData("ff06000053327354774f0009000000000000ffffff7f00", "block too large")]
    [InlineData("ff06000053327354774f0006000000000000050000", "damaged block")]
    public void DamageIsNamed(string hex, string error)
    {
        var caught = Should.Throw<InvalidDataException>(() => Decode(Convert.FromHexString(hex), 100));
        caught.Message.ShouldStartWith("s2: corrupt input: ");
        caught.Message.ShouldContain(error);
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public void DamagedStreamsNeverDoHarm(int seed)
    {
        var random = new Random(seed);
        var streams = S2Samples.Names.SelectMany(name => S2Samples.Encodings(name, "stream_")).Select(encoding => encoding.Bytes).Where(stream => stream.Length is > 0 and < 5000).ToArray();
        for (var round = 0; round < 5000; round++)
        {
            var stream = streams[random.Next(streams.Length)].ToArray();
            for (var i = random.Next(1, 4); i > 0; i--) stream[random.Next(stream.Length)] = (byte)random.Next(256);
            var split = random.Next(stream.Length + 1);
            try
            {
                Decode([stream[..split], stream[split..]], random.Next(1, 3000));
            }
            catch (InvalidDataException)
            {
                // What it is for.
                continue;
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}, split {split}: {Convert.ToHexString(stream)}: {error}");
            }
        }
    }

    [Fact]
    public void AnAnnouncedChunkTakesNoMemoryBeforeItComes()
    {
        using var decoder = new S2Decoder();
        var before = GC.GetAllocatedBytesForCurrentThread();
        decoder.Decode([.. Identifier, 0x01, 0, 0, 0x40, 1, 2, 3], new byte[10], out var consumed).ShouldBe(0);
        consumed.ShouldBe(Identifier.Length + 7);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(200_000);
        decoder.IsBetweenChunks.ShouldBeFalse();
    }

    internal static byte[] Decode(byte[] stream, int outputSize) => Decode([stream], outputSize);

    private static byte[] Decode(byte[][] pieces, int outputSize)
    {
        using var decoder = new S2Decoder();
        var output = new byte[outputSize];
        var all = new List<byte>();
        foreach (var piece in pieces)
        {
            var at = 0;
            int written;
            do
            {
                written = decoder.Decode(piece.AsSpan(at), output, out var consumed);
                at += consumed;
                all.AddRange(output.AsSpan(0, written));
            }
            while (written > 0 || at < piece.Length || decoder.HasDecoded);
        }
        return [.. all];
    }
}
