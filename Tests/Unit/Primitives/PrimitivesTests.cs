using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives;

public sealed class PrimitivesTests
{
    [Fact]
    public void BcryptAgreesWithTheGoServer()
    {
        foreach (var vector in Golden.Json("vectors", "bcrypt.json").GetProperty("vectors").EnumerateArray())
        {
            var hash = vector.GetProperty("hash").GetString()!;
            var password = Encoding.UTF8.GetBytes(vector.GetProperty("password").GetString()!);
            Server.Security.Authenticator.SecretsMatch(hash, Encoding.UTF8.GetString(password))
                .ShouldBe(vector.GetProperty("match").GetBoolean(), $"{hash} {Encoding.UTF8.GetString(password)}");
        }
    }

    [Fact]
    public void BcryptHashesVerify()
    {
        var hash = Bcrypt.Hash("secret"u8, 4, new byte[16]);
        Bcrypt.Verify("secret"u8, hash).ShouldBeTrue();
        Bcrypt.Verify("Secret"u8, hash).ShouldBeFalse();
        Bcrypt.Verify("secret"u8, hash[..^1]).ShouldBeFalse();
    }

    /// <summary>RFC 7748 §5.2.</summary>
    [Theory]
    [InlineData("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void X25519MultipliesAsTheRfcSays(string secret, string point, string product) =>
        Convert.ToHexStringLower(X25519.Multiply(Convert.FromHexString(secret), Convert.FromHexString(point))).ShouldBe(product);

    [Fact]
    public void NodeHashesAreTheGoServers()
    {
        foreach (var vector in Golden.Json("vectors", "gethash.json").EnumerateArray())
        {
            NodeHash.Of(vector.GetProperty("name").GetString()!).ShouldBe(vector.GetProperty("hash8").GetString());
            NodeHash.Of(vector.GetProperty("name").GetString()!, 6).ShouldBe(vector.GetProperty("gw_hash6").GetString());
        }
    }

    [Fact]
    public void X25519SecretsAreShared()
    {
        var random = new Random(1);
        byte[] a = new byte[32], b = new byte[32];
        for (var i = 0; i < 20; i++)
        {
            random.NextBytes(a);
            random.NextBytes(b);
            X25519.Multiply(a, X25519.PublicKey(b)).ShouldBe(X25519.Multiply(b, X25519.PublicKey(a)));
        }
    }

    [Fact]
    public void NKeysRoundTripAndNoticeErrors()
    {
        var id = NKeys.CreateServerId();
        id.Length.ShouldBe(56);
        id[0].ShouldBe('N');
        NKeys.CreateCurveKey()[0].ShouldBe('X');
        NKeys.IsPublicKey(id, NKeys.Kind.Server).ShouldBeTrue();
        NKeys.IsPublicKey(id, NKeys.Kind.User).ShouldBeFalse();
        NKeys.IsPublicKey((id[..10] + (id[10] == 'A' ? 'B' : 'A')) + id[11..], NKeys.Kind.Server).ShouldBeFalse();
        // A key of a real server, from the golden transcripts.
        NKeys.IsPublicKey("NCMZNGFYQYDFLF4RHIZNUKJNFU5FWWOQG37E4HKQHYQ55J6TOJ6ZRTCD", NKeys.Kind.Server).ShouldBeTrue();
        NKeys.IsPublicKey("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4", NKeys.Kind.User).ShouldBeTrue();
    }

    [Fact]
    public void RoutePoolIndexIsTheGoServers()
    {
        foreach (var vector in Golden.Json("vectors", "route-pool-index.json").GetProperty("vectors").EnumerateArray())
        {
            var account = Encoding.UTF8.GetBytes(vector.GetProperty("account").GetString()!);
            foreach (var size in new uint[] { 2, 3, 5, 8, 16 })
            {
                (Fnv1a32.Hash(account) % size).ShouldBe((uint)vector.GetProperty($"pool_{size}").GetInt32());
            }
        }
    }

    [Fact]
    public void RandomChoicesAreEven()
    {
        var counts = new int[4];
        for (var i = 0; i < 40_000; i++) counts[FastRandom.Next(4)]++;
        counts.ShouldAllBe(count => count > 9_400 && count < 10_600);
    }
}
