using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// A stream alone becomes one that several servers hold, and back; members come and go.
/// </summary>
/// <remarks>
/// The index of its log goes on: a group begins with a snapshot at the last operation that the stream had alone, and a
/// stream that is alone again counts on from where its group ended. On the disk comes first what the next state needs, then
/// the record that says which it is (<see cref="StreamRecord.Group"/>), then what is needed no more goes; whatever a crash
/// leaves is one of the two states, from which the assignment leads on.
/// </remarks>
internal sealed partial class StreamHost
{
    /// <summary>Nanoseconds that the end of a group waits for what was proposed to it.</summary>
    private const long AgreementPatience = 1_000_000_000;

    /// <summary>
    /// Nanoseconds that members which go, and the one that stays alone, wait for the groups of consumers to be led where they
    /// are to be: longer than a group takes to go on without those who are gone.
    /// </summary>
    private const long ConsumerPatience = 45_000_000_000;

    private GroupPlan? _assigned;
    private Action<bool>? _whenGone;
    private bool _isRegrouping;
    private bool _isQueued;
    private long _regroupingSince;
    private long _leavingSince;
    private ulong _pastTerm;

    /// <summary>The group it was found with, or is in; null: it is alone.</summary>
    public string? GroupName => _plan?.Name ?? Record.Group;

    private bool IsInMemory => Configuration.Storage == StorageType.Memory;

    /// <summary>It serves alone, and is about to share that with others.</summary>
    private bool IsToBeShared => _group is null && _assigned is { IsAlone: false };

    private bool IsRegroupDue
    {
        get
        {
            if (_assigned is not { } plan || _isStopping || Fault is not null) return false;
            if (_group is not { } group) return !plan.IsAlone;
            // Alone goes on who has everything, the leader, and not before the others are out of the group: two of them that
            // do not know yet would be a majority.
            return IsElsewhere(plan) && _leads && group.Core.Leads && group.Members.IsSettled && _catchup is null;
        }
    }

    /// <summary>Is one member of a group from here on. Before <see cref="Start"/>.</summary>
    public void Join(GroupPlan plan)
    {
        _leader?.Dispose();
        _leader = null;
        _consumers.KeepFormer();
        _replica.IsReplicated = true;
        _replica.Failed = Record.FailedAt(_store.AppliedIndex);
        Enter(plan, seed: null);
    }

    /// <summary>Who is to hold it, this server among them. In the mailbox; it comes to be so when it can.</summary>
    public void Assign(GroupPlan plan)
    {
        if (_isStopping || Fault is not null) return;
        (_assigned, _whenGone) = (plan, null);
        if (_group is { } group)
        {
            var goes = IsElsewhere(plan);
            if (!goes) _plan = plan;
            group.Members.Assign(goes ? [_context.Self] : plan.Peers, group.Now);
            if (goes) _consumers.Gather(_context.Self);
        }
        Wake();
    }

    /// <summary>Others are to hold it, and this server no more. In the mailbox.</summary>
    /// <param name="peers">They.</param>
    /// <param name="whenGone">Called in the mailbox when this server is needed no more; whether the others are known to have everything.</param>
    public void Leave(IReadOnlyList<PeerId> peers, Action<bool> whenGone)
    {
        _assigned = null;
        if (_group is not { Fault: null } group || Fault is not null)
        {
            whenGone(false);
            return;
        }
        (_whenGone, _leavingSince) = (whenGone, _context.Now);
        group.Members.Leave(peers, group.Now);
        _consumers.Leave(peers);
        Wake();
    }

    /// <summary>
    /// This server is to hold it in another group, which others have begun; whoever of them was in this one may need what is here. In the
    /// mailbox.
    /// </summary>
    public void LeaveFormer(IReadOnlyList<PeerId> peers, Action<bool> whenGone)
    {
        if (_whenGone is not null) return;
        PeerId[] staying = _group is { Fault: null, Core: var core } ? [.. peers.Where(peer => peer != core.Self && core.CommittedPeers.Ids.Contains(peer))] : [];
        if (staying.Length > 0) Leave(staying, whenGone);
        else whenGone(HasHandedOver);
    }

    /// <summary>The others are known to have everything. In the mailbox.</summary>
    public bool HasHandedOver => _group is { } group && group.Members.HasHandedOver;

    /// <summary>Another name, or one member: the group it is in comes to an end here.</summary>
    private bool IsElsewhere(GroupPlan plan) => plan.IsAlone || plan.Name != _plan!.Name;

    /// <summary>Who takes the stream's place has what consumers have come to here, or will not get it any more.</summary>
    private bool MayTakeConsumersAlong => !_consumers.HasGroups || _context.Now - _leavingSince > ConsumerPatience;

    private void RegroupIfDue()
    {
        if (_whenGone is { } whenGone && _group is { } group && group.Members.DepartureAt(group.Now) is var departure && departure != Departure.Waits && MayTakeConsumersAlong)
        {
            _whenGone = null;
            whenGone(departure == Departure.Done || _store.State.LastSequence == 0);
        }
        if (!IsRegroupDue) _isRegrouping = false;
        if (!IsRegroupDue || _isQueued) return;
        if (!_isRegrouping) _regroupingSince = _context.Now;
        _isRegrouping = true;
        // What is under way is agreed on first, as long as the others are still there.
        if (_group is { } old && old.Core.AppliedIndex < old.Core.LastIndex && _context.Now - _regroupingSince < AgreementPatience) return;
        if (_group is not null && !_consumers.AreLedHere && _context.Now - _regroupingSince < ConsumerPatience) return;
        _isQueued = true;
        _whenQuiet.Enqueue(Regroup);
    }

    private void Regroup()
    {
        (_isRegrouping, _isQueued) = (false, false);
        if (!IsRegroupDue) return;
        if (_group is null) BecomeMember(_assigned!);
        else BecomeAlone();
        Wake();
    }

    private void BecomeMember(GroupPlan plan)
    {
        // A snapshot stands for something.
        if (_index == 0) _index = _durable = _completed = 1;
        _replica.EndBatch();
        _consumers.EndAlone();
        CheckpointNow();
        _leads = false;
        _capture.Follow([]);
        StopCopies();
        _leader?.Dispose();
        _leader = null;
        _replica.IsReplicated = true;
        _replica.Failed = 0;
        // It may have the name of a group before, of which others may have something: what begins is later than all of that.
        Enter(plan, new RaftSnapshot(_pastTerm + 1, _index, RaftPeers.Of([.. plan.Peers]), _replica.TakeSnapshot()));
        Remember(plan.Name);
        JetStreamLog.Shared(_context.Log, Account.Name, Configuration.Name, plan.Name, plan.Peers.Count);
        BeginAsMember(hasSeed: true);
        _consumers.JoinGroups();
    }

    private void BecomeAlone()
    {
        var name = _plan!.Name;
        StopListeningToSync();
        StopCopies();
        _leader?.Dispose();
        var group = _group!;
        _pastTerm = Math.Max(_pastTerm, group.Core.Term);
        (_group, _plan, _observer, _checkpointSnapshot) = (null, null, null, null);
        _replica.EndBatch();
        (_replica.IsReplicated, _replica.Failed) = (false, 0);
        _durable = _completed = _index;
        var groups = _consumers.LeaveGroups();
        Record = Record with { Failed = new Dictionary<ulong, ulong>() };
        SaveAlone();
        Remember(null);
        _context.CloseGroup!(group);
        foreach (var one in groups.Append(name)) _context.DeleteGroup!(one);
        JetStreamLog.Alone(_context.Log, Account.Name, Configuration.Name);
        _leader = new StreamLeader(_replica, _context.LeaderOptions);
        _leads = true;
        _consumers.BeginAlone(_context.Now);
        ServeAlone();
        NudgeAll();
    }

    private void Enter(GroupPlan plan, RaftSnapshot? seed)
    {
        _plan = plan;
        _observer = new ChangeObserver(this);
        _group = OpenGroup(plan, this, IsInMemory, seed);
        _group.Members.IsFetching = peer => _senders.Values.Any(sender => sender.Sender.Peer == peer.ToString());
    }

    /// <summary>All that it holds, with its consumers, which have had logs of their own until now.</summary>
    private void SaveAlone()
    {
        if (_log is not { } log) return;
        KeepPositions();
        SaveConsumers(_consumers.Encode(_index));
        var checkpoint = _store.BeginCheckpoint(_index);
        checkpoint.Run();
        checkpoint.Complete();
        log.Release(Record.Id, _store.AppliedIndex);
        (_checkpointWanted, _logged) = (false, 0);
    }

    private void Remember(string? group)
    {
        Record = Record with { Group = group };
        if (_log is not null) _context.Files.WriteRecord(Account.Name, Record);
    }
}
