using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Signatures over the nonce: users by nkey, proxies that vouch for clients.</summary>
public sealed class NKeyTests
{
    private static readonly byte[] Seed = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly byte[] ProxySeed = [.. Enumerable.Range(101, 32).Select(i => (byte)i)];
    private static readonly string User = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(Seed));
    private static readonly string Proxy = NKeys.Encode(NKeys.Kind.Server, Ed25519.PublicKey(ProxySeed));

    [Fact]
    [Upstream("nkey_test.go", "TestServerInfoNonce")]
    public async Task WithoutKeysNobodyIsAskedToSign()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).TryGetProperty("nonce", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("nkey_test.go", "TestNkeyClientConnect")]
    public async Task AnNkeyConnectsWithASignedNonce(bool forUrls)
    {
        await using var server = await StartAsync();
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var nonce = await ReadNonceAsync(client);
        nonce.Length.ShouldBe(15);
        await client.SendAsync($"CONNECT {{\"verbose\":false,\"nkey\":\"{User}\",\"sig\":\"{Sign(Seed, nonce, forUrls)}\"}}\r\nPING\r\n");
        await client.ExpectAsync("PONG\r\n");
        await client.SendAsync("PUB secret 0\r\n\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
    }

    [Fact]
    public async Task AnotherSignatureIsRefused()
    {
        await using var server = await StartAsync();
        foreach (var signature in new[] { "", "AAAA", "!!", new string('A', 4000), null })
        {
            using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
            var nonce = await ReadNonceAsync(client);
            var given = signature ?? Sign(ProxySeed, nonce, true);
            await client.SendAsync($"CONNECT {{\"nkey\":\"{User}\",\"sig\":\"{given}\"}}\r\n");
            (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n", given);
        }
    }

    [Fact]
    public async Task ASignatureIsGoodForOneConnectionOnly()
    {
        await using var server = await StartAsync();
        using var first = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var signature = Sign(Seed, await ReadNonceAsync(first), true);
        using var second = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await ReadNonceAsync(second);
        await second.SendAsync($"CONNECT {{\"nkey\":\"{User}\",\"sig\":\"{signature}\"}}\r\n");
        (await second.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Theory]
    [InlineData("by itself", false)]
    [InlineData("through a stranger", false)]
    [InlineData("through the proxy", true)]
    public async Task AUserMayHaveToComeThroughATrustedProxy(string how, bool admitted)
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            proxies { trusted = [ { key: "{{Proxy}}" } ] }
            authorization { users = [ { user: a, password: b, proxy_required: true } ] }
            """);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var nonce = await ReadNonceAsync(client);
        var signature = how switch
        {
            "by itself" => "",
            "through a stranger" => $",\"proxy_sig\":\"{Sign(Seed, nonce, true)}\"",
            _ => $",\"proxy_sig\":\"{Sign(ProxySeed, nonce, true)}\"",
        };
        await client.SendAsync($"CONNECT {{\"verbose\":false,\"user\":\"a\",\"pass\":\"b\"{signature}}}\r\nPING\r\n");
        if (admitted) await client.ExpectAsync("PONG\r\n");
        else (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("nkey_test.go", "TestMixedClientConnect")]
    public async Task PasswordsAndKeysMayBeOfOneServer()
    {
        await using var server = await TestServer.FromConfigAsync($$"""authorization { users = [ { nkey: "{{User}}" }, { user: derek, password: foo } ] }""");
        using var byPassword = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await ReadNonceAsync(byPassword);
        await byPassword.SendAsync("CONNECT {\"user\":\"derek\",\"pass\":\"foo\",\"verbose\":true,\"pedantic\":true}\r\nPING\r\n");
        await byPassword.ExpectAsync("+OK\r\nPONG\r\n");
        using var byKey = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var signature = Sign(Seed, await ReadNonceAsync(byKey), true);
        await byKey.SendAsync($"CONNECT {{\"nkey\":\"{User}\",\"sig\":\"{signature}\",\"verbose\":true,\"pedantic\":true}}\r\nPING\r\n");
        await byKey.ExpectAsync("+OK\r\nPONG\r\n");
    }

    [Theory]
    [InlineData("no filtering, wrong nkey", "{ nkey: USER }", false, false)]
    [InlineData("no filtering, correct nkey", "{ nkey: USER }", true, true)]
    [InlineData("filtering, nkey not allowed", "{ nkey: USER, allowed_connection_types: [ STANDARD ] }", true, false)]
    [InlineData("filtering, correct nkey", "{ nkey: USER, allowed_connection_types: [ STANDARD, WEBSOCKET ] }", true, true)]
    [InlineData("filtering, wrong nkey", "{ nkey: USER, allowed_connection_types: [ STANDARD, WEBSOCKET ] }", false, false)]
    [Upstream("websocket_test.go", "TestWSNkeyAuth")]
    public async Task AKeySignsOverWebSocketToo(string what, string user, bool known, bool admitted)
    {
        await using var server = await TestServer.FromConfigAsync(
            $"authorization {{ users = [ {user.Replace("USER", $"\"{User}\"", StringComparison.Ordinal)} ] }}\nwebsocket {{ listen: \"127.0.0.1:-1\", no_tls: true }}");
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        var info = await web.ReadThroughAsync("\r\n");
        var nonce = JsonDocument.Parse(info["INFO ".Length..]).RootElement.GetProperty("nonce").GetString()!;
        var seed = known ? Seed : ProxySeed;
        var key = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(seed));
        await web.SendAsync($"CONNECT {{\"verbose\":false,\"protocol\":1,\"nkey\":\"{key}\",\"sig\":\"{Sign(seed, nonce, true)}\"}}\r\nPING\r\n");
        (await web.ReadThroughAsync("\r\n")).ShouldBe(admitted ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n", what);
    }

    private static Task<NatsServer> StartAsync() => TestServer.FromConfigAsync(
        $$"""authorization { users = [ { nkey: "{{User}}", permissions: { publish: "open" } } ] }""");

    private static async Task<string> ReadNonceAsync(RawClient client)
    {
        JsonElement info = await client.ReadInfoAsync();
        return info.GetProperty("nonce").GetString()!;
    }

    private static string Sign(byte[] seed, string nonce, bool forUrls)
    {
        var signature = Ed25519.Sign(seed, Encoding.UTF8.GetBytes(nonce));
        return forUrls ? Base64Url.EncodeToString(signature) : Convert.ToBase64String(signature);
    }
}
