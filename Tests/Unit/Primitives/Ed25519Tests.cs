using System.Security.Cryptography;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Unit.Primitives;

/// <summary>RFC 8032 §7.1, and the text form of keys.</summary>
public sealed class Ed25519Tests
{
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void VectorsOfTheStandard(string seed, string key, string message, string signature)
    {
        var (secret, text, expected) = (Convert.FromHexString(seed), Convert.FromHexString(message), Convert.FromHexString(signature));
        Convert.ToHexStringLower(Ed25519.PublicKey(secret)).ShouldBe(key);
        Convert.ToHexStringLower(Ed25519.Sign(secret, text)).ShouldBe(signature);
        Ed25519.Verify(Convert.FromHexString(key), text, expected).ShouldBeTrue();
        expected[10] ^= 1;
        Ed25519.Verify(Convert.FromHexString(key), text, expected).ShouldBeFalse();
    }

    [Fact]
    public void MalformedKeysAndSignaturesAreWrongOnes()
    {
        Ed25519.Verify(new byte[31], "x"u8, new byte[64]).ShouldBeFalse();
        Ed25519.Verify(new byte[32], "x"u8, new byte[63]).ShouldBeFalse();
        Should.Throw<CryptographicException>(() => Ed25519.Sign(new byte[5], "x"u8));
    }

    [Fact]
    public void TextsOfKeysAndSeedsComeBack()
    {
        var raw = RandomNumberGenerator.GetBytes(32);
        foreach (var kind in Enum.GetValues<NKeys.Kind>())
        {
            NKeys.TryDecode(NKeys.Encode(kind, raw), kind, out var key).ShouldBeTrue();
            key.ShouldBe(raw);
            var seed = NKeys.EncodeSeed(kind, raw);
            seed.ShouldStartWith("S");
            NKeys.TryDecodeSeed(seed, kind, out var secret).ShouldBeTrue();
            secret.ShouldBe(raw);
            NKeys.TryDecodeSeed(seed[..20] + (seed[20] == 'A' ? 'B' : 'A') + seed[21..], kind, out _).ShouldBeFalse();
        }
    }

    /// <summary>A pair made by the nkeys tool of the Go project.</summary>
    [Fact]
    public void AKnownPairFits()
    {
        NKeys.TryDecodeSeed("SUAMK2FG4MI6UE3ACF3FK3OIQBCEIEZV7NSWFFEW63UXMRLFM2XLAXK4GY", NKeys.Kind.User, out var seed).ShouldBeTrue();
        NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(seed)).ShouldStartWith("U");
    }
}
