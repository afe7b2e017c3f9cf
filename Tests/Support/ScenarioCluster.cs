using System.Text.Json;
using NatsAspire.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Seven servers of three clusters in this process, of which any but the biggest two together have no majority, and a leaf node of
/// the first, for all tests of a class; each uses names of its own and leaves all servers joined. West has less room than east.
/// </summary>
public sealed class ScenarioCluster : IAsyncLifetime
{
    /// <summary>What runs.</summary>
    public NatsTestCluster Super { get; private set; } = null!;

    /// <summary>West and east with three servers each, north with one, and the leaf node edge.</summary>
    public static NatsTestClusterBuilder Topology { get; } = NatsTopology.SuperCluster(clusters: 3, servers: 3)
        .WithCluster("north", north => north with { Servers = 1 })
        .WithCluster("west", west => west with { JetStream = new() { MaxFile = "1Gi" } })
        .WithCluster("east", east => east with { JetStream = new() { MaxFile = "4Gi" } })
        .WithLeaf("edge", hub: "west")
        .WithConfiguration(server => $"server_tags: [\"region:{server.Cluster.Name}\", \"node:{server.Name[^1]}\"]");

    public async ValueTask InitializeAsync() => Super = await Topology.StartAsync();

    public ValueTask DisposeAsync() => Super.DisposeAsync();

    /// <summary>A client of a server.</summary>
    public Task<TestClient> ConnectAsync(string server) => TestClient.ConnectAsync(Super.UrlsOf(server)[0]);

    /// <summary>A client of the system account.</summary>
    public Task<TestClient> ConnectSystemAsync(string server) => TestClient.ConnectAsync(
        Super.UrlsOf(server)[0], new TestClientOptions { User = TopologySecrets.SystemUser, Password = Super.PasswordOf(TopologySecrets.SystemUser) });

    /// <summary>Has the meta leader in the cluster of one server, which reaches both others.</summary>
    public async Task LeadFromNorthAsync(TestClient system)
    {
        if (await Super.WaitForMetaLeaderAsync() == "north-1") return;
        await DoAsync(system, "META.LEADER.STEPDOWN", """{"placement":{"cluster":"north"}}""");
        await Wait.Until("north leads", async () => await Super.WaitForMetaLeaderAsync() == "north-1", timeout: TimeSpan.FromSeconds(60));
    }

    /// <summary>Asks for something that must be refused, with this error.</summary>
    public static async Task RefusedAsync(TestClient client, int error, string operation, string request = "")
    {
        var answer = await StreamCluster.AskAsync(client, operation, request);
        answer.TryGetProperty("error", out var refusal).ShouldBeTrue($"{operation}: {answer}");
        refusal.GetProperty("err_code").GetInt32().ShouldBe(error, answer.ToString());
    }

    /// <summary>Asks for something that must succeed.</summary>
    public static async Task<JsonElement> DoAsync(TestClient client, string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        return answer;
    }

    /// <summary>Makes a stream of a subject NAME.>.</summary>
    public static Task CreateAsync(TestClient client, string name, string cluster, int replicas = 3, string more = "") => DoAsync(
        client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":{{replicas}},"allow_direct":true,"placement":{"cluster":"{{cluster}}"}{{more}} }""");

    /// <summary>Publishes numbers to a stream, each of which must be acknowledged with its own sequence.</summary>
    public static async Task PublishAsync(TestClient client, string stream, int first, int last)
    {
        for (var i = first; i <= last; i++) (await StreamCluster.PublishAsync(client, $"{stream}.x", $"{i}")).ShouldBe((ulong)i);
    }

    /// <summary>Who leads, as an answer of INFO has it; empty: nobody.</summary>
    public static string LeaderIn(JsonElement info) =>
        info.TryGetProperty("cluster", out var cluster) && cluster.TryGetProperty("leader", out var leader) ? leader.GetString() ?? "" : "";

    /// <summary>Waits until a stream holds so many messages, as somebody sees it.</summary>
    public static async Task HoldsAsync(TestClient client, string stream, int count, string api = "$JS.API")
    {
        var seen = "";
        await Wait.Until($"{stream} holds {count}", async () =>
        {
            try
            {
                using var answer = JsonDocument.Parse((await client.RequestAsync($"{api}.STREAM.INFO.{stream}", timeout: TimeSpan.FromSeconds(2))).Payload);
                seen = answer.RootElement.ToString();
                return answer.RootElement.TryGetProperty("state", out var state) && state.GetProperty("messages").GetInt32() == count;
            }
            catch (Exception error) when (error is TimeoutException or JsonException)
            {
                // Nobody leads for now.
                seen = error.Message;
                return false;
            }
        }, () => seen, TimeSpan.FromSeconds(60));
    }
}
