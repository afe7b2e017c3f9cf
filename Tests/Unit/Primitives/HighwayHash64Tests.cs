using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives;

/// <summary>Hashes as the Go server makes them.</summary>
public sealed class HighwayHash64Tests
{
    [Fact]
    public void All_recorded_hashes_are_met()
    {
        foreach (var vector in Golden.Json("vectors", "highwayhash64.json").GetProperty("vectors").EnumerateArray())
        {
            var key = SHA256.HashData(Encoding.UTF8.GetBytes(vector.GetProperty("key_text").GetString()!));
            var data = new byte[vector.GetProperty("len").GetInt32()];
            for (var i = 0; i < data.Length; i++) data[i] = (byte)((i * 7) + 3);
            Hex(HighwayHash64.Compute(key, data)).ShouldBe(vector.GetProperty("hash64").GetString(), $"{data.Length} bytes");
        }
    }

    [Fact]
    public void Pieces_make_the_same_hash_as_the_whole()
    {
        var random = new Random(5);
        var (key, data) = (new byte[HighwayHash64.KeyLength], new byte[200]);
        random.NextBytes(key);
        random.NextBytes(data);
        for (var round = 0; round < 500; round++)
        {
            var length = random.Next(data.Length + 1);
            var hash = new HighwayHash64(key);
            for (var at = 0; at < length;)
            {
                var piece = random.Next(Math.Min(40, length - at) + 1);
                hash.Append(data.AsSpan(at, piece));
                at += piece;
            }
            hash.Finish().ShouldBe(HighwayHash64.Compute(key, data.AsSpan(0, length)));
        }
    }

    private static string Hex(ulong hash)
    {
        var bytes = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, hash);
        return Convert.ToHexStringLower(bytes);
    }
}
