using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>The upgrade of leaf node connections, with either end played by the test.</summary>
public sealed class LeafWebSocketTests
{
    private const string WebSocket = "websocket { host: 127.0.0.1, port: -1, no_tls: true }\n";

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [Upstream("leafnode_test.go", "TestLeafNodeWSRemoteCompressAndMaskingOptions")]
    public void ARemoteSaysHowItsFramesAreMade(bool compression, bool noMasking)
    {
        var remote = TestServer.Parse($"leafnodes {{ remotes: [ {{ url: \"ws://127.0.0.1:1234\", ws_compression: {(compression ? "true" : "false")}, ws_no_masking: {(noMasking ? "true" : "false")} }} ] }}").LeafNode.Remotes.Single();
        (remote.WebSocketCompression, remote.WebSocketNoMasking).ShouldBe((compression, noMasking));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("leafnode_test.go", "TestLeafNodeWSNoMaskingRejected")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSSubPath")]
    public async Task FramesAreMaskedUnlessTheHubAgrees(bool agrees)
    {
        using var listener = Listen();
        await using var leaf = await LeafAsync($"ws://a:a@{listener.LocalEndpoint}/some/path", "ws_no_masking: true");
        using var hub = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        var request = await ReadAsync(hub, bytes => Encoding.Latin1.GetString(bytes).EndsWith("\r\n\r\n", StringComparison.Ordinal) ? Encoding.Latin1.GetString(bytes) : null);
        request.ShouldStartWith("GET /some/path/leafnode HTTP/1.1\r\n");
        request.ShouldContain("Nats-No-Masking: true\r\n");
        var key = request.Split("\r\n").Single(line => line.StartsWith("Sec-WebSocket-Key: ", StringComparison.Ordinal)).Split(' ')[1];
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
        await SendAsync(hub, Encoding.Latin1.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{(agrees ? "Nats-No-Masking: true\r\n" : "")}\r\n"));
        await SendAsync(hub, TestFrames.Of("INFO {\"server_id\":\"NHUB\",\"server_name\":\"hub\",\"headers\":true,\"max_payload\":1048576,\"client_id\":5,\"leafnode_urls\":[\"127.0.0.1:1\"]}\r\n", masked: false));
        var connect = await ReadAsync(hub, bytes => TestFrames.Read(bytes, out _));
        connect.Text.ShouldStartWith("CONNECT {");
        connect.Masked.ShouldBe(!agrees);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSSubPath")]
    public async Task AHubIsReachedBelowAPath()
    {
        await using var hub = await LeafPair.HubAsync(more: WebSocket);
        await using var leaf = await LeafAsync($"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}/some/path");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSFailedConnection")]
    public async Task WhatIsNoWebSocketIsTriedAgain()
    {
        using var listener = Listen();
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(Options($"ws://a:a@{listener.LocalEndpoint}", ""), log);
        for (var attempt = 0; attempt < 6; attempt++)
        {
            using var hub = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
            if (attempt % 2 == 0) await SendAsync(hub, "something\r\n"u8.ToArray());
        }
        await Wait.Until("it is told", () => log.Contains("Error soliciting websocket connection: "), () => string.Join('\n', log.Lines.TakeLast(5)));
        leaf.LeafNodeCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSRemoteNoTLSBlockWithWSSProto")]
    public async Task AnAddressOfTlsIsDialledSoWithoutABlock()
    {
        using var certificates = new TestCertificates();
        await using var hub = await LeafPair.HubAsync(more: $"websocket {{ host: 127.0.0.1, port: -1\n{certificates.Block()} }}\n");
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(Options($"wss://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}/some/path", ""), log);
        // Nobody here trusts the hub's authority, so the handshake is all there is.
        await Wait.Until("there was a handshake", () => log.Contains("TLS leafnode client handshake error"), () => string.Join('\n', log.Lines.TakeLast(5)));
        log.Contains("invalid websocket connection").ShouldBeFalse();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSNoBufferCorruption")]
    public async Task OneMessageGoesMaskedToTheHubAndPlainToAPeer()
    {
        await using var hub = await LeafPair.HubAsync(more: WebSocket);
        await using var leafs = new TestCluster();
        leafs.Servers.Add(await LeafAsync($"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}", more: "cluster { name: LN, host: 127.0.0.1, port: -1 }\n"));
        leafs.Servers.Add(await TestServer.FromConfigAsync($"server_name: ln2\n{LeafPair.Accounts}cluster {{ name: LN, host: 127.0.0.1, port: -1, routes: [\"nats://127.0.0.1:{leafs[0].ClusterEndPoint!.Port}\"] }}\n"));
        await leafs.WaitForMeshAsync();
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leafs[0], 1);
        await using var atHub = await LeafPair.ClientAsync(hub);
        await using var atPeer = await LeafPair.ClientAsync(leafs[1]);
        TestSubscription[] all = [await atHub.SubscribeAsync("foo"), await atPeer.SubscribeAsync("foo")];
        await atHub.SubscribeAsync("mark.hub");
        await atPeer.SubscribeAsync("mark.peer");
        await atHub.FlushAsync();
        await atPeer.FlushAsync();
        await LeafPair.HasInterestAsync(leafs[0], "mark.hub");
        await LeafPair.HasInterestAsync(leafs[0], "mark.peer");
        await using var publisher = await LeafPair.ClientAsync(leafs[0]);
        var payload = new string('A', 100 * 1024);
        for (var i = 0; i < 5; i++) await publisher.PublishAsync("foo", payload);
        foreach (var heard in all)
        {
            for (var i = 0; i < 5; i++) (await heard.NextAsync()).Text.ShouldBe(payload);
        }
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "s2_fast")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSAcceptInitialInfoSuppressesCompression")]
    public async Task TheFirstInfoOffersNoCompressionWhereFramesAreCompressed(bool isNegotiated, string? offered)
    {
        await using var hub = await LeafPair.HubAsync("compression: s2_fast", more: "websocket { host: 127.0.0.1, port: -1, no_tls: true, compression: true }\n");
        const string extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
        using var leaf = await WebSocketRawClient.OpenAsync(hub.WebSocketEndPoint!, isNegotiated ? extension : "", "/leafnode");
        leaf.Response.Contains("permessage-deflate", StringComparison.Ordinal).ShouldBe(isNegotiated);
        var frame = await leaf.ReadFrameAsync();
        (frame!.Final, frame.Opcode, frame.Compressed, frame.Masked).ShouldBe((true, TestFrames.Binary, isNegotiated, false));
        var info = Encoding.Latin1.GetString(isNegotiated ? TestFrames.Inflate(frame.Payload) : frame.Payload);
        info.ShouldStartWith("INFO {");
        var told = Golden.ParseText(info["INFO ".Length..]);
        (told.TryGetProperty("compression", out var compression) ? compression.GetString() : null).ShouldBe(offered);
    }

    private static Task<NatsServer> LeafAsync(string url, string remote = "", string more = "") => NatsServer.StartAsync(Options(url, remote, more));

    private static NatsAspire.Server.Configuration.ServerOptions Options(string url, string remote, string more = "") => TestServer.Parse(
        $"server_name: leaf\nleafnodes {{ reconnect: \"10ms\", remotes: [ {{ url: \"{url}\", account: A\n{remote} }} ] }}\n{LeafPair.Accounts}{more}");

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static async Task SendAsync(Socket socket, byte[] bytes) => await socket.SendAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>What is read of all that came, as soon as it is whole.</summary>
    private static async Task<T> ReadAsync<T>(Socket socket, Func<byte[], T?> read)
        where T : class
    {
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            var count = await Wait.For("bytes", socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask());
            count.ShouldBeGreaterThan(0);
            received.AddRange(buffer[..count]);
            if (read([.. received]) is { } whole) return whole;
        }
    }
}
