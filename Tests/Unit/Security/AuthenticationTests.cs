using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security;

/// <summary>Who gets in, as whom, seen from outside.</summary>
public sealed class AuthenticationTests
{
    private const string TwoAccounts =
        """
        accounts {
          FOO { users [{user: "foo", password: "pwd1"}] }
          BAR { users [{user: "bar", password: "pwd2"}] }
        }
        no_auth_user: "foo"
        """;

    [Theory]
    [InlineData("\"user\":\"bar\",\"pass\":\"pwd2\"", "BAR")]
    [InlineData("\"user\":\"bar\",\"pass\":\"wrong\"", null)]
    [InlineData("\"auth_token\":\"sometoken\"", null)]
    [InlineData("\"user\":\"bar\"", null)]
    [InlineData("\"user\":\"bar\",\"pass\":\"\"", null)]
    [InlineData("", "FOO")]
    [Upstream("auth_test.go", "TestNoAuthUser")]
    public async Task OnlyWhoSaysNothingBecomesTheNoAuthUser(string credentials, string? account)
    {
        await using var server = await TestServer.FromConfigAsync(TwoAccounts);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync($"CONNECT {{{credentials}{(credentials.Length > 0 ? "," : "")}\"verbose\":false}}\r\nPING\r\n");
        if (account is null)
        {
            (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
            return;
        }
        await client.ExpectAsync("PONG\r\n");
        server.Clients.Clients.Single().Account!.Name.ShouldBe(account);
    }

    [Fact]
    [Upstream("auth_test.go", "TestNoAuthUserNkey")]
    public async Task TheNoAuthUserMayBeAKey()
    {
        var key = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(new byte[32]));
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            accounts {
              FOO { users [{user: "foo", password: "pwd1"}] }
              BAR { users [{nkey: "{{key}}"}] }
            }
            no_auth_user: "{{key}}"
            """);
        await using var client = await server.ConnectAsync();
        var data = JsonDocument.Parse((await client.RequestAsync("$SYS.REQ.USER.INFO")).Text).RootElement.GetProperty("data");
        (data.GetProperty("user").GetString(), data.GetProperty("account").GetString()).ShouldBe((key, "BAR"));
    }

    [Fact]
    [Upstream("auth_test.go", "TestNoAuthUserNoConnectProto")]
    public async Task TheNoAuthUserNeedsNoConnectButMustSaySomething()
    {
        await using var server = await TestServer.FromConfigAsync(TwoAccounts + "\nauthorization { timeout: 0.3 }");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("PUB foo 2\r\nok\r\nPING\r\n");
        (await client.ReadThroughAsync("PONG\r\n")).ShouldNotContain("-ERR");
        server.Clients.Clients.Single().Account!.Name.ShouldBe("FOO");
        using var silent = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await silent.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authentication Timeout'\r\n");
        await client.SendAsync("PING\r\n");
        await client.ReadThroughAsync("PONG\r\n");
    }

    [Theory]
    [InlineData("users = [ { user: a, password: b, allowed_connection_types: [ \"STANDARD\", \"someNewType\" ] } ]")]
    [InlineData("users = [ { nkey: UBO2MQV67TQTVIRV3XFTEZOACM4WLOCMCDMAWN5QVN5PI2N6JHTVDRON, allowed_connection_types: [ \"STANDARD\", \"someNewType\" ] } ]")]
    [Upstream("auth_test.go", "TestUserUnknownAllowedConnectionType")]
    public void AnUnknownKindOfConnectionIsRefused(string users)
    {
        Should.Throw<Exception>(() => TestServer.Parse($"authorization {{ {users} }}")).Message.ShouldContain("connection type");
        TestServer.Parse($"authorization {{ {users.Replace("someNewType", "websocket", StringComparison.Ordinal)} }}");
    }

    [Theory]
    [InlineData("CN=bob", "")]
    [InlineData("CN=bob", "wrong")]
    [InlineData("CN=attacker", "")]
    [InlineData("", "")]
    public async Task AUserOfACertificateHasNoPassword(string user, string password)
    {
        using var certificates = new TestCertificates();
        await using var server = await StartMappedAsync(certificates, "{ user = \"CN=other\" }, { user = \"CN=bob\" }");
        (await WebSocketAnswerAsync(server, user, password)).ShouldBe("-ERR 'Authorization Violation'\r\n");
        (await TlsAnswerAsync(server, certificates, "{\"verbose\":false}")).ShouldBe("PONG\r\n");
    }

    [Fact]
    [Upstream("auth_test.go", "TestAuthCertMappedUserWithPassword")]
    public async Task ACertificateDoesNotReplaceAPassword()
    {
        using var certificates = new TestCertificates();
        await using var server = await StartMappedAsync(certificates, "{ user = \"CN=other\" }, { user = \"CN=bob\", password = s3cr3t }");
        (await TlsAnswerAsync(server, certificates, "{\"verbose\":false}")).ShouldBe("-ERR 'Authorization Violation'\r\n");
        (await TlsAnswerAsync(server, certificates, "{\"verbose\":false,\"pass\":\"s3cr3t\"}")).ShouldBe("PONG\r\n");
        (await WebSocketAnswerAsync(server, "CN=bob", "s3cr3t")).ShouldBe("PONG\r\n");
        (await WebSocketAnswerAsync(server, "CN=bob", "")).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("auth_test.go", "TestAuthNoAuthUserWithoutPasswordAndCertMapping")]
    public async Task TheNoAuthUserMayHaveNoPasswordBesideUsersOfCertificates()
    {
        using var certificates = new TestCertificates();
        await using var server = await StartMappedAsync(certificates, "{ user = \"CN=bob\" }, { user = guest }", "no_auth_user: guest");
        (await WebSocketAnswerAsync(server, "", "")).ShouldBe("PONG\r\n");
        (await WebSocketAnswerAsync(server, "guest", "")).ShouldBe("PONG\r\n");
        (await WebSocketAnswerAsync(server, "CN=bob", "")).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(", allowed_connection_types: [ STANDARD, WEBSOCKET ]", false)]
    [InlineData(", allowed_connection_types: [ WEBSOCKET ]", true)]
    [InlineData(", allowed_connection_types: [ MQTT, WEBSOCKET ]", true)]
    [Upstream("auth_test.go", "TestAuthCertMappedUserConnectionTypeScope")]
    public async Task WhoCannotComeByTheMappingListenerIsNoUserOfACertificate(string types, bool admitted)
    {
        using var certificates = new TestCertificates();
        await using var server = await StartMappedAsync(certificates, $"{{ user = \"CN=bob\" }}, {{ user = scoped{types} }}");
        (await WebSocketAnswerAsync(server, "scoped", "")).ShouldBe(admitted ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientAuthRequiredNoAuthUser")]
    public async Task WithANoAuthUserNothingIsRequired()
    {
        await using var server = await TestServer.FromConfigAsync(TwoAccounts);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).TryGetProperty("auth_required", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("authorization { user: testuser, password: p }", "\"user\":\"testuser\",\"pass\":\"p\"", " - \"$G/user:testuser\"")]
    [InlineData("authorization { token: secret-token }", "\"auth_token\":\"secret-token\"", " - \"$G/token\"")]
    [InlineData("authorization { user: testuser, password: p }", "\"user\":\"testuser\",\"pass\":\"p\",\"version\":\"1.0.0\",\"lang\":\"go\",\"name\":\"test-client\"", " - \"v1.0.0:go:test-client\" - \"$G/user:testuser\"")]
    [InlineData("", "\"version\":\"1.0.0\",\"lang\":\"go\",\"name\":\"test-client\"", " - \"v1.0.0:go:test-client\"")]
    [Upstream("client_test.go", "TestLogConnectionAuthInfo")]
    [Upstream("client_test.go", "TestConnectionStringWithLogConnectionInfo")]
    public async Task LogLinesNameTheUser(string config, string credentials, string label)
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(config), log);
        for (var i = 0; i < 2; i++)
        {
            using var client = await RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,{credentials}}}\r\nCONNECT {{\"verbose\":false,{credentials}}}\r\n");
        }
        await Wait.Until("the end in the log", () => log.Contains($"{label} - Client connection closed"), () => string.Join('\n', log.Lines));
        log.Contains("secret-token").ShouldBeFalse();
    }

    [Theory]
    [InlineData("CN=bob", "")]
    [InlineData("CN=bob", "wrongpassword")]
    [InlineData("CN=attacker", "")]
    [InlineData("", "")]
    [Upstream("auth_test.go", "TestAuthCertMappedUserNotPasswordAuthenticatable")]
    public async Task WhoIsKnownByACertificateIsNotLetInWithoutOne(string user, string password)
    {
        using var certificates = new TestCertificates();
        await using var server = await StartMappedAsync(certificates, "{ user = \"CN=other\" }, { user = \"CN=bob\" }", "leafnodes { listen: \"127.0.0.1:-1\", compression: off }");
        (await WebSocketAnswerAsync(server, user, password)).ShouldContain("Authorization Violation");
        using var leaf = await RawClient.ConnectAsync(server.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync($"CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n");
        (await leaf.ReadToCloseAsync()).ShouldContain("Authorization Violation");
        (await TlsAnswerAsync(server, certificates, "{\"verbose\":false}")).ShouldBe("PONG\r\n");
    }

    [Theory]
    [InlineData("authorization { users = [ { user = \"CN=bob\" } ] }", "PONG")]
    [InlineData("", "Authorization Violation")]
    [Upstream("auth_test.go", "TestAuthCertMappedLeafNodeUsersScope")]
    public async Task CertificatesOfLeafNodesNameTheServersUsersUnlessTheyHaveTheirOwn(string authorization, string answer)
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync(
            $"websocket {{ listen: \"127.0.0.1:-1\", no_tls: true }}\nleafnodes {{ listen: \"127.0.0.1:-1\"\n{certificates.Block("verify_and_map: true")}\n{authorization} }}\nauthorization {{ users = [ {{ user = telemetry }} ] }}\n");
        (await WebSocketAnswerAsync(server, "telemetry", "")).ShouldContain(answer);
    }

    /// <summary>The user of those without a name is for clients only.</summary>
    [Theory]
    [InlineData("route", "PING\r\n")]
    [InlineData("route", "RMSG $G foo 2\r\nok\r\n")]
    [InlineData("leaf", "PING\r\n")]
    [InlineData("client", "PING\r\n")]
    [Upstream("client_test.go", "TestClientPingNoAuthUserExceptionsAndRestrictions")]
    public async Task NobodyInParticularIsAClient(string listener, string said)
    {
        await using var server = await TestServer.FromConfigAsync("""
            accounts { A { users [{user: "foo", password: "pwd"}] } }
            no_auth_user: "foo"
            cluster { listen: "127.0.0.1:-1", authorization { user: "route_user", password: "route_pwd", timeout: 1 } }
            leafnodes { listen: "127.0.0.1:-1", compression: off, authorization { user: "leaf_user", password: "leaf_pwd", timeout: 1 } }
            """);
        using var peer = await RawClient.ConnectAsync(listener switch { "route" => server.ClusterEndPoint!, "leaf" => server.LeafNodeEndPoint!, _ => server.ClientEndPoint! });
        await peer.ReadInfoAsync();
        await peer.SendAsync(said);
        if (listener == "client")
        {
            await peer.ExpectAsync("PONG\r\n");
            server.Connz(new NatsAspire.Server.Monitoring.Pages.ConnzOptions { Account = "A" }).Connections!.Count.ShouldBe(1);
            return;
        }
        (await peer.ReadToCloseAsync()).ShouldNotContain("PONG");
        (server.ClientCount, server.LeafNodeCount, server.PeerCount).ShouldBe((0, 0, 0));
    }

    private static Task<NatsServer> StartMappedAsync(TestCertificates certificates, string users, string more = "") => TestServer.FromConfigAsync(
        $$"""
        {{certificates.Block("verify_and_map: true")}}
        websocket { listen: "127.0.0.1:-1", no_tls: true }
        authorization { users [ {{users}} ] }
        {{more}}
        """);

    private static async Task<string> WebSocketAnswerAsync(NatsServer server, string user, string password)
    {
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.ReadThroughAsync("\r\n");
        await web.SendAsync($"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n");
        return await web.ReadThroughAsync("\r\n");
    }

    private static async Task<string> TlsAnswerAsync(NatsServer server, TestCertificates certificates, string connect)
    {
        using var certificate = certificates.Issue("bob", "CN=bob");
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync(certificate);
        await client.SendAsync($"CONNECT {connect}\r\nPING\r\n");
        return await client.ReadThroughAsync("\r\n");
    }
}
