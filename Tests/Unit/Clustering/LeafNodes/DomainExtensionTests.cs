using System.Text.Json;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Leaf nodes that share their hub's system account: of one domain they are one JetStream with it, else each keeps its own.</summary>
public sealed class DomainExtensionTests : IAsyncDisposable
{
    private static readonly string[] Hub = ["A", "B"];
    private static readonly string[] Leafs = ["LA", "LB"];
    private readonly DomainServers _servers = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AClusterJoinsItsHubsJetStreamWhenTheSystemAccountDoes(bool isOneServer)
    {
        foreach (var name in Hub) await _servers.StartAsync(name, "H", Hub, "domain: d");
        await _servers.WaitForMetaAsync(2, Hub);
        await using var proxy = InterposingProxy.Start(_servers[isOneServer ? "A" : "B"].LeafNodeEndPoint!);
        proxy.RefusesConnections = true;
        var remotes = DomainServers.Remote("a", _servers.Port("A leaf")) + ", " + DomainServers.Remote("sys", proxy.EndPoint.Port);
        foreach (var name in Leafs) await _servers.StartAsync(name, "L", Leafs, "domain: d", remotes);
        foreach (var name in Leafs) await LeafPair.ConnectedAsync(_servers[name], 1);
        await using var atHub = await _servers.ConnectAsync("A");
        await using var atLeaf = await _servers.ConnectAsync("LA");
        Leafs.ShouldAllBe(name => _servers[name].JetStreamService!.Meta!.Group.Core.IsObserver);
        (await IsRefusedAsync(atLeaf, "early")).ShouldBeTrue();
        proxy.RefusesConnections = false;
        foreach (var name in Leafs) await LeafPair.ConnectedAsync(_servers[name], 2);
        await _servers.WaitForMetaAsync(4, Hub);
        foreach (var (client, prefix) in new[] { (atHub, "h"), (atLeaf, "l") })
        {
            (await PlacedAsync(client, $"{prefix}any")).ShouldBe(prefix == "h" ? "H" : "L");
            (await PlacedAsync(client, $"{prefix}hub", "H")).ShouldBe("H");
            (await PlacedAsync(client, $"{prefix}leaf", "L", replicas: 2)).ShouldBe("L");
        }
        await StreamCluster.PublishAsync(atHub, "lleaf.x", "1");
        await Wait.Until("both leafs have it", () => Leafs.All(name => _servers.HostOf(name, "lleaf")?.State.Messages == 1), _servers.Describe);
    }

    [Fact]
    public async Task ALeafThatBelongsToItsHubWaitsForItAfterARestart()
    {
        await StartExtendedAsync("domain: d", "domain: d");
        await using (var client = await _servers.ConnectAsync("LA"))
        {
            (await PlacedAsync(client, "kept", "L", replicas: 2)).ShouldBe("L");
            await StreamCluster.PublishAsync(client, "kept.x", "1");
        }
        foreach (var name in Leafs) await _servers.StopAsync(name);
        foreach (var name in Hub) await _servers.StopAsync(name);
        foreach (var name in Leafs) await _servers.StartAsync(name);
        _servers.Log.Lines.ShouldContain(line => line.Contains("Keeping JetStream metadata controller Observer Mode on", StringComparison.Ordinal));
        Leafs.ShouldAllBe(name => _servers[name].JetStreamService!.Meta!.Group.Core.IsObserver);
        foreach (var name in Hub) await _servers.StartAsync(name);
        await _servers.WaitForMetaAsync(4, Hub);
        await Wait.Until("the leafs have the stream again", () => Leafs.All(name => _servers.HostOf(name, "kept")?.State.Messages == 1), _servers.Describe, TimeSpan.FromSeconds(40));
        _servers.Log.Lines.ShouldNotContain(line => line.Contains("set aside", StringComparison.Ordinal));
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterLeafNodesWithSharedSystemAccountAndDifferentDomain")]
    public async Task AnotherDomainKeepsItsOwnAndRemembersIt()
    {
        foreach (var name in Hub) await _servers.StartAsync(name, "H", Hub, "domain: d");
        var remotes = DomainServers.Remote("a", _servers.Port("A leaf")) + ", " + DomainServers.Remote("sys", _servers.Port("A leaf"));
        foreach (var name in Leafs) await _servers.StartAsync(name, "L", Leafs, "domain: other", remotes);
        await _servers.WaitForMetaAsync(2, Hub);
        await _servers.WaitForMetaAsync(2, Leafs);
        await using (var client = await _servers.ConnectAsync("LA"))
        {
            (await PlacedAsync(client, "own", replicas: 2)).ShouldBe("L");
            (await PlaceIsRefusedAsync(client, "H")).ShouldBeTrue();
        }
        foreach (var name in Leafs) await _servers.StopAsync(name);
        foreach (var name in Hub) await _servers.StopAsync(name);
        foreach (var name in Leafs) await _servers.StartAsync(name);
        _servers.Log.Lines.ShouldContain(line => line.Contains("Observer Mode off - due to previous contact", StringComparison.Ordinal));
        await _servers.WaitForMetaAsync(2, Leafs);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeClusterMixedModeExtensionWithSystemAccount")]
    public async Task AServerWithoutJetStreamPassesTheExtensionOn(bool hasDomain)
    {
        string[] mixed = ["A", "B", "C"];
        var domain = hasDomain ? "domain: d" : "";
        foreach (var name in Hub) await _servers.StartAsync(name, "H", mixed, domain);
        await _servers.StartAsync("C", "H", mixed, "enabled: false, " + (hasDomain ? "domain: d" : "extension_hint: will_extend"));
        await _servers.WaitForMetaAsync(2, Hub);
        var remotes = DomainServers.Remote("a", _servers.Port("C leaf")) + ", " + DomainServers.Remote("sys", _servers.Port("C leaf"));
        await _servers.StartAsync("LA", "L", ["LA"], (hasDomain ? "domain: d, " : "") + "extension_hint: will_extend", remotes);
        await LeafPair.ConnectedAsync(_servers["LA"], 2);
        await LeafPair.ConnectedAsync(_servers["C"], 2);
        await _servers.WaitForMetaAsync(3, Hub);
        foreach (var name in new[] { "A", "B", "C", "LA" })
        {
            await using var client = await _servers.ConnectAsync(name);
            (await PlacedAsync(client, $"{name}1")).ShouldBe(name == "LA" ? "L" : "H");
            (await PlacedAsync(client, $"{name}2", "H")).ShouldBe("H");
            (await PlacedAsync(client, $"{name}3", "L")).ShouldBe("L");
        }
    }

    private async Task StartExtendedAsync(string hub, string leaf)
    {
        foreach (var name in Hub) await _servers.StartAsync(name, "H", Hub, hub);
        var remotes = DomainServers.Remote("a", _servers.Port("A leaf")) + ", " + DomainServers.Remote("sys", _servers.Port("A leaf"));
        foreach (var name in Leafs) await _servers.StartAsync(name, "L", Leafs, leaf, remotes);
        await _servers.WaitForMetaAsync(4, Hub);
    }

    private static async Task<bool> PlaceIsRefusedAsync(TestClient client, string cluster) => ErrorOf(await DomainServers.PlaceAsync(client, "nowhere", cluster)) == 10005;

    /// <summary>Nobody makes a stream: no answer, or an error.</summary>
    private static async Task<bool> IsRefusedAsync(TestClient client, string name)
    {
        try
        {
            var answer = await client.RequestAsync($"$JS.API.STREAM.CREATE.{name}", $"{{\"name\":\"{name}\"}}", timeout: TimeSpan.FromSeconds(2));
            return answer.IsNoResponders || ErrorOf(JsonDocument.Parse(answer.Payload).RootElement) != 0;
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    /// <summary>In which cluster a stream was made.</summary>
    private async Task<string> PlacedAsync(TestClient client, string name, string cluster = "", int replicas = 1)
    {
        JsonElement answer = default;
        await Wait.Until($"{name} is placed", async () => ErrorOf(answer = await DomainServers.PlaceAsync(client, name, cluster, replicas)) != 10005, () => $"{answer} {_servers.Describe()}", TimeSpan.FromSeconds(40));
        return answer.TryGetProperty("cluster", out var placed) ? placed.GetProperty("name").GetString()! : answer.ToString();
    }

    private static int ErrorOf(JsonElement answer) => StreamServer.ErrorOf(answer);

    public ValueTask DisposeAsync() => _servers.DisposeAsync();
}
