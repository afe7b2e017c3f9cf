using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Who is let in over the gateway port, what he may say there, and how clusters find each other.</summary>
public sealed class GatewayHandshakeTests
{
    private const string Connect = "CONNECT {\"name\":\"NPEER\",\"gateway\":\"B\"}\r\n";
    private const string Info = "INFO {\"server_id\":\"NPEER\",\"server_name\":\"peer\",\"proto\":3,\"headers\":true,\"gateway\":\"B\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";

    [Theory]
    [InlineData("CONNECT {\"lang\":\"go\",\"verbose\":false}\r\nPING\r\n", "-ERR 'attempted to connect to gateway port'\r\n")]
    [InlineData("CONNECT {\"name\":\"NROUTE\",\"cluster\":\"A\",\"lnoc\":true}\r\n", "-ERR 'attempted to connect to gateway port'\r\n")]
    [InlineData("INFO {\"server_id\":\"X\",\"gateway\":\"B\"}\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData("PING\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData(Connect + "CONNECT {\"name\":\"NPEER\",\"gateway\":\"B\"}\r\n", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData(Connect + Info + "LS+ LC $G foo\r\n", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData(Connect + Info + "LMSG LC $G foo 0 2\r\nhi\r\n", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData(Connect + Info + "RS+ $G foo\r\n", "")]
    [InlineData(Connect + Info + "RS- $G foo\r\n", "")]
    [InlineData(Connect + Info + "A+ $G\r\n", "")]
    [InlineData(Connect + "RMSG $G foo 2\r\nhi\r\n", "")]
    [InlineData("CONNECT {broken\r\n", "")]
    [Upstream("gateway_test.go", "TestGatewayRejectsInfoBeforeConnect")]
    [Upstream("gateway_test.go", "TestGatewayConnectToWrongPort")]
    [Upstream("gateway_test.go", "TestGatewayHandleUnexpectedASubUnsub")]
    [Upstream("test/gateway_test.go", "TestGatewayErrorOnRSentFromOutbound")]
    [Upstream("test/gateway_test.go", "TestGatewayNoPanicOnBadProtocol")]
    public async Task WhatDoesNotBelongThereEndsTheConnection(string said, string answer)
    {
        await using var server = await StartAsync();
        await using var witness = await TestClient.ConnectAsync(server.ClientEndPoint!);
        using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync(said);
        var rest = await peer.ReadToCloseAsync();
        if (answer.Length > 0) rest.ShouldEndWith(answer);
        else rest.ShouldNotContain("-ERR");
        await witness.FlushAsync();
        await Wait.Until("it is forgotten", () => server.InboundGatewayCount == 0);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayAuth")]
    [Upstream("test/gateway_test.go", "TestGatewayAuthTimeout")]
    public async Task OnlyWhoKnowsThePasswordIsLetIn()
    {
        await using var server = await StartAsync("authorization { user: gw, password: secret, timeout: 0.3 }");
        foreach (var (said, isLetIn) in new[] { (Connect, false), (Connect.Replace("{", "{\"user\":\"gw\",\"pass\":\"wrong\","), false), (Connect.Replace("{", "{\"user\":\"gw\",\"pass\":\"secret\","), true) })
        {
            using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
            (await peer.ReadInfoAsync()).GetProperty("auth_required").GetBoolean().ShouldBeTrue();
            await peer.SendAsync(said + Info + "PING\r\n");
            if (isLetIn) await peer.ReadThroughAsync("PONG\r\n");
            else (await peer.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
        }
        using var silent = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await silent.ReadInfoAsync();
        (await silent.ReadToCloseAsync()).ShouldBe("-ERR 'Authentication Timeout'\r\n");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayDuplicateServerName")]
    public async Task AServerWithTheSameNameIsNotLetIn()
    {
        await using var server = await StartAsync();
        using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync(Connect + Info.Replace("\"peer\"", "\"A1\""));
        await peer.ReadToCloseAsync();
        server.InboundGatewayCount.ShouldBe(0);
    }

    [Fact]
    public async Task WhoDoesNotKnowAnAccountSaysSoOnce()
    {
        await using var server = await StartAsync();
        using var peer = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync(Connect + Info + "PING\r\n");
        await peer.ReadThroughAsync("PONG\r\n");
        await peer.SendAsync("RMSG NOWHERE foo 2\r\nhi\r\nRMSG NOWHERE foo 2\r\nhi\r\nPING\r\n");
        await peer.ExpectAsync("A- NOWHERE\r\nPONG\r\n");
        // A peer of this cluster brings the account: then all that is wanted of it is told.
        server.Accounts.GetOrAdd("NOWHERE");
        (await peer.ReadLineAsync()).ShouldContain("\"gateway_cmd\":2");
        (await peer.ReadLineAsync()).ShouldContain("\"gateway_cmd\":3");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayCreateImplicit")]
    [Upstream("gateway_test.go", "TestGatewayAutoDiscovery")]
    [Upstream("gateway_test.go", "TestGatewayImplicitReconnect")]
    [Upstream("gateway_test.go", "TestGatewayCreateImplicitOnNewRoute")]
    public async Task ClustersThatKnowOneFindTheOthers()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        string Config(string name, string cluster, bool isSeed, bool isMember) =>
            $"server_name: {name}\ngateway {{ name: {cluster}, listen: \"127.0.0.1:{(isSeed ? ports[0] : -1)}\", connect_retries: 5, gateways: [ {(isSeed || isMember ? "" : $"{{ name: A, urls: [\"nats://127.0.0.1:{ports[0]}\"] }}")} ] }}\n"
            + (isSeed || isMember ? $"cluster {{ name: {cluster}, listen: \"127.0.0.1:{(isSeed ? ports[1] : -1)}\", routes: [ {(isMember ? $"\"nats://127.0.0.1:{ports[1]}\"" : "")} ] }}" : "");
        var first = await TestServer.FromConfigAsync(Config("A1", "A", true, false));
        await using var second = await TestServer.FromConfigAsync(Config("B1", "B", false, false));
        await using var third = await TestServer.FromConfigAsync(Config("C1", "C", false, false));
        await AllMeet(first, second, third);
        second.Gateways!.Remotes().Single(remote => remote.Name == "C").IsImplicit.ShouldBeTrue();
        // A new server of the first cluster is told of the others by its peer.
        await using var member = await TestServer.FromConfigAsync(Config("A2", "A", false, true));
        await Wait.Until("the new one is connected", () => member.OutboundGatewayCount == 2, () => $"{member.OutboundGatewayCount} out");
        await first.DisposeAsync();
        await using var back = await TestServer.FromConfigAsync(Config("A1", "A", true, false));
        await AllMeet(back, second, third);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayURLsFromClusterSentInINFO")]
    [Upstream("gateway_test.go", "TestGatewayUseUpdatedURLs")]
    [Upstream("gateway_test.go", "TestGatewayUpdateURLsFromRemoteCluster")]
    public async Task TheAddressesOfAllServersOfAClusterAreTold()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2);
        var port = super.GatewayPorts["A"][0];
        using var peer = await RawClient.ConnectAsync(super["A1"].GatewayEndPoint!);
        var info = await peer.ReadInfoAsync();
        info.GetProperty("gateway_url").GetString().ShouldBe($"127.0.0.1:{port}");
        info.GetProperty("gateway_urls").EnumerateArray().Select(url => url.GetString()).ShouldBe([.. super.GatewayPorts["A"].Select(one => $"127.0.0.1:{one}")], ignoreOrder: true);
        await peer.SendAsync(Connect.Replace("\"B\"", "\"Z\"") + Info.Replace("\"B\"", "\"Z\"") + "PING\r\n");
        (await peer.ReadThroughAsync("PONG\r\n")).ShouldContain("\"gateway\":\"B\",\"gateway_urls\":[");
        await super.StopAsync("A2");
        var told = await peer.ExpectMatchAsync("(?:(?!INFO)[^\\n]*\\n)*(INFO [^\\n]*\"gateway\":\"A\",\"gateway_urls\":\\[\"127[^\\]]*\\])");
        told.Groups[1].Value.ShouldEndWith($"\"gateway_urls\":[\"127.0.0.1:{port}\"]");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayTLS")]
    [Upstream("gateway_test.go", "TestGatewayServerNameInTLSConfig")]
    public async Task ClustersMeetInTls()
    {
        using var certificates = new TestCertificates();
        await using var super = await SuperCluster.StartAsync(gateway: certificates.Block());
        await using var a = await super.ConnectAsync("A1");
        await using var b = await super.ConnectAsync("B1");
        var wanted = await b.SubscribeAsync("foo");
        await SuperCluster.ReachAsync(a, wanted, "foo");
        super["A1"].Gateways!.Snapshot().Outbound.Single().Tls.ShouldNotBeNull();
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayBasic")]
    [Upstream("gateway_test.go", "TestGatewayNoReconnectOnClose")]
    [Upstream("gateway_test.go", "TestGatewayDontSendSubInterest")]
    public async Task AClusterThatComesBackIsKnownAgain()
    {
        await using var super = await SuperCluster.StartAsync();
        await using var a = await super.ConnectAsync("A1");
        var here = await a.SubscribeAsync("here");
        await super.StopAsync("B1");
        await Wait.Until("it is gone", () => super["A1"] is { OutboundGatewayCount: 0, InboundGatewayCount: 0 });
        (await a.RequestAsync("there")).IsNoResponders.ShouldBeTrue();
        await super.StartAsync("B1");
        await super.WaitForGatewaysAsync();
        await using var b = await super.ConnectAsync("B1");
        await SuperCluster.ReachAsync(b, here, "here");
        var there = await b.SubscribeAsync("there");
        await SuperCluster.ReachAsync(a, there, "there");
    }

    private static Task<NatsServer> StartAsync(string gateway = "") =>
        TestServer.FromConfigAsync($"server_name: A1\ngateway {{ name: A, listen: \"127.0.0.1:-1\", {gateway} }}");

    private static Task AllMeet(params NatsServer[] servers) => Wait.Until(
        "all clusters are connected",
        () => servers.All(server => server.OutboundGatewayCount == 2),
        () => string.Join("; ", servers.Select(server => $"{server.Name}: {server.OutboundGatewayCount} out, {server.InboundGatewayCount} in")));
}
