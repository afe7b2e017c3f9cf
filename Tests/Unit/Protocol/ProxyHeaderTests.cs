using System.Net;
using System.Text;
using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Protocol;

public sealed class ProxyHeaderTests
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    [Theory]
    [InlineData("PROXY TCP4 192.168.1.50 10.0.0.1 12345 4222\r\n", "192.168.1.50:12345")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 54321 4222\r\n", "[2001:db8::1]:54321")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:10.0.0.1 1234 4222\r\n", "192.0.2.1:1234")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData(Signature + "\x21\x11\0\x0c\xc0\xa8\x01\x32\x0a\0\0\x01\x30\x39\x10\x7e", "192.168.1.50:12345")]
    [InlineData(Signature + "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xd4\x31\x10\x7e", "[2001:db8::1]:54321")]
    [InlineData(Signature + "\x20\0\0\0", null)]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1ParseTCP4")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1ParseTCP6")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1ParseTCP6IPv4Mapped")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1ParseUnknown")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1PreservesCoalescedClientBytes")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2ParseIPv4")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2ParseIPv6")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2ParseLocalCommand")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoVersionDetection")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2TruncatedHeader")]
    public void TheClientIsReadAndWhatFollowsIsLeft(string header, string? client)
    {
        var bytes = Encoding.Latin1.GetBytes(header + "CONNECT {}\r\n");
        for (var length = 0; length < header.Length; length++)
        {
            ProxyHeader.Read(bytes.AsSpan(0, length), out _, out _, out _).ShouldBe(ProxyHeaderOutcome.Incomplete, $"{length} bytes");
        }
        ProxyHeader.Read(bytes, out var consumed, out var source, out _).ShouldBe(ProxyHeaderOutcome.Header);
        consumed.ShouldBe(header.Length);
        source.ShouldBe(client is null ? null : IPEndPoint.Parse(client));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.168.1.1 2001:db8::2 12345 443\r\n")]
    [InlineData("PROXY TCP6 2001:db8::1 10.0.0.1 12345 443\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::2 12345 443\r\n")]
    [InlineData("PROXY TCP6 192.168.1.1 10.0.0.1 12345 443\r\n")]
    [InlineData("PROXY TCP4 not.an.ip.addr 10.0.0.1 12345 443\r\n")]
    [InlineData("PROXY TCP4 192.168.1.1 10.0.0.1 99999 443\r\n")]
    [InlineData("PROXY TCP4 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 10.0.0.1 12345 443\r\n")]
    [InlineData("\r\n\r\n\0\rINVALID\x20\x11\0\x0c")]
    [InlineData(Signature + "\x11\x11\0\0")]
    [InlineData(Signature + "\x21\x31\0\0")]
    [InlineData(Signature + "\x21\x12\0\x0c")]
    [InlineData(Signature + "\x21\x11\0\x05\x01\x02\x03\x04\x05")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1MismatchedDestProtocol")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1MismatchedProtocol")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1InvalidIP")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1InvalidPort")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV1LineTooLong")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2InvalidSignature")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2InvalidVersion")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2UnsupportedFamily")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2UnsupportedProtocol")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoV2ShortAddressData")]
    public void AHeaderThatCannotBeIsRefusedWithAReason(string header)
    {
        ProxyHeader.Read(Encoding.Latin1.GetBytes(header), out _, out var source, out var error).ShouldBe(ProxyHeaderOutcome.Invalid);
        source.ShouldBeNull();
        error.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("HELLO WORLD\r\n")]
    [InlineData("CONNECT {}\r\n")]
    [Upstream("client_proxyproto_test.go", "TestClientProxyProtoUnrecognizedVersion")]
    public void OtherBytesAreNoHeader(string bytes) =>
        ProxyHeader.Read(Encoding.Latin1.GetBytes(bytes), out _, out _, out _).ShouldBe(ProxyHeaderOutcome.None);
}
