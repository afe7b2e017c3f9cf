using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Servers of hubs and leaf nodes in this process, each with a store and ports that outlive it, so that they find each other
/// and what they had after a restart. Their accounts are A (user a, with JetStream) and SYS (user sys).
/// </summary>
public sealed class DomainServers : IAsyncDisposable
{
    private const string AccountA = "A: { jetstream: enabled, users: [{user: a, password: a}] }";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-domains-");
    private readonly NatsAspire.Hosting.FreePorts _ports = new();
    private readonly Dictionary<string, int> _known = [];
    private readonly Dictionary<string, ServerOptions> _options = [];
    private readonly Dictionary<string, NatsServer> _servers = [];

    /// <summary>Those that run.</summary>
    public IReadOnlyCollection<NatsServer> Running => _servers.Values;

    /// <summary>What all servers said.</summary>
    public CapturedLog Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Information);

    public NatsServer this[string name] => _servers[name];

    /// <summary>A port for a purpose, always the same.</summary>
    public int Port(string purpose) => _known.TryGetValue(purpose, out var port) ? port : _known[purpose] = _ports.Take(1)[0];

    /// <summary>A server joined with those of its cluster, that takes leaf nodes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="members">All servers of the cluster.</param>
    /// <param name="jetStream">What stands in its jetstream block; null: it has none.</param>
    /// <param name="remotes">What stands in the list of its remotes; empty: none.</param>
    /// <param name="more">The rest.</param>
    /// <param name="accountA">Account A.</param>
    public Task<NatsServer> StartAsync(string name, string cluster, IReadOnlyList<string> members, string? jetStream, string remotes = "", string more = "", string accountA = AccountA)
    {
        var routes = string.Join(", ", members.Select(member => $"\"nats://127.0.0.1:{Port(member + " route")}\""));
        var mesh = members.Count < 2 ? $"cluster {{ name: {cluster} }}" : $"cluster {{ name: {cluster}, listen: \"127.0.0.1:{Port(name + " route")}\", routes: [ {routes} ] }}";
        var store = jetStream is null ? "" : $"jetstream {{ store_dir: \"{Path.Combine(_folder.FullName, name)}\", {jetStream} }}";
        var upwards = remotes.Length == 0 ? "" : $"reconnect: \"100ms\", remotes: [ {remotes} ]";
        _options[name] = TestServer.Parse($"server_name: {name}\n{mesh}\n{store}\nleafnodes {{ listen: \"127.0.0.1:{Port(name + " leaf")}\", no_advertise: true, {upwards} }}\naccounts {{\nSYS: {{ users: [{{user: sys, password: sys}}] }}\n{accountA}\n}}\nsystem_account: SYS\nno_auth_user: a\n{more}");
        return StartAsync(name);
    }

    /// <summary>Starts a server again over its store.</summary>
    public async Task<NatsServer> StartAsync(string name) => _servers[name] = await NatsServer.StartAsync(_options[name], Log);

    /// <summary>Stops a server.</summary>
    public async Task StopAsync(string name)
    {
        if (_servers.Remove(name, out var server)) await server.DisposeAsync();
    }

    /// <summary>A remote for a user of the same account's name in lower case.</summary>
    public static string Remote(string user, int port, string more = "") =>
        $"{{ url: \"nats-leaf://{user}:{user}@127.0.0.1:{port}\", account: {user.ToUpperInvariant()} {more} }}";

    /// <summary>A client of account A.</summary>
    public Task<TestClient> ConnectAsync(string server, string user = "a") =>
        TestClient.ConnectAsync(_servers[server].ClientEndPoint!, new TestClientOptions { User = user, Password = user });

    /// <summary>Waits until one of some servers leads a meta group of so many, all of which it knows.</summary>
    /// <returns>Who leads.</returns>
    public async Task<string> WaitForMetaAsync(int size, params string[] among)
    {
        string? leader = null;
        await Wait.Until(
            $"one of {string.Join(", ", among)} leads a meta group of {size}",
            () => (leader = among.FirstOrDefault(name => _servers[name].JetStreamService?.Meta is { IsLeading: true } meta
                && meta.Group.Core.Members.Length == size
                && meta.Registry.Peers.Values.Count(peer => peer is { IsSelectable: true, IsOffline: false }) == size)) is not null,
            Describe,
            TimeSpan.FromSeconds(60));
        return leader!;
    }

    /// <summary>How the meta groups stand.</summary>
    public string Describe() => string.Join("; ", Running.Where(server => server.JetStreamService?.Meta is not null).Select(server =>
    {
        var meta = server.JetStreamService!.Meta!;
        var core = meta.Group.Core;
        return $"{server.Name}: leader {meta.LeaderName}, {core.Members.Length} members of {core.ClusterSize}, {meta.Registry.Peers.Count} known, term {core.Term}, last {core.LastIndex}, {(core.IsObserver ? "observer" : "voter")}, {server.LeafNodeCount} leafs";
    })) + Environment.NewLine + string.Join(Environment.NewLine, Log.Lines.TakeLast(40));

    /// <summary>Asks for a stream.</summary>
    /// <param name="client">Asks.</param>
    /// <param name="name">Its name and subject.</param>
    /// <param name="cluster">Where it is to be; empty: anywhere.</param>
    /// <param name="replicas">How many hold it.</param>
    public static Task<JsonElement> PlaceAsync(TestClient client, string name, string cluster = "", int replicas = 1) => StreamCluster.AskAsync(
        client,
        $"STREAM.CREATE.{name}",
        $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":{{replicas}}{{(cluster.Length == 0 ? "" : $$""","placement":{"cluster":"{{cluster}}"}""")}}}""");

    /// <summary>A server's member of a stream of account A; null: it has none.</summary>
    internal StreamHost? HostOf(string server, string stream) => _servers[server].JetStream?.Accounts["A"].Find(stream);

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _options.Keys) await StopAsync(name);
        _folder.Delete(recursive: true);
    }
}
