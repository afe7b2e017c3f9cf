using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Tests.Unit.Primitives.S2;

public sealed class S2BlockTests
{
    [Fact]
    public void EveryBlockOfTheGoEncoderIsDecoded()
    {
        var count = 0;
        foreach (var name in S2Samples.Names)
        {
            foreach (var (kind, block) in S2Samples.Encodings(name, "block_"))
            {
                S2Block.Decode(block, int.MaxValue).ShouldBe(S2Samples.Data(name), $"{name} {kind}");
                count++;
            }
        }
        count.ShouldBeGreaterThan(45);
    }

    [Fact]
    public void WhatTheGoDecoderRefusesIsRefused()
    {
        foreach (var sample in S2Samples.InvalidBlocks)
        {
            var block = Convert.FromHexString(sample.GetProperty("hex").GetString()!);
            if (sample.GetProperty("error").ValueKind == System.Text.Json.JsonValueKind.Null) S2Block.Decode(block, 100).ShouldBeEmpty();
            else Should.Throw<InvalidDataException>(() => S2Block.Decode(block, int.MaxValue), Convert.ToHexString(block));
        }
    }

    [Theory]
    [InlineData(S2Effort.None)]
    [InlineData(S2Effort.Fast)]
    [InlineData(S2Effort.Better)]
    [InlineData(S2Effort.Best)]
    public void WhatIsEncodedIsDecodedToTheSame(S2Effort effort)
    {
        foreach (var input in S2Samples.Inputs())
        {
            var block = S2Block.Encode(input, effort);
            block.Length.ShouldBeLessThanOrEqualTo(S2Block.MaxEncodedLength(input.Length));
            S2Block.Decode(block, int.MaxValue).AsSpan().SequenceEqual(input).ShouldBeTrue($"{input.Length} bytes");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomMixturesAreDecodedToTheSame(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var input = new List<byte>();
            for (var part = random.Next(1, 12); part > 0; part--)
            {
                var length = random.Next(1, 1 << random.Next(1, 16));
                if (input.Count > 0 && random.Next(2) == 0)
                {
                    // A copy from anywhere before, maybe over its own end.
                    var from = random.Next(input.Count);
                    for (var i = 0; i < length; i++) input.Add(input[from + i]);
                }
                else input.AddRange(random.Next(2) == 0 ? S2Samples.Noise(length, seed) : new byte[length]);
            }
            var data = input.ToArray();
            foreach (var effort in Enum.GetValues<S2Effort>())
            {
                S2Block.Decode(S2Block.Encode(data, effort), data.Length).AsSpan().SequenceEqual(data).ShouldBeTrue($"seed {seed}, round {round}, {data.Length} bytes, {effort}");
            }
        }
    }

    [Fact]
    public void TextShrinks()
    {
        var text = S2Samples.Words(100_000, 7);
        S2Block.Encode(text).Length.ShouldBeLessThan(text.Length / 2);
        S2Block.Encode(new byte[1_000_000]).Length.ShouldBeLessThan(50);
    }

    [Fact]
    public void EffortPays()
    {
        byte[][] texts =
        [
            S2Samples.Words(60_000, 7),
            Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 400).Select(i => $"RMSG A orders.{i % 7}.{i * 7919 % 1000} 60\r\n{{\"id\":{i * 31},\"name\":\"customer {i % 13}\",\"total\":{i * 17.25}}}\r\n"))),
        ];
        foreach (var text in texts)
        {
            var (fast, better, best) = (Length(S2Effort.Fast), Length(S2Effort.Better), Length(S2Effort.Best));
            better.ShouldBeLessThan(fast * 95 / 100);
            best.ShouldBeLessThan(better);
            Length(S2Effort.None).ShouldBeGreaterThan(text.Length);

            int Length(S2Effort effort) => S2Block.Encode(text, effort).Length;
        }
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public void DamagedBlocksNeverDoHarm(int seed)
    {
        var random = new Random(seed);
        var blocks = S2Samples.Names.SelectMany(name => S2Samples.Encodings(name, "block_")).Select(encoding => encoding.Bytes).Where(block => block.Length is > 0 and < 5000).ToArray();
        var target = new byte[1 << 17];
        for (var round = 0; round < 30_000; round++)
        {
            var block = blocks[random.Next(blocks.Length)].ToArray();
            for (var i = random.Next(1, 4); i > 0; i--) block[random.Next(block.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) block = block[..random.Next(block.Length)];
            try
            {
                if (S2Block.TryDecode(block, target, out var written)) written.ShouldBeLessThanOrEqualTo(target.Length);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}: {Convert.ToHexString(block)}: {error}");
            }
        }
    }

    [Fact]
    public void AnAnnouncedLengthTakesNoMemory()
    {
        byte[] liar = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x61];
        S2Block.TryGetDecodedLength(liar, out var length).ShouldBeTrue();
        length.ShouldBe(int.MaxValue);
        Should.Throw<InvalidDataException>(() => S2Block.Decode(liar, int.MaxValue));
        Should.Throw<InvalidDataException>(() => S2Block.Decode(S2Block.Encode(new byte[1000]), 999));
        S2Block.TryGetDecodedLength([0x80, 0x80, 0x80, 0x80, 0x10], out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("a", 0xC1D04330u)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x22620404u)]
    public void ChecksumsAreCastagnolis(string text, uint expected) => Crc32C.Compute(Encoding.ASCII.GetBytes(text)).ShouldBe(expected);
}
