using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Hosting;

/// <summary>JetStream of the server.</summary>
public sealed partial class NatsServer
{
    private JetStreamEngine? _jetStream;
    private JetStreamService? _jetStreamService;

    /// <summary>The API of JetStream; null: JetStream is off.</summary>
    internal JetStreamService? JetStreamService => _jetStreamService;

    /// <summary>Streams of this server; null: JetStream is off.</summary>
    internal JetStreamEngine? JetStream => _jetStream;

    private string JetStreamDirectory => Path.GetFullPath(Options.StoreDirectory ?? Path.Combine(Path.GetTempPath(), "nats"));

    private void StartJetStream()
    {
        JetStreamLog.Starting(_log);
        try
        {
            var options = Options.JetStream with
            {
                ScopesControl = Options.FeatureFlags.GetValueOrDefault("js_ack_fc_v2"),
                ProposesRanges = Options.FeatureFlags.GetValueOrDefault("js_raft_delete_range"),
            };
            _jetStream = JetStreamEngine.Start(Disks.ForThisSystem(), JetStreamDirectory, options, JetStreamAccounts(Options), TimeProvider.System, _log, cluster: ClusterMembershipOf(Options));
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            // Core NATS goes on; what is stored stays as it is.
            JetStreamLog.Disabled(_log, fault.Message);
            return;
        }
        foreach (var line in JetStreamBanner.Lines(_jetStream)) JetStreamLog.Banner(_log, line);
        _jetStreamService = new JetStreamService(_jetStream, Accounts, new ServiceSettings(
            Name, Defaults.Version, Options.JetStream.Strict, Options.JetStream.RequestQueueLimit, Options.Limits.MaxPending, TimeProvider.System, _log)
        {
            Elsewhere = Options.DefaultJetStreamDomains.Where(named => named.Value.Length > 0).Select(named => named.Key).ToHashSet(),
            ConsumerLimits = new ConsumerServerLimits { MaxAckPending = Options.JetStream.Limits.MaxAckPending, MaxRequestBatch = Options.JetStream.Limits.MaxRequestBatch },
            Cluster = new ClusterSettings(Id, ExpectedPeers(Options))
            {
                SharesSystem = HubExtension.SharesSystem(Options),
                AwaitsHub = HubExtension.AwaitsHub(Options),
                LongestLog = () => (Options.JetStream.MetaCompact, Options.JetStream.MetaCompactSize),
                Placement = new PlacementRules { UniqueTag = Options.JetStream.UniqueTag ?? "", MaxHaAssets = (int)Options.JetStream.Limits.MaxHighlyAvailableAssets },
            },
        });
        foreach (var (account, _) in JetStreamAccounts(Options)) MapDomain(account);
        _clients.UpdateInfo(info => info with { JetStream = true, Domain = Options.JetStream.Domain });
    }

    /// <summary>Gives accounts JetStream that have it now, and other limits to those that have it.</summary>
    private void ReloadJetStream(ServerOptions fresh)
    {
        if (_jetStream is not { } engine) return;
        foreach (var (account, limits) in JetStreamAccounts(fresh))
        {
            engine.Enable(account, limits);
            MapDomain(account);
        }
    }

    /// <summary>What is built on the API is reached by the domain's name, too.</summary>
    private void MapDomain(Account account)
    {
        if (Options.JetStream.Domain is { Length: > 0 } domain && !account.IsSystem) account.AddMappings(DomainMappings.Of(domain));
    }

    /// <summary>Accounts whose JetStream is elsewhere, and need not be named.</summary>
    private void MapDefaultDomains(ServerOptions options)
    {
        foreach (var (name, domain) in options.DefaultJetStreamDomains)
        {
            if (domain.Length > 0) Accounts.Find(name)?.AddMappings(DomainMappings.ByDefault(domain));
        }
    }

    /// <summary>Null: the server stands alone.</summary>
    private ClusterMembership? ClusterMembershipOf(ServerOptions options)
    {
        if (Accounts.System is not { } system || !HubExtension.IsClustered(options)) return null;
        var view = new ClusterView(
            Name,
            () => ClusterName,
            peer => _jetStreamService?.Meta?.Registry.NameOf(peer.ToString()) ?? peer.ToString(),
            peer => _jetStreamService?.Meta?.Registry.IsOnline(peer.ToString()) == true)
        {
            LeavesAtOnce = peer => _jetStreamService?.Meta?.Registry.LeavesAtOnce(peer.ToString()) == true,
            Window = new CatchupWindow(options.JetStream.MaxOutstandingCatchup > 0 ? options.JetStream.MaxOutstandingCatchup : CatchupWindow.Default),
        };
        return new ClusterMembership(PeerId.Of(Name), system, view);
    }

    private async Task StopJetStreamAsync(JetStreamEngine engine)
    {
        if (_jetStreamService is { } service)
        {
            await service.StopTransfersAsync().ConfigureAwait(false);
            await service.LeaveClusterAsync().ConfigureAwait(false);
        }
        await engine.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Accounts with JetStream: those configured so; the global one, when no accounts are.</summary>
    private IEnumerable<(Account Account, AccountLimits Limits)> JetStreamAccounts(ServerOptions options)
    {
        foreach (var configured in options.Accounts)
        {
            if (configured.JetStream is { } limits && Accounts.Find(configured.Name) is { } account) yield return (account, LimitsOf(limits));
        }
        var hasOthers = options.Accounts.Any(account => account.Name != Accounts.System?.Name);
        if (!hasOthers) yield return (Accounts.Global, new AccountLimits());
    }

    private static AccountLimits LimitsOf(AccountJetStreamOptions options) => new()
    {
        MaxMemory = options.MaxMemory,
        MaxStorage = options.MaxStore,
        MaxStreams = options.MaxStreams,
        MaxConsumers = options.MaxConsumers,
        MaxAckPending = options.MaxAckPending,
        MemoryMaxStreamBytes = options.MemoryMaxStreamBytes,
        StorageMaxStreamBytes = options.StoreMaxStreamBytes,
        MaxBytesRequired = options.MaxBytesRequired,
    };
}
