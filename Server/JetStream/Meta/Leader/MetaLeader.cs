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
        stream = stream with { Group = stream.Group.Sound() };
        return Propose(MetaEntry.AssignStream(stream), stream with { RestoreState = null }, isRemoval: false, isReassignment);
    }

    private bool ProposeUpdate(StreamAssignment stream)
    {
        stream = stream with { Group = stream.Group.Sound() };
        return Propose(MetaEntry.UpdateStream(stream), stream, isRemoval: false);
    }

    private bool ProposeRemoval(StreamAssignment stream)
    {
        stream = stream with { Sync = "", RestoreState = null };
        return Propose(MetaEntry.RemoveStream(stream), stream, isRemoval: true);
    }

    private bool Propose(ConsumerAssignment consumer)
    {
        consumer = consumer with { Group = consumer.Group.Sound() };
        return Propose(MetaEntry.AssignConsumer(consumer), consumer with { State = null }, isRemoval: false);
    }

    private bool ProposeRemoval(ConsumerAssignment consumer)
    {
        consumer = consumer with { State = null };
        return Propose(MetaEntry.RemoveConsumer(consumer), consumer, isRemoval: true);
    }

    /// <summary>Noted first: a group of one has applied it when the proposal returns.</summary>
    private bool Propose(MetaEntry entry, StreamAssignment stream, bool isRemoval, bool isReassignment = false)
    {
        _proposals.Add(stream, isRemoval, isReassignment);
        if (_effects.Propose(entry.Encode())) return true;
        _proposals.StreamApplied(stream.Account, stream.Name);
        return false;
    }

    private bool Propose(MetaEntry entry, ConsumerAssignment consumer, bool isRemoval)
    {
        _proposals.Add(consumer, isRemoval);
        if (_effects.Propose(entry.Encode())) return true;
        _proposals.ConsumerApplied(consumer.Account, consumer.Stream, consumer.Name);
        return false;
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
        Catalog = new StreamCatalog(_proposals, Current, account.Name),
        MaxDuplicateWindow = _options.MaxDuplicateWindow,
        Tiers = account.Tiers,
        IsClustered = true,
    };

    private string NewSync() => "$JSC.SYNC." + _environment.NewHash();

    private string NameOfGroup(char kind, ValueList<string> peers, StorageType storage) =>
        string.Create(CultureInfo.InvariantCulture, $"{kind}-R{peers.Count}{(storage == StorageType.Memory ? 'M' : 'F')}-{_environment.NewHash()}");

    private RaftGroupAssignment WithNewName(char kind, RaftGroupAssignment group) => group with { Name = NameOfGroup(kind, group.Peers, group.Storage) };

    private ConsumerCatalog ConsumersOf(AssetKey stream) => new(_proposals, Current, stream);

    /// <summary>The streams of an account as they are to be. Looked up as it is asked: most rules ask little.</summary>
    private sealed class StreamCatalog(MetaProposals proposals, MetaAssignments current, string account) : IStreamCatalog
    {
        public IEnumerable<StreamConfiguration> Streams => proposals.Streams(current, account).Select(static stream => stream.Configuration);

        public StreamConfiguration? Find(string name) => proposals.Find(current, new AssetKey(account, name))?.Configuration;
    }

    /// <summary>The consumers of a stream as they are to be, with the threshold that Go servers do not write, since it follows from the rest.</summary>
    private sealed class ConsumerCatalog(MetaProposals proposals, MetaAssignments current, AssetKey stream) : IConsumerCatalog
    {
        public IEnumerable<KeyValuePair<string, ConsumerConfiguration>> Consumers =>
            proposals.Consumers(current, stream).Select(static consumer => KeyValuePair.Create(consumer.Name, ConsumerAdmission.WithThreshold(consumer.Configuration)));

        public int LimitableCount => proposals.Consumers(current, stream).Count(static consumer => consumer is { Unsupported: null, Configuration: { Direct: false, Sourcing: false } });

        public ConsumerConfiguration? Find(string name) => proposals.Find(current, stream, name) is { } consumer ? ConsumerAdmission.WithThreshold(consumer.Configuration) : null;
    }
}
