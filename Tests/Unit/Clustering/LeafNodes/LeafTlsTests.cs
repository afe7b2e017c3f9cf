using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Security.Tls;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Certificates of hubs and leafs: which are shown, whom they name, and other ones after a reload.</summary>
public sealed class LeafTlsTests : IDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly TestCertificates _strange = new();

    public void Dispose()
    {
        _certificates.Dispose();
        _strange.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSWithCerts")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSRemoteWithNoCerts")]
    public async Task AnAuthorityIsEnoughUnlessTheHubWantsACertificate(bool showsCertificate)
    {
        await using var hub = await LeafPair.HubAsync(_certificates.Block());
        var tls = showsCertificate ? _certificates.Block() : $"tls {{ ca_file: \"{_certificates["ca.pem"]}\", timeout: 5 }}";
        await using var leaf = await TestServer.FromConfigAsync(Leaf(hub, "nats://a:a@localhost", tls));
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
    }

    [Fact]
    [Upstream("test/leafnode_test.go", "TestLeafNodeTLS")]
    [Upstream("test/leafnode_test.go", "TestLeafNodeTLSConnCloseEarly")]
    public async Task WhoDoesNotBeginTlsIsClosedAndDisturbsNobody()
    {
        await using var hub = await LeafPair.HubAsync($"tls {{ cert_file: \"{_certificates["server.pem"]}\", key_file: \"{_certificates["server.key"]}\", timeout: 0.5 }}");
        using (var gone = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!)) gone.Abort();
        using var plain = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        var info = await plain.ReadInfoAsync();
        (info.GetProperty("tls_required").GetBoolean(), info.TryGetProperty("tls_verify", out _)).ShouldBe((true, false));
        await plain.ReadToCloseAsync();
        await using var leaf = await TestServer.FromConfigAsync(Leaf(hub, "nats://a:a@localhost", "tls { insecure: true }"));
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Theory]
    [InlineData("timeout: 5", 5)]
    [InlineData("timeout: 10", 10)]
    [InlineData("", 2)]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSRemoteWithNoCerts")]
    public void ARemoteHasItsOwnTimeOut(string written, double seconds) =>
        TlsContext.Create(TestServer.Parse($"leafnodes {{ remotes: [ {{ url: \"nats://localhost:1234\", tls {{ ca_file: \"{_certificates["ca.pem"]}\"\n{written} }} }} ] }}")
            .LeafNode.Remotes.Single().Tls)!.Timeout.TotalSeconds.ShouldBe(seconds);

    /// <summary>What the leaf was told of, and configured with, as a number must still show the name it was configured with.</summary>
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSSaveName")]
    public async Task TheNameOfOneAddressIsExpectedOfTheOthers()
    {
        _certificates.Issue("named", "CN=named", names => names.AddDnsName("localhost")).Dispose();
        await using var hub = await LeafPair.HubAsync(_certificates.Block(name: "named"));
        var closed = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        var urls = $"no_randomize: true, urls: [\"nats-leaf://a:a@localhost:{closed}\", \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\"]";
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ reconnect: \"10ms\", remotes: [ {{ {urls}, account: A\ntls {{ ca_file: \"{_certificates["ca.pem"]}\" }} }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("user-provided-in-url", false)]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSVerifyAndMapCfgPass")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSVerifyAndMapCfgFail")]
    public async Task TheNameInTheAddressCountsForNothingBesideACertificate(string user, bool isLetIn)
    {
        using var log = new CapturedLog(Microsoft.Extensions.Logging.LogLevel.Debug);
        await using var hub = await NatsServer.StartAsync(TestServer.Parse(
            $"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:-1\"\n{_certificates.Block("verify_and_map: true")}\nauthorization {{ users: [ {{ user: \"{user}\" }} ] }}\n }}\n"), log);
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"tls://user-provided-in-url@localhost:{hub.LeafNodeEndPoint!.Port}\"\n{_certificates.Block()}\n }} ] }}\n");
        if (!isLetIn)
        {
            await Wait.Until("it is refused", () => log.Contains("authentication error"), () => string.Join('\n', log.Lines.TakeLast(5)));
            hub.LeafNodeCount.ShouldBe(0);
            return;
        }
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        hub.Leafz().Leafs.Single().Account.ShouldBe("$G");
        log.Contains("User \"user-provided-in-url\" found in connect proto, but user required from cert").ShouldBeTrue();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSConfigReload")]
    public async Task AnAuthorityThatAReloadBringsAdmitsTheLeafsItVouchesFor()
    {
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        string Config(TestCertificates trusted) => $"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:{port}\"\n{Trusting(trusted, "verify: true")}\n }}\n{LeafPair.Accounts}";
        using var log = new CapturedLog();
        await using var hub = await NatsServer.StartAsync(TestServer.Parse(Config(_strange)), log);
        await using var leaf = await TestServer.FromConfigAsync(Leaf(hub, "tls://a:a@127.0.0.1", _certificates.Block()));
        await FailsAsync(log, "server");
        await hub.ReloadAsync(TestServer.Parse(Config(_certificates)));
        await LeafPair.ConnectedAsync(leaf, 1);
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSConfigReloadForRemote")]
    public async Task AnAuthorityThatAReloadBringsIsTrustedByARemote()
    {
        await using var hub = await LeafPair.HubAsync(_certificates.Block("verify: true"));
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(TestServer.Parse(Leaf(hub, "tls://a:a@127.0.0.1", Trusting(_strange))), log);
        await FailsAsync(log, "client");
        await leaf.ReloadAsync(TestServer.Parse(Leaf(hub, "tls://a:a@127.0.0.1", _certificates.Block())));
        await LeafPair.ConnectedAsync(leaf, 1);
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeFirstVerifyNoInfoSent")]
    public async Task WhereTlsComesFirstNothingComesBeforeIt()
    {
        await using var hub = await LeafPair.HubAsync(_certificates.Block("handshake_first: true"));
        using var client = await TlsRawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        // Bytes before the handshake would be taken for a part of it, and fail it.
        await client.StartTlsAsync();
        (await client.ReadThroughAsync("\r\n")).ShouldStartWith("INFO {");
    }

    /// <summary>Its end of TLS cannot be said to who reads nothing; the connection goes all the same.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("leafnode_test.go", "TestLeafNodeCloseTLSConnection")]
    [Upstream("gateway_test.go", "TestGatewayCloseTLSConnection")]
    public async Task WhoReadsNothingIsClosedAtOnceAllTheSame(bool isGateway)
    {
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: A\nwrite_deadline: 60s\n{LeafPair.Accounts}" + (isGateway
                ? $"gateway {{ name: A, listen: \"127.0.0.1:-1\"\n{_certificates.Block()} }}\n"
                : $"leafnodes {{ listen: \"127.0.0.1:-1\", compression: off\n{_certificates.Block()} }}\n"));
        using var certificate = _certificates.Issue("silent", "CN=silent");
        using var silent = await TlsRawClient.ConnectAsync(isGateway ? server.GatewayEndPoint! : server.LeafNodeEndPoint!);
        if (!isGateway) await silent.ReadThroughAsync("\r\n");
        await silent.StartTlsAsync(certificate);
        if (isGateway) await silent.ReadThroughAsync("\r\n");
        await silent.SendAsync(isGateway
            ? "CONNECT {\"name\":\"NB\",\"gateway\":\"B\"}\r\nINFO {\"server_id\":\"NB\",\"server_name\":\"b\",\"gateway\":\"B\",\"gateway_nrp\":true}\r\n"
            : "CONNECT {\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NB\",\"name\":\"b\"}\r\nLS+ flood\r\n");
        int Connected() => isGateway ? server.InboundGatewayCount : server.LeafNodeCount;
        await Wait.Until("it is in", () => Connected() == 1);
        await using var client = await LeafPair.ClientAsync(server);
        if (isGateway)
        {
            // Interest is what an inbound connection is sent.
            var subjects = string.Concat(Enumerable.Range(1, 20_000).Select(sid => $"SUB {new string('s', 200)}.{sid} {sid}\r\n"));
            await client.SendAsync(subjects);
        }
        else
        {
            await LeafPair.HasInterestAsync(server, "flood");
            for (var i = 0; i < 16; i++) await client.PublishAsync("flood", new byte[512 * 1024]);
        }
        await client.FlushAsync();
        Connection connection = isGateway ? server.Gateways!.Snapshot().Inbound.Single() : server.LeafNodes!.Snapshot().Single();
        await Wait.Until("its queue is full", () => connection.PendingBytes > 0, () => $"{connection.PendingBytes}");
        connection.Close(CloseReason.SlowConsumerWriteDeadline);
        await Wait.Until("it is closed", () => Connected() == 0);
    }

    private static Task FailsAsync(CapturedLog log, string role) => Wait.Until(
        "a handshake fails", () => log.Contains($"TLS leafnode {role} handshake error"), () => string.Join('\n', log.Lines.TakeLast(5)));

    private static string Leaf(NatsServer hub, string address, string tls) =>
        $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"{address}:{hub.LeafNodeEndPoint!.Port}\", account: A\n{tls}\n }} ] }}\n{LeafPair.Accounts}";

    /// <summary>With a certificate everybody trusts, and trust in this authority.</summary>
    private string Trusting(TestCertificates authority, string more = "") =>
        _certificates.Block(more).Replace(_certificates["ca.pem"], authority["ca.pem"], StringComparison.Ordinal);
}
