using System.Text.Json;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What the pages and the system account tell of leaf nodes.</summary>
public sealed class LeafMonitoringTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorLeafz")]
    public async Task LeafzTellsOfBothEnds()
    {
        await using var pair = await LeafPair.StartAsync("compression: off", "compression: off");
        await using var client = await LeafPair.ClientAsync(pair.Leaf);
        await using var publisher = await LeafPair.ClientAsync(pair.Hub);
        var heard = await client.SubscribeAsync("foo");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Hub, "foo");
        await publisher.PublishAsync("foo", "12345");
        await heard.NextAsync();
        var hub = pair.Hub.Leafz(new LeafzOptions { Subscriptions = true }).Leafs.Single();
        (hub.Name, hub.IsSpoke, hub.Account, hub.OutMessages, hub.OutBytes, hub.Compression).ShouldBe(("leaf", false, "A", 1, 5, "off"));
        hub.Subscriptions!.ShouldContain("foo");
        hub.SubscriptionCount.ShouldBe(hub.Subscriptions!.Count);
        var leaf = pair.Leaf.Leafz().Leafs.Single();
        (leaf.Name, leaf.IsSpoke, leaf.InMessages, leaf.Subscriptions).ShouldBe(("hub", true, 1, null));
        pair.Hub.Leafz(new LeafzOptions { Account = "B" }).Leafs.ShouldBeEmpty();
        pair.Hub.Varz().LeafNodes.ShouldBe(1);
        pair.Leaf.Varz().LeafNode.Remotes!.Single().LocalAccount.ShouldBe("A");
        pair.Hub.AccountStatz(new AccountStatzOptions { Accounts = ["A"] }).Accounts.Single().LeafNodes.ShouldBe(1);
        pair.Hub.Accountz(new AccountzOptions { Account = "A" }).Account!.LeafNodes.ShouldBe(1);
    }

    [Fact]
    public async Task TheSystemAccountHearsOfALeafThatConnects()
    {
        await using var hub = await LeafPair.HubAsync();
        await using var system = await LeafPair.ClientAsync(hub, "sys");
        var events = await system.SubscribeAsync("$SYS.ACCOUNT.A.LEAFNODE.CONNECT");
        var counts = await system.SubscribeAsync("$SYS.ACCOUNT.A.SERVER.CONNS");
        await system.FlushAsync();
        await using (await LeafPair.LeafAsync("leaf", hub))
        {
            var told = JsonDocument.Parse((await events.NextAsync()).Payload).RootElement;
            told.GetProperty("acc").GetString().ShouldBe("A");
            told.GetProperty("server").GetProperty("name").GetString().ShouldBe("hub");
            JsonDocument.Parse((await counts.NextAsync()).Payload).RootElement.GetProperty("leafnodes").GetInt32().ShouldBe(1);
        }
        JsonDocument.Parse((await counts.NextAsync()).Payload).RootElement.GetProperty("leafnodes").GetInt32().ShouldBe(0);
        var asked = await system.RequestAsync($"$SYS.REQ.SERVER.{hub.Id}.LEAFZ", "{}");
        JsonDocument.Parse(asked.Payload).RootElement.GetProperty("data").GetProperty("leafnodes").GetInt32().ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodesDisableRemote")]
    public async Task AReloadTakesRemotesInAndOut()
    {
        await using var hub = await LeafPair.HubAsync();
        string Config(string disabled) =>
            $"server_name: leaf\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A, disabled: {disabled} }} ] }}\n{LeafPair.Accounts}";
        await using var leaf = await TestServer.FromConfigAsync(Config("false"));
        await LeafPair.ConnectedAsync(leaf, 1);
        await leaf.ReloadAsync(TestServer.Parse(Config("true")));
        await LeafPair.ConnectedAsync(leaf, 0);
        await LeafPair.ConnectedAsync(hub, 0);
        await leaf.ReloadAsync(TestServer.Parse(Config("false")));
        await LeafPair.ConnectedAsync(leaf, 1);
    }
}
