namespace NatsAspire.Hosting;

/// <summary>
/// What a test wants to run: a topology and how. Each method gives a changed copy; <see cref="StartAsync"/> runs it.
/// <code>await using var super = await NatsTopology.SuperCluster(clusters: 2, servers: 3).WithLeaf("edge", hub: "west").StartAsync();</code>
/// </summary>
public sealed record NatsTestClusterBuilder
{
    /// <summary>The clusters, leaf nodes, accounts and streams.</summary>
    public required TopologySpec Spec { get; init; }

    /// <summary>The nats-server executable that runs as a process for each server; null: they run in this process.</summary>
    public string? ServerPath { get; init; }

    /// <summary>Whether proxies stand between servers, so that a test can cut them apart.</summary>
    public bool HasLinks { get; init; } = true;

    /// <summary>How long any wait lasts at most, if it names no time of its own.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Told what servers log; null: only the last lines are kept, for failures to show.</summary>
    public IRunnerLog? Log { get; init; }

    /// <summary>More lines of a server's nats.conf; null: none.</summary>
    public Func<NatsServerSpec, string>? Configuration { get; init; }

    /// <summary>The executable that is built along with whoever refers to this library.</summary>
    public static string BuiltServerPath => Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "nats-server.exe" : "nats-server");

    /// <summary>A leaf node, whose streams are in a domain of its name.</summary>
    /// <param name="name">Its servers are NAME-1, NAME-2 ….</param>
    /// <param name="hub">The cluster or leaf node it connects to; null: the first cluster.</param>
    /// <param name="servers">Of it.</param>
    /// <param name="account">Whom it joins, where there are accounts.</param>
    public NatsTestClusterBuilder WithLeaf(string name, string? hub = null, int servers = 1, string? account = null)
    {
        var leaf = BuiltInTopologies.LeafNode(name, hub ?? Spec.Clusters[0].Name, servers) with { Account = account };
        return this with { Spec = Spec with { LeafNodes = [.. Spec.LeafNodes, leaf] } };
    }

    /// <summary>An account on every server, with a user of its name; its password is made up.</summary>
    public NatsTestClusterBuilder WithAccount(string name, params UserSpec[] users) =>
        this with { Spec = Spec with { Accounts = [.. Spec.Accounts, new AccountSpec { Name = name, Users = users.Length > 0 ? users : [new UserSpec { Name = name }] }] } };

    /// <summary>A stream that is there when <see cref="StartAsync"/> returns.</summary>
    public NatsTestClusterBuilder WithStream(StreamSpec stream) => this with { Spec = Spec with { Streams = [.. Spec.Streams, stream] } };

    /// <summary>A cluster or leaf node other than it would be.</summary>
    /// <param name="name">Which.</param>
    /// <param name="change">Gives what it shall be.</param>
    public NatsTestClusterBuilder WithCluster(string name, Func<ClusterSpec, ClusterSpec> change) => this with
    {
        Spec = Spec with
        {
            Clusters = [.. Spec.Clusters.Select(cluster => cluster.Name == name ? change(cluster) : cluster)],
            LeafNodes = [.. Spec.LeafNodes.Select(leaf => leaf.Name == name ? change(leaf) : leaf)],
        },
    };

    /// <summary>More lines of each server's nats.conf.</summary>
    public NatsTestClusterBuilder WithConfiguration(Func<NatsServerSpec, string> lines) => this with { Configuration = lines };

    /// <summary>A process for each server, which can be killed and paused.</summary>
    /// <param name="serverPath">The executable, this repository's or Go's; null: <see cref="BuiltServerPath"/>.</param>
    public NatsTestClusterBuilder AsProcesses(string? serverPath = null) => this with { ServerPath = serverPath ?? BuiltServerPath };

    /// <summary>Servers reach each other without proxies: faster, but nothing can be cut.</summary>
    public NatsTestClusterBuilder WithoutLinks() => this with { HasLinks = false };

    /// <summary>How long any wait lasts at most.</summary>
    public NatsTestClusterBuilder WithPatience(TimeSpan patience) => this with { Patience = patience };

    /// <summary>Who is told what servers log.</summary>
    public NatsTestClusterBuilder WithLog(IRunnerLog log) => this with { Log = log };

    /// <summary>Starts all servers, and returns when they are joined, have a meta leader, and hold the streams of the topology.</summary>
    /// <exception cref="TopologyException">It cannot be; the message says why.</exception>
    /// <exception cref="TimeoutException">It is not ready in time; the message tells the state.</exception>
    public Task<NatsTestCluster> StartAsync(CancellationToken cancellation = default) => NatsTestCluster.StartAsync(this, cancellation);
}
