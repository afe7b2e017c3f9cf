namespace NatsAspire.Server.Configuration;

/// <summary>Whether a server belongs, as its configuration tells, to the JetStream of the hub it is a leaf of.</summary>
internal static class HubExtension
{
    private const string DefaultSystemAccount = "$SYS";

    /// <summary>Everything that takes in what Raft groups say.</summary>
    private static readonly string[] AllOfRaft = [">", "*.>", "$NRG.>"];

    /// <summary>Whether the system account is that of a hub too, and what Raft groups say crosses.</summary>
    public static bool SharesSystem(ServerOptions options)
    {
        if (options.NoSystemAccount) return false;
        var remote = options.LeafNode.Remotes.FirstOrDefault(remote => remote.LocalAccount == (options.SystemAccount ?? DefaultSystemAccount));
        return remote is not null && !remote.DenyImports.Any(AllOfRaft.Contains);
    }

    /// <summary>Whether a server waits for the first contact with its hub, before it takes part in decisions of its own.</summary>
    public static bool AwaitsHub(ServerOptions options) => SharesSystem(options) && options.JetStream.ExtensionHint != JetStreamOptions.NoExtend;

    /// <summary>Whether JetStream belongs to a cluster, be it that of a hub.</summary>
    public static bool IsClustered(ServerOptions options) =>
        options.Cluster.Enabled || options.Gateway.Enabled || (SharesSystem(options) && options.JetStream.ExtensionHint == JetStreamOptions.WillExtend);
}
