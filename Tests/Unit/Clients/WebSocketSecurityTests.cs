using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Who may connect over WebSocket as what; TLS.</summary>
public sealed class WebSocketSecurityTests : IDisposable
{
    private const string Accounts = """
        accounts {
          normal { users [ {user: noauth, password: pwd}, {user: user, password: pwd} ] }
          web { users [ {user: wsnoauth, password: pwd}, {user: wsuser, password: pwd} ] }
        }
        no_auth_user: noauth

        """;

    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData("", "", "noauth", "normal")]
    [InlineData("", "user", "user", "normal")]
    [InlineData("no_auth_user: wsnoauth", "", "wsnoauth", "web")]
    [InlineData("no_auth_user: wsnoauth", "wsuser", "wsuser", "web")]
    [Upstream("websocket_test.go", "TestWSNoAuthUser")]
    public async Task NobodyBecomesTheUserOfTheBlock(string block, string user, string expectedUser, string expectedAccount)
    {
        await using var server = await TestServer.FromConfigAsync(Accounts + Block(block));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync(user.Length == 0 ? "{\"verbose\":false}" : $$"""{"verbose":false,"user":"{{user}}","pass":"pwd"}""");
        var client = server.Clients.Clients.Single();
        (client.UserName, client.Account!.Name).ShouldBe((expectedUser, expectedAccount));
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSNoAuthUserOverride")]
    public async Task WithoutAConnectAsWell()
    {
        await using var server = await TestServer.FromConfigAsync(Accounts + Block("no_auth_user: wsnoauth"));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        (await web.ReadThroughAsync("\r\n")).ShouldContain("\"auth_required\":true");
        await web.SendAsync("PING\r\n");
        await web.ReadThroughAsync("PONG\r\n");
        server.Clients.Clients.Single().Account!.Name.ShouldBe("web");
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("STANDARD", false)]
    [InlineData("STANDARD,websocket", true)]
    [Upstream("websocket_test.go", "TestWSUsersAuth")]
    [Upstream("websocket_test.go", "TestWSBindToProperAccount")]
    public async Task AUserMayBeBoundToAWayToConnect(string types, bool admitted)
    {
        var allowed = types.Length == 0 ? "" : $", allowed_connection_types: [{types}]";
        await using var server = await TestServer.FromConfigAsync($"accounts {{ a {{ users [ {{user: a, password: pwd{allowed}}} ] }} }}\n" + Block());
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await ExpectAsync(web, """{"verbose":false,"user":"a","pass":"pwd"}""", admitted);
        using var wrong = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await ExpectAsync(wrong, """{"verbose":false,"user":"a","pass":"bad"}""", admitted: false);
    }

    [Theory]
    [InlineData("", "", "{}", true)]
    [InlineData("authorization { user: top, password: pwd }", "", """{"user":"top","pass":"pwd"}""", true)]
    [InlineData("authorization { user: top, password: pwd }", "", """{"user":"top","pass":"bad"}""", false)]
    [InlineData("authorization { user: top, password: pwd }", "authorization { user: web, password: wpwd }", """{"user":"top","pass":"pwd"}""", false)]
    [InlineData("authorization { user: top, password: pwd }", "authorization { user: web, password: wpwd }", """{"user":"web","pass":"wpwd"}""", true)]
    [InlineData("", "authorization { user: web, password: wpwd }", """{"user":"web","pass":"wpwd"}""", true)]
    [InlineData("", "authorization { user: web, password: wpwd }", "{}", false)]
    [InlineData("authorization { token: tok }", "", """{"auth_token":"tok"}""", true)]
    [InlineData("authorization { token: tok }", "authorization { token: web }", """{"auth_token":"tok"}""", false)]
    [InlineData("", "authorization { token: web }", """{"auth_token":"web"}""", true)]
    [Upstream("websocket_test.go", "TestWSBasicAuth")]
    [Upstream("websocket_test.go", "TestWSTokenAuth")]
    public async Task TheBlockMayHaveItsOwnUserOrToken(string top, string block, string connect, bool admitted)
    {
        await using var server = await TestServer.FromConfigAsync(top + "\n" + Block(block));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await ExpectAsync(web, connect, admitted);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSAuthTimeout")]
    public async Task WhoDoesNotSayWhoHeIsIsCutOff()
    {
        await using var server = await TestServer.FromConfigAsync("authorization { user: a, password: b, timeout: 30 }\n" + Block("authorization { timeout: 0.1 }"));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.ReadThroughAsync("-ERR 'Authentication Timeout'\r\n");
        (await web.ReadCloseAsync()).Close.ShouldBe((1008, "Authentication Timeout"));
    }

    [Theory]
    [InlineData("user_cookie: u, pass_cookie: p", "u=a; p=pwd", "authorization { user: a, password: pwd }", true)]
    [InlineData("user_cookie: u, pass_cookie: p", "u=a; p=bad", "authorization { user: a, password: pwd }", false)]
    [InlineData("user_cookie: u", "u=a; p=pwd", "authorization { user: a, password: pwd }", false)]
    [InlineData("token_cookie: t", "t=tok", "authorization { token: tok }", true)]
    [InlineData("token_cookie: t", "t=bad", "authorization { token: tok }", false)]
    public async Task CookiesStandInForCredentials(string block, string cookies, string top, bool admitted)
    {
        await using var server = await TestServer.FromConfigAsync(top + "\n" + Block(block));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, $"Cookie: {cookies}\r\n");
        await ExpectAsync(web, "{\"verbose\":false}", admitted);
    }

    [Fact]
    public async Task WhatConnectSaysCountsMoreThanCookies()
    {
        await using var server = await TestServer.FromConfigAsync("authorization { user: a, password: pwd }\n" + Block("user_cookie: u, pass_cookie: p"));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, "Cookie: u=b; p=bad\r\n");
        await ExpectAsync(web, """{"user":"a","pass":"pwd"}""", admitted: true);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSTLSConnection")]
    public async Task InsideTls()
    {
        await using var server = await TestServer.FromConfigAsync(TlsBlock());
        server.WebSocketUrl!.Scheme.ShouldBe("wss");
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, WebSocketRawClient.Deflate, tls: true);
        var info = await web.HelloAsync("{\"verbose\":false}");
        info.ShouldContain("\"tls_required\":true");
        info.ShouldContain("\"tls_available\":true");
        await web.SendAsync("SUB s 1\r\n");
        foreach (var size in new[] { 0, 100, 40_000, 900_000 })
        {
            var payload = string.Concat(Enumerable.Range(0, size).Select(i => (char)('a' + i * 31 % 97 % 26)));
            await web.SendAsync($"PUB s {size}\r\n{payload}\r\nPING\r\n", compressed: size % 200 == 0);
            (await web.ReadThroughAsync("PONG\r\n")).Replace("PING\r\n", "").ShouldBe($"MSG s 1 {size}\r\n{payload}\r\nPONG\r\n");
        }
        server.Clients.Clients.Single().Close(NatsAspire.Server.Connections.CloseReason.ServerShutdown);
        (await web.ReadCloseAsync()).Close.Status.ShouldBe(1001);
    }

    [Fact]
    public async Task WithoutTlsWhereItIsRequiredNobodyComesIn()
    {
        await using var server = await TestServer.FromConfigAsync(TlsBlock());
        using var plain = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        await plain.SendBytesAsync(System.Text.Encoding.ASCII.GetBytes(WebSocketRawClient.Request()));
        (await plain.ReadToEndAsync()).ShouldNotContain("101");
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, tls: true);
        await web.HelloAsync();
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSTLSVerifyClientCert")]
    [Upstream("websocket_test.go", "TestWSTLSVerifyAndMap")]
    public async Task AUserComesFromACertificate()
    {
        using var certificate = _certificates.Issue("client", "CN=alice", names => names.AddEmailAddress("alice@example.com"));
        await using var server = await TestServer.FromConfigAsync(
            "authorization { users [ {user: \"alice@example.com\"} ] }\n" + TlsBlock("verify_and_map: true"));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, tls: true, certificate: certificate);
        await web.HelloAsync("{\"verbose\":false}");
        server.Clients.Clients.Single().UserName.ShouldBe("alice@example.com");
        await Should.ThrowAsync<Exception>(async () =>
        {
            using var none = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, tls: true);
        });
    }

    [Theory]
    [InlineData("websocket { port: 8080 }", "websocket requires TLS configuration")]
    [InlineData("authorization { users [ {user: user, password: pwd} ] }\nwebsocket { port: 8080, no_tls: true, no_auth_user: notfound }", "not present as user")]
    [InlineData("websocket { port: 8080, no_tls: true, jwt_cookie: jwt }", "trusted operators or trusted keys")]
    [Upstream("websocket_test.go", "TestWSNoAuthUserValidation")]
    [Upstream("websocket_test.go", "TestWSValidateOptions")]
    public async Task WhatCannotBeIsRefusedAtTheStart(string text, string error)
    {
        var options = ConfigLoader.LoadText(text, CommandLine.Checks).Options;
        (await Should.ThrowAsync<ConfigurationValueException>(() => NatsServer.StartAsync(options))).Message.ShouldContain(error);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSReloadTLSConfig")]
    public async Task CertificatesAreExchangedAndCannotBeGivenUp()
    {
        using var client = _certificates.Issue("client", "CN=client");
        using var old = _certificates.Issue("old", "CN=old");
        string Config(string block) => $"websocket {{ listen: \"127.0.0.1:-1\"\n {block}\n }}";
        await using var server = await TestServer.FromConfigAsync(Config(_certificates.Block(name: "old")));
        async Task<string> ShownAsync(System.Security.Cryptography.X509Certificates.X509Certificate2? certificate = null)
        {
            using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, tls: true, certificate: certificate);
            (await web.HelloAsync("{\"verbose\":false}")).ShouldContain("\"tls_required\":true");
            return web.ServerCertificate!.Subject;
        }
        (await ShownAsync()).ShouldBe("CN=old");
        await server.ReloadAsync(TestServer.Parse(Config(_certificates.Block())));
        (await ShownAsync()).ShouldBe("CN=server");
        await server.ReloadAsync(TestServer.Parse(Config(_certificates.Block("verify: true"))));
        await Should.ThrowAsync<Exception>(() => ShownAsync());
        (await ShownAsync(client)).ShouldBe("CN=server");
        (await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync(TestServer.Parse(Config(""))))).Message.ShouldContain("TLS configuration");
        (await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync(TestServer.Parse(Config("no_tls: true"))))).Message.ShouldContain("not supported");
        (await ShownAsync(client)).ShouldBe("CN=server");
    }

    private static async Task ExpectAsync(WebSocketRawClient web, string connect, bool admitted)
    {
        await web.ReadThroughAsync("\r\n");
        await web.SendAsync($"CONNECT {connect}\r\nPING\r\n");
        if (admitted)
        {
            await web.ReadThroughAsync("PONG\r\n");
            return;
        }
        await web.ReadThroughAsync("-ERR 'Authorization Violation'\r\n");
        (await web.ReadCloseAsync()).Close.ShouldBe((1008, "Authentication Failure"));
    }

    private static string Block(string more = "") => $"websocket {{ listen: \"127.0.0.1:-1\"\n no_tls: true\n {more}\n }}";

    private string TlsBlock(string more = "") => $"websocket {{ listen: \"127.0.0.1:-1\"\n compression: true\n {_certificates.Block(more)}\n }}";
}
