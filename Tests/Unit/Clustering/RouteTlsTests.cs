using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

public sealed class RouteTlsTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    [Upstream("cluster_tls_test.go", "TestBasicTLSClusterPubSub")]
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

    private static Task<NatsServer> StartAsync(string name, string tls, NatsServer? seed = null) => TestServer.FromConfigAsync(
        $$"""
        server_name: {{name}}
        cluster {
          name: C, listen: "127.0.0.1:-1"
          {{tls}}
          routes: [ {{(seed is null ? "" : $"\"nats-route://localhost:{seed.ClusterEndPoint!.Port}\"")}} ]
        }
        """);
}
