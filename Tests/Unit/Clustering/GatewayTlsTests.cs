using System.Security.Cryptography;
using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Certificates between clusters: who is let in, and what a reload changes.</summary>
public sealed class GatewayTlsTests : IDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly TestCertificates _strange = new();
    private readonly int _port = new FreePorts().Take(1)[0];

    public void Dispose()
    {
        _certificates.Dispose();
        _strange.Dispose();
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLSErrors")]
    public async Task TlsAndNoTlsDoNotMeet()
    {
        await using var plain = await TestServer.FromConfigAsync(Config("B", ""));
        await using var server = await TestServer.FromConfigAsync(Config("A", _certificates.Block(), plain));
        await Wait.Until("it has failed", () => server.Gateways!.Remotes().Single(remote => remote.Name == "B").Attempts > 0);
        await Wait.Until("neither has a connection", () => (server.OutboundGatewayCount, plain.OutboundGatewayCount, plain.InboundGatewayCount) == (0, 0, 0));
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLSConfigReload")]
    public async Task AnotherAuthorityIsTakenOverByAReload()
    {
        await using var a = await TestServer.FromConfigAsync(Config("A", Trusting(_strange), port: _port));
        await using var b = await TestServer.FromConfigAsync(Config("B", _certificates.Block("verify: true"), a));
        await Wait.Until("B has failed", () => b.Gateways!.Remotes().Single().Attempts > 0);
        b.OutboundGatewayCount.ShouldBe(0);
        await a.ReloadAsync(TestServer.Parse(Config("A", Trusting(_certificates), port: _port)));
        await MeetAsync(a, b);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLSConfigReloadForRemote")]
    public async Task ARemotesOwnTlsIsTakenOverByAReload()
    {
        await using var a = await TestServer.FromConfigAsync(Config("A", _certificates.Block("verify: true")));
        string B(TestCertificates trusted) => Config("B", _certificates.Block("verify: true"), a, port: _port, remote: Trusting(trusted));
        await using var b = await TestServer.FromConfigAsync(B(_strange));
        await Wait.Until("B has failed", () => b.Gateways!.Remotes().Single().Attempts > 0);
        b.OutboundGatewayCount.ShouldBe(0);
        await b.ReloadAsync(TestServer.Parse(B(_certificates)));
        await MeetAsync(a, b);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLSConfigReloadForImplicitRemote")]
    public async Task AReloadAlsoHoldsTowardsClustersThatWereLearned()
    {
        await using var a = await TestServer.FromConfigAsync(Config("A", Trusting(_certificates), port: _port));
        await using var b = await TestServer.FromConfigAsync(Config("B", _certificates.Block("verify: true"), a));
        await MeetAsync(a, b);
        await a.ReloadAsync(TestServer.Parse(Config("A", Trusting(_strange), port: _port)));
        a.Gateways!.Snapshot().Outbound.Single().Close(NatsAspire.Server.Connections.CloseReason.ReadError);
        var before = a.Gateways.Remotes().Single().Attempts;
        await Wait.Until("A has failed", () => a.Gateways.Remotes() is not [var remote] || remote.Attempts > before);
        await Wait.Until("A has no connection", () => a.OutboundGatewayCount == 0);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLSPinnedCertsReloadDisconnectsPeers")]
    public async Task OnlyPinnedClustersStayAfterAReload()
    {
        using var certificate = _certificates.Issue("peer", "CN=peer", names => names.AddIpAddress(System.Net.IPAddress.Loopback));
        var pin = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        string A(string pins) => Config("A", _certificates.Block($"verify: true\npinned_certs: [{pins}]"), port: _port);
        await using var a = await TestServer.FromConfigAsync(A($"\"{pin}\""));
        await using var b = await TestServer.FromConfigAsync(Config("B", _certificates.Block("verify: true", "peer"), a));
        await MeetAsync(a, b);
        var attempts = b.Gateways!.Remotes().Single().Attempts;
        await a.ReloadAsync(TestServer.Parse(A("\"aaaaaaaa09fde09451411ba3b42c0f74727d61a974c69fd3cf5257f39c75f0e9\"")));
        await Wait.Until("they part", () => (a.OutboundGatewayCount, a.InboundGatewayCount, b.OutboundGatewayCount, b.InboundGatewayCount) == (0, 0, 0, 0));
        await Wait.Until("B has failed", () => b.Gateways.Remotes().Single().Attempts > attempts);
        await a.ReloadAsync(TestServer.Parse(A("")));
        await MeetAsync(a, b);
        var kept = b.Gateways.Snapshot().Outbound.Single().Id;
        await a.ReloadAsync(TestServer.Parse(A($"\"{pin}\"")));
        await MeetAsync(a, b);
        b.Gateways.Snapshot().Outbound.Single().Id.ShouldBe(kept);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", false)]
    [Upstream("gateway_test.go", "TestGatewayTLSCertificateImplicitAllowPass")]
    [Upstream("gateway_test.go", "TestGatewayTLSCertificateImplicitAllowFail")]
    public async Task ACertificateThatNamesAKnownAddressIsEnough(string host, bool isLetIn)
    {
        _certificates.Issue("named", "CN=named", names => names.AddDnsName("localhost")).Dispose();
        var ports = new FreePorts().Take(2);
        var gateways = $"gateways: [ {{ name: A, urls: [\"nats://{host}:{ports[0]}\"] }}, {{ name: B, urls: [\"nats://{host}:{ports[1]}\"] }} ]";
        string Of(string name, int port) =>
            $"server_name: {name}\ngateway {{ name: {name}, listen: \"127.0.0.1:{port}\", {gateways}\n{_certificates.Block($"verify_cert_and_check_known_urls: true\ninsecure: {(isLetIn ? "false" : "true")}", "named")} }}";
        using var log = new CapturedLog();
        await using var a = await NatsServer.StartAsync(TestServer.Parse(Of("A", ports[0])), log);
        await using var b = await TestServer.FromConfigAsync(Of("B", ports[1]));
        if (isLetIn)
        {
            await MeetAsync(a, b);
            return;
        }
        await Wait.Until("A has refused B", () => log.Contains("authentication error") || log.Contains("Authorization Violation"), () => string.Join('\n', log.Lines.TakeLast(10)));
        await Wait.Until("neither is let in", () => (a.OutboundGatewayCount, b.OutboundGatewayCount, a.InboundGatewayCount, b.InboundGatewayCount) == (0, 0, 0, 0));
    }

    /// <summary>With a certificate everybody trusts, and trust in this authority.</summary>
    private string Trusting(TestCertificates authority) =>
        _certificates.Block("verify: true").Replace(_certificates["ca.pem"], authority["ca.pem"], StringComparison.Ordinal);

    private static string Config(string name, string tls, NatsServer? other = null, int port = -1, string remote = "") =>
        $$"""
        server_name: {{name}}
        gateway {
          name: {{name}}, listen: "127.0.0.1:{{port}}", connect_retries: 10
          {{tls}}
          gateways: [ {{(other is null ? "" : $"{{ name: {other.Name}, urls: [\"nats://127.0.0.1:{other.GatewayEndPoint!.Port}\"]\n{remote} }}")}} ]
        }
        """;

    private static Task MeetAsync(NatsServer a, NatsServer b) => Wait.Until(
        "both clusters are connected",
        () => (a.OutboundGatewayCount, a.InboundGatewayCount, b.OutboundGatewayCount, b.InboundGatewayCount) == (1, 1, 1, 1),
        () => $"{a.OutboundGatewayCount} {a.InboundGatewayCount}, {b.OutboundGatewayCount} {b.InboundGatewayCount}");
}
