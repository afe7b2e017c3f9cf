using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// This server's part in the meta group: which streams and consumers there are in the cluster, and which of them this
/// server holds. Belongs to the mailbox of the API, which alone makes, changes and deletes streams here.
/// </summary>
internal sealed partial class MetaHost : IGroupMachine, IMetaEnvironment
{
    public const string GroupName = "_meta_";

    /// <summary>Milliseconds between snapshots, when there is anything new.</summary>
    private const long SnapshotInterval = 60_000;

    /// <summary>Bytes of the log after which a snapshot is due at once.</summary>
    private const long SnapshotBytes = 8 << 20;

    /// <summary>Milliseconds without a leader after which every server says so.</summary>
    private const long LeaderlessPatience = 10_000;

    private readonly JetStreamService _service;
    private readonly JetStreamEngine _engine;
    private readonly AccountRegistry _accounts;
    private readonly ClusterSettings _settings;
    private readonly string _self;
    private readonly PeerRegistry _registry;
    private readonly MetaState _state;
    private readonly MetaLeader _leader;
    private readonly GroupHost _group;
    private readonly ITimer _timer;
    private readonly bool _isNew;
    private bool _isOver;
    private bool _isCatchingUp;
    private long _snapshotDue;
    private ulong _snapshotTried;
    private MetaSnapshotTaken? _lastSnapshot;
    private long _leaderlessSince;
    private ulong _leaderId;

    /// <param name="service">The API, whose mailbox this belongs to.</param>
    /// <param name="accounts">All accounts.</param>
    /// <param name="settings">How.</param>
    /// <exception cref="Storage.Messages.CorruptStoreException">What was found of the group cannot be trusted.</exception>
    /// <exception cref="Storage.Disk.DiskException">The disk failed.</exception>
    public MetaHost(JetStreamService service, AccountRegistry accounts, ClusterSettings settings)
    {
        (_service, _engine, _accounts, _settings) = (service, service.Engine, accounts, settings);
        var self = _engine.GroupContext!.Self;
        _self = self.ToString();
        _registry = new PeerRegistry(_engine.Domain ?? "");
        var proposals = new MetaProposals();
        _state = new MetaState(_self, settings.Parts.Effects(this), settings.Parts.Observer(proposals));
        var rules = new MetaLeaderOptions { Placement = settings.Placement, MaxDuplicateWindow = _engine.MaxDuplicateWindow, Consumers = service.Settings.ConsumerLimits };
        _leader = new MetaLeader(_state, proposals, _registry, rules, this, settings.Parts.LeaderEffects(this));
        _startedAt = ApiTime.From(service.Settings.Time.GetUtcNow()).UnixNanoseconds;
        _isNew = !_engine.HasGroup(GroupName);
        var isObserver = RecallDomain();
        var options = new RaftOptions { Self = self, Group = GroupName, IsObserver = isObserver, Seed = (ulong)Random.Shared.NextInt64(), Timings = _engine.GroupContext.Timings };
        _group = _engine.OpenGroup(service, this, options, id => new GroupState { Id = id, Peers = RaftPeers.Expecting(settings.ExpectedServers, self) }, isInMemory: false);
        _group.IsOutOfPlace = IsOutOfPlace;
        _group.TakesForwarded = entry => !_leader.IsLeading || _leader.TakesForwarded(entry);
        _timer = service.Settings.Time.CreateTimer(_ => service.Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What is assigned. From any thread.</summary>
    public MetaAssignments Assignments => _state.Current;

    /// <summary>This server, as groups name it.</summary>
    public string Id => _self;

    /// <summary>The servers of the domain. From any thread.</summary>
    public PeerRegistry Registry => _registry;

    /// <summary>Whether this server leads the meta group.</summary>
    public bool IsLeading => _leader.IsLeading;

    /// <summary>The name of the server that leads; null: none does, or it is not known. From any thread.</summary>
    public string? LeaderName => new PeerId(Volatile.Read(ref _leaderId)) is { IsNone: false } leader ? _registry.NameOf(leader.ToString()) : null;

    /// <summary>The cluster's name. From any thread.</summary>
    public string ClusterName => _engine.Cluster!.ClusterName();

    /// <summary>What was found at the start has been taken in. From any thread.</summary>
    public bool HasRecovered => _state.HasRecovered && !_state.IsRecovering;

    /// <summary>Of this run; null: none yet. From any thread.</summary>
    public MetaSnapshotTaken? LastSnapshot { get => Volatile.Read(ref _lastSnapshot); private set => Volatile.Write(ref _lastSnapshot, value); }

    /// <summary>The group; its mailbox is the API's.</summary>
    public GroupHost Group => _group;

    ApiTime IMetaEnvironment.Now => ApiTime.From(_service.Settings.Time.GetUtcNow());

    int IMetaEnvironment.Random(int bound) => _settings.Parts.Random(bound);

    string IMetaEnvironment.NewHash() => _settings.Parts.NewHash();

    /// <summary>Begins to take part. In the mailbox.</summary>
    public void Start()
    {
        ServiceLog.MetaStarting(_service.Settings.Log, _isNew ? "JetStream cluster bootstrapping" : "JetStream cluster recovering state");
        _leaderlessSince = _group.Now;
        ListenToPeers();
        ListenToMembers();
        _engine.ConsumerAbandoned = (account, stream, consumer) => _ = _service.TryRun(() => RemoveAbandoned(account, stream, consumer));
        _group.Start();
        _hadLog = _group.Core.LastIndex > 0;
        if (_isNew) _group.Core.Campaign(_group.Now);
    }

    /// <summary>What others have said meanwhile.</summary>
    public void BeginTurn()
    {
        if (!_isOver) _group.BeginTurn();
    }

    /// <summary>Sends what was proposed, and waits for what is due next.</summary>
    public void EndTurn()
    {
        if (_isOver) return;
        SnapshotIfDue();
        MoveIfDue();
        SettleIfKnown();
        LeaveIfOverdue();
        _group.EndTurn();
        var wait = Math.Min(Math.Min(_group.NextTick, _snapshotDue), _moveDue) - _group.Now;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(wait, 1, 60_000)), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether there has been no leader for so long that somebody has to say so.</summary>
    public bool IsLeaderless => _group.Core.Leader.IsNone && _group.Now - _leaderlessSince > LeaderlessPatience;

    /// <summary>Leaves the leadership to others, and has said so when the call returns. In the mailbox.</summary>
    public void MakeWay()
    {
        _group.MakeWay();
        _group.EndTurn();
    }

    /// <summary>Leaves the leadership to others, and takes part no longer. In the mailbox.</summary>
    public void Stop()
    {
        StopListening();
        _group.Core.SetObserver(true, _group.Now);
        _group.Core.StepDown(PeerId.None, _group.Now);
        _group.EndTurn();
        _leader.LeaderChanged(false);
        _isOver = true;
        _timer.Dispose();
        _engine.CloseGroup(_group);
    }

    bool IGroupMachine.Apply(in CommittedEntry entry)
    {
        foreach (var one in entry)
        {
            var error = one.Type switch
            {
                RaftEntryType.Normal => _state.Apply(one.Data),
                RaftEntryType.Snapshot => _state.ApplySnapshot(one.Data),
                _ => ChangePeers(one),
            };
            if (error is not null) Distrust(error);
        }
        return true;
    }

    bool IGroupMachine.ApplySnapshot(RaftSnapshot snapshot)
    {
        if (_state.ApplySnapshot(snapshot.Data.Span) is { } error) Distrust(error);
        return true;
    }

    void IGroupMachine.LeaderChanged(PeerId leader, ulong term, bool leads)
    {
        Volatile.Write(ref _leaderId, leader.Value);
        if (leader.IsNone) _leaderlessSince = _group.Now;
        else ServiceLog.MetaLeader(_service.Settings.Log, leads ? "Self is new JetStream cluster metadata leader" : $"JetStream cluster new metadata leader: {_registry.NameOf(leader.ToString())}");
        if (leads != _leader.IsLeading || leads) _leader.LeaderChanged(leads);
        if (leads) AnnounceLead();
    }

    void IGroupMachine.Recovered() => _state.EndRecovery();

    /// <summary>What happened while this server was away is carried out as one change: much of it is over.</summary>
    void IGroupMachine.CatchUpChanged(bool isCatchingUp)
    {
        _isCatchingUp = isCatchingUp;
        if (isCatchingUp) _state.BeginRecovery();
        else _service.Run(EndCatchUp);
    }

    void IGroupMachine.QuorumLost() => ServiceLog.MetaQuorumLost(_service.Settings.Log);

    void IGroupMachine.Failed(Exception fault) => _leader.LeaderChanged(false);

    private void EndCatchUp()
    {
        if (!_isCatchingUp && _state.HasRecovered && _state.IsRecovering) _state.EndRecovery();
    }

    private string? ChangePeers(in RaftEntry change)
    {
        if (!PeerId.TryRead(change.Data, out var peer)) return "a change of the servers that names none";
        if (change.Type == RaftEntryType.AddPeer) _state.AddPeer(peer.ToString());
        else _state.RemovePeer(peer.ToString());
        return null;
    }

    /// <summary>Others may have understood what this server did not: it must not decide anything.</summary>
    private void Distrust(string error)
    {
        ServiceLog.MetaNotUnderstood(_service.Settings.Log, error);
        _service.Run(() =>
        {
            _observesHub = false;
            _group.Core.SetObserver(true, _group.Now);
            _group.Core.StepDown(PeerId.None, _group.Now);
        });
    }

    /// <summary>A member says that nobody uses a consumer; the leader, whoever it is, has it removed.</summary>
    private void RemoveAbandoned(string account, string stream, string consumer)
    {
        if (_state.Current.Find(account, stream, consumer)?.Assignment is not { } assignment) return;
        _group.Forward(MetaEntry.RemoveConsumer(assignment with { Subject = null, Reply = null, State = null }).Encode());
    }

    private void SnapshotIfDue()
    {
        var core = _group.Core;
        var now = _group.Now;
        if (_snapshotDue > now && core.LogBytes < SnapshotBytes && !IsLogTooLong(core)) return;
        _snapshotDue = now + SnapshotInterval;
        _snapshotTried = core.AppliedIndex;
        if (!_state.HasRecovered || _state.IsRecovering || core.AppliedIndex <= core.SnapshotIndex) return;
        var time = _service.Settings.Time;
        var begun = time.GetTimestamp();
        core.InstallSnapshot(core.AppliedIndex, MetaSnapshot.Encode(_state.Current), force: false, now);
        LastSnapshot = new MetaSnapshotTaken(time.GetUtcNow(), time.GetElapsedTime(begun));
    }

    /// <summary>The log is longer than the configuration wants it, and something was applied since a snapshot was tried last.</summary>
    private bool IsLogTooLong(RaftGroup core)
    {
        var (entries, bytes) = _settings.LongestLog();
        if (core.AppliedIndex <= Math.Max(_snapshotTried, core.SnapshotIndex)) return false;
        return (entries > 0 && core.AppliedIndex - core.SnapshotIndex > (ulong)entries) || (bytes > 0 && core.LogBytes > bytes);
    }
}

/// <summary>A snapshot of the meta group.</summary>
/// <param name="At">When it was handed to the disk.</param>
/// <param name="Took">How long its making kept the group busy.</param>
internal sealed record MetaSnapshotTaken(DateTimeOffset At, TimeSpan Took);
