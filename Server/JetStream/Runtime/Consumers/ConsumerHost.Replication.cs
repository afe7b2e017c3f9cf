using System.Buffers;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Runtime.Groups;
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

    private readonly List<Action> _whenLeading = [];
    private ConsumerAgreement? _agreement;
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

    /// <summary>Is a member of a group from here on.</summary>
    /// <param name="open">Opens it.</param>
    /// <param name="isPreferred">This server is to lead it first.</param>
    public void Join(Func<IGroupMachine, GroupHost> open, bool isPreferred)
    {
        Group = open(this);
        Group.Start();
        var core = Group.Core;
        // One alone need not wait for others to be silent.
        if (core.Members.Length == 1 || (isPreferred && core.LastIndex == 0)) core.CampaignImmediately(Group.Now);
    }

    /// <summary>Has something done when this server leads the consumer, at once if it does. In the mailbox.</summary>
    public void WhenLeading(Action action)
    {
        if (_leads) action();
        else _whenLeading.Add(action);
    }

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
    }

    void IGroupMachine.Recovered() => _stream.ReleaseThrough(this, ulong.MaxValue);

    void IGroupMachine.QuorumLost() => _stream.Host.Advise(
        $"{AdvisorySubjects.ConsumerQuorumLost}.{_stream.Host.Configuration.Name}.{Name}",
        () => new ConsumerQuorumLostAdvisory { Account = _stream.Host.Account.Name, Replicas = Cluster!.Replicas }.About(_stream.Host.Configuration.Name, Name));

    void IGroupMachine.Failed(Exception fault)
    {
        _leadership = false;
        JetStreamLog.ConsumerFenced(_stream.Host.Log, _stream.Host.Account.Name, _stream.Host.Configuration.Name, Name, fault.Message);
    }

    private void ChangeLeadership(bool leads, long now)
    {
        if (leads == _leads) return;
        if (leads) BeginToLead(now);
        else CeaseToLead();
        _stream.LeadershipChanged(this);
    }

    private void BeginToLead(long now)
    {
        _agreement = new ConsumerAgreement(this, Configuration.AckPolicy);
        Leader = new ConsumerLeader(Replica, _stream.Visible, _stream.LeaderOptions with { IsReplicated = true });
        Leader.Begin(now, Effects);
        _leads = true;
        WatchInterest(now);
        foreach (var action in _whenLeading) action();
        _whenLeading.Clear();
        _stream.Host.Advise(
            $"{AdvisorySubjects.ConsumerLeaderElected}.{_stream.Host.Configuration.Name}.{Name}",
            () => new ConsumerLeaderElectedAdvisory { Account = _stream.Host.Account.Name, Leader = _stream.Host.View!.ServerName, Replicas = Cluster!.Replicas }.About(_stream.Host.Configuration.Name, Name));
    }

    /// <summary>What it has sent and nobody has agreed on was held back, and is nobody's.</summary>
    private void CeaseToLead()
    {
        _leads = false;
        Watch(null);
        Leader?.Stop("409 Leadership Change", withPending: true, this);
        Leader = null;
        _agreement?.Dispose();
        _agreement = null;
    }

    private void Restore(ReadOnlySpan<byte> state)
    {
        if (!state.IsEmpty && Replica.Decode(state) is { } error) throw new CorruptStoreException($"The state of consumer {Name} cannot be read: {error}.");
    }

    private byte[] EncodeState()
    {
        var state = new ArrayBufferWriter<byte>();
        Replica.Encode(state);
        return state.WrittenSpan.ToArray();
    }
}
