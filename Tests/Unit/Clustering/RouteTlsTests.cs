using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

public sealed class RouteTlsTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    [Upstream("cluster_tls_test.go", "TestBasicTLSClusterPubSub")]
    [Upstream("cluster_tls_test.go", "TestTLSClusterConfig")]
    public async Task ServersMeshInTls()
    {
        await using var first = await StartAsync("s1", _certificates.Block());
        await using var second = await StartAsync("s2", _certificates.Block(), first);
        await Wait.Until("two servers are one cluster", () => first.PeerCount == 1 && second.PeerCount == 1);
        first.Routes!.Snapshot().ShouldAllBe(route => route.Tls != null && route.Tls.Version == "1.3");
        await using var subscriber = await TestClient.ConnectAsync(first.ClientEndPoint!);
        var subscription = await subscriber.SubscribeAsync("over.tls");
        await subscriber.FlushAsync();
        await Wait.Until("interest has crossed", () => second.Accounts.Global.Subscriptions.HasInterest("over.tls"u8));
        await using var publisher = await TestClient.ConnectAsync(second.ClientEndPoint!);
        var large = new string('x', 500_000);
        await publisher.PublishAsync("over.tls", large);
        (await subscription.NextAsync()).Text.ShouldBe(large);
    }

    [Fact]
    public async Task ACertificateOfAnotherAuthorityDoesNotMesh()
    {
        using var others = new TestCertificates();
        await using var first = await StartAsync("s1", _certificates.Block());
        await using var second = await StartAsync("s2", others.Block(), first);
        await using var third = await StartAsync("s3", _certificates.Block(), first);
        await Wait.Until("the third has joined", () => third.PeerCount == 1 && first.PeerCount == 1);
        second.PeerCount.ShouldBe(0);
        first.PeerCount.ShouldBe(1);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteTLSHandshakeError")]
    public async Task APlainServerDoesNotJoinACiphered()
    {
        await using var first = await StartAsync("s1", _certificates.Block());
        await using var second = await StartAsync("s2", "", first);
        await using var third = await StartAsync("s3", _certificates.Block(), first);
        await Wait.Until("the third has joined", () => third.PeerCount == 1 && first.PeerCount == 1);
        second.PeerCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", false)]
    [Upstream("routes_test.go", "TestTLSRoutesCertificateImplicitAllowPass")]
    [Upstream("routes_test.go", "TestTLSRoutesCertificateImplicitAllowFail")]
    public async Task ACertificateMayHaveToNameAConfiguredHost(string host, bool admitted)
    {
        _certificates.Issue("named", "CN=named", names => names.AddDnsName("localhost")).Dispose();
        var tls = _certificates.Block("verify_cert_and_check_known_urls: true\n" + (admitted ? "" : "insecure: true"), "named");
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        using var log = new CapturedLog();
        var servers = await Task.WhenAll(Enumerable.Range(0, 2).Select(i => NatsServer.StartAsync(
            TestServer.Parse($"server_name: s{i}\ncluster {{ name: C, listen: \"127.0.0.1:{ports[i]}\"\n{tls}\nroutes: [ \"nats://{host}:{ports[1 - i]}\" ] }}"), log)));
        await using var first = servers[0];
        await using var second = servers[1];
        if (admitted)
        {
            await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1, () => string.Join('\n', log.Lines.TakeLast(10)));
            return;
        }
        await Wait.Until("refusals on both sides", () => log.Lines.Count(line => line.Contains("authentication error", StringComparison.Ordinal)) >= 4, () => string.Join('\n', log.Lines.TakeLast(10)));
        (first.PeerCount, second.PeerCount).ShouldBe((0, 0));
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteSaveTLSName")]
    public async Task AServerKnownByNumberIsExpectedToShowTheConfiguredName()
    {
        _certificates.Issue("named", "CN=named", names => names.AddDnsName("localhost")).Dispose();
        var tls = "pool_size: -1\n" + _certificates.Block("", "named");
        await using var first = await StartAsync("s1", tls);
        await using var second = await StartAsync("s2", tls, first);
        await using var third = await StartAsync("s3", tls, first);
        var all = new[] { first, second, third };
        await Wait.Until("the mesh", () => all.All(server => server.PeerCount == 2), () => string.Join(", ", all.Select(server => server.PeerCount)));
        await second.ReloadAsync(TestServer.Parse(Config("s2", tls, $"127.0.0.1:{first.ClusterEndPoint!.Port}")));
        var before = second.Routes!.Snapshot();
        foreach (var route in before) route.Close(CloseReason.ReadError);
        await Wait.Until("they are gone", () => !second.Routes!.Snapshot().Intersect(before).Any());
        await Wait.Until("the mesh again", () => all.All(server => server.PeerCount == 2), () => string.Join(", ", all.Select(server => server.PeerCount)));
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteLockReleasedOnTLSFailure")]
    public async Task AHandshakeThatDoesNotComeEndsTheConnection()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(Config("s1", _certificates.Block("timeout: 0.25"))), log);
        using var silent = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await silent.ExpectClosedAsync();
        await Wait.Until("the reason", () => log.Contains("TLS handshake timeout"), () => string.Join('\n', log.Lines.TakeLast(5)));
        await using var second = await StartAsync("s2", _certificates.Block(), server);
        await Wait.Until("the mesh", () => server.PeerCount == 1 && second.PeerCount == 1);
    }

    private static Task<NatsServer> StartAsync(string name, string tls, NatsServer? seed = null) =>
        TestServer.FromConfigAsync(Config(name, tls, seed is null ? null : $"localhost:{seed.ClusterEndPoint!.Port}"));

    private static string Config(string name, string tls, string? seed = null) =>
        $$"""
        server_name: {{name}}
        cluster {
          name: C, listen: "127.0.0.1:-1"
          {{tls}}
          routes: [ {{(seed is null ? "" : $"\"nats-route://{seed}\"")}} ]
        }
        """;
}
