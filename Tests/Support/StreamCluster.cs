using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Tests.Support;

/// <summary>Servers of one cluster with JetStream, in this process, each with a store of its own that outlives its server.</summary>
public sealed class StreamCluster : IAsyncDisposable
{
    private const string Account = "$G";

    /// <summary>Enough for several elections of 4 to 9 seconds that nobody wins.</summary>
    private static readonly TimeSpan Elections = TimeSpan.FromSeconds(150);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-cluster-");
    private readonly ServerOptions[] _options;

    private StreamCluster(int count) => (_options, Servers) = (new ServerOptions[count], new NatsServer?[count]);

    /// <summary>Null: it is down.</summary>
    public NatsServer?[] Servers { get; }

    public IEnumerable<NatsServer> Running => Servers.OfType<NatsServer>();

    /// <summary>What all servers said.</summary>
    public CapturedLog Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Information);

    /// <summary>Starts servers, and waits for a meta leader that knows all of them.</summary>
    /// <param name="count">How many.</param>
    /// <param name="jetStream">More of their JetStream configuration.</param>
    /// <param name="more">More of the configuration of all.</param>
    /// <param name="each">More of the configuration of each, by its index; null: nothing.</param>
    /// <param name="isMonitored">Whether they serve monitoring pages, on free ports.</param>
    public static async Task<StreamCluster> StartAsync(int count = 3, string jetStream = "", string more = "", Func<int, string>? each = null, bool isMonitored = false)
    {
        var cluster = new StreamCluster(count);
        for (var i = 0; i < count; i++)
        {
            var routes = i == 0 ? "" : $"\"nats://127.0.0.1:{cluster.Servers[0]!.ClusterEndPoint!.Port}\"";
            var options = TestServer.Parse(
                $$"""
                server_name: n{{i + 1}}
                jetstream { store_dir: "{{cluster.FolderOf(i)}}", {{jetStream}} }
                cluster { name: C, listen: "127.0.0.1:-1", routes: [ {{routes}} ] }
                {{more}}
                {{each?.Invoke(i)}}
                """);
            if (isMonitored) options = options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } };
            cluster.Servers[i] = await NatsServer.StartAsync(options, cluster.Log);
            cluster._options[i] = options with { Cluster = options.Cluster with { Port = cluster.Servers[i]!.ClusterEndPoint!.Port } };
        }
        // From now on each knows where all others are.
        var all = cluster._options.Select(options => new Uri($"nats-route://127.0.0.1:{options.Cluster.Port}")).ToList();
        for (var i = 0; i < count; i++) cluster._options[i] = cluster._options[i] with { Cluster = cluster._options[i].Cluster with { Routes = all } };
        await cluster.WaitForMetaLeaderAsync();
        return cluster;
    }

    /// <summary>Where a server's store is.</summary>
    public string FolderOf(int server) => Path.Combine(_folder.FullName, $"n{server + 1}");

    /// <summary>Stops a server.</summary>
    public async Task StopAsync(int server)
    {
        if (Servers[server] is { } running) await running.DisposeAsync();
        Servers[server] = null;
    }

    /// <summary>Starts a server again over its store.</summary>
    public async Task StartAsync(int server) => Servers[server] = await NatsServer.StartAsync(_options[server], Log);

    /// <summary>A client of a server.</summary>
    public Task<TestClient> ConnectAsync(int server = 0, string? user = null) =>
        TestClient.ConnectAsync(Servers[server]!.ClientEndPoint!, user is null ? null : new TestClientOptions { User = user, Password = user });

    /// <summary>Asks the API until it does not fail, as clients do while somebody is elected.</summary>
    public static async Task<JsonElement> AskAsync(TestClient client, string operation, string request = "")
    {
        JsonElement answer = default;
        await Wait.Until(
            operation,
            async () =>
            {
                try
                {
                    answer = Parse(await client.RequestAsync("$JS.API." + operation, request, timeout: TimeSpan.FromSeconds(5)));
                    return !answer.TryGetProperty("error", out var error) || error.GetProperty("code").GetInt32() != 503;
                }
                catch (TimeoutException)
                {
                    return false;
                }
            },
            () => answer.ToString(),
            Elections);
        return answer;
    }

    /// <summary>
    /// Makes a stream, which must succeed, and waits until what the client publishes reaches it: its leader's answer comes
    /// over another connection between servers than the interest in its subjects does.
    /// </summary>
    public static async Task CreateAsync(TestClient client, string name, int replicas, string more = "")
    {
        var forAnother = TestHeaders.Of(("Nats-Expected-Stream", "-"));
        var answer = await PlaceAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":{{replicas}},"storage":"file"{{more}}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        await Wait.Until($"{name} is heard of", async () => !(await client.RequestAsync($"{name}.heard", headers: forAnother, timeout: TimeSpan.FromSeconds(2))).IsNoResponders, timeout: Elections);
    }

    /// <summary>
    /// Waits until what the client asks of a consumer reaches its leader, which refuses what is no JSON: the answer to a
    /// creation comes over another connection between servers than the interest in requests does.
    /// </summary>
    public static Task HearOfAsync(TestClient client, string stream, string consumer) =>
        Wait.Until(
            $"{consumer} of {stream} is heard of",
            async () => (await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", "{", timeout: TimeSpan.FromSeconds(1))).Headers?.Status.StartsWith("400", StringComparison.Ordinal) == true,
            timeout: Elections);

    /// <summary>Asks for something that needs servers, until the meta leader has heard of enough of them.</summary>
    public static async Task<JsonElement> PlaceAsync(TestClient client, string operation, string request)
    {
        JsonElement answer = default;
        await Wait.Until(
            operation,
            async () =>
            {
                answer = await AskAsync(client, operation, request);
                return !answer.TryGetProperty("error", out var error) || error.GetProperty("err_code").GetInt32() != 10005;
            },
            () => answer.ToString(),
            // A server that was taken for gone is heard of again within 150 s at the latest.
            TimeSpan.FromSeconds(170));
        return answer;
    }

    /// <summary>Publishes until it is acknowledged, as clients do while somebody is elected; what was stored without a word is not stored twice.</summary>
    /// <returns>The sequence.</returns>
    public static async Task<ulong> PublishAsync(TestClient client, string subject, string payload)
    {
        var sequence = 0UL;
        var id = TestHeaders.Of(("Nats-Msg-Id", Guid.NewGuid().ToString("N")));
        await Wait.Until(
            $"{payload} is acknowledged",
            async () =>
            {
                try
                {
                    var answer = await client.RequestAsync(subject, payload, id, TimeSpan.FromSeconds(2));
                    if (answer.IsNoResponders) return false;
                    sequence = Parse(answer).GetProperty("seq").GetUInt64();
                    return true;
                }
                catch (TimeoutException)
                {
                    return false;
                }
            },
            timeout: Elections);
        return sequence;
    }

    /// <summary>A server's member of a stream; null: it has none.</summary>
    internal StreamHost? HostOf(int server, string stream) => Servers[server]?.JetStream?.Accounts[Account].Find(stream);

    /// <summary>Who leads a stream.</summary>
    public async Task<int> LeaderOfAsync(string stream)
    {
        var leader = -1;
        await Wait.Until($"{stream} has a leader", () => (leader = Array.FindIndex(Servers, server => server?.JetStream?.Accounts[Account].Find(stream) is { Leads: true })) >= 0, timeout: TimeSpan.FromSeconds(40));
        return leader;
    }

    /// <summary>Waits until all members that run hold the same, and more than so much.</summary>
    public Task WaitForEqualAsync(string stream, ulong lastSequence) => Wait.Until(
        $"all members of {stream} are at {lastSequence}",
        () =>
        {
            var states = States(stream);
            return states.Count == Running.Count() && states.All(state => state == states[0]) && states[0].Last >= lastSequence;
        },
        () => string.Join("; ", States(stream)),
        TimeSpan.FromSeconds(60));

    /// <summary>Waits until so many servers hold a stream, all of them the same, and one leads.</summary>
    /// <returns>Which.</returns>
    public async Task<IReadOnlyList<int>> WaitForHoldersAsync(string stream, int count, ulong lastSequence)
    {
        int[] holders = [];
        await Wait.Until(
            $"{count} servers hold {stream} up to {lastSequence}",
            () =>
            {
                holders = [.. Enumerable.Range(0, Servers.Length).Where(server => HostOf(server, stream) is not null)];
                var states = States(stream);
                return holders.Length == count && states.All(state => state == states[0]) && states[0].Last >= lastSequence
                    && holders.Count(server => HostOf(server, stream)!.Leads) == 1 && holders.All(server => MembersOf(server, stream) == count);
            },
            () => string.Join("; ", holders.Select(server => $"n{server + 1}: {HostOf(server, stream)?.State.LastSequence} of {MembersOf(server, stream)}, leads {HostOf(server, stream)?.Leads}")),
            TimeSpan.FromSeconds(90));
        return holders;
    }

    /// <summary>Members of the group of a server's stream, as the server knows them.</summary>
    internal int MembersOf(int server, string stream) => HostOf(server, stream)?.Group is { } group ? group.Status.Peers.Count : 1;

    public Task WaitForMetaLeaderAsync() => Wait.Until(
        "a meta leader knows all servers",
        () => Running.Any(server => server.JetStreamService?.Meta is { IsLeading: true } meta && meta.Registry.Peers.Values.Count(peer => peer is { IsSelectable: true, IsOffline: false }) == Running.Count() && meta.Group.Core.ClusterSize >= Running.Count()),
        () => string.Join("; ", Running.Select(server => $"{server.Name}: leader {server.JetStreamService?.Meta?.LeaderName}, {server.JetStreamService?.Meta?.Registry.Peers.Count} known")),
        TimeSpan.FromSeconds(40));

    private List<(ulong First, ulong Last, ulong Messages, ulong Bytes)> States(string stream) =>
    [
        .. Enumerable.Range(0, Servers.Length).Select(server => HostOf(server, stream)).OfType<StreamHost>()
            .Select(host => (host.State.FirstSequence, host.State.LastSequence, host.State.Messages, host.State.Bytes)),
    ];

    private static JsonElement Parse(TestMessage message) => JsonDocument.Parse(message.Payload).RootElement.Clone();

    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < Servers.Length; i++) await StopAsync(i);
        _folder.Delete(recursive: true);
    }
}
