using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Clusters of servers in this process, joined by gateways. Clusters are called A, B …, their servers A1, A2 …; ports are
/// known beforehand, so that servers find each other after a restart, and stores outlive their servers.
/// </summary>
public sealed class SuperCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-super-");
    private readonly Dictionary<string, ServerOptions> _options = [];
    private readonly Dictionary<string, NatsServer> _servers = [];

    /// <summary>Gateway ports of the clusters, a list for each.</summary>
    public Dictionary<string, IReadOnlyList<int>> GatewayPorts { get; } = [];

    /// <summary>Those that run.</summary>
    public IReadOnlyCollection<NatsServer> Running => _servers.Values;

    /// <summary>What all servers said.</summary>
    public CapturedLog Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Debug);

    public NatsServer this[string name] => _servers[name];

    /// <summary>Starts clusters that know each other, and waits until all are connected.</summary>
    /// <param name="clusters">How many.</param>
    /// <param name="servers">Servers of each.</param>
    /// <param name="more">More of the configuration of all.</param>
    /// <param name="gateway">More of their gateway blocks.</param>
    /// <param name="jetStream">More of their JetStream blocks; null: none.</param>
    /// <param name="each">More of the configuration of each, by its name; null: nothing.</param>
    public static async Task<SuperCluster> StartAsync(
        int clusters = 2, int servers = 1, string more = "", string gateway = "", string? jetStream = null, Func<string, string>? each = null)
    {
        var super = Prepare(clusters, servers, more, gateway, jetStream, each, new Dictionary<string, int[]>());
        await super.StartAllAsync();
        return super;
    }

    /// <summary>One cluster that is to be joined to others, which are not ours; nothing runs yet.</summary>
    /// <param name="servers">Its servers.</param>
    /// <param name="others">Gateway addresses of the others, by name.</param>
    /// <param name="jetStream">More of the JetStream blocks; null: none.</param>
    public static SuperCluster Prepare(int servers, IReadOnlyDictionary<string, int[]> others, string? jetStream = null) =>
        Prepare(1, servers, "", "", jetStream, null, others);

    /// <summary>Starts all servers, and waits until all clusters are connected.</summary>
    /// <param name="moreClusters">Clusters that are not ours.</param>
    /// <param name="moreServers">Their servers.</param>
    public async Task StartAllAsync(int moreClusters = 0, int moreServers = 0)
    {
        foreach (var name in _options.Keys) await StartAsync(name);
        await WaitForGatewaysAsync(moreClusters, moreServers);
    }

    /// <summary>Starts a server again over its store.</summary>
    public async Task StartAsync(string name) => _servers[name] = await NatsServer.StartAsync(_options[name], Log);

    /// <summary>Stops a server.</summary>
    public async Task StopAsync(string name)
    {
        if (_servers.Remove(name, out var server)) await server.DisposeAsync();
    }

    /// <summary>A client of a server.</summary>
    public Task<TestClient> ConnectAsync(string server, string? user = null) =>
        TestClient.ConnectAsync(_servers[server].ClientEndPoint!, user is null ? null : new TestClientOptions { User = user, Password = user });

    /// <summary>Waits until every server is connected to every other cluster, and all of theirs to this one.</summary>
    /// <param name="moreClusters">Clusters that are not ours.</param>
    /// <param name="moreServers">Their servers.</param>
    public Task WaitForGatewaysAsync(int moreClusters = 0, int moreServers = 0) => Wait.Until(
        "all clusters are connected",
        () =>
        {
            var clusters = Running.Select(server => server.ClusterName).Distinct().Count();
            return Running.All(server => server.OutboundGatewayCount == clusters - 1 + moreClusters
                    && server.PeerCount == Running.Count(other => other.ClusterName == server.ClusterName) - 1)
                && Running.Sum(server => server.InboundGatewayCount) == (Running.Count * (clusters - 1)) + (moreServers * clusters);
        },
        () => string.Join("; ", Running.Select(server => $"{server.Name}: {server.OutboundGatewayCount} out, {server.InboundGatewayCount} in, {server.PeerCount} peers"))
            + Environment.NewLine + string.Join(Environment.NewLine, Log.Lines.Where(line => line.Contains("gateway", StringComparison.OrdinalIgnoreCase)).TakeLast(20)));

    /// <summary>Publishes until a subscriber in another cluster gets something: then interest has crossed.</summary>
    public static async Task ReachAsync(TestClient from, TestSubscription to, string subject)
    {
        await Wait.Until($"interest in {subject} has crossed", async () =>
        {
            await from.PublishAsync(subject, "?");
            await from.FlushAsync();
            using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
            try
            {
                return await to.Messages.WaitToReadAsync(soon.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        });
        await from.PublishAsync(subject, "end");
        while ((await to.NextAsync()).Text != "end")
        {
        }
    }

    /// <summary>Waits until a server knows that nobody listens on a subject, here or in another cluster.</summary>
    public static Task WaitForSilenceAsync(TestClient client, string subject) => Wait.Until($"nobody listens on {subject}", async () =>
    {
        try
        {
            return (await client.RequestAsync(subject, timeout: TimeSpan.FromMilliseconds(300))).IsNoResponders;
        }
        catch (TimeoutException)
        {
            // It was sent to where somebody had listened.
            return false;
        }
    });

    /// <summary>Waits for a meta leader that knows all servers.</summary>
    public Task WaitForMetaLeaderAsync(int others = 0) => Wait.Until(
        "a meta leader knows all servers",
        () => Running.Any(server => server.JetStreamService?.Meta is { } meta && meta.LeaderName is { Length: > 0 }
            && meta.Registry.Peers.Values.Count(peer => peer is { IsSelectable: true, IsOffline: false }) == Running.Count + others),
        () => string.Join("; ", Running.Select(server => $"{server.Name}: leader {server.JetStreamService?.Meta?.LeaderName}, {server.JetStreamService?.Meta?.Registry.Peers.Count} known")),
        TimeSpan.FromSeconds(60));

    /// <summary>Names of the servers that hold a stream.</summary>
    internal IReadOnlyList<string> HoldersOf(string stream) => [.. Running.Where(server => HostOf(server.Name, stream) is not null).Select(server => server.Name)];

    /// <summary>A server's member of a stream; null: it has none.</summary>
    internal StreamHost? HostOf(string server, string stream) => _servers[server].JetStream?.Accounts["$G"].Find(stream);

    private static SuperCluster Prepare(
        int clusters, int servers, string more, string gateway, string? jetStream, Func<string, string>? each, IReadOnlyDictionary<string, int[]> others)
    {
        var super = new SuperCluster();
        var ports = new NatsAspire.Hosting.FreePorts();
        var names = Enumerable.Range(0, clusters).Select(index => $"{(char)('A' + index)}").ToList();
        foreach (var name in names) super.GatewayPorts[name] = ports.Take(servers);
        foreach (var (name, known) in others) super.GatewayPorts[name] = known;
        foreach (var cluster in names)
        {
            var routes = ports.Take(servers);
            for (var index = 0; index < servers; index++) super.Configure(cluster, index, routes, $"{more}\n{each?.Invoke($"{cluster}{index + 1}")}", gateway, jetStream);
        }
        return super;
    }

    private void Configure(string cluster, int index, IReadOnlyList<int> routes, string more, string gateway, string? jetStream)
    {
        var name = $"{cluster}{index + 1}";
        var gateways = GatewayPorts.Where(other => other.Key != cluster).Select(other =>
            $"{{ name: {other.Key}, urls: [ {string.Join(", ", other.Value.Select(port => $"\"nats://127.0.0.1:{port}\""))} ] }}");
        var mesh = routes.Count == 1 ? "" :
            $"cluster {{ name: {cluster}, listen: \"127.0.0.1:{routes[index]}\", routes: [ {string.Join(", ", routes.Select(port => $"\"nats://127.0.0.1:{port}\""))} ] }}";
        var text =
            $$"""
            server_name: {{name}}
            {{mesh}}
            gateway { name: {{cluster}}, listen: "127.0.0.1:{{GatewayPorts[cluster][index]}}", gateways: [ {{string.Join(", ", gateways)}} ], {{gateway}} }
            {{(jetStream is null ? "" : $"jetstream {{ store_dir: \"{Path.Combine(_folder.FullName, name)}\", {jetStream} }}")}}
            {{more}}
            """;
        _options[name] = TestServer.Parse(text);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _options.Keys) await StopAsync(name);
        _folder.Delete(recursive: true);
    }
}
