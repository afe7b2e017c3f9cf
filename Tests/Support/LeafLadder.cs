using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>Clusters in this process whose servers are leafs of servers of other clusters; a server that is started again has its ports again.</summary>
public sealed class LeafLadder : IAsyncDisposable
{
    private readonly Dictionary<string, NatsServer> _servers = [];
    private readonly Dictionary<string, string> _configurations = [];
    private readonly Dictionary<string, int[]> _ports = [];
    private readonly FreePorts _free = new();

    /// <summary>What all log.</summary>
    public CapturedLog Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Debug);

    /// <summary>Those that run.</summary>
    public IReadOnlyCollection<NatsServer> Running => _servers.Values;

    public NatsServer this[string name] => _servers[name];

    /// <summary>Where a server that runs, or is still to be started, takes leaf nodes.</summary>
    public int LeafPort(string name) => Ports(name)[0];

    /// <summary>Starts a server.</summary>
    /// <param name="name">Its name; the letters before a number are its cluster's.</param>
    /// <param name="remotes">Whose leaf it is, with a remote each; those joined by | are addresses of one.</param>
    /// <param name="peer">A server of its cluster; null: it is the first.</param>
    /// <param name="accounts">Its accounts.</param>
    /// <param name="more">More of its configuration.</param>
    /// <param name="remote">More of each remote.</param>
    /// <param name="user">Whom it connects as.</param>
    /// <param name="cluster">More of its cluster block.</param>
    public async Task<NatsServer> StartAsync(
        string name, string[]? remotes = null, string? peer = null, string accounts = LeafPair.Accounts, string more = "", string remote = "account: A", string user = "a", string cluster = "")
    {
        string Urls(string hubs) => string.Join(", ", hubs.Split('|').Select(hub => $"\"nats-leaf://{user}:{user}@127.0.0.1:{LeafPort(hub)}\""));
        var dialled = string.Join(", ", (remotes ?? []).Select(hubs => $"{{ urls: [ {Urls(hubs)} ], {remote} }}"));
        var routes = peer is null ? "" : $"routes: [ \"nats://127.0.0.1:{Ports(peer)[1]}\" ], ";
        _configurations[name] =
            $"""
            server_name: {name}
            cluster {"{"} name: {name.TrimEnd("0123456789".ToCharArray())}, listen: "127.0.0.1:{Ports(name)[1]}", {routes}{cluster} {"}"}
            leafnodes {"{"} listen: "127.0.0.1:{LeafPort(name)}", no_advertise: true, reconnect: "20ms", remotes: [ {dialled} ] {"}"}
            {accounts}{more}
            """;
        await RestartAsync(name);
        return _servers[name];
    }

    /// <summary>Starts a server that was stopped.</summary>
    public async Task RestartAsync(string name) => _servers[name] = await NatsServer.StartAsync(TestServer.Parse(_configurations[name]), Log);

    /// <summary>Has a server read its configuration again.</summary>
    public Task ReloadAsync(string name) => _servers[name].ReloadAsync(TestServer.Parse(_configurations[name]));

    /// <summary>Stops a server.</summary>
    public async Task StopAsync(string name)
    {
        if (_servers.Remove(name, out var server)) await server.DisposeAsync();
    }

    /// <summary>Waits until servers have so many leaf node connections, and all are joined to the peers of their cluster that run.</summary>
    public async Task JoinedAsync(params (string Name, int Leafs)[] expected)
    {
        foreach (var (name, leafs) in expected) await LeafPair.ConnectedAsync(_servers[name], leafs);
        await Wait.Until(
            "the clusters are formed",
            () => Running.All(server => server.PeerCount == Running.Count(other => other.ClusterName == server.ClusterName) - 1),
            () => string.Join(", ", Running.Select(server => $"{server.Name}: {server.PeerCount}")));
    }

    /// <summary>Waits until all that run know of a subject, or none does.</summary>
    public async Task HaveInterestAsync(string subject, bool isWanted = true, string account = "A")
    {
        foreach (var server in Running) await LeafPair.HasInterestAsync(server, subject, isWanted, account);
    }

    /// <summary>A client of a server.</summary>
    public Task<TestClient> ClientAsync(string server, string user = "a") => LeafPair.ClientAsync(_servers[server], user);

    /// <summary>Waits until a server knows of so many members of queue groups elsewhere.</summary>
    public Task WeighsAsync(string name, string subject, int expected) => Wait.Until(
        $"{name} knows of {expected} members elsewhere", () => Weight(name, subject) == expected, () => $"{Weight(name, subject)}");

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _servers.Keys.Reverse().ToArray()) await StopAsync(name);
        Log.Dispose();
    }

    private int Weight(string name, string subject) => _servers[name].Accounts.Find("A")!.Subscriptions.Match(System.Text.Encoding.ASCII.GetBytes(subject))
        .Queues.Sum(group => group.Links.Concat(group.Distant).Sum(link => link.QueueWeight));

    private int[] Ports(string name) => _ports.TryGetValue(name, out var ports) ? ports : _ports[name] = [.. _free.Take(2)];
}
