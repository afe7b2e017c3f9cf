using System.Net;
using System.Net.Sockets;
using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>The servers of its hub that a leaf is told of, and where it goes when one ends.</summary>
public sealed class LeafFailoverTests
{
    private const string Tests = "test/leafnode_test.go";

    [Theory]
    [InlineData("")]
    [InlineData("advertise: \"me:{0}\"")]
    [Upstream(Tests, "TestLeafNodeInfoURLs")]
    [Upstream(Tests, "TestLeafNodeAdvertiseInCluster")]
    public async Task ALeafIsToldOfTheServersThereAre(string advertise)
    {
        var ports = new FreePorts().Take(2);
        Task<NatsServer> HubAsync(int number) => LeafPair.HubAsync(
            string.Format(System.Globalization.CultureInfo.InvariantCulture, advertise, number), accounts: "", name: $"hub{number}",
            more: $"cluster {{ name: A, listen: \"127.0.0.1:{ports[number - 1]}\", routes: [ \"nats://127.0.0.1:{ports[2 - number]}\" ] }}\n");
        string UrlOf(NatsServer hub, int number) => advertise.Length > 0 ? $"me:{number}" : $"127.0.0.1:{hub.LeafNodeEndPoint!.Port}";
        await using var first = await HubAsync(1);
        using var leaf = await LeafProtocolTests.JoinAsync(first);
        await ToldAsync(first, UrlOf(first, 1));
        await using (var second = await HubAsync(2))
        {
            // Both dial: one of the connections goes, which changes nothing.
            await Wait.Until("they are peers", () => first.PeerCount == 1 && second.PeerCount == 1);
            await ToldAsync(first, UrlOf(first, 1), UrlOf(second, 2));
            await leaf.ReadThroughAsync($"\"leafnode_urls\":[\"{UrlOf(first, 1)}\",\"{UrlOf(second, 2)}\"]");
        }
        await Wait.Until("it is alone", () => first.PeerCount == 0);
        await ToldAsync(first, UrlOf(first, 1));

        static Task ToldAsync(NatsServer hub, params string[] urls)
        {
            string?[] told = [];
            return Wait.Until(
                $"a stranger is told of {string.Join(", ", urls)}",
                async () =>
                {
                    using var stranger = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
                    told = [.. (await stranger.ReadInfoAsync()).GetProperty("leafnode_urls").EnumerateArray().Select(url => url.GetString())];
                    return told.Order(StringComparer.Ordinal).SequenceEqual(urls.Order(StringComparer.Ordinal));
                },
                () => string.Join(", ", told));
        }
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeAdvertise")]
    public async Task ALeafGoesToTheAddressThatAnotherServerAdvertises()
    {
        using var advertised = new TcpListener(IPAddress.Loopback, 0);
        advertised.Start();
        await using var second = await LeafPair.HubAsync($"advertise: \"{advertised.LocalEndpoint}\"", name: "second", more: "cluster { name: A, listen: \"127.0.0.1:-1\" }\n");
        var first = await LeafPair.HubAsync(name: "first", more: $"cluster {{ name: A, listen: \"127.0.0.1:-1\", routes: [ \"nats://127.0.0.1:{second.ClusterEndPoint!.Port}\" ] }}\n");
        await Wait.Until("they are peers", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var leaf = await LeafPair.LeafAsync("leaf", first);
        await LeafPair.ConnectedAsync(first, 1);
        await Wait.Until("it is told", () => leaf.LeafNodes!.Snapshot() is [{ Remote.Addresses.Count: 2 }]);
        await first.DisposeAsync();
        using var come = await advertised.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Wait.Default);
        come.Connected.ShouldBeTrue();
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeFailover")]
    public async Task ALeafStaysWithItsHubsClusterWhereverItsServersListen()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2, more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + LeafPair.Accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", super["A1"]);
        await LeafPair.ConnectedAsync(super["A1"], 1);
        await super.StopAsync("A1");
        await LeafPair.ConnectedAsync(super["A2"], 1);
        // It comes back with another port, of which the leaf is told.
        await super.StartAsync("A1");
        await Wait.Until("it is told", () => leaf.LeafNodes!.Snapshot() is [{ Remote: { } remote }] && remote.Addresses.Any(address => address.Port == super["A1"].LeafNodeEndPoint!.Port));
        await super.StopAsync("A2");
        await LeafPair.ConnectedAsync(super["A1"], 1);
        await super.StopAsync("A1");
        await LeafPair.ConnectedAsync(leaf, 0);
        leaf.LeafNodes!.Snapshot().ShouldBeEmpty();
        (super["B1"].LeafNodeCount, super["B2"].LeafNodeCount).ShouldBe((0, 0));
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeWithGatewaysAndStaggeredStart")]
    [Upstream(Tests, "TestLeafNodeWithGatewaysServerRestart")]
    public async Task ALeafIsToldOfAClusterThatComesLaterAndAgainWhenItsOwnHubHasRestarted()
    {
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + LeafPair.Accounts);
        await super.StopAsync("B1");
        using (var leaf = await LeafProtocolTests.JoinAsync(super["A1"], """{"user":"a","pass":"a"}"""))
        {
            await super.StartAsync("B1");
            using var later = await RawClient.OpenAsync(super["B1"].ClientEndPoint!);
            await later.SendAsync("SUB later 1\r\n");
            await leaf.ReadThroughAsync("LS+ later\r\n");
        }
        using var client = await RawClient.OpenAsync(super["A1"].ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\n");
        await super.StopAsync("B1");
        await super.StartAsync("B1");
        using var again = await RawClient.ConnectAsync(super["B1"].LeafNodeEndPoint!);
        await again.ReadInfoAsync();
        await again.SendAsync("CONNECT {\"user\":\"a\",\"pass\":\"a\"}\r\n");
        await again.ReadThroughAsync("LS+ foo\r\n");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeDaisyChain")]
    [Upstream(Tests, "TestLeafNodeMultipleRemoteURLs")]
    public async Task TheEndOfAChainIsAnsweredByItsTop()
    {
        await using var top = await LeafPair.HubAsync(name: "top");
        await using var middle = await TestServer.FromConfigAsync(
            $"server_name: middle\nleafnodes {{ listen: \"127.0.0.1:-1\", remotes: [ {{ urls: [ \"nats-leaf://a:a@127.0.0.1:{top.LeafNodeEndPoint!.Port}\", \"nats-leaf://a:a@localhost:{top.LeafNodeEndPoint.Port}\" ], account: A }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(top, 1);
        await using var end = await LeafPair.LeafAsync("end", middle);
        await LeafPair.ConnectedAsync(middle, 2);
        await using var service = await LeafPair.ClientAsync(top);
        var requests = await service.SubscribeAsync("ngs.usage");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(end, "ngs.usage");
        await using var client = await LeafPair.ClientAsync(end);
        var answer = client.RequestAsync("ngs.usage", "1h");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "22 msgs");
        (await answer).Text.ShouldBe("22 msgs");
    }
}
