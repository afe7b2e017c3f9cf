using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Leaf node connections as connections: pings and round trips, slow readers, the name of the cluster, who hears of them.</summary>
public sealed class LeafLinkTests
{
    private const string Connect = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NLEAF\",\"name\":\"leaf\",\"headers\":true,\"protocol\":3}\r\n";

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeNoPingBeforeConnect")]
    public async Task NobodyIsPingedBeforeHeHasConnected()
    {
        await using var hub = await LeafPair.HubAsync("compression: off, authorization { timeout: 0.3 }", more: "ping_interval: \"20ms\"\n");
        using var silent = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        silent.SkipsServerPings = false;
        await silent.ReadInfoAsync();
        (await silent.ReadToCloseAsync()).ShouldBe("-ERR 'Authentication Timeout'\r\n");
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        leaf.SkipsServerPings = false;
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect);
        await leaf.ReadThroughAsync("PING\r\n");
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Theory]
    [InlineData("15ms")]
    [InlineData("1m")]
    [Upstream("leafnode_test.go", "TestLeafNodeRTT")]
    public async Task BothEndsKnowTheRoundTrip(string interval)
    {
        // However long a busy machine takes to answer, the connection is not given up.
        var settings = $"ping_interval: \"{interval}\", ping_max: 1000\n";
        await using var hub = await LeafPair.HubAsync(more: settings);
        await using var leaf = await LeafPair.LeafAsync("leaf", hub, more: settings);
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        foreach (var server in new[] { hub, leaf })
        {
            TimeSpan RoundTrip() => server.LeafNodes!.Snapshot().Single().RoundTrip;
            await Wait.Until("a round trip", () => RoundTrip() > TimeSpan.Zero);
            if (interval == "1m") continue;
            var first = RoundTrip();
            await Wait.Until("another", () => RoundTrip() != first);
        }
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("write_timeout: default", true)]
    [InlineData("write_timeout: retry", true)]
    [InlineData("write_timeout: close", false)]
    [Upstream("leafnode_test.go", "TestLeafNodeSlowConsumer")]
    [Upstream("leafnode_test.go", "TestLeafNodeConfigureWriteDeadline")]
    [Upstream("leafnode_test.go", "TestLeafNodeConfigureWriteTimeoutPolicy")]
    public async Task ALeafThatReadsSlowlyIsKeptOrClosedAsConfigured(string policy, bool isKept)
    {
        using var log = new CapturedLog(Microsoft.Extensions.Logging.LogLevel.Information);
        // The deadline of clients would never pass.
        await using var hub = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: hub\nwrite_deadline: 60s\nleafnodes {{ host: 127.0.0.1, port: -1, compression: off, write_deadline: \"{SlowReader.Deadline}\"\n{policy}\n }}\n{LeafPair.Accounts}"), log);
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect + "LS+ flood\r\nPING\r\n");
        await leaf.ReadThroughAsync("PONG\r\n");
        await using var publisher = await LeafPair.ClientAsync(hub);
        await SlowReader.IsFoundSlowAsync(leaf.Socket, publisher, log);
        hub.LeafNodes!.SlowConsumers.ShouldBe(1);
        hub.Varz().SlowConsumerCounts.Leafs.ShouldBe(1);
        if (!isKept) await LeafPair.ConnectedAsync(hub, 0);
        else hub.LeafNodeCount.ShouldBe(1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeOriginClusterInfo")]
    public async Task AHubKnowsTheClusterOfALeafAndThatItHasChanged()
    {
        await using var hub = await LeafPair.HubAsync();
        string RemoteCluster() => hub.LeafNodes!.Snapshot().Single().RemoteCluster;
        await using (await TestServer.FromConfigAsync($"leafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\" }} ] }}"))
        {
            await LeafPair.ConnectedAsync(hub, 1);
            RemoteCluster().ShouldBe("");
        }
        await LeafPair.ConnectedAsync(hub, 0);
        // Its name is a generated one, until somebody comes who was given one.
        await using var leaf = await LeafPair.LeafAsync("leaf", hub, more: "cluster { listen: \"127.0.0.1:-1\" }\n");
        await LeafPair.ConnectedAsync(hub, 1);
        RemoteCluster().ShouldBe(leaf.ClusterName);
        var connection = hub.LeafNodes!.Snapshot().Single().Id;
        await using var peer = await TestServer.FromConfigAsync(
            $"server_name: peer\ncluster {{ name: xyz, listen: \"127.0.0.1:-1\", routes: [ \"nats://127.0.0.1:{leaf.ClusterEndPoint!.Port}\" ] }}\n{LeafPair.Accounts}");
        await Wait.Until(
            "the hub knows the new name, from a new connection",
            () => hub.LeafNodes.Snapshot() is [var only] && only.RemoteCluster == "xyz" && only.Id != connection,
            () => string.Join(", ", hub.LeafNodes.Snapshot().Select(one => $"{one.Id} {one.RemoteCluster}")) + $"; the leaf is in {leaf.ClusterName}");
        await LeafPair.ConnectedAsync(leaf, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeSpokeConnectAdvisory")]
    public async Task ASpokeTellsOfItsConnectionsAsOfClients()
    {
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        Task<NatsServer> HubAsync() => TestServer.FromConfigAsync($"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:{port}\", no_advertise: true }}\n{LeafPair.Accounts}");
        var hub = await HubAsync();
        await using var spoke = await TestServer.FromConfigAsync(
            $"server_name: spoke\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"nats://a:a@127.0.0.1:{port}\", account: A }}, {{ url: \"nats://sys:sys@127.0.0.1:{port}\", account: SYS }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 2);
        await LeafPair.ConnectedAsync(spoke, 2);
        await using var system = await LeafPair.ClientAsync(spoke, "sys");
        var (connects, disconnects) = (await system.SubscribeAsync("$SYS.ACCOUNT.A.CONNECT"), await system.SubscribeAsync("$SYS.ACCOUNT.A.DISCONNECT"));
        await system.FlushAsync();
        await hub.DisposeAsync();
        await LeafPair.ConnectedAsync(spoke, 0);
        var gone = System.Text.Json.JsonDocument.Parse((await disconnects.NextAsync()).Payload).RootElement;
        gone.GetProperty("type").GetString().ShouldBe("io.nats.server.advisory.v1.client_disconnect");
        (gone.GetProperty("client").GetProperty("kind").GetString(), gone.GetProperty("client").GetProperty("acc").GetString()).ShouldBe(("Leafnode", "A"));
        gone.GetProperty("reason").GetString().ShouldNotBeNullOrEmpty();
        await using var again = await HubAsync();
        await LeafPair.ConnectedAsync(spoke, 2);
        var come = System.Text.Json.JsonDocument.Parse((await connects.NextAsync()).Payload).RootElement;
        come.GetProperty("client").GetProperty("kind").GetString().ShouldBe("Leafnode");
        come.GetProperty("server").GetProperty("name").GetString().ShouldBe("spoke");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeServerReloadSubjectMappingsWithSameSubject")]
    public async Task AMappingThatLeadsElsewhereAfterAReloadHoldsForLeafs()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(1);
        string Config(string target) => $"server_name: hub\nmappings = {{ source: {target} }}\nleafnodes {{ listen: \"127.0.0.1:{ports[0]}\" }}\n";
        await using var hub = await TestServer.FromConfigAsync(Config("target1"));
        await using var leaf = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{ports[0]}\" }} ] }}\n");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var client = await hub.ConnectAsync();
        var (first, second) = (await client.SubscribeAsync("target1"), await client.SubscribeAsync("target2"));
        await client.FlushAsync();
        await using var publisher = await leaf.ConnectAsync();
        await LeafPair.HasInterestAsync(leaf, "source", account: "$G");
        await publisher.PublishAsync("source", "one");
        (await first.NextAsync()).Text.ShouldBe("one");
        await hub.ReloadAsync(TestServer.Parse(Config("target2")));
        await LeafPair.ConnectedAsync(leaf, 1);
        await publisher.PublishAsync("source", "two");
        (await second.NextAsync()).Text.ShouldBe("two");
        (first.TryTake(), second.TryTake()).ShouldBe((null, null));
    }
}
