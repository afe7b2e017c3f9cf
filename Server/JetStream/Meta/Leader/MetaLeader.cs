using System.Globalization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>
/// Decides what only the leader of the meta group may: who makes, changes and removes assets, and where they are put. Judged
/// is what is assigned together with what is on its way (<see cref="MetaProposals"/>); the outcome is proposals, and
/// answers where nobody else answers. Pure. To be called by one thread, the one that applies the log.
/// </summary>
public sealed partial class MetaLeader
{
    private readonly MetaState _state;
    private readonly MetaProposals _proposals;
    private readonly PeerRegistry _registry;
    private readonly PeerSelector _selector;
    private readonly MetaLeaderOptions _options;
    private readonly IMetaEnvironment _environment;
    private readonly IMetaLeaderEffects _effects;

    /// <summary>Counts changes: what was asked before one is not answered behind it.</summary>
    private int _reign;

    /// <param name="state">The assignments; its observer is <paramref name="proposals"/>.</param>
    /// <param name="proposals">What is on its way.</param>
    /// <param name="registry">Who is there.</param>
    /// <param name="options">Rules of this server.</param>
    /// <param name="environment">Time and chance.</param>
    /// <param name="effects">Who does it.</param>
    public MetaLeader(
        MetaState state, MetaProposals proposals, PeerRegistry registry, MetaLeaderOptions options, IMetaEnvironment environment, IMetaLeaderEffects effects)
    {
        _state = state;
        _proposals = proposals;
        _registry = registry;
        _options = options;
        _environment = environment;
        _effects = effects;
        _selector = new PeerSelector(registry, options.Placement, environment);
    }

    /// <summary>Whether this server leads; no request is to be put to one that does not.</summary>
    public bool IsLeading { get; private set; }

    private MetaAssignments Current => _state.Current;

    /// <summary>This server leads from now on, or does no longer. Also to be called for a new term of the same leader.</summary>
    public void LeaderChanged(bool isLeading)
    {
        _reign++;
        IsLeading = isLeading;
        _proposals.Clear();
        _removals.Clear();
        if (!isLeading) return;
        // An old bug left streams without a subject to catch up by.
        foreach (var stream in Current.All.Where(static stream => stream.Assignment.Sync.Length == 0 && stream.OfflineReason is null))
        {
            _effects.Warn($"Stream assignment corrupt for stream '{stream.Account} > {stream.Name}'");
            if (!ProposeUpdate(stream.Assignment with { Sync = NewSync() })) return;
        }
    }

    private bool Propose(StreamAssignment stream, bool isReassignment = false)
    {
        if (!_effects.Propose(MetaEntry.AssignStream(stream).Encode())) return false;
        _proposals.Add(stream, isRemoval: false, isReassignment);
        return true;
    }

    private bool ProposeUpdate(StreamAssignment stream)
    {
        if (!_effects.Propose(MetaEntry.UpdateStream(stream).Encode())) return false;
        _proposals.Add(stream, isRemoval: false);
        return true;
    }

    private bool ProposeRemoval(StreamAssignment stream)
    {
        stream = stream with { Sync = "", RestoreState = null };
        if (!_effects.Propose(MetaEntry.RemoveStream(stream).Encode())) return false;
        _proposals.Add(stream, isRemoval: true);
        return true;
    }

    private bool Propose(ConsumerAssignment consumer)
    {
        if (!_effects.Propose(MetaEntry.AssignConsumer(consumer).Encode())) return false;
        _proposals.Add(consumer with { State = null }, isRemoval: false);
        return true;
    }

    private bool ProposeRemoval(ConsumerAssignment consumer)
    {
        consumer = consumer with { State = null };
        if (!_effects.Propose(MetaEntry.RemoveConsumer(consumer).Encode())) return false;
        _proposals.Add(consumer, isRemoval: true);
        return true;
    }

    /// <summary>Asks who leads an asset, and goes on unless the leadership of this server has changed meanwhile.</summary>
    private void Ask(AssetKey stream, string? consumer, Action<AssetFacts?> goOn)
    {
        var reign = _reign;
        _effects.Ask(stream, consumer, facts =>
        {
            if (reign == _reign) goOn(facts);
        });
    }

    private AssetKey KeyOf(MetaRequest request, string stream) => new(request.Account.Name, stream);

    private StreamEnvironment EnvironmentOf(MetaAccount account) => new()
    {
        Catalog = new StreamCatalog(_proposals.Streams(Current, account.Name)),
        MaxDuplicateWindow = _options.MaxDuplicateWindow,
        Tiers = account.Tiers,
        IsClustered = true,
    };

    private string NewSync() => "$JSC.SYNC." + _environment.NewHash();

    private string NameOfGroup(char kind, ValueList<string> peers, StorageType storage) =>
        string.Create(CultureInfo.InvariantCulture, $"{kind}-R{peers.Count}{(storage == StorageType.Memory ? 'M' : 'F')}-{_environment.NewHash()}");

    private RaftGroupAssignment WithNewName(char kind, RaftGroupAssignment group) => group with { Name = NameOfGroup(kind, group.Peers, group.Storage) };

    /// <summary>The streams of an account as they are to be.</summary>
    private sealed class StreamCatalog(IEnumerable<StreamAssignment> streams) : IStreamCatalog
    {
        private readonly Dictionary<string, StreamConfiguration> _streams = streams.ToDictionary(static stream => stream.Name, static stream => stream.Configuration, StringComparer.Ordinal);

        public IEnumerable<StreamConfiguration> Streams => _streams.Values;

        public StreamConfiguration? Find(string name) => _streams.GetValueOrDefault(name);
    }

    /// <summary>The consumers of a stream as they are to be.</summary>
    private sealed class ConsumerCatalog(IEnumerable<ConsumerAssignment> consumers) : IConsumerCatalog
    {
        // Go servers do not write the threshold that follows from the rest.
        private readonly Dictionary<string, ConsumerConfiguration> _consumers =
            consumers.ToDictionary(static consumer => consumer.Name, static consumer => ConsumerAdmission.WithThreshold(consumer.Configuration), StringComparer.Ordinal);

        public IEnumerable<KeyValuePair<string, ConsumerConfiguration>> Consumers => _consumers;

        public int LimitableCount => _consumers.Values.Count(static consumer => consumer is { Direct: false, Sourcing: false });

        public ConsumerConfiguration? Find(string name) => _consumers.GetValueOrDefault(name);
    }
}
