using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Clients over WebSocket, to the byte.</summary>
public sealed class WebSocketTests
{
    private const string Listener = "websocket { listen: \"127.0.0.1:-1\", no_tls: true }";

    [Fact]
    [Upstream("websocket_test.go", "TestWSPubSub")]
    [Upstream("websocket_test.go", "TestWSBatchedPubInSingleFrame")]
    public async Task MessagesPassBetweenWebSocketAndTcp()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var tcp = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        await web.SendAsync("SUB to.web 1\r\nPING\r\n");
        await web.ReadThroughAsync("PONG\r\n");
        await tcp.SendAsync("SUB to.tcp 1\r\nPUB to.web 5\r\nhello\r\n");
        (await web.ReadThroughAsync("hello\r\n")).ShouldBe("MSG to.web 1 5\r\nhello\r\n");
        await tcp.FlushAsync();
        await web.SendAsync("PUB to.tcp 1\r\na\r\nPUB to.tcp 1\r\nb\r\n");
        await tcp.ExpectAsync("MSG to.tcp 1 1\r\na\r\nMSG to.tcp 1 1\r\nb\r\n");
    }

    [Fact]
    public async Task InfoIsThatOfTheWebSocketListener()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        var info = JsonDocument.Parse((await web.HelloAsync())["INFO ".Length..]).RootElement;
        info.GetProperty("port").GetInt32().ShouldBe(server.WebSocketEndPoint!.Port);
        info.GetProperty("host").GetString().ShouldBe("127.0.0.1");
        info.GetProperty("client_ip").GetString().ShouldBe("127.0.0.1");
        info.TryGetProperty("ws_connect_urls", out _).ShouldBeFalse();
        info.TryGetProperty("tls_required", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("websocket_test.go", "TestWSCompressedPubInSingleFrame")]
    [Upstream("websocket_test.go", "TestWSCompressedSequentialFramesRemainResponsive")]
    public async Task MessagesOfEverySizePassUnharmed(bool browser)
    {
        await using var server = await TestServer.FromConfigAsync(Listener.Replace("no_tls", "compression: true, no_tls", StringComparison.Ordinal));
        var agent = browser ? "User-Agent: Mozilla/5.0\r\n" : "";
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, WebSocketRawClient.Deflate + agent);
        await web.HelloAsync("{\"verbose\":false}");
        await web.SendAsync("SUB s 1\r\n", compressed: true);
        foreach (var size in new[] { 0, 1, 100, 5000, 70_000, 1024 * 1024 })
        {
            var payload = string.Concat(Enumerable.Range(0, size).Select(i => (char)('a' + i * 31 % 97 % 26)));
            await web.SendAsync($"PUB s {size}\r\n{payload}\r\nPING\r\n", compressed: true);
            (await web.ReadThroughAsync("PONG\r\n")).Replace("PING\r\n", "").ShouldBe($"MSG s 1 {size}\r\n{payload}\r\nPONG\r\n");
        }
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSFlushesBufferedDeliveryBeforeProtocolClose")]
    public async Task WhatCameBeforeABrokenFrameIsDelivered()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var tcp = await RawClient.OpenAsync(server.ClientEndPoint!);
        await tcp.SendAsync("SUB foo 1\r\n");
        await tcp.FlushAsync();
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        await web.SendBytesAsync([.. TestFrames.Of("PUB foo 1\r\na\r\n"), .. TestFrames.Of("", TestFrames.Ping, masked: false)]);
        await tcp.ExpectAsync("MSG foo 1 1\r\na\r\n");
        (await web.ReadCloseAsync()).Close.ShouldBe((1002, "mask bit missing"));
        (await web.ReadToEndAsync()).ShouldBe("");
    }

    [Fact]
    public async Task AClientThatClosesGetsItsCloseBackAfterItsMessages()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        await web.SendBytesAsync([.. TestFrames.Of("SUB s 1\r\nPUB s 1\r\na\r\n"), .. TestFrames.OfClose(1000, "done")]);
        await web.ReadThroughAsync("MSG s 1 1\r\na\r\n");
        (await web.ReadCloseAsync()).Close.ShouldBe((1000, "done"));
        await Wait.Until("the client is gone", () => server.ClientCount == 0);
    }

    [Theory]
    [InlineData(CloseReason.ProtocolViolation, 1002)]
    [InlineData(CloseReason.ServerShutdown, 1001)]
    [InlineData(CloseReason.SlowConsumerWriteDeadline, 1008)]
    [Upstream("websocket_test.go", "TestWSCloseMsgSendOnConnectionClose")]
    public async Task TheServerSaysWhyItCloses(CloseReason reason, int status)
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        server.Clients.Clients.Single().Close(reason);
        (await web.ReadCloseAsync()).Close.ShouldBe((status, reason.Text()));
    }

    [Fact]
    public async Task TooMuchPayloadInACompressedMessageIsThatViolation()
    {
        await using var server = await TestServer.FromConfigAsync("max_payload: 4096\n" + Listener.Replace("no_tls", "compression: true, no_tls", StringComparison.Ordinal));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, WebSocketRawClient.Deflate);
        await web.HelloAsync();
        await web.SendAsync($"PUB foo 4097\r\n{new string('x', 4097)}\r\n", compressed: true);
        await web.ReadThroughAsync("-ERR 'Maximum Payload Violation'\r\n");
        (await web.ReadCloseAsync()).Close.Status.ShouldBe(1009);
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSServerReportUpgradeFailure")]
    public async Task ABadRequestIsAnsweredAndTheRestServed()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var bad = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        await bad.RequestAsync(WebSocketRawClient.Request().Replace("Connection: keep-alive, Upgrade\r\n", "", StringComparison.Ordinal));
        bad.Response.ShouldStartWith("HTTP/1.1 400 Bad Request\r\n");
        (await bad.ReadToEndAsync()).ShouldBe("Bad Request\n");
        using var good = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await good.HelloAsync();
    }

    [Fact]
    public async Task DataBehindTheRequestEndsIt()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var early = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        await early.SendBytesAsync([.. System.Text.Encoding.ASCII.GetBytes(WebSocketRawClient.Request()), .. TestFrames.Of("PING\r\n")]);
        (await early.ReadToEndAsync()).ShouldBe("");
    }

    [Fact]
    public async Task ARequestMayComeByteByByte()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var slow = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        var request = System.Text.Encoding.ASCII.GetBytes(WebSocketRawClient.Request());
        foreach (var one in request[..^1]) await slow.SendBytesAsync([one]);
        await slow.RequestAsync("\n");
        slow.Response.ShouldStartWith("HTTP/1.1 101 ");
        await slow.HelloAsync();
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSHandshakeTimeout")]
    [Upstream("websocket_test.go", "TestWSUpgradeConnDeadline")]
    public async Task ARequestThatNeverEndsIsCutOff()
    {
        await using var server = await TestServer.FromConfigAsync(Listener.Replace("no_tls", "handshake_timeout: \"100ms\", no_tls", StringComparison.Ordinal));
        using var slow = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        await slow.SendBytesAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        (await slow.ReadToEndAsync()).ShouldBe("");
        using var good = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await good.HelloAsync();
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSSetHeaderServer")]
    public async Task HeadersOfTheConfigurationAreSent()
    {
        await using var server = await TestServer.FromConfigAsync(Listener.Replace("no_tls", "headers { X-Custom-Header: \"custom-value\" }, no_tls", StringComparison.Ordinal));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        web.Response.ShouldContain("\r\nX-Custom-Header: custom-value\r\n");
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWebsocketPingInterval")]
    public async Task ThePingIntervalOfTheBlockCounts()
    {
        await using var server = await TestServer.FromConfigAsync(Listener.Replace("no_tls", "ping_interval: \"50ms\", no_tls", StringComparison.Ordinal));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        for (var i = 0; i < 3; i++)
        {
            await web.ReadThroughAsync("PING\r\n");
            await web.SendAsync("PONG\r\n");
        }
    }

    [Fact]
    public async Task WithoutMaskingWhereThatWasAgreed()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, "Nats-No-Masking: true\r\n");
        web.Masks = false;
        await web.HelloAsync();
    }

    [Fact]
    public async Task LeafNodesAreNotTakenHere()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var leaf = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, path: "/leafnode");
        (await leaf.ReadToEndAsync()).ShouldBe("");
        using var mqtt = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        await mqtt.RequestAsync(WebSocketRawClient.Request(path: "/mqtt"));
        mqtt.Response.ShouldStartWith("HTTP/1.1 404 Not Found\r\n");
    }

    [Fact]
    public async Task AFastProducerAndASlowWebSocketReader()
    {
        await using var server = await TestServer.FromConfigAsync(Listener);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, "User-Agent: Mozilla/5.0\r\n");
        await web.HelloAsync();
        await web.SendAsync("SUB flood 1\r\nPING\r\n");
        await web.ReadThroughAsync("PONG\r\n");
        var batch = string.Concat(Enumerable.Repeat($"PUB flood 1000\r\n{new string('x', 1000)}\r\n", 2000));
        var publishers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RawClient.OpenAsync(server.ClientEndPoint!)));
        await Task.WhenAll(publishers.Select(publisher => publisher.SendAsync(batch)));
        for (var i = 0; i < 3 * 2000; i++) await web.ReadThroughAsync("MSG flood 1 1000\r\n");
        foreach (var publisher in publishers) publisher.Dispose();
    }

    [Fact]
    [Upstream("websocket_test.go", "TestWSAdvertise")]
    public async Task TheClustersWebSocketAddressesAreTold()
    {
        await using var first = await NatsServer.StartAsync(Member("s1", "host1:1234"));
        using var web = await WebSocketRawClient.OpenAsync(first.WebSocketEndPoint!);
        (await web.HelloAsync()).ShouldNotContain("connect_urls");
        await using (await NatsServer.StartAsync(Member("s2", "host2:5678", first.ClusterEndPoint!.Port)))
        {
            (await web.ReadThroughAsync("host2:5678")).ShouldContain("\"connect_urls\":[\"host1:1234\",\"host2:5678");
        }
        await using (await NatsServer.StartAsync(Member("s3", "host3:9012", first.ClusterEndPoint!.Port)))
        {
            (await web.ReadThroughAsync("host3:9012")).ShouldContain("\"connect_urls\":[\"host1:1234\",\"host3:9012");
        }
    }

    [Fact]
    public async Task AShutdownSaysGoodbyeToUpgradesAsWell()
    {
        var server = await TestServer.FromConfigAsync(Listener);
        using var pending = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await web.HelloAsync();
        await server.DisposeAsync();
        (await pending.ReadToEndAsync()).ShouldBe("");
        (await web.ReadCloseAsync()).Close.ShouldBe((1001, "Server Shutdown"));
    }

    private static ServerOptions Member(string name, string advertise, params int[] seeds) => TestServer.Member(name, "C", seeds) with
    {
        WebSocket = new WebSocketOptions { Host = "127.0.0.1", Port = -1, NoTls = true, Advertise = advertise },
    };
}
