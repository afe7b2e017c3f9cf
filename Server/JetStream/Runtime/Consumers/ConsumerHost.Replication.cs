using System.Buffers;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// A consumer of a stream that several servers hold has a group of its own, even when it is on one server alone: its log is
/// where its deliveries and acknowledgements become durable.
/// </summary>
internal sealed partial class ConsumerHost : IGroupMachine
{
    /// <summary>Bytes and indexes of the group's log after which a snapshot lets it go, as upstream.</summary>
    private const long SnapshotBytes = 64 << 10;
    private const ulong SnapshotEntries = 1024;

    private readonly LeadTasks _leadTasks = new();
    private ConsumerAgreement? _agreement;
    private (ulong Term, ulong Index) _past;
    private bool? _leadership;
    private bool _isDeposed;
    private volatile bool _leads;

    /// <summary>Its group; null: it lives in its stream's log.</summary>
    public GroupHost? Group { get; private set; }

    /// <summary>It is this server that serves it. From any thread.</summary>
    public bool Leads => _leads;

    /// <summary>What its leader acts on: where others must agree, what it sends waits for them.</summary>
    public IConsumerEffects Effects => _agreement is { } agreement ? agreement : this;

    /// <summary>Nothing more is to be delivered before others have agreed to more.</summary>
    public bool IsCrowded => _agreement is { IsCrowded: true };

    /// <summary>That it is to be removed has been said.</summary>
    public bool IsGoing { get; set; }

    /// <summary>The servers that hold it.</summary>
    public ClusterInfo? Cluster => _stream.Host.View is not { } view ? null : Group is { } group ? view.Describe(group) : view.Alone();

    /// <summary>The group it is assigned to; null: its server stands alone.</summary>
    public GroupPlan? Plan { get; set; }

    /// <summary>Whether it is in the group that it is assigned to.</summary>
    public bool IsInPlace => Group is { } group && group.Name == Plan!.Name;

    /// <summary>
    /// It is in no group that has anything to give, or in one where this server has all that was agreed on and nobody else can
    /// lead: it may go on elsewhere from what is here.
    /// </summary>
    public bool IsGathered => Group is null or { Fault: not null } || (_leads && Group.Members.IsSettled && Group.Core.Members is [var only] && only == Group.Core.Self);

    /// <summary>The name by which its groups are found again.</summary>
    public string Owner => OwnerOf(_stream.Host, Name, Record.Created);

    /// <summary>The name by which groups of a consumer are found again.</summary>
    public static string OwnerOf(StreamHost stream, string name, long created) => $"{stream.Account.Name}\n{stream.Configuration.Name}\n{name}\n{created}";

    /// <summary>The group that was found of it at the start, while it is assigned to another one that begins with what it has; null: none was.</summary>
    public string? FoundGroup
    {
        get
        {
            if (Plan is not { } plan || !(plan.IsAlone || plan.IsPreferred)) return null;
            var found = _stream.Host.FindGroups(Owner);
            return found.Count == 0 || found.Contains(plan.Name) ? null : found[0];
        }
    }

    /// <summary>
    /// What it has come to, for a group to begin with; null: nothing. The group may have the name of the one it was in before, and others
    /// something of that: what begins is later than all of it.
    /// </summary>
    public RaftSnapshot? Seed => Plan is { } plan && Replica.HasState ? new RaftSnapshot(_past.Term + 1, _past.Index + 1, RaftPeers.Of([.. plan.Peers]), EncodeState()) : null;

    /// <summary>Is in the group that was found of it, until this server has all that there is in it.</summary>
    public void Rejoin(string group)
    {
        Enter(Plan! with { Name = group, Peers = [_stream.Host.Self], IsPreferred = false, IsScaleUp = false, Before = [] }, seed: null);
    }

    /// <summary>Is a member of the group it is assigned to from here on.</summary>
    /// <param name="seed">What a new group begins with; null: with nothing.</param>
    public void Join(RaftSnapshot? seed) => Enter(Plan!, seed);

    private void Enter(GroupPlan plan, RaftSnapshot? seed)
    {
        var isInMemory = Configuration.MemoryStorage || _stream.Host.Configuration.Storage == StorageType.Memory;
        Group = _stream.Host.OpenGroup(plan with { Owner = Owner }, this, isInMemory, seed);
        Group.Start();
        var core = Group.Core;
        // One alone need not wait for others to be silent.
        if (plan.IsAlone && plan.Before.Count == 0 ? core.Members.Length == 1 : plan.IsPreferred && (core.LastIndex == 0 || seed is not null)) core.CampaignImmediately(Group.Now);
    }

    /// <summary>Is in no group any more; what it has come to stays.</summary>
    /// <returns>The group's name.</returns>
    public string LeaveGroupAlone()
    {
        var group = Group!;
        if (_leads) CeaseToLead(EndRequests);
        _past = (Math.Max(_past.Term, group.Core.Term), Math.Max(_past.Index, group.Core.LastIndex));
        _stream.Host.CloseGroup(group);
        (Group, _leadership, _isDeposed) = (null, null, false);
        return group.Name;
    }

    /// <summary>Serves nobody any more, until its group has a leader.</summary>
    public void EndAlone()
    {
        if (_leads) CeaseToLead(EndRequests);
    }

    /// <summary>Has something done when this server leads the consumer, at once if it does; never, if another does first. In the mailbox.</summary>
    public void WhenLeading(Action action)
    {
        _leadTasks.Add(action, isAnyones: false);
        if (_leads) _leadTasks.Do();
        else if (Group is { } group) LeaveTasksTo(group.Core.Leader);
    }

    /// <summary>The leader of a group that comes to an end here does not lead what this server has been assigned to.</summary>
    private void LeaveTasksTo(PeerId leader)
    {
        if (IsInPlace && !leader.IsNone && leader != Group!.Core.Self) _leadTasks.Leave();
    }

    /// <summary>It is assigned to others, who need it no more.</summary>
    public bool HasLeft => Group is { Members.IsLeaving: true } group && group.Members.DepartureAt(group.Now) != Departure.Waits;

    /// <summary>What others said meanwhile.</summary>
    public void BeginTurn(long now)
    {
        Group!.BeginTurn();
        if (_leadership is { } leads && !IsOver)
        {
            // Lost and won again meanwhile: what was under way before need not be in the log.
            if (_isDeposed) ChangeLeadership(leads: false, now);
            ChangeLeadership(leads, now);
        }
        (_leadership, _isDeposed) = (null, false);
    }

    /// <summary>Sends what was proposed.</summary>
    public void EndTurn()
    {
        var group = Group!;
        group.EndTurn();
        var core = group.Core;
        if (core.LogBytes < SnapshotBytes && core.AppliedIndex - core.SnapshotIndex < SnapshotEntries) return;
        if (core.AppliedIndex <= core.SnapshotIndex || core.IsSavingSnapshot) return;
        core.InstallSnapshot(core.AppliedIndex, EncodeState(), force: false, group.Now);
    }

    /// <summary>Leaves the leadership to others, if they can.</summary>
    public void LeaveGroup()
    {
        if (Group is not { Fault: null } group) return;
        group.Core.StepDown(PeerId.None, group.Now);
        group.EndTurn();
    }

    bool IGroupMachine.Apply(in CommittedEntry entry)
    {
        foreach (var one in entry)
        {
            if (one.Type == RaftEntryType.Snapshot) Restore(one.Data);
            if (one.Type != RaftEntryType.Normal) continue;
            if (!Replica.Apply(one.Data, this)) throw new CorruptStoreException($"Entry {entry.Index} of consumer {Name} is none that this version knows.");
            // For whoever leads next; what a start finds was done at some other time.
            if (one.Data[0] == (byte)EntryOperation.UpdateAcks && !_leads && Group!.Core.HadLeader) Replica.LastAcknowledged = _stream.Host.Now;
            // What is applied from then on is not this leader's.
            if (!_isDeposed) _agreement?.Applied();
        }
        return true;
    }

    bool IGroupMachine.ApplySnapshot(RaftSnapshot snapshot)
    {
        Restore(snapshot.Data.Span);
        return true;
    }

    // The group must not be entered again from here: what follows from it comes at the end of its turn.
    void IGroupMachine.LeaderChanged(PeerId leader, ulong term, bool leads)
    {
        _leadership = leads;
        _isDeposed |= _leads && !leads;
        LeaveTasksTo(leader);
    }

    void IGroupMachine.Recovered() => _stream.ReleaseThrough(this, ulong.MaxValue);

    void IGroupMachine.QuorumLost()
    {
        if (_stream.Host.TellsOfLostQuorum(Name)) AdviseOfGroup(AdvisorySubjects.ConsumerQuorumLost, account => new ConsumerQuorumLostAdvisory { Account = account, Replicas = Members });
    }

    /// <summary>All of its group, itself among them.</summary>
    private ValueList<PeerInfo> Members => Group is { } group ? _stream.Host.View!.MembersOf(group) : [];

    private void AdviseOfGroup(string root, Func<string?, ConsumerAdvisory> create)
    {
        var stream = _stream.Host.Configuration.Name;
        _stream.Host.AdviseOfGroup($"{root}.{stream}.{Name}", account => create(account).About(stream, Name));
    }

    void IGroupMachine.Failed(Exception fault)
    {
        _leadership = false;
        JetStreamLog.ConsumerFenced(_stream.Host.Log, _stream.Host.Account.Name, _stream.Host.Configuration.Name, Name, fault.Message);
    }

    private void ChangeLeadership(bool leads, long now)
    {
        if (leads == _leads) return;
        if (leads) BeginToLead(now);
        else CeaseToLead(Leader!.StandDown);
        _stream.LeadershipChanged(this);
    }

    private void BeginToLead(long now)
    {
        _agreement = _stream.Host.Parts.Agreement(this, Configuration.AckPolicy);
        Leader = new ConsumerLeader(Replica, _stream.Visible, _stream.LeaderOptions with { IsReplicated = true });
        Leader.Begin(now, Effects);
        _leads = true;
        WatchInterest(now);
        _leadTasks.Do();
        AdviseOfGroup(AdvisorySubjects.ConsumerLeaderElected, account => new ConsumerLeaderElectedAdvisory { Account = account, Leader = _stream.Host.View!.ServerName, Replicas = Members });
    }

    /// <summary>What it has sent and nobody has agreed on was held back, and is nobody's.</summary>
    private void CeaseToLead(Action<IConsumerEffects> endRequests)
    {
        _leads = false;
        Watch(null);
        endRequests(this);
        Leader = null;
        _agreement?.Dispose();
        _agreement = null;
    }

    /// <summary>Nobody leads next who would tell those who wait.</summary>
    private void EndRequests(IConsumerEffects effects)
    {
        Replica.TakeRequests();
        Leader?.Stop("409 Leadership Change", withPending: true, effects);
    }

    private void Restore(ReadOnlySpan<byte> state)
    {
        if (!state.IsEmpty && Replica.Decode(state) is { } error) throw new CorruptStoreException($"The state of consumer {Name} cannot be read: {error}.");
    }

    public byte[] EncodeState()
    {
        var state = new ArrayBufferWriter<byte>();
        Replica.Encode(state);
        return state.WrittenSpan.ToArray();
    }
}
