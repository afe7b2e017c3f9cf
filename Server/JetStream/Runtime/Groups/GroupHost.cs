using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>
/// A member of a Raft group that runs: the pure <see cref="RaftGroup"/> between the account that carries its messages, the
/// write-ahead log and the machine it serves. Belongs to its owner's mailbox, which calls <see cref="BeginTurn"/>, does
/// its own work, and calls <see cref="EndTurn"/>.
/// </summary>
internal sealed partial class GroupHost : IDisposable
{
    private const int MaxQueuedMessages = 100_000;

    /// <summary>Milliseconds.</summary>
    private const long StatusInterval = 500;

    /// <summary>Milliseconds after which a group that was found takes itself for what is meant, although nobody has said so.</summary>
    private const long LatePatience = 30_000;

    private readonly GroupContext _context;
    private readonly Mailbox _owner;
    private readonly IGroupMachine _machine;
    private readonly RaftGroup _core;
    private readonly PublishQueue _heard;
    private readonly SiblingMatchCache _matches = new();
    private readonly FlushBatch _flush = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly ulong _id;
    private readonly string _ownedBy;
    private readonly EntrySealer? _sealer;
    private readonly bool _isLogged;
    private readonly FirstElection _firstElection;
    private GroupStatus _status;
    private ulong _leadsInTerm;
    private ulong _appliedTo;
    private bool _isApplying;
    private bool _hasMadeWay;
    private long _lateUntil;

    /// <param name="context">What it runs in.</param>
    /// <param name="owner">Woken when there is something to do.</param>
    /// <param name="machine">What it serves.</param>
    /// <param name="options">Of the group; must name <see cref="GroupContext.Self"/>.</param>
    /// <param name="state">What was found or is begun with; on the disk already when <paramref name="isLogged"/>.</param>
    /// <param name="sealer">Encrypts what is written; null: nothing is encrypted.</param>
    /// <param name="isLogged">False: it is in memory, and forgets all when the server ends.</param>
    public GroupHost(GroupContext context, Mailbox owner, IGroupMachine machine, RaftOptions options, GroupState state, EntrySealer? sealer, bool isLogged)
    {
        (_context, _owner, _machine, _sealer, _isLogged, _id, _ownedBy) = (context, owner, machine, sealer, isLogged, state.Id, state.Owner);
        Name = options.Group;
        _heard = new PublishQueue(MaxQueuedMessages, context.MaxQueuedBytes);
        _base = _completed = (long)state.Position;
        _core = new RaftGroup(options, state.ToStart(), this);
        Members = new MemberChanges(this, context.IsOnline, context.LeavesAtOnce);
        _firstElection = new FirstElection(_core, context.IsOnline, context.Timings.Heartbeat * 3 / 2);
        _status = GroupStatus.Of(this);
    }

    /// <summary>The group's name.</summary>
    public string Name { get; }

    /// <summary>Its name in the write-ahead log.</summary>
    public ulong Id => _id;

    /// <summary>The account that carries its messages.</summary>
    public string Traffic => _context.Traffic.Name;

    /// <summary>The member itself; its inputs are the host's, but for proposals and changes of the members.</summary>
    public RaftGroup Core => _core;

    /// <summary>Who is to be a member, and how it gets there.</summary>
    public MemberChanges Members { get; }

    /// <summary>What has to be said to the member now.</summary>
    public long Now => _context.Now;

    /// <summary>When this server began to lead it; null: it does not. In its mailbox.</summary>
    public DateTimeOffset? LeaderSince { get; private set; }

    /// <summary>How it stood a moment ago. From any thread.</summary>
    public GroupStatus Status => Volatile.Read(ref _status);

    /// <summary>Why it takes part in nothing any more; null: it does.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Whose claim to lead is passed over; null: nobody's.</summary>
    public Func<PeerId, bool>? IsOutOfPlace { get; set; }

    /// <summary>Judges what members want this leader to propose; null: all is proposed.</summary>
    public Func<ReadOnlySpan<byte>, bool>? TakesForwarded { get; set; }

    /// <summary>When a turn is due at the latest; milliseconds of <see cref="Now"/>.</summary>
    public long NextTick => Fault is null && !IsHeldUp ? Math.Min(_core.NextTick, Math.Min(Members.NextStep, _firstElection.NextStep)) : long.MaxValue;

    /// <summary>Shows the machine what was found, and begins to take part.</summary>
    /// <param name="paused">Nothing is applied before <see cref="RaftGroup.ResumeApply"/>.</param>
    public void Start(bool paused = false)
    {
        Listen(_core.Subjects.Votes, (long)RaftMessageKind.VoteRequest);
        Listen(_core.Subjects.AppendEntries, (long)RaftMessageKind.AppendEntry);
        Listen(_core.VoteInbox, (long)RaftMessageKind.VoteResponse);
        Listen(_core.AppendInbox, (long)RaftMessageKind.AppendEntryResponse);
        NoteLate();
        _core.Start(paused, Now);
        JetStreamLog.GroupStarted(_context.Logger, Name, _core.ClusterSize, _core.Term, _core.LastIndex);
        TellApplied();
        _owner.Wake();
    }

    /// <summary>What the log and others have said meanwhile.</summary>
    public void BeginTurn()
    {
        if (Fault is not null) return;
        _flush.NowMilliseconds = Environment.TickCount64;
        Settle();
        if (Fault is not null || IsHeldUp) return;
        NoteLate();
        TakeHeard();
        TakeNewsOfServers();
        if (Now >= _core.NextTick) _core.Tick(Now);
        if (Now >= Members.NextStep) Members.Step(Now);
        if (Now >= _firstElection.NextStep) _firstElection.Step(Now);
        TellApplied();
        NoteLeadership();
    }

    /// <summary>It was found at the start: the server may have been away while others decided about it.</summary>
    public void BeLate() => _lateUntil = Now + LatePatience;

    // Without a cluster's word for long the members that there are go on, rather than nobody.
    private void NoteLate()
    {
        if (_lateUntil == 0) return;
        if (_context.KnowsAssignments() || Now >= _lateUntil) _lateUntil = 0;
        var isOver = _core.IsLate && _lateUntil == 0;
        _core.IsLate = _lateUntil != 0;
        // What it stood for before may have failed for its votes alone. Who has not stood yet may still hear of a leader.
        if (isOver && _firstElection.HasStood && _core.Leader.IsNone && !_core.Leads) _core.Campaign(Now);
    }

    /// <summary>Sends what was proposed, and hands over to the log.</summary>
    public void EndTurn()
    {
        if (Fault is null && !IsHeldUp)
        {
            _core.Flush(Now);
            TellApplied();
            HandOver();
        }
        SendSettled();
        CheckpointIfDue();
        ShowStatus();
        _flush.FlushAll();
    }

    /// <summary>A change of the leader, and that it has become current, at once; the rest now and then.</summary>
    private void ShowStatus()
    {
        NoteLeadership();
        var shown = _status;
        var leader = _core.Leads ? _core.Self : _core.Leader;
        var isAsShown = shown.State == _core.State && shown.Leader == leader && shown.LeaderSince == LeaderSince && (shown.IsCurrent || !_core.IsCurrent(Now));
        if (isAsShown && Now - shown.At < StatusInterval) return;
        Volatile.Write(ref _status, GroupStatus.Of(this));
    }

    private void NoteLeadership()
    {
        var term = _core.Leads ? _core.Term : 0;
        if (term == _leadsInTerm) return;
        _leadsInTerm = term;
        LeaderSince = term == 0 ? null : _context.Time.GetUtcNow();
    }

    /// <summary>Proposes an entry in the term this server leads.</summary>
    public RaftResult Propose(ReadOnlySpan<byte> entry) => _core.Propose(_core.Term, entry, Now);

    /// <summary>Proposes an entry if this server leads, else has the leader do so; it may get lost, and be refused as out of date.</summary>
    public void Forward(ReadOnlySpan<byte> entry)
    {
        if (!_core.Leads || TakesForwarded is null || TakesForwarded(entry)) _core.Forward(entry, Now);
    }

    /// <summary>
    /// Others shall lead, now and from here on: the server is about to stop, or has lost its hub. Alone it goes on, since nobody
    /// could take over.
    /// </summary>
    public void MakeWay()
    {
        if (_core.Members.Length < 2) return;
        _hasMadeWay = true;
        _core.SetObserver(true, Now);
        _core.StepDown(PeerId.None, Now);
    }

    /// <summary>It may lead again after <see cref="MakeWay"/>.</summary>
    public void TakePart()
    {
        if (!_hasMadeWay) return;
        _hasMadeWay = false;
        _core.SetObserver(false, Now);
    }

    /// <summary>The machine has done what it needed longer for. Not from within one of its own calls.</summary>
    public void ResumeApplying()
    {
        _isApplying = false;
        TellApplied();
        _core.ResumeApply(Now);
        TellApplied();
        _owner.Wake();
    }

    /// <summary>Tells people something that comes seldom.</summary>
    internal void Warn(string text) => JetStreamLog.GroupWarning(_context.Logger, Name, text);

    /// <summary>Hears and says nothing any more, since its machine has failed.</summary>
    public void Abandon(Exception fault)
    {
        Fault ??= fault;
        foreach (var subscription in _subscriptions) _context.Traffic.Unsubscribe(subscription);
        _subscriptions.Clear();
    }

    /// <summary>Takes part in nothing any more; what it has on the disk stays.</summary>
    public void Dispose()
    {
        lock (_files) _isOver = true;
        foreach (var subscription in _subscriptions) _context.Traffic.Unsubscribe(subscription);
        _subscriptions.Clear();
        _core.Dispose();
        _sealer?.Dispose();
    }

    /// <summary>A message of another server; on its connection's loop.</summary>
    internal void Hear(in Protocol.Message message, long tag)
    {
        // What does not fit is lost, as on a bad network: whoever sent it sends it again.
        if (_heard.TryAdd(message, tag) is not null) _owner.Wake();
    }

    private void TakeHeard()
    {
        if (_heard.Take() is not { } block) return;
        for (var offset = 0; block.TryRead(ref offset, out var heard);)
        {
            // Behind the kinds come the numbers of catch-ups.
            if (heard.Timestamp > CatchUpTags) _core.ReceiveCatchUp(heard.Timestamp - CatchUpTags, heard.Payload, heard.Reply, Now);
            else if (!IsPassedOver((RaftMessageKind)heard.Timestamp, heard.Payload)) _core.Receive((RaftMessageKind)heard.Timestamp, heard.Payload, heard.Reply, Now);
        }
        _heard.Return(block);
    }

    private bool IsPassedOver(RaftMessageKind kind, ReadOnlySpan<byte> frame)
    {
        if (kind == RaftMessageKind.Proposal) return _core.Leads && TakesForwarded is { } takes && !takes(frame);
        if (IsOutOfPlace is not { } isOutOfPlace) return false;
        if (kind == RaftMessageKind.AppendEntry) return PeerId.TryRead(frame, out var leader) && isOutOfPlace(leader);
        return kind == RaftMessageKind.VoteRequest && VoteRequest.TryRead(frame, out var request) && isOutOfPlace(request.Candidate);
    }

    /// <summary>What was shown to the machine has been applied when the call returned; the member is told afterwards.</summary>
    private void TellApplied()
    {
        while (!_isApplying && _core.AppliedIndex < _appliedTo) _core.Applied(_appliedTo, Now);
    }

    private Subscription Listen(ReadOnlySpan<byte> subject, long tag)
    {
        var subscription = new Subscription(new GroupEar(this, tag), subject.ToArray());
        _subscriptions.Add(subscription);
        _context.Traffic.Subscribe(subscription);
        return subscription;
    }

    private void StopListening(Subscription subscription)
    {
        _subscriptions.Remove(subscription);
        _context.Traffic.Unsubscribe(subscription);
    }
}
