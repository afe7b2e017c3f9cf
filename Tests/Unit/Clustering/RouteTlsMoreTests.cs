using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Certificates that decide who is of the cluster.</summary>
public sealed class RouteTlsMoreTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    [Upstream("cluster_tls_test.go", "TestClusterTLSInsecure")]
    public async Task NamesAreNotCheckedOnceInsecureIsReloaded()
    {
        _certificates.Issue("noip", "CN=noip", names => names.AddDnsName("localhost")).Dispose();
        await using var first = await TestServer.FromConfigAsync(Config("A", _certificates.Block(name: "noip")));
        using var others = new CapturedLog(LogLevel.Information);
        string Second(string more) => Config("B", _certificates.Block(more, "noip"), first);
        await using var second = await NatsServer.StartAsync(TestServer.Parse(Second("")), others);
        await Wait.Until("the handshake error", () => others.Contains("TLS route handshake error"));
        (first.PeerCount, second.PeerCount).ShouldBe((0, 0));
        await second.ReloadAsync(TestServer.Parse(Second("insecure: true")));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        others.Contains("TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!").ShouldBeTrue();
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSRoutesCertificateCNBasedAuth")]
    public async Task ARouteIsWhomItsCertificateNames()
    {
        void Issue(string name, string subject) => _certificates.Issue(name, subject, names => names.AddIpAddress(System.Net.IPAddress.Loopback)).Dispose();
        Issue("route", "CN=localhost,OU=NATS.io Operators");
        Issue("wrong", "CN=localhost,OU=Strangers");
        string Tls(string certificate) =>
            $$"""
            {{_certificates.Block("verify_and_map: true", certificate)}}
            permissions { publish { allow: ["public.>"] }, subscribe { allow: ["public.>"] } }
            authorization { user: "CN=localhost,OU=NATS.io Operators" }
            """;
        const string quiet = "no_system_account: true\n";
        await using var first = await TestServer.FromConfigAsync(quiet + Config("A", Tls("route")));
        await using var second = await TestServer.FromConfigAsync(quiet + Config("B", Tls("route"), first));
        using var log = new CapturedLog();
        await using var stranger = await NatsServer.StartAsync(TestServer.Parse(quiet + Config("S", Tls("wrong"), first)), log);
        await Wait.Until("the mesh of two", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var subscriber = await first.ConnectAsync();
        var open = await subscriber.SubscribeAsync("public.>");
        var closed = await subscriber.SubscribeAsync("private.>");
        await subscriber.FlushAsync();
        await Wait.Until("interest has crossed", () => second.Accounts.Global.Subscriptions.HasInterest("public.x"u8));
        second.Accounts.Global.Subscriptions.HasInterest("private.x"u8).ShouldBeFalse();
        await using var lost = await stranger.ConnectAsync();
        await lost.PublishAsync("public.foo", "from a stranger");
        await lost.FlushAsync();
        await using var publisher = await second.ConnectAsync();
        await publisher.PublishAsync("private.foo", "hidden");
        await publisher.PublishAsync("public.foo", "seen");
        (await open.NextAsync()).Text.ShouldBe("seen");
        (open.Count, closed.Count, first.PeerCount).ShouldBe((1, 0, 1));
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSPinnedCertsRoute")]
    public async Task OnlyPinnedPeersStayAfterAReload()
    {
        using var certificate = _certificates.Issue("peer", "CN=peer", names => names.AddIpAddress(System.Net.IPAddress.Loopback));
        var pin = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
        await using var seed = await TestServer.FromConfigAsync(Config("A", _certificates.Block(name: "peer")));
        string Second(string hash) => Config("B", _certificates.Block($"verify: true\npinned_certs: [\"{hash}\"]", "peer"), seed);
        await using var second = await TestServer.FromConfigAsync(Second(pin));
        await Wait.Until("the mesh", () => seed.PeerCount == 1 && second.PeerCount == 1);
        await second.ReloadAsync(TestServer.Parse(Second("aaaaaaaa09fde09451411ba3b42c0f74727d61a974c69fd3cf5257f39c75f0e9")));
        await Wait.Until("they part", () => seed.RouteConnectionCount == 0 && second.RouteConnectionCount == 0);
        await second.ReloadAsync(TestServer.Parse(Second(pin)));
        await Wait.Until("the mesh again", () => seed.PeerCount == 1 && second.PeerCount == 1);
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSTimeoutNotReportSlowConsumer")]
    public async Task AHandshakeThatTakesTooLongIsNoSlowConsumer()
    {
        using var log = new CapturedLog();
        await using var first = await NatsServer.StartAsync(TestServer.Parse(Config("A", _certificates.Block().Replace("timeout: 5", "timeout: 0.001", StringComparison.Ordinal))), log);
        await using var second = await TestServer.FromConfigAsync(Config("B", _certificates.Block(), first));
        using var silent = await RawClient.ConnectAsync(first.ClusterEndPoint!);
        await silent.ExpectClosedAsync();
        await Wait.Until("the time-out", () => log.Contains("TLS handshake timeout"), () => string.Join('\n', log.Lines.TakeLast(5)));
        log.Contains("Slow Consumer").ShouldBeFalse();
        first.Routes!.SlowConsumers.ShouldBe(0);
    }

    private static string Config(string name, string tls, NatsServer? seed = null) =>
        $$"""
        server_name: {{name}}
        cluster {
          name: xyz, listen: "127.0.0.1:-1", pool_size: -1, compression: disabled
          {{tls}}
          routes: [ {{(seed is null ? "" : $"\"nats-route://127.0.0.1:{seed.ClusterEndPoint!.Port}\"")}} ]
        }
        """;
}
