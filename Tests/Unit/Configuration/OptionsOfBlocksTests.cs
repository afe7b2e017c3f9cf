using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Blocks of the configuration, read whole.</summary>
public sealed class OptionsOfBlocksTests
{
    private const string First = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069";
    private const string Second = "a8f407340dcc719864214b85ed96f98d16cbffa8f509d9fa4ca237b7bb3f9c32";

    [Fact]
    [Upstream("opts_test.go", "TestTlsPinnedCertificates")]
    public void EveryListenerMayPinCertificates()
    {
        using var certificates = new TestCertificates();
        var tls = certificates.Block($"verify: true\npinned_certs: [\"{First}\", \"{Second.ToUpperInvariant()}\"]");
        var options = Load(
            $$"""
            {{tls}}
            cluster { port: -1, name: hub, {{tls}} }
            leafnodes { port: -1, {{tls}} }
            gateway { name: A, port: -1, {{tls}} }
            websocket { port: -1, {{tls}} }
            mqtt { port: -1, {{tls}} }
            """);
        foreach (var block in new[] { options.Tls, options.Cluster.Tls, options.LeafNode.Tls, options.Gateway.Tls, options.WebSocket.Tls, options.Mqtt.Tls })
        {
            block!.PinnedCertificates.ShouldBe([First, Second], ignoreOrder: true);
        }
        Should.Throw<ConfigException>(() => Load(certificates.Block("pinned_certs: [\"abc\"]"))).Message.ShouldContain("key abc");
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountParseConfigImportsExports")]
    public void ExportsAndImportsOfAccounts()
    {
        var options = Load(Accounts);
        (options.Accounts.Count, options.Accounts.Sum(account => account.Users.Count), options.Authorization.Users.Count).ShouldBe((3, 4, 0));
        var nats = options.Accounts.Single(account => account.Name == "nats.io");
        var synadia = options.Accounts.Single(account => account.Name == "synadia");
        nats.NKey.ShouldBe("AB5UKNPVHDWBP5WODG742274I3OGY5FM3CBIFCYI4OFEH7Y23GNZPXFE");
        nats.Users.ShouldContain(user => user.NKey == "UBRYMDSRTC6AVJL6USKKS3FIOE466GMEU67PZDGOWYSYHWA7GSKO42VW");
        var streams = nats.Imports.Where(import => !import.IsService).ToDictionary(import => import.Subject, import => import.AllowTrace);
        streams.ShouldBe(new Dictionary<string, bool> { ["public.synadia"] = true, ["synadia.private.*"] = false }, ignoreOrder: true);
        nats.Imports.Count(import => import.IsService).ShouldBe(1);
        var services = nats.Exports.ToDictionary(export => export.Subject, export => (export.IsService, export.Response, export.AllowTrace));
        services.ShouldBe(
            new Dictionary<string, (bool, ServiceResponse, bool)>
            {
                ["nats.time"] = (true, ServiceResponse.Stream, true),
                ["nats.photo"] = (true, ServiceResponse.Chunked, false),
                ["nats.add"] = (true, ServiceResponse.Single, true),
                ["nats.sub"] = (true, ServiceResponse.Single, false),
            },
            ignoreOrder: true);
        (synadia.Imports.Count(import => import.IsService), synadia.Imports.Count(import => !import.IsService)).ShouldBe((1, 0));
        (synadia.Exports.Count(export => export.IsService), synadia.Exports.Count(export => !export.IsService)).ShouldBe((2, 2));
    }

    [Theory]
    [InlineData("websocket: []", "to be a map")]
    [InlineData("websocket: { listen: [] }", "port or host:port")]
    [InlineData("websocket: { port: \"abc\" }", "not int64")]
    [InlineData("websocket: { host: 123 }", "not string")]
    [InlineData("websocket: { advertise: 123 }", "not string")]
    [InlineData("websocket: { tls: 123 }", "not map[string]interface {}")]
    [InlineData("websocket: { same_origin: \"abc\" }", "not bool")]
    [InlineData("websocket: { allowed_origins: {} }", "unsupported type")]
    [InlineData("websocket: { allowed_origins: [ {} ] }", "unsupported type in array")]
    [InlineData("websocket: { handshake_timeout: [] }", "unsupported type")]
    [InlineData("websocket: { handshake_timeout: \"abc\" }", "invalid duration")]
    [InlineData("websocket: { headers: 123 }", "unsupported type")]
    [InlineData("websocket: { headers: [] }", "unsupported type")]
    [InlineData("websocket: { headers: { \"key\": 123 } }", "unsupported type")]
    [InlineData("websocket: { this_does_not_exist: 123 }", "unknown")]
    [Upstream("websocket_test.go", "TestWSParseOptions")]
    public void WhatAWebSocketBlockCannotHold(string config, string error) =>
        Should.Throw<ConfigException>(() => Load(config)).Message.ShouldContain(error);

    [Fact]
    [Upstream("websocket_test.go", "TestWSParseOptions")]
    public void AWebSocketBlock()
    {
        using var certificates = new TestCertificates();
        WebSocket("listen: 1234").Port.ShouldBe(1234);
        (WebSocket("listen: \"localhost:1234\"").Host, WebSocket("listen: \"localhost:1234\"").Port).ShouldBe(("localhost", 1234));
        WebSocket("host: localhost").Host.ShouldBe("localhost");
        WebSocket("port: 1234").Port.ShouldBe(1234);
        WebSocket("advertise: \"host:1234\"").Advertise.ShouldBe("host:1234");
        WebSocket("same_origin: true").SameOrigin.ShouldBeTrue();
        WebSocket("allowed_origins: \"https://host.com/\"").AllowedOrigins.ShouldBe(["https://host.com/"]);
        WebSocket("allowed_origins: [\n\"https://host1.com/\"\n\"https://host2.com/\"\n]").AllowedOrigins.ShouldBe(["https://host1.com/", "https://host2.com/"]);
        WebSocket("handshake_timeout: 3").HandshakeTimeout.ShouldBe(TimeSpan.FromSeconds(3));
        WebSocket("handshake_timeout: \"4s\"").HandshakeTimeout.ShouldBe(TimeSpan.FromSeconds(4));
        WebSocket(certificates.Block()).Tls.ShouldNotBeNull().CertificateFile.ShouldBe(certificates["server.pem"]);
        WebSocket("compression: true").Compression.ShouldBeTrue();
        WebSocket("jwt_cookie: jwtcookie").JwtCookie.ShouldBe("jwtcookie");
        WebSocket("no_auth_user: noauthuser").NoAuthUser.ShouldBe("noauthuser");
        var authorization = WebSocket("authorization { user: webuser, password: pwd, token: token, timeout: 2.0 }").Authorization;
        (authorization.Username, authorization.Password, authorization.Token, authorization.Timeout).ShouldBe(("webuser", "pwd", "token", TimeSpan.FromSeconds(2)));
        WebSocket("authorization { timeout: 2 }").Authorization.Timeout.ShouldBe(TimeSpan.FromSeconds(2));
        WebSocket("headers { \"X-Header\": \"some-value\", \"X-Another-Header\": \"another-value\" }").Headers
            .ShouldBe(new Dictionary<string, string> { ["X-Header"] = "some-value", ["X-Another-Header"] = "another-value" }, ignoreOrder: true);
    }

    [Theory]
    [InlineData("service", "service: \"*\"", "service: { account: A{0}, subject: foo }")]
    [InlineData("stream", "stream: foo", "stream: { account: A{0}, subject: foo }")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleDepthLimit")]
    public void AChainOfImportsHasAnEnd(string kind, string export, string import)
    {
        string Chain(int accounts) => string.Join('\n', Enumerable.Range(1, accounts).Select(i =>
            $"A{i} {{ exports [ {{ {export} }} ]{(i == 1 ? "" : $", imports [ {{ {import.Replace("{0}", $"{i - 1}")} }} ]")} }}"));
        Load($"accounts {{ {Chain(1024)} }}").Accounts.Count.ShouldBe(1024, kind);
        Should.Throw<ConfigException>(() => Load($"accounts {{ {Chain(1025)} }}")).Message.ShouldContain("search cycle depth exhausted");
    }

    [Fact]
    [Upstream("opts_test.go", "TestParseExport")]
    public async Task AnAccountMayBeNamedInTheSubject()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            system_account: sys
            accounts {
              sys { exports [ { stream "$SYS.SERVER.ACCOUNT.*.CONNS", account_token_position 4 } ] }
              accE { exports [ { service foo.*, account_token_position 2 } ], users [ { user ue, password pwd } ] }
              accI1 { users [ { user u1, password pwd } ], imports [
                { service { account accE, subject foo.accI1 }, to foo }, { stream { account sys, subject "$SYS.SERVER.ACCOUNT.accI1.CONNS" } } ] }
              accI2 { users [ { user u2, password pwd } ], imports [
                { service { account accE, subject foo.accI2 }, to foo }, { stream { account sys, subject "$SYS.SERVER.ACCOUNT.accI2.CONNS" } } ] }
            }
            """);
        Task<TestClient> Connect(string user) => server.ConnectAsync(new TestClientOptions { User = user, Password = "pwd" });
        await using var first = await Connect("u1");
        await using var second = await Connect("u2");
        await using var exporter = await Connect("ue");
        var requests = await exporter.SubscribeAsync("foo.*");
        await exporter.FlushAsync();
        foreach (var (client, account, user) in new[] { (first, "accI1", "u1"), (second, "accI2", "u2") })
        {
            var events = await client.SubscribeAsync($"$SYS.SERVER.ACCOUNT.{account}.CONNS");
            await client.FlushAsync();
            await using (var another = await Connect(user)) await Wait.Until("its coming is told", () => events.Count > 0);
            var answer = client.RequestAsync("foo", "1");
            var request = await requests.NextAsync();
            request.Subject.ShouldBe($"foo.{account}");
            await exporter.PublishAsync(request.Reply!, request.Text);
            (await answer).Text.ShouldBe("1");
        }
    }

    private const string Accounts =
        """
        accounts: {
          synadia: {
            nkey: ADMHMDX2LEUJRZQHGVSVRWZEJ2CPNHYO6TB4ZCZ37LXAX5SYNEW252GF
            users = [ {nkey : UC6NLCN7AS34YOJVCYD4PJ3QB7QGLYG5B5IMBT25VW5K4TNUJODM7BOX}, {nkey : UBAAQWTW6CG2G6ANGNKB5U2B7HRWHSGMZEZX3AQSAJOQDAUGJD46LD2E} ]
            exports = [ {stream: "public.>"}, {stream: "synadia.private.>", accounts: [cncf, nats.io]}, {service: "pub.request"}, {service: "pub.special.request", accounts: [nats.io]} ]
            imports = [ {service: {account: "nats.io", subject: "nats.time"}} ]
          }
          nats.io: {
            nkey: AB5UKNPVHDWBP5WODG742274I3OGY5FM3CBIFCYI4OFEH7Y23GNZPXFE
            users = [ {nkey : UBRYMDSRTC6AVJL6USKKS3FIOE466GMEU67PZDGOWYSYHWA7GSKO42VW}, {nkey : UDEREK22W43P2NFQCSKGM6BWD23OVWEDR7JE7LSNCD232MZIC4X2MEKZ} ]
            imports = [
              {stream: {account: "synadia", subject:"public.synadia"}, prefix: "imports.synadia", allow_trace: true}
              {stream: {account: "synadia", subject:"synadia.private.*"}}
              {service: {account: "synadia", subject: "pub.special.request"}, to: "synadia.request"}
            ]
            exports = [
              {service: "nats.time", response: stream, allow_trace: true}, {service: "nats.photo", response: chunked}
              {service: "nats.add", response: singleton, accounts: [cncf], allow_trace: true}, {service: "nats.sub"}
            ]
          }
          cncf: { nkey: ABDAYEV6KZVLW3GSJ3V7IWC542676TFYILXF2C7Z56LCPSMVHJE5BVYO}
        }
        """;

    private static WebSocketOptions WebSocket(string block) => Load($"websocket {{ {block} }}").WebSocket;

    private static ServerOptions Load(string config) => ConfigLoader.LoadText(config, CommandLine.Checks).Options;
}
