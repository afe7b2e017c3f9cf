using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Servers before 2.9 say what they do not want, not what they want: all else is sent to them.</summary>
public sealed class GatewayOldServerTests
{
    private const string Info = "INFO {\"server_id\":\"NOLD\",\"server_name\":\"old\",\"headers\":true,\"gateway\":\"OLD\",\"gateway_nrp\":true}\r\n";

    [Fact]
    [Upstream("test/gateway_test.go", "TestGatewayAccountInterest")]
    [Upstream("test/gateway_test.go", "TestGatewaySubjectInterest")]
    [Upstream("gateway_test.go", "TestGatewayAccountUnsub")]
    public async Task WhatTheyDoNotRefuseIsSent()
    {
        using var listener = Listen();
        await using var server = await StartAsync(listener);
        using var peer = await MeetAsync(listener, Info);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        (await SentAsync(client, peer, "foo")).ShouldBe(["RMSG $G foo 2"]);
        await peer.SendAsync("RS- $G foo\r\n");
        (await SentAsync(client, peer, "foo")).ShouldBeEmpty();
        (await SentAsync(client, peer, "bar")).ShouldBe(["RMSG $G bar 2"]);
        await peer.SendAsync("RS+ $G *\r\n");
        (await SentAsync(client, peer, "foo")).ShouldBe(["RMSG $G foo 2"]);
        await peer.SendAsync("A- $G\r\n");
        (await SentAsync(client, peer, "foo")).ShouldBeEmpty();
        // Queue groups are told of by themselves.
        await peer.SendAsync("RS+ $G foo q 1\r\n");
        (await SentAsync(client, peer, "foo")).ShouldBe(["RMSG $G foo | q 2"]);
        await peer.SendAsync("RS- $G foo q\r\nA+ $G\r\n");
        (await SentAsync(client, peer, "foo")).ShouldBe(["RMSG $G foo 2"]);
    }

    [Fact]
    [Upstream("test/gateway_test.go", "TestGatewaySendAllSubs")]
    [Upstream("gateway_test.go", "TestGatewaySendAllSubsBadProtocol")]
    [Upstream("gateway_test.go", "TestGatewayUnknownGatewayCommand")]
    public async Task OnceTheyTellAllNothingElseIsSent()
    {
        using var listener = Listen();
        await using var server = await StartAsync(listener);
        using var peer = await MeetAsync(listener, Info);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        const string command = "INFO {\"gateway\":\"OLD\",\"gateway_cmd\":%,\"gateway_cmd_payload\":\"JEc=\"}\r\n";
        await peer.SendAsync(command.Replace("%", "2", StringComparison.Ordinal) + "RS+ $G foo.>\r\n");
        (await SentAsync(client, peer, "bar")).ShouldBe(["RMSG $G bar 2"]);
        await peer.SendAsync(command.Replace("%", "3", StringComparison.Ordinal) + command.Replace("%", "9", StringComparison.Ordinal));
        (await SentAsync(client, peer, "bar")).ShouldBeEmpty();
        (await SentAsync(client, peer, "foo.x")).ShouldBe(["RMSG $G foo.x 2"]);
        await peer.SendAsync("INFO {\"gateway\":\"OLD\",\"gateway_cmd\":2}\r\n");
        while (await peer.ReadLineAsync() is var line && line.Length > 0 && !line.StartsWith("-ERR", StringComparison.Ordinal))
        {
        }
        peer.LastLine.ShouldBe("-ERR 'Account absent from receive-all-subscriptions-start command'");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayClientsDontReceiveMsgsOnGWPrefix")]
    public async Task TheOldFormOfRepliesIsSpokenToThem()
    {
        using var listener = Listen();
        await using var server = await StartAsync(listener);
        using var peer = await MeetAsync(listener, Info.Replace(",\"gateway_nrp\":true", "", StringComparison.Ordinal));
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        var inbox = await client.SubscribeAsync("fresh");
        await client.PublishAsync("foo", "ok", "fresh");
        await client.FlushAsync();
        (await peer.ReadMessagesAsync("$G")).ShouldBe([$"RMSG $G foo $GR.{RoutedReply.OldHash("O")}.fresh 2"]);
        // And the other way: its request is shown without the prefix, the answer goes where it leads.
        using var inbound = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await inbound.ReadInfoAsync();
        await inbound.SendAsync("CONNECT {\"name\":\"NOLD\",\"gateway\":\"OLD\"}\r\n" + Info + $"RMSG $G $GR.{RoutedReply.OldHash("O")}.fresh 6\r\nanswer\r\n");
        (await inbox.NextAsync()).Text.ShouldBe("answer");
        var requests = await client.SubscribeAsync("svc");
        await client.FlushAsync();
        await inbound.SendAsync($"RMSG $G svc $GR.{RoutedReply.OldHash("OLD")}.theirs 1\r\n?\r\n");
        var request = await requests.NextAsync();
        request.Reply.ShouldBe("theirs");
        await client.PublishAsync(request.Reply!, "ok");
        await client.FlushAsync();
        (await peer.ReadMessagesAsync("$G")).ShouldContain($"RMSG $G $GR.{RoutedReply.OldHash("OLD")}.theirs 2");
        // Another cluster's answers are none of ours.
        await inbound.SendAsync("RMSG $G $GR.0000.fresh 5\r\nwrong\r\nRMSG $G _GR_.000000.000000.fresh 5\r\nwrong\r\nPING\r\n");
        await inbound.ReadThroughAsync("PONG\r\n");
        await client.FlushAsync();
        inbox.TryTake().ShouldBeNull();
        await client.PublishAsync("_GR_.000000.000000.fresh");
        await client.WaitForErrorAsync("Permissions Violation for Publish to");
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static Task<NatsServer> StartAsync(TcpListener listener) => TestServer.FromConfigAsync(
        $"server_name: ours\ngateway {{ name: O, listen: \"127.0.0.1:-1\", gateways: [ {{ name: OLD, urls: [\"nats://{listener.LocalEndpoint}\"] }} ] }}");

    private static async Task<GatewayPeer> MeetAsync(TcpListener listener, string info)
    {
        var peer = await GatewayPeer.AcceptAsync(listener);
        await peer.SendAsync(info);
        (await peer.ReadLineAsync()).ShouldStartWith("CONNECT {");
        (await peer.ReadLineAsync()).ShouldStartWith("INFO {");
        await peer.ReadMessagesAsync("$G");
        return peer;
    }

    /// <summary>Publishes two bytes, once what the peer said before has been taken, and returns what reaches it.</summary>
    private static async Task<IReadOnlyList<string>> SentAsync(TestClient client, GatewayPeer peer, string subject)
    {
        (await peer.ReadMessagesAsync("$G")).ShouldBeEmpty();
        await client.PublishAsync(subject, "ok");
        await client.FlushAsync();
        return await peer.ReadMessagesAsync("$G");
    }
}
