using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>Servers in this process, on free loopback ports.</summary>
public static class TestServer
{
    public static readonly ServerOptions Options = new() { Host = "127.0.0.1", Port = Defaults.RandomPort };

    public static Task<NatsServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null) =>
        NatsServer.StartAsync(change is null ? Options : change(Options), cancellation: TestContext.Current.CancellationToken);

    /// <summary>A server from a configuration text; its client port becomes a free one.</summary>
    public static Task<NatsServer> FromConfigAsync(string text) => NatsServer.StartAsync(Parse(text));

    /// <summary>Options from a configuration text, on free loopback ports; without monitoring pages, unless it says port -1.</summary>
    /// <param name="text">The configuration.</param>
    /// <param name="anyPort">False: the client port is the configured one.</param>
    public static ServerOptions Parse(string text, bool anyPort = true)
    {
        var loaded = ConfigLoader.LoadText(text, CommandLine.Checks).Options;
        return loaded with
        {
            Host = "127.0.0.1",
            Port = anyPort ? Defaults.RandomPort : loaded.Port,
            Monitoring = loaded.Monitoring with { HttpPort = loaded.Monitoring.HttpPort == Defaults.RandomPort ? Defaults.RandomPort : 0 },
            Authorization = loaded.Authorization with { Timeout = Patient(loaded.Authorization.Timeout) },
        };
    }

    // Thousands of tests share one thread pool: a client's CONNECT may take longer than a user's would.
    private static TimeSpan Patient(TimeSpan timeout) => timeout == Defaults.AuthTimeout ? Wait.Default : timeout;

    /// <summary>Options for a member of a cluster on free ports.</summary>
    public static ServerOptions Member(string name, string cluster = "C", params int[] routePorts) => Options with
    {
        ServerName = name,
        Cluster = new ClusterOptions
        {
            Name = cluster,
            Host = "127.0.0.1",
            Port = Defaults.RandomPort,
            Routes = [.. routePorts.Select(port => new Uri($"nats-route://127.0.0.1:{port}"))],
        },
    };

    /// <summary>A full mesh in this process; each server was told of the first only.</summary>
    public static async Task<TestCluster> ClusterAsync(int servers, Func<ServerOptions, ServerOptions>? change = null)
    {
        var cluster = new TestCluster();
        for (var i = 1; i <= servers; i++)
        {
            var seeds = cluster.Servers.Count == 0 ? [] : new[] { cluster.Servers[0].ClusterEndPoint!.Port };
            var options = Member($"s{i}", "C", seeds);
            cluster.Servers.Add(await NatsServer.StartAsync(change is null ? options : change(options)));
        }
        await cluster.WaitForMeshAsync();
        return cluster;
    }
}

/// <summary>Servers that belong together.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    public List<NatsServer> Servers { get; } = [];

    public NatsServer this[int index] => Servers[index];

    public Task WaitForMeshAsync() => Wait.Until(
        $"a full mesh of {Servers.Count} servers",
        () => Servers.All(server => server.PeerCount == Servers.Count - 1),
        () => string.Join(", ", Servers.Select(server => $"{server.Name}: {server.PeerCount} peers, {server.RouteConnectionCount} connections")));

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Servers) await server.DisposeAsync();
    }
}
