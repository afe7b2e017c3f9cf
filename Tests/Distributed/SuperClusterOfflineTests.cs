using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>A cluster that is gone: what is said of it, and of the streams that were there.</summary>
public sealed class SuperClusterOfflineTests
{
    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStatszActiveServers")]
    public async Task EachServerCountsThoseOfAllClusters()
    {
        const string Users = "accounts { $SYS { users: [ { user: admin, password: admin } ] } }";
        await using var super = await SuperCluster.StartAsync(clusters: 2, servers: 2, more: Users);
        await CountedAsync(4);
        await super.StopAsync("B2");
        await CountedAsync(3);
        await super.StartAsync("B2");
        await CountedAsync(4);

        async Task CountedAsync(int servers)
        {
            foreach (var server in super.Running)
            {
                await using var system = await super.ConnectAsync(server.Name, "admin");
                var counted = 0;
                await Wait.Until(
                    $"{server.Name} counts {servers} servers",
                    async () =>
                    {
                        using var answer = System.Text.Json.JsonDocument.Parse((await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.STATSZ")).Text);
                        return (counted = answer.RootElement.GetProperty("statsz").GetProperty("active_servers").GetInt32()) == servers;
                    },
                    () => $"{counted}");
            }
        }
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterRemovedPeersAndStreamsListAndDelete")]
    public async Task StreamsOfAClusterThatIsGoneAreOfflineAndCanBeDeleted()
    {
        await using var super = await SuperCluster.StartAsync(clusters: 3, jetStream: "");
        await super.WaitForMetaLeaderAsync();
        var leader = super.Running.First(server => server.JetStreamService!.Meta!.LeaderName == server.Name).Name;
        var gone = leader == "B1" ? "A1" : "B1";
        await using var client = await super.ConnectAsync(leader);
        await DoAsync(client, "STREAM.CREATE.GONE", $$"""{"name":"GONE","subjects":["gone"],"placement":{"cluster":"{{gone[..1]}}"} }""");
        await DoAsync(client, "CONSUMER.CREATE.GONE.dlc", """{"stream_name":"GONE","config":{"durable_name":"dlc","ack_policy":"explicit"}}""");
        await DoAsync(client, "STREAM.CREATE.TEST", $$"""{"name":"TEST","subjects":["test"],"placement":{"cluster":"{{leader[..1]}}"} }""");
        for (var i = 0; i < 10; i++)
        {
            await StreamCluster.PublishAsync(client, "gone", "x");
            await StreamCluster.PublishAsync(client, "test", "x");
        }
        await super.StopAsync(gone);
        await Wait.Until("it is known to be gone", () => super[leader].JetStreamService!.Meta!.Registry.Peers.Values.Any(peer => peer.IsOffline));
        // At once, not after those that cannot answer any more have been waited for.
        var list = await StreamCluster.AskAsync(client, "STREAM.LIST");
        list.GetProperty("missing").EnumerateArray().Select(name => name.GetString()).ShouldBe(["GONE"]);
        list.GetProperty("streams").EnumerateArray().Select(stream => stream.GetProperty("config").GetProperty("name").GetString()).ShouldBe(["TEST"]);
        await RefusedAsync("STREAM.INFO.GONE", 10118);
        (await StreamCluster.AskAsync(client, "CONSUMER.LIST.GONE")).GetProperty("missing").EnumerateArray().Select(name => name.GetString()).ShouldBe(["dlc"]);
        await RefusedAsync("CONSUMER.INFO.GONE.dlc", 10119);
        // Nobody there could answer: the meta leader does.
        (await client.RequestAsync("$JS.API.CONSUMER.DELETE.GONE.dlc")).Text.ShouldContain("\"success\":true");
        (await client.RequestAsync("$JS.API.STREAM.DELETE.GONE")).Text.ShouldContain("\"success\":true");
        await RefusedAsync("STREAM.INFO.GONE", 10059);

        async Task RefusedAsync(string operation, int error)
        {
            var answer = await StreamCluster.AskAsync(client, operation);
            answer.TryGetProperty("error", out var refusal).ShouldBeTrue($"{operation}: {answer}");
            refusal.GetProperty("err_code").GetInt32().ShouldBe(error, answer.ToString());
        }
    }

    private static async Task DoAsync(TestClient client, string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        answer.TryGetProperty("error", out _).ShouldBeFalse($"{operation}: {answer}");
    }
}
