using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Queues whose members are behind several hubs, in accounts of their own: each hub is served as it has members.</summary>
public sealed class LeafWeightTests
{
    private const int Published = 1000;

    [Theory]
    [InlineData("one", "two", false)]
    [InlineData("stl", "ksc", true)]
    [Upstream("leafnode_test.go", "TestLeafNodeWithWeightedDQRequestsToSuperClusterWithSeparateAccounts")]
    [Upstream("leafnode_test.go", "TestLeafNodeWithWeightedDQRequestsToSuperClusterWithStreamImportAccounts")]
    public async Task WhatALeafClusterAsksIsSharedAsItsHubsHaveMembers(string first, string second, bool isImported)
    {
        await using var super = await SuperCluster.StartAsync(servers: 2, more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + (isImported ? Imported : Separate));
        await using var leafs = await LeafsAsync("SA", (super["A1"], first), (super["B1"], second));
        var members = new List<(TestClient Client, TestSubscription Queue, bool IsFirst)>();
        foreach (var (here, there) in new[] { (1, 1), (1, 9) })
        {
            for (var i = 0; i < here + there; i++)
            {
                var isFirst = i < here;
                var client = await LeafPair.ClientAsync(super[(isFirst ? "A" : "B") + ((i % 2) + 1)], isImported ? "efg" : isFirst ? first : second);
                members.Add((client, await client.SubscribeAsync("REQUEST", "MC"), isFirst));
                await client.FlushAsync();
            }
            await Wait.Until("the leafs know all", () => leafs.Servers.All(leaf => WeightOf(leaf) >= here + there), () => string.Join(", ", leafs.Servers.Select(WeightOf)));
            await using (var asking = await TestClient.ConnectAsync(leafs[1].ClientEndPoint!))
            {
                for (var i = 0; i < Published; i++) await asking.PublishAsync("REQUEST", "HELP");
                await asking.FlushAsync();
            }
            await Wait.Until("all are served", () => members.Sum(member => member.Queue.Count) >= Published, () => $"{members.Sum(member => member.Queue.Count)}");
            members.Sum(member => member.Queue.Count).ShouldBe(Published, "once each");
            var share = (double)members.Where(member => member.IsFirst).Sum(member => member.Queue.Count) / Published;
            share.ShouldBe((double)here / (here + there), 0.1);
            foreach (var (client, _, _) in members) await client.DisposeAsync();
            members.Clear();
            await Wait.Until("nobody is left", () => leafs.Servers.All(leaf => WeightOf(leaf) == 0), () => string.Join(", ", leafs.Servers.Select(WeightOf)));
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWithWeightedDQResponsesWithStreamImportAccountsWithUnsub")]
    public async Task MembersOfALeafThatCameBackAreServedThroughAnImportAndForgottenAgain()
    {
        await using var hubs = new TestCluster();
        for (var i = 0; i < 3; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{hubs[0].ClusterEndPoint!.Port}\"]";
            hubs.Servers.Add(await LeafPair.HubAsync(name: $"hub{i}", accounts: """
                accounts {
                  EFG: { users: [ { user: efg, password: efg } ], exports: [ { stream: RESPONSE } ] }
                  STL: { users: [ { user: stl, password: stl } ], imports: [ { stream: { account: EFG, subject: RESPONSE } } ] }
                  KSC: { users: [ { user: ksc, password: ksc } ], imports: [ { stream: { account: EFG, subject: RESPONSE } } ] }
                }

                """, more: $"cluster {{ name: US, host: 127.0.0.1, port: -1, {routes} }}\n"));
        }
        await hubs.WaitForMeshAsync();
        var leaf = await LeafAsync();
        for (var turn = 0; turn < 2; turn++)
        {
            await using (var members = await TestClient.ConnectAsync(leaf.ClientEndPoint!))
            {
                var queues = new List<TestSubscription>();
                for (var i = 0; i < 4; i++) queues.Add(await members.SubscribeAsync("RESPONSE", "SA"));
                await members.FlushAsync();
                foreach (var hub in hubs.Servers) await LeafPair.HasInterestAsync(hub, "RESPONSE", account: "EFG");
                await using var publisher = await LeafPair.ClientAsync(hubs[2], "efg");
                for (var i = 0; i < 100; i++) await publisher.PublishAsync("RESPONSE", "OK");
                await Wait.Until("all are served", () => queues.Sum(queue => queue.Count) >= 100, () => $"{queues.Sum(queue => queue.Count)}");
                await publisher.FlushAsync();
                queues.Sum(queue => queue.Count).ShouldBe(100, "once each");
            }
            if (turn == 0)
            {
                await leaf.DisposeAsync();
                leaf = await LeafAsync();
            }
            foreach (var hub in hubs.Servers)
            {
                foreach (var account in new[] { "KSC", "EFG" }) await LeafPair.HasInterestAsync(hub, "RESPONSE", isWanted: false, account);
            }
        }
        await leaf.DisposeAsync();

        async Task<NatsServer> LeafAsync()
        {
            var made = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"nats-leaf://ksc:ksc@127.0.0.1:{hubs[0].LeafNodeEndPoint!.Port}\" }} ] }}\n");
            await LeafPair.ConnectedAsync(made, 1);
            return made;
        }
    }

    private const string Separate = """
        accounts {
          SYS { }
          ONE { users: [ { user: one, password: one } ] }
          TWO { users: [ { user: two, password: two } ] }
        }
        system_account: SYS

        """;

    private const string Imported = """
        accounts {
          SYS { }
          EFG {
            users: [ { user: efg, password: efg } ]
            imports: [ { stream: { account: STL, subject: REQUEST } }, { stream: { account: KSC, subject: REQUEST } } ]
          }
          STL { users: [ { user: stl, password: stl } ], exports: [ { stream: REQUEST } ] }
          KSC { users: [ { user: ksc, password: ksc } ], exports: [ { stream: REQUEST } ] }
        }
        system_account: SYS

        """;

    /// <summary>Members of the queue beyond a server, as it knows them.</summary>
    private static int WeightOf(NatsServer leaf) =>
        leaf.Accounts.Find("$G")!.Subscriptions.Match("REQUEST"u8).Queues is [{ } group] ? group.Links.Concat(group.Outer).Concat(group.Distant).Sum(link => (int)link.QueueWeight) : 0;

    private static async Task<TestCluster> LeafsAsync(string name, params (NatsServer Hub, string User)[] hubs)
    {
        var leafs = new TestCluster();
        var remotes = string.Join(", ", hubs.Select(hub => $"{{ url: \"nats-leaf://{hub.User}:{hub.User}@127.0.0.1:{hub.Hub.LeafNodeEndPoint!.Port}\" }}"));
        for (var i = 0; i < 2; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{leafs[0].ClusterEndPoint!.Port}\"]";
            leafs.Servers.Add(await TestServer.FromConfigAsync($"server_name: {name}{i}\ncluster {{ name: {name}, host: 127.0.0.1, port: -1, {routes} }}\nleafnodes {{ reconnect: \"50ms\", remotes: [ {remotes} ] }}\n"));
        }
        await leafs.WaitForMeshAsync();
        foreach (var leaf in leafs.Servers) await LeafPair.ConnectedAsync(leaf, hubs.Length);
        return leafs;
    }
}
