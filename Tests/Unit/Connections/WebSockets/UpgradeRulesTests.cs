using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections.WebSockets;

/// <summary>The HTTP side: requests judged, answers made.</summary>
public sealed class UpgradeRulesTests
{
    private const string Good = "GET / HTTP/1.1\r\nHost: host.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    [Fact]
    public void AGoodRequestIsAnsweredToTheByte()
    {
        var answer = Judge(Good);
        Encoding.ASCII.GetString(answer.Response).ShouldBe(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        answer.Session!.ShouldBe(new WebSocketSession(WebSocketKind.Client, new WebSocketMode { MessageLimit = 8 * 1024 * 1024 }));
    }

    [Theory]
    [InlineData("GET", "POST", 405, "request method must be GET")]
    [InlineData("Host: host.com\r\n", "", 400, "'Host' missing in request")]
    [InlineData("Upgrade: websocket\r\n", "", 400, "invalid value for header 'Upgrade'")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c", 400, "invalid value for header 'Upgrade'")]
    [InlineData("Connection: Upgrade\r\n", "", 400, "invalid value for header 'Connection'")]
    [InlineData("Connection: Upgrade", "Connection: keep-alive", 400, "invalid value for header 'Connection'")]
    [InlineData("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "key missing")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "", 400, "key missing")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "%%%", 400, "invalid websocket key")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400, "invalid websocket key")]
    [InlineData("Sec-WebSocket-Version: 13\r\n", "", 400, "invalid version")]
    [InlineData("Version: 13", "Version: 99", 400, "invalid version")]
    [InlineData("GET /", "GET /some/mqtt", 404, "mqtt websocket endpoint not enabled")]
    [Upstream("websocket_test.go", "TestWSUpgradeValidationErrors")]
    [Upstream("websocket_test.go", "TestWSUpgradeMQTTOnlyWhenEnabled")]
    public void WhatIsWrongIsNamedAsUpstreamDoes(string part, string replacement, int status, string error)
    {
        var answer = Judge(Good.Replace(part, replacement, StringComparison.Ordinal));
        answer.Session.ShouldBeNull();
        answer.Error.ShouldBe(error);
        var response = Encoding.ASCII.GetString(answer.Response);
        response.ShouldStartWith($"HTTP/1.1 {status} ");
        response.ShouldContain("\r\nSec-Websocket-Version: 13\r\n");
    }

    [Theory]
    [InlineData(false, new string[0], "", false, "http://any.host.com", "")]
    [InlineData(true, new string[0], "host.com", false, "http://host.com:80", "")]
    [InlineData(true, new string[0], "HOST.com", false, "http://host.COM", "")]
    [InlineData(true, new string[0], "host.com", false, "http://other.host.com", "not same origin")]
    [InlineData(true, new string[0], "host.com", false, "http://host.com:81", "not same origin")]
    [InlineData(true, new string[0], "host.com:443", true, "http://host.com:443", "not same origin")]
    [InlineData(true, new string[0], "host.com", true, "http://host.com", "not same origin")]
    [InlineData(true, new string[0], "host.com", true, "https://host.com", "")]
    [InlineData(true, new string[0], "host.com", false, "@@@://invalid:url:1234", "parse")]
    [InlineData(true, new string[0], "host.com", false, "http://invalid:url:1234", "too many colons")]
    [InlineData(true, new string[0], "invalid:url:1234", false, "http://host.com", "too many colons")]
    [InlineData(true, new string[0], "[::1]:80", false, "http://[::1]", "")]
    [InlineData(true, new string[0], "", false, "", "")]
    [InlineData(true, new[] { "http://host1.com", "http://host2.com:1234" }, "", false, "", "")]
    [InlineData(false, new[] { "http://host1.com", "http://host2.com:1234" }, "", false, "http://host2.com:1234", "")]
    [InlineData(false, new[] { "http://host1.com", "http://host2.com:1234" }, "", false, "http://host1.com/some/path", "")]
    [InlineData(false, new[] { "http://host3.com", "https://host3.com" }, "", false, "https://host3.com", "")]
    [InlineData(false, new[] { "http://host1.com", "http://host2.com:1234" }, "", false, "http://host1.com:1234", "not in the allowed list")]
    [InlineData(false, new[] { "http://host1.com", "http://host2.com:1234" }, "", false, "https://host2.com:1234", "not in the allowed list")]
    [InlineData(false, new[] { "http://host1.com" }, "", false, "null", "")]
    [Upstream("websocket_test.go", "TestWSCheckOrigin")]
    [Upstream("websocket_test.go", "TestWSSetOriginOptions")]
    public void PagesAreJudgedByTheirOrigin(bool same, string[] allowed, string host, bool tls, string origin, string error)
    {
        var rules = new OriginRules(new WebSocketOptions { SameOrigin = same, AllowedOrigins = allowed });
        var found = rules.FindError(origin, host, tls);
        if (origin == "null") found.ShouldNotBeNull();
        else if (error.Length == 0) found.ShouldBeNull();
        else found.ShouldNotBeNull().ShouldContain(error);
    }

    [Fact]
    public void ARefusedOriginIsForbidden()
    {
        var answer = Judge(Good + "Origin: http://bad.host.com\r\n", new WebSocketOptions { SameOrigin = true });
        answer.Error.ShouldBe("origin not allowed: not same origin");
        Encoding.ASCII.GetString(answer.Response).ShouldStartWith("HTTP/1.1 403 Forbidden\r\n");
        Judge(Good + "Sec-WebSocket-Origin: http://bad.host.com\r\n", new WebSocketOptions { SameOrigin = true }).Session.ShouldBeNull();
    }

    [Theory]
    [InlineData(true, "permessage-deflate", true)]
    [InlineData(true, "x-other, Permessage-Deflate ; client_max_window_bits", true)]
    [InlineData(true, "x-other", false)]
    [InlineData(true, "", false)]
    [InlineData(false, "permessage-deflate", false)]
    [Upstream("websocket_test.go", "TestWSCompressNegotiation")]
    public void CompressionNeedsBothSides(bool configured, string offered, bool agreed)
    {
        var answer = Judge($"{Good}Sec-WebSocket-Extensions: {offered}\r\n", new WebSocketOptions { Compression = configured });
        answer.Session!.Mode.Compression.ShouldBe(agreed);
        Encoding.ASCII.GetString(answer.Response)
            .Contains("\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n", StringComparison.Ordinal)
            .ShouldBe(agreed);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSSetHeader")]
    public void HeadersOfTheConfigurationAreInTheAnswer()
    {
        var options = new WebSocketOptions { Headers = new Dictionary<string, string> { ["X-One"] = "1", ["X-Two"] = "2" } };
        Encoding.ASCII.GetString(Judge(Good, options).Response).ShouldEndWith("\r\nX-One: 1\r\nX-Two: 2\r\n\r\n");
    }

    [Fact]
    public void MaskingMayBeGivenUp()
    {
        var answer = Judge(Good + "Nats-No-Masking: true\r\n");
        answer.Session!.Mode.RequiresMask.ShouldBeFalse();
        Encoding.ASCII.GetString(answer.Response).ShouldEndWith("\r\nNats-No-Masking: true\r\n\r\n");
        Judge(Good + "Nats-No-Masking: false\r\n").Session!.Mode.RequiresMask.ShouldBeTrue();
    }

    [Theory]
    [InlineData("Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/99 Safari/537.36", 4096, true)]
    [InlineData("Mozilla/5.0 (Mac) AppleWebKit/605 Version/15.3 Safari/605", 4096, false)]
    [InlineData("curl/8", 0, true)]
    public void BrowsersAreKnownByTheirAgent(string agent, int limit, bool splits)
    {
        var mode = Judge($"{Good}User-Agent: {agent}\r\n").Session!.Mode;
        (mode.FrameLimit, mode.SplitsCompressed).ShouldBe((limit, splits));
    }

    [Fact]
    public void CookiesFillCredentials()
    {
        var options = new WebSocketOptions { JwtCookie = "j", UsernameCookie = "u", PasswordCookie = "p", TokenCookie = "t" };
        var session = Judge(Good + "Cookie: a=b; u=me; p=\"pa ss=\"\r\nCookie: t=tok; j=ey.x.y; broken; =no\r\n", options).Session!;
        (session.UsernameCookie, session.PasswordCookie, session.TokenCookie, session.JwtCookie).ShouldBe(("me", "pa ss=", "tok", "ey.x.y"));
        Judge(Good + "Cookie: u=me\r\n").Session!.UsernameCookie.ShouldBeNull();
    }

    [Theory]
    [InlineData("X-Forwarded-For: 1.2.3.4\r\n", "1.2.3.4")]
    [InlineData("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", "1.2.3.4")]
    [InlineData("X-Forwarded-For: ::1\r\n", "::1")]
    [InlineData("X-Forwarded-For: not a valid IP\r\n", null)]
    [InlineData("X-Forwarded-For: 17\r\n", null)]
    [InlineData("X-Forwarded-For:\r\n", null)]
    [InlineData("", null)]
    [Upstream("websocket_test.go", "TestWSXForwardedFor")]
    [Upstream("websocket_test.go", "TestWSUpgradeWithEmptyXForwardedForSliceDoesNotPanic")]
    public void TheClientBehindAProxyIsKnown(string header, string? address) => Judge(Good + header).Session!.ClientIp.ShouldBe(address);

    [Fact]
    public void PathsTellWhatSpeaksInside()
    {
        Judge(Good.Replace("GET / ", "GET /leafnode ", StringComparison.Ordinal)).Session!.Kind.ShouldBe(WebSocketKind.LeafNode);
        Judge(Good.Replace("GET / ", "GET /some/leafnode?x=1 ", StringComparison.Ordinal)).Session!.Kind.ShouldBe(WebSocketKind.LeafNode);
        Judge(Good.Replace("GET / ", "GET http://host/some/path ", StringComparison.Ordinal)).Session!.Kind.ShouldBe(WebSocketKind.Client);
        var mqtt = new UpgradeRules(new ServerOptions { Mqtt = new MqttOptions { Port = 1883 } })
            .Judge(Read(Good.Replace("GET / ", "GET /mqtt ", StringComparison.Ordinal) + "\r\n"), isTls: false);
        mqtt.Session!.Kind.ShouldBe(WebSocketKind.Mqtt);
        Encoding.ASCII.GetString(mqtt.Response).ShouldContain("\r\nSec-Websocket-Protocol: mqtt\r\n");
    }

    [Theory]
    [InlineData("\r\n\r\n")]
    [InlineData("GET /\r\n\r\n")]
    [InlineData("GET / HTTP/2.0\r\n\r\n")]
    [InlineData("G<T / HTTP/1.1\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nno colon\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n: empty\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : x\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n folded: x\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nA: \u0001\r\n\r\n")]
    [InlineData("CONNECT {}\r\nPING\r\n\r\n")]
    public void WhatIsNoHttpIsRefused(string text) => Outcome(text).ShouldBe(HttpHeadOutcome.Malformed);

    [Fact]
    public void AHeadIsReadWhereverItIsSplitAndNeverBeyondItsLimit()
    {
        var text = Good + "\r\n";
        for (var length = 0; length < text.Length; length++) Outcome(text[..length]).ShouldBe(HttpHeadOutcome.Incomplete);
        HttpRequestHead.Read(Encoding.Latin1.GetBytes(text + "more"), out var consumed, out _).ShouldBe(HttpHeadOutcome.Head);
        consumed.ShouldBe(text.Length);
        Outcome("GET / HTTP/1.1\r\nA: " + new string('x', HttpRequestHead.MaxLength)).ShouldBe(HttpHeadOutcome.TooLarge);
        Outcome($"GET / HTTP/1.1\r\nA: {new string('x', HttpRequestHead.MaxLength)}\r\n\r\n").ShouldBe(HttpHeadOutcome.TooLarge);
        Outcome($"GET / HTTP/1.1\r\n{string.Concat(Enumerable.Repeat("a: b\r\n", 300))}\r\n").ShouldBe(HttpHeadOutcome.Malformed);
    }

    private static HttpHeadOutcome Outcome(string text) => HttpRequestHead.Read(Encoding.Latin1.GetBytes(text), out _, out _);

    private static UpgradeAnswer Judge(string head, WebSocketOptions? options = null) =>
        new UpgradeRules(new ServerOptions { WebSocket = options ?? new WebSocketOptions() }).Judge(Read(head + "\r\n"), isTls: false);

    private static HttpRequestHead Read(string text)
    {
        HttpRequestHead.Read(Encoding.Latin1.GetBytes(text), out _, out var head).ShouldBe(HttpHeadOutcome.Head);
        return head!;
    }
}
