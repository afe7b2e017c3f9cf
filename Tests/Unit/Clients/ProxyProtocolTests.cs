using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Clients behind a proxy that says who they are.</summary>
public sealed class ProxyProtocolTests
{
    private const string Connect = "CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n";

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.7 192.0.2.1 5555 4222\r\n")]
    [InlineData("v2")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1EndToEnd")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2EndToEnd")]
    [Upstream("client_proxyproto_test.go", "TestProxyConnRemoteAddr")]
    public async Task TheClientIsWhoTheHeaderNames(string header)
    {
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).TryGetProperty("client_ip", out _).ShouldBeFalse("that would be the proxy's");
        var bytes = header == "v2" ? V2([192, 0, 2, 7, 192, 0, 2, 1, 0x15, 0xB3, 0x10, 0x7E]) : Encoding.ASCII.GetBytes(header);
        foreach (var part in bytes) await client.SendAsync(new[] { part });
        await client.SendAsync(Connect);
        await client.ExpectAsync("PONG\r\n");
        (await client.ReadInfoAsync()).GetProperty("client_ip").GetString().ShouldBe("192.0.2.7");
    }

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]
    [InlineData("")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2LocalCommandEndToEnd")]
    public async Task TheProxysOwnConnectionsAndOthersWork(string header)
    {
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(header + Connect);
        await client.ExpectAsync("PONG\r\n");
    }

    [Theory]
    [InlineData("PROXY TCP4 ::1 192.0.2.1 1 2\r\n")]
    [InlineData("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.7 192.0.2.1 99999 2\r\n")]
    [InlineData("PROXY TCP4 here there 1 2\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n")]
    [InlineData("PROXY aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("\r\n\r\n\0\r\nQUIX\n")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1InvalidFormat")]
    public async Task AHeaderThatCannotBeEndsTheConnection(string header)
    {
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(header);
        await client.ExpectClosedAsync();
    }

    [Theory]
    [InlineData(0x11, 0x11, 12)]
    [InlineData(0x22, 0x11, 12)]
    [InlineData(0x21, 0x12, 12)]
    [InlineData(0x21, 0x11, 4)]
    [InlineData(0x21, 0x31, 12)]
    public async Task ABinaryHeaderThatCannotBeEndsTheConnection(byte versionAndCommand, byte family, byte length)
    {
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(V2(new byte[length], versionAndCommand, family));
        await client.ExpectClosedAsync();
    }

    [Fact]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1WithRequiredTLS")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2WithRequiredTLS")]
    public async Task TheHeaderComesBeforeTls()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true\n" + certificates.Block());
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.SendAsync("PROXY TCP6 2001:db8::7 2001:db8::1 5555 4222\r\n");
        await client.StartTlsAsync();
        await client.SendAsync(Connect);
        await client.ReadThroughAsync("PONG\r\n");
        (await client.ReadThroughAsync("\r\n")).ShouldContain("\"client_ip\":\"2001:db8::7\"");
        using var binary = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await binary.ReadThroughAsync("\r\n");
        await binary.SendAsync(V2([203, 0, 113, 51, 127, 0, 0, 1, 0x15, 0xB3, 0x10, 0x7E]));
        await binary.StartTlsAsync();
        await binary.SendAsync(Connect);
        await binary.ReadThroughAsync("PONG\r\n");
        (await binary.ReadThroughAsync("\r\n")).ShouldContain("\"client_ip\":\"203.0.113.51\"");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1WithAllowNonTLS")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2WithAllowNonTLS")]
    public async Task BehindTheHeaderPlainTextMayFollowWhereItIsAllowed(int version)
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true\nallow_non_tls: true\n" + certificates.Block());
        var header = version == 1 ? "PROXY TCP4 203.0.113.60 127.0.0.1 54331 4222\r\n"u8.ToArray() : V2([203, 0, 113, 60, 127, 0, 0, 1, 0xD4, 0x3B, 0x10, 0x7E]);
        using var plain = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await plain.ReadInfoAsync();
        await plain.SendAsync(header);
        await plain.SendAsync(Connect);
        await plain.ExpectAsync("PONG\r\n");
        (await plain.ReadInfoAsync()).GetProperty("client_ip").GetString().ShouldBe("203.0.113.60");
        using var secure = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await secure.ReadThroughAsync("\r\n");
        await secure.SendAsync(header);
        await secure.StartTlsAsync();
        await secure.SendAsync(Connect);
        await secure.ReadThroughAsync("\"client_ip\":\"203.0.113.60\"");
    }

    [Fact]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoNonProxiedTLSFirstFallback")]
    public async Task WithoutAHeaderAHandshakeMayComeFirst()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("proxy_protocol: true\n" + certificates.Block("handshake_first: 250ms"));
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.StartTlsAsync();
        (await client.ReadThroughAsync("\r\n")).ShouldStartWith("INFO {");
        await client.SendAsync(Connect);
        await client.ReadThroughAsync("PONG\r\n");
    }

    private static byte[] V2(byte[] addresses, byte versionAndCommand = 0x21, byte family = 0x11) =>
        [.. "\r\n\r\n\0\r\nQUIT\n"u8, versionAndCommand, family, 0, (byte)addresses.Length, .. addresses];
}
