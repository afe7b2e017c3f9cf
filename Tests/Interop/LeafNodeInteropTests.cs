using System.Net;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>Leaf nodes between a Go server and ours, either of them the hub: Debian's 2.9, and 2.10 or later where one is named.</summary>
public sealed class LeafNodeInteropTests
{
    private const string Users = "accounts { A: { users: [{user: a, password: a}] } }\nno_auth_user: a\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OursIsTheLeafOfAGoHub(bool recent)
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        await using var go = await ServerProcess.StartAsync(
            recent ? Peers.JetStreamPeer() : Peers.GoServer(),
            $"server_name: go\nlisten: \"127.0.0.1:-1\"\nleafnodes {{ listen: \"127.0.0.1:{ports[0]}\" }}\n{Users}");
        await using var ours = await TestServer.FromConfigAsync(
            $"server_name: ours\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{ports[0]}\", account: A }} ] }}\n{Users}");
        await LeafPair.ConnectedAsync(ours, 1);
        await ExchangeAsync(ours.ClientEndPoint!, go.ClientEndPoint);
        ours.LeafNodes!.Snapshot().Single().IsSpoke.ShouldBeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OursIsTheHubOfAGoLeaf(bool recent)
    {
        await using var ours = await TestServer.FromConfigAsync($"server_name: ours\nleafnodes {{ host: 127.0.0.1, port: -1 }}\n{Users}");
        await using var go = await ServerProcess.StartAsync(
            recent ? Peers.JetStreamPeer() : Peers.GoServer(),
            $"server_name: go\nlisten: \"127.0.0.1:-1\"\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{ours.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{Users}");
        await LeafPair.ConnectedAsync(ours, 1);
        await ExchangeAsync(ours.ClientEndPoint!, go.ClientEndPoint);
        var leaf = ours.Leafz().Leafs.Single();
        leaf.Name.ShouldBe("go");
        leaf.IsSpoke.ShouldBeFalse();
    }

    /// <summary>Both ways: interest, replies, headers, queue groups.</summary>
    private static async Task ExchangeAsync(IPEndPoint one, IPEndPoint other)
    {
        await using var here = await TestClient.ConnectAsync(one);
        await using var there = await TestClient.ConnectAsync(other);
        await PassAsync(here, there);
        await PassAsync(there, here);
    }

    private static async Task PassAsync(TestClient from, TestClient to)
    {
        var service = await to.SubscribeAsync("svc.*");
        var member = await to.SubscribeAsync("jobs", "workers");
        await to.FlushAsync();
        _ = Task.Run(async () =>
        {
            while (await service.NextAsync() is var request) await to.PublishAsync(request.Reply!, "resp " + request.Text, headers: request.Headers);
        });
        await Wait.Until("a request is answered across", async () => await from.RequestAsync("svc.a", "ask", timeout: TimeSpan.FromSeconds(1)) is { IsNoResponders: false, Text: "resp ask" });
        (await from.RequestAsync("svc.b", new string('x', 100_000))).Text.Length.ShouldBe(100_005);
        await from.PublishAsync("jobs", "one");
        (await member.NextAsync()).Text.ShouldBe("one");
        await service.UnsubscribeAsync();
        await member.UnsubscribeAsync();
        await to.FlushAsync();
    }
}
