using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>What real 2.14.5 servers said between clusters, said again: this server, in the place of one of them, says the same.</summary>
public sealed class GatewayGoldenTests
{
    private static readonly string[] OfThisRun = ["server_id", "version", "name"];

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayHeaderInfo")]
    [Upstream("gateway_test.go", "TestGatewaySwitchToInterestOnlyModeImmediately")]
    public async Task WhoIsDialledSaysWhatTheRecordingHas()
    {
        var recorded = Recording.Of("gateway-plain", "->gwA");
        await using var server = await StartAsync("gateway-plain", "a1");
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        var wanted = await client.SubscribeAsync("foo.*");
        await client.SubscribeAsync("qs", "q1");
        await client.FlushAsync();
        using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        Same(await peer.ReadLineAsync(), recorded.Acceptor[0]);
        await peer.SendAsync(string.Concat(recorded.Dialler.Take(2).Select(line => line + "\r\n")));
        var said = await ReadTellingAsync(peer, 5);
        said.Where(line => line.StartsWith("INFO", StringComparison.Ordinal)).Order().ShouldBe(recorded.Acceptor.Where(line => line.Contains("gateway_cmd_payload")).Order());
        said.ShouldContain("RS+ A foo.*");
        said.ShouldContain("RS+ A qs q1 1");
        said.ShouldContain(line => line.StartsWith("RS+ SYS $SYS.REQ.SERVER.", StringComparison.Ordinal));
        await peer.SendAsync("RMSG A foo.x 2\r\nhi\r\nHMSG A foo.y in.box 12 14\r\nNATS/1.0\r\n\r\nyo\r\nPING\r\n");
        (await wanted.NextAsync()).Text.ShouldBe("hi");
        (await wanted.NextAsync()).Reply.ShouldBe("in.box");
        await peer.ExpectAsync("PONG\r\n");
        await client.SubscribeAsync("later");
        await peer.ExpectAsync("RS+ A later\r\n");
        await wanted.UnsubscribeAsync();
        await peer.ExpectAsync("RS- A foo.*\r\n");
    }

    [Fact]
    [Upstream("test/gateway_test.go", "TestGatewayFirstPingGoesAfterConnect")]
    public async Task WhoDialsSaysWhatTheRecordingHas()
    {
        var recorded = Recording.Of("gateway-plain", "->gwA");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await StartAsync("gateway-plain", "b1", ((IPEndPoint)listener.LocalEndpoint).Port);
        using var peer = await GatewayPeer.AcceptAsync(listener);
        await peer.SendAsync(recorded.Acceptor[0] + "\r\n");
        Same(await peer.ReadLineAsync(), recorded.Dialler[0]);
        Same(await peer.ReadLineAsync(), recorded.Dialler[1]);
        await peer.SendAsync(string.Concat(recorded.Acceptor.Skip(1).Where(line => line.StartsWith("INFO", StringComparison.Ordinal) || line.StartsWith("RS", StringComparison.Ordinal)).Select(line => line + "\r\n")) + "RS+ A svc\r\n");
        await Wait.Until("interest is known", () => server.Accounts.Find("A")?.Subscriptions.HasInterest("svc"u8) == true);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await client.PublishAsync("svc", "hello");
        while (await peer.ReadLineAsync() is var line && line != "RMSG A svc 5") line.ShouldNotContain("-ERR");
        (await peer.ReadLineAsync()).ShouldBe("hello");
        // A request the moment its inbox is made leads back to this server; later it need not.
        var inbox = await client.SubscribeAsync("fresh");
        await client.PublishAsync("svc", "ask", "fresh");
        var prefix = Encoding.ASCII.GetString(RoutedReply.PrefixFor("GB", server.Id));
        while (await peer.ReadLineAsync() is var line && !line.StartsWith("RMSG A svc", StringComparison.Ordinal)) line.ShouldNotContain("-ERR");
        peer.LastLine.ShouldBe($"RMSG A svc {prefix}fresh 3");
        inbox.TryTake().ShouldBeNull();
    }

    [Theory]
    [InlineData("gateway-wrong-name", "b1")]
    [Upstream("gateway_test.go", "TestGatewayWrongDestination")]
    public async Task AClusterThatIsAnotherIsRefused(string capture, string dialler)
    {
        var recorded = Recording.Of(capture, "->gwA");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await StartAsync(capture, dialler, ((IPEndPoint)listener.LocalEndpoint).Port);
        using var peer = await GatewayPeer.AcceptAsync(listener);
        await peer.SendAsync(recorded.Acceptor[0] + "\r\n");
        (await peer.ReadLineAsync()).ShouldBe(recorded.Dialler[0]);
        (await peer.ReadLineAsync()).ShouldBe("");
        server.OutboundGatewayCount.ShouldBe(0);
        // It is tried again.
        using var again = await GatewayPeer.AcceptAsync(listener);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayRejectUnknown")]
    public async Task AnUnknownClusterIsRejectedWithTheRecordedWords()
    {
        var recorded = Recording.Of("gateway-reject-unknown", "->gwA");
        await using var server = await StartAsync("gateway-reject-unknown", "a1");
        using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        Same(Masked(await peer.ReadLineAsync()), Masked(recorded.Acceptor[0]));
        await peer.SendAsync(string.Concat(recorded.Dialler.Take(2).Select(line => line + "\r\n")));
        await peer.ExpectAsync(recorded.Acceptor[1] + "\r\n");
        await peer.ExpectClosedAsync();
        server.InboundGatewayCount.ShouldBe(0);
    }

    [Fact]
    public async Task WhoComesIsToldOfTheOthersAsRecorded()
    {
        const string capture = "gateway-gossip-3clusters";
        using var atB = Listen();
        using var atC = Listen();
        string Here(string line) => line.Replace("127.0.0.1:27601", $"{atB.LocalEndpoint}").Replace("127.0.0.1:27602", $"{atC.LocalEndpoint}");
        await using var server = await StartAsync(capture, "a1");
        var open = new List<IDisposable>();
        foreach (var (connection, name, listener, others) in new[] { (0, "B", atB, 0), (1, "C", atC, 1) })
        {
            var recorded = Recording.Of(capture, "->gwA", connection);
            var inbound = await RawClient.ConnectAsync(server.GatewayEndPoint!);
            open.Add(inbound);
            Same(await inbound.ReadLineAsync(), recorded.Acceptor[0]);
            await inbound.SendAsync(string.Concat(recorded.Dialler.Take(2).Select(line => Here(line) + "\r\n")));
            var said = await ReadTellingAsync(inbound, 5);
            var infos = said.Where(line => line.StartsWith("INFO", StringComparison.Ordinal)).ToList();
            for (var other = 0; other < others; other++) Same(infos[other], Here(recorded.Acceptor[1 + other]));
            infos.Skip(others).Order().ShouldBe(recorded.Acceptor.Where(line => line.Contains("gateway_cmd_payload")).Order());
            // Whoever comes is dialled.
            var back = Recording.Of(capture, "->gw" + name);
            var dialled = await GatewayPeer.AcceptAsync(listener);
            open.Add(dialled);
            await dialled.SendAsync(Here(back.Acceptor[0]) + "\r\n");
            Same(await dialled.ReadLineAsync(), back.Dialler[0]);
            Same(await dialled.ReadLineAsync(), back.Dialler[1]);
            await Wait.Until("it is connected", () => server.OutboundGatewayCount == others + 1);
        }
        foreach (var connection in open) connection.Dispose();
    }

    [Fact]
    public async Task WhoIsToldOfAClusterDialsItAsRecorded()
    {
        const string capture = "gateway-gossip-3clusters";
        using var atA = Listen();
        using var atB = Listen();
        await using var server = await StartAsync(capture, "c1", ((IPEndPoint)atA.LocalEndpoint).Port);
        var (first, second) = (Recording.Of(capture, "->gwA", 1), Recording.Of(capture, "->gwB", 1));
        using var a = await GatewayPeer.AcceptAsync(atA);
        await a.SendAsync(first.Acceptor[0] + "\r\n");
        Same(await a.ReadLineAsync(), first.Dialler[0]);
        Same(await a.ReadLineAsync(), first.Dialler[1]);
        await a.SendAsync(first.Acceptor[1].Replace("127.0.0.1:27601", $"{atB.LocalEndpoint}") + "\r\n");
        using var b = await GatewayPeer.AcceptAsync(atB);
        await b.SendAsync(second.Acceptor[0].Replace("127.0.0.1:27601", $"{atB.LocalEndpoint}") + "\r\n");
        Same(await b.ReadLineAsync(), second.Dialler[0]);
        Same(await b.ReadLineAsync(), second.Dialler[1]);
        await Wait.Until("both are connected", () => server.OutboundGatewayCount == 2);
    }

    [Fact]
    public void HashesInReplySubjectsAreTheRecordedOnes()
    {
        Encoding.ASCII.GetString(RoutedReply.PrefixFor("GA", "NCM6UL3SPNELYX5D5LV43WBR5B4RLQAFJOECPS2JYRAH7OHOMY5U67PL")).ShouldBe("_GR_.F2cAWZ.muVFig.");
        RoutedReply.Is("_GR_.F2cAWZ.muVFig._INBOX.fresh0"u8).ShouldBeTrue();
        Encoding.ASCII.GetString(RoutedReply.SubjectOf("_GR_.F2cAWZ.muVFig._INBOX.fresh0"u8)).ShouldBe("_INBOX.fresh0");
        RoutedReply.Is("_GR_.F2cAWZ.muVFig."u8).ShouldBeFalse();
        Encoding.ASCII.GetString(RoutedReply.Strip("$GR.1234.foo"u8)).ShouldBe("foo");
        Encoding.ASCII.GetString(RoutedReply.Strip("$GR.12"u8)).ShouldBe("$GR.12");
    }

    /// <summary>Reads what is told of so many accounts, whose end is a command each.</summary>
    private static async Task<List<string>> ReadTellingAsync(RawClient peer, int accounts)
    {
        var said = new List<string>();
        while (said.Count(line => line.Contains("\"gateway_cmd\":3", StringComparison.Ordinal)) < accounts)
        {
            var line = await peer.ReadLineAsync();
            if (line != "PING") said.Add(line);
        }
        return said;
    }

    /// <summary>The server of a recording, on free ports, dialling none or this port.</summary>
    private static Task<NatsServer> StartAsync(string capture, string name, int seed = 0)
    {
        var text = Golden.Json("serverwire", capture + ".json").GetProperty("servers").GetProperty(name).GetString()!;
        text = Regex.Replace(text, "urls: \\[\"nats://[^\"]*\"\\]", seed == 0 ? "urls: [\"nats://127.0.0.1:9\"]" : $"urls: [\"nats://127.0.0.1:{seed}\"]");
        return TestServer.FromConfigAsync(Regex.Replace(text, "listen: 127.0.0.1:\\d+", "listen: \"127.0.0.1:-1\""));
    }

    private static string Masked(string info) => Regex.Replace(Regex.Replace(info, "127\\.0\\.0\\.1:\\d+", ""), "\"port\":\\d+", "\"port\":0");

    /// <summary>The same keys in the same order, and the same values but for what each run has its own of.</summary>
    private static void Same(string line, string recorded)
    {
        line[..line.IndexOf('{')].ShouldBe(recorded[..recorded.IndexOf('{')]);
        Pairs(line).ShouldBe(Pairs(recorded));

        static string[] Pairs(string line) =>
            [.. JsonDocument.Parse(line[line.IndexOf('{')..]).RootElement.EnumerateObject().Select(pair => OfThisRun.Contains(pair.Name) ? pair.Name : pair.ToString())];
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    /// <summary>A connection of a capture: what each side said, by lines.</summary>
    private sealed record Recording(IReadOnlyList<string> Dialler, IReadOnlyList<string> Acceptor)
    {
        public static Recording Of(string capture, string proxy, int index = 0)
        {
            var connection = Golden.Json("serverwire", capture + ".json").GetProperty("connections").EnumerateArray().Where(one => one.GetProperty("proxy").GetString() == proxy).ElementAt(index);
            return new Recording(Lines(connection, "A"), Lines(connection, "B"));
        }

        private static string[] Lines(JsonElement connection, string side)
        {
            var all = connection.GetProperty("transcript").EnumerateArray()
                .Where(step => step.TryGetProperty("dir", out var dir) && dir.GetString() == side && step.TryGetProperty("data", out _))
                .Select(step => step.GetProperty("data").GetString()!);
            return string.Concat(all).Split("\r\n");
        }
    }
}
