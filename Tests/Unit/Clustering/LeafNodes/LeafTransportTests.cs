using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What leaf node connections go through: compression, TLS, WebSocket.</summary>
public sealed class LeafTransportTests
{
    [Theory]
    [InlineData("s2_fast", "s2_fast", "s2_fast", "s2_fast")]
    [InlineData("s2_auto", "s2_auto", "s2_uncompressed", "s2_uncompressed")]
    [InlineData("accept", "s2_best", "s2_best", "s2_best")]
    [InlineData("s2_better", "accept", "s2_better", "s2_better")]
    [InlineData("off", "s2_fast", "off", "off")]
    [InlineData("accept", "accept", "off", "off")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompression")]
    public async Task BothEndsAgreeOnCompression(string hub, string leaf, string atHub, string atLeaf)
    {
        await using var pair = await LeafPair.StartAsync($"compression: {hub}", $"compression: {leaf}");
        await ExchangeAsync(pair.Hub, pair.Leaf);
        pair.Hub.LeafNodes!.Snapshot().Single().Compression.ShouldBe(atHub);
        pair.Leaf.LeafNodes!.Snapshot().Single().Compression.ShouldBe(atLeaf);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("handshake_first: true", "handshake_first: true")]
    [InlineData("handshake_first: auto", "handshake_first: true")]
    [InlineData("handshake_first: auto", "")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeFirst")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeFirstFallbackDelayConfigValues")]
    public async Task TlsComesBehindInfoOrBeforeIt(string hub, string leaf)
    {
        using var certificates = new TestCertificates();
        await using var pair = await LeafPair.StartAsync(certificates.Block(hub), certificates.Block(leaf));
        await ExchangeAsync(pair.Hub, pair.Leaf);
        pair.Hub.LeafNodes!.Snapshot().Single().Tls.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("compression: false", "")]
    [InlineData("compression: true", "ws_compression: true")]
    [InlineData("compression: true", "ws_compression: true, ws_no_masking: true")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSBasic")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSMixURLs")]
    public async Task ALeafMayComeThroughAWebSocket(string hubBlock, string remote)
    {
        await using var hub = await LeafPair.HubAsync(more: $"websocket {{ host: 127.0.0.1, port: -1, no_tls: true, {hubBlock} }}\n");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}\", account: A\n{remote} }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await ExchangeAsync(hub, leaf);
        await ExchangeAsync(leaf, hub);
        hub.LeafNodes!.Snapshot().Single().IsWebSocket.ShouldBeTrue();
    }

    private static async Task ExchangeAsync(NatsServer from, NatsServer to)
    {
        await using var subscriber = await LeafPair.ClientAsync(to);
        await using var publisher = await LeafPair.ClientAsync(from);
        var subject = $"x.{Guid.NewGuid():N}";
        var heard = await subscriber.SubscribeAsync(subject);
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(from, subject);
        var payload = new string('z', 200_000);
        await publisher.PublishAsync(subject, payload);
        (await heard.NextAsync()).Text.ShouldBe(payload);
    }
}
