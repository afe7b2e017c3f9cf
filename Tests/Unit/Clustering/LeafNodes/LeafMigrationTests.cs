using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>js_cluster_migrate: who is cut off from the hub leads nothing of the account.</summary>
public sealed class LeafMigrationTests : IAsyncDisposable
{
    private static readonly string[] Leafs = ["LA", "LB", "LC"];
    private readonly DomainServers _servers = new();

    [Theory]
    [InlineData("true", 0)]
    [InlineData("{ leader_migrate_delay: 2s }", 2)]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeJSClusterMigrateRecovery")]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeJSClusterMigrateRecoveryWithDelay")]
    public async Task WhoHasLostTheHubLeadsNothingUntilItIsBack(string migrate, int delay)
    {
        await StartAsync(_ => _servers.Port("A leaf"), migrate);
        await using var client = await _servers.ConnectAsync("LA");
        await MakeAsync(client, "before");
        var since = System.Diagnostics.Stopwatch.StartNew();
        await _servers.StopAsync("A");
        await Wait.Until("nobody may lead", () => Leafs.All(name => IsObserver(name, "before")), _servers.Describe, TimeSpan.FromSeconds(30));
        since.Elapsed.TotalSeconds.ShouldBeGreaterThan(delay);
        Leafs.ShouldAllBe(name => !_servers[name].JetStreamService!.Meta!.Group.Core.IsObserver, "the meta group goes on");
        await Wait.Until("what led has made way", () => !Leafs.Any(name => _servers.HostOf(name, "before")!.Leads));
        // Who leads it would answer; nobody does.
        await client.PublishAsync("$JS.API.STREAM.CREATE.meanwhile", "{\"name\":\"meanwhile\",\"subjects\":[\"meanwhile.>\"],\"num_replicas\":3}", "answer");
        await Wait.Until("what comes meanwhile is not led either", () => Leafs.All(name => _servers.HostOf(name, "meanwhile") is not null && IsObserver(name, "meanwhile")), _servers.Describe, TimeSpan.FromSeconds(30));
        await _servers.StartAsync("A");
        foreach (var name in Leafs) await LeafPair.ConnectedAsync(_servers[name], 1);
        await Wait.Until("everybody may lead again", () => Leafs.All(name => !IsObserver(name, "before") && !IsObserver(name, "meanwhile")), _servers.Describe, TimeSpan.FromSeconds(30));
        await StreamCluster.PublishAsync(client, "before.x", "2");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterLeafNodeSPOFMigrateLeaders")]
    public async Task OneThatIsCutOffLeavesTheLeadToTheOthers()
    {
        await _servers.StartAsync("A", "H", ["A"], "domain: hub");
        await using var proxy = InterposingProxy.Start(_servers["A"].LeafNodeEndPoint!);
        await StartAsync(name => name == "LB" ? proxy.EndPoint.Port : _servers.Port("A leaf"), "true");
        await using var client = await _servers.ConnectAsync("LA");
        await MakeAsync(client, "s");
        await Wait.Until("LB leads", async () =>
        {
            if (_servers.HostOf("LB", "s") is { Leads: true }) return true;
            await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.s", "{\"placement\":{\"preferred\":\"LB\"}}");
            return false;
        }, _servers.Describe, TimeSpan.FromSeconds(40));
        proxy.RefusesConnections = true;
        await proxy.CutAsync();
        await Wait.Until("another leads", () => Leafs.Any(name => name != "LB" && _servers.HostOf(name, "s") is { Leads: true }), _servers.Describe, TimeSpan.FromSeconds(40));
        await StreamCluster.PublishAsync(client, "s.x", "2");
        IsObserver("LB", "s").ShouldBeTrue();
        proxy.RefusesConnections = false;
        await Wait.Until("LB may lead again", () => !IsObserver("LB", "s"), _servers.Describe, TimeSpan.FromSeconds(20));
    }

    [Fact]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeJSClusterMigrateClearObserverOnRemoteRemoval")]
    public async Task WhoNoLongerHasAHubMayLeadAgain()
    {
        await StartAsync(_ => _servers.Port("A leaf"), "true");
        await using var client = await _servers.ConnectAsync("LA");
        await MakeAsync(client, "s");
        await _servers.StopAsync("A");
        await Wait.Until("LB may not lead", () => IsObserver("LB", "s"), _servers.Describe, TimeSpan.FromSeconds(20));
        var options = _servers["LB"].Options;
        await _servers["LB"].ReloadAsync(options with { LeafNode = options.LeafNode with { Remotes = [] } });
        await Wait.Until("LB may lead", () => !IsObserver("LB", "s"), _servers.Describe, TimeSpan.FromSeconds(20));
    }

    private async Task StartAsync(Func<string, int> hub, string migrate)
    {
        if (_servers.Running.Count == 0) await _servers.StartAsync("A", "H", ["A"], "domain: hub");
        foreach (var name in Leafs) await _servers.StartAsync(name, "L", Leafs, "domain: leaf", DomainServers.Remote("a", hub(name), $", ignore_discovered_servers: true, js_cluster_migrate: {migrate}"));
        await _servers.WaitForMetaAsync(3, Leafs);
        foreach (var name in Leafs) await LeafPair.ConnectedAsync(_servers[name], 1);
    }

    private async Task MakeAsync(TestClient client, string stream)
    {
        (await DomainServers.PlaceAsync(client, stream, replicas: 3)).TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        await StreamCluster.PublishAsync(client, $"{stream}.x", "1");
        await Wait.Until("all have it", () => Leafs.All(name => _servers.HostOf(name, stream)?.State.Messages == 1), _servers.Describe);
    }

    private bool IsObserver(string server, string stream) => _servers.HostOf(server, stream)?.Group is { Core.IsObserver: true };

    public ValueTask DisposeAsync() => _servers.DisposeAsync();
}
