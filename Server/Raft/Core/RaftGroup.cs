using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>
/// A member of a Raft group as nats-server 2.14 has them: one index for each append entry, whatever number of entries is
/// in it. Pure: it has no clock, thread, lock or chance of its own. Inputs are calls, with the monotonic clock in
/// milliseconds; what is to be done comes out through <see cref="IRaftEffects"/>.
/// </summary>
/// <remarks>
/// One thread at a time. <see cref="Start"/> comes first. At the end of each turn <see cref="Flush"/>; at
/// <see cref="NextTick"/> <see cref="Tick"/>. Decisions on which safety rests are small virtual methods, so that the
/// simulator can plant mistakes.
/// </remarks>
public partial class RaftGroup : IDisposable
{
    private readonly RaftOptions _options;
    private readonly RaftTimings _timings;
    private readonly IRaftEffects _effects;
    private readonly RaftSubjects _subjects;
    private readonly RaftLog _log = new();
    private readonly RaftMembership _membership;
    private readonly Dictionary<PeerId, PeerProgress> _peers = [];
    private readonly byte[] _voteInbox;
    private readonly byte[] _appendInbox;
    private RaftRandom _random;
    private RaftState _state;
    private ulong _term;
    private PeerId _vote;
    private PeerId _leader;
    private (ulong Term, PeerId Vote) _saved;
    private (PeerId Leader, ulong Term, bool Leads) _told;
    private long _now;
    private long _position;
    private long _durable;

    /// <param name="options">What it is.</param>
    /// <param name="start">What it found of itself; read by <see cref="Start"/>.</param>
    /// <param name="effects">What it acts on.</param>
    /// <exception cref="ArgumentException">A time or bound that cannot work, or nobody as oneself.</exception>
    public RaftGroup(RaftOptions options, RaftStart start, IRaftEffects effects)
    {
        if (options.Self.IsNone) throw new ArgumentException("A member needs an id.", nameof(options));
        options.Timings.Validate();
        (_options, _timings, _effects, _start) = (options, options.Timings, effects, start);
        _subjects = new RaftSubjects(options.Group);
        _random = new RaftRandom(options.Seed);
        _membership = new RaftMembership(start.Peers);
        _savedPeers = start.Peers;
        _voteInbox = RaftSubjects.Inbox(_random.Next());
        _appendInbox = RaftSubjects.Inbox(_random.Next());
        _proposals = new ProposalBatch(options.MaxBatchBytes);
        (_term, _vote) = _saved = (start.Term, start.Vote);
        _backlog = new LiveBacklog(options.BacklogBytes);
        _isObserver = options.IsObserver;
    }

    /// <summary>The group's subjects: <see cref="RaftSubjects.Votes"/> and <see cref="RaftSubjects.AppendEntries"/> must be listened to.</summary>
    public RaftSubjects Subjects => _subjects;

    /// <summary>Where votes come: to be listened to.</summary>
    public ReadOnlySpan<byte> VoteInbox => _voteInbox;

    /// <summary>Where answers to append entries come: to be listened to.</summary>
    public ReadOnlySpan<byte> AppendInbox => _appendInbox;

    /// <summary>This server.</summary>
    public PeerId Self => _options.Self;

    /// <summary>What it is.</summary>
    public RaftState State => _state;

    /// <summary>The term it is in.</summary>
    public ulong Term => _term;

    /// <summary>Whom it voted for in this term.</summary>
    public PeerId Vote => _vote;

    /// <summary>Who leads; nobody: it does not know.</summary>
    public PeerId Leader => _leader;

    /// <summary>It leads, and has processed all that was committed before its term.</summary>
    public bool Leads { get; private set; }

    /// <summary>Somebody has led since the start.</summary>
    public bool HadLeader { get; private set; }

    /// <summary>It never campaigns.</summary>
    public bool IsObserver => _isObserver;

    /// <summary>Index of the log's last entry.</summary>
    public ulong LastIndex => _log.LastIndex;

    /// <summary>Term of the log's last entry.</summary>
    public ulong LastTerm => _log.LastTerm;

    /// <summary>How far the log is committed.</summary>
    public ulong CommitIndex => _commit;

    /// <summary>How far it was applied.</summary>
    public ulong AppliedIndex => _applied;

    /// <summary>The index of the snapshot, 0: there is none. The log holds what is behind it.</summary>
    public ulong SnapshotIndex => _log.BaseIndex;

    /// <summary>The frame of an index behind <see cref="SnapshotIndex"/>; good until the next call.</summary>
    public ReadOnlySpan<byte> FrameOf(ulong index) => _log[index];

    /// <summary>Bytes of the log in memory.</summary>
    public long LogBytes => _log.Bytes;

    /// <summary>Members that count, sorted.</summary>
    public ReadOnlySpan<PeerId> Members => _membership.Members;

    /// <summary>The members that were agreed on.</summary>
    public RaftPeers CommittedPeers => _membership.Committed;

    /// <summary>How many members the group has or expects.</summary>
    public int ClusterSize => _membership.Size;

    /// <summary>A change of the members is not committed yet.</summary>
    public bool IsChangingMembers => _membership.IsChanging;

    /// <summary>Position of the last effect on the disk.</summary>
    public long Position => _position;

    /// <summary>The term of an entry that the log holds or the snapshot ends with; null: of any other.</summary>
    internal ulong? TermOf(ulong index) => index == _log.BaseIndex || _log.Holds(index) ? _log.TermAt(index) : null;

    /// <summary>Something came on one of the subjects.</summary>
    /// <param name="kind">On which.</param>
    /// <param name="frame">What; malformed frames are told and ignored.</param>
    /// <param name="reply">Where an answer goes; empty: nowhere.</param>
    /// <param name="now">The time.</param>
    public void Receive(RaftMessageKind kind, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> reply, long now)
    {
        if (!Enter(now)) return;
        switch (kind)
        {
            case RaftMessageKind.VoteRequest when VoteRequest.TryRead(frame, out var request) && IsPlausible(request.Term):
                OnVoteRequest(request, reply);
                break;
            case RaftMessageKind.VoteResponse when VoteResponse.TryRead(frame, out var response) && IsPlausible(response.Term):
                OnVoteResponse(response);
                break;
            case RaftMessageKind.AppendEntry when AppendEntry.TryRead(frame, out var entry) && IsPlausible(entry):
                OnAppendEntry(entry, reply, isLive: true);
                break;
            case RaftMessageKind.AppendEntryResponse when AppendEntryResponse.TryRead(frame, out var response) && IsPlausible(response.Term):
                OnAppendEntryResponse(response, reply);
                break;
            case RaftMessageKind.Proposal:
                OnForwardedProposal(frame, reply);
                break;
            case RaftMessageKind.RemovePeer when PeerId.TryRead(frame, out var peer):
                OnForwardedRemoval(peer, reply);
                break;
            default:
                _effects.Warn($"malformed {kind} of {frame.Length} bytes");
                break;
        }
        Leave();
    }

    /// <summary>Positions up to this one are durable.</summary>
    public void Durable(long position, long now)
    {
        if (!Enter(now)) return;
        _durable = Math.Max(_durable, Math.Min(position, _position));
        NoteDurableEntries();
        CountOwnVote();
        if (_state == RaftState.Leader) AdvanceCommit();
        Leave();
    }

    /// <summary>When <see cref="Tick"/> is to be called at the latest.</summary>
    public long NextTick => _state switch
    {
        RaftState.Stopped => long.MaxValue,
        _ when _start is not null => long.MaxValue,
        RaftState.Leader => NextLeaderTick,
        RaftState.Candidate => Math.Min(_electionAt, _askAgainAt),
        _ => _electionAt,
    };

    /// <summary>Does what is due.</summary>
    public void Tick(long now)
    {
        if (!Enter(now)) return;
        if (_state == RaftState.Leader) TickAsLeader();
        else if (_now >= _electionAt) OnElectionTimeout();
        else if (_state == RaftState.Candidate && _now >= _askAgainAt) AskForVotes();
        Leave();
    }

    /// <summary>
    /// The end of a turn: sends what was proposed, and if nothing was, tells followers how far the log is committed when
    /// that has changed.
    /// </summary>
    public void Flush(long now)
    {
        if (!Enter(now)) return;
        SendProposals();
        if (_state == RaftState.Leader && _heartbeatIsWanted) SendHeartbeat();
        Leave();
    }

    /// <summary>Somebody has come who does not know who leads: if it is this member, all hear of it at the end of the turn.</summary>
    public void Greet() => _heartbeatIsWanted |= _state == RaftState.Leader;

    /// <summary>Takes part in nothing any more. Nothing is told to the others: <see cref="StepDown"/> before, if it leads.</summary>
    public void Stop()
    {
        if (_state == RaftState.Stopped) return;
        StepDownTo(PeerId.None);
        EndCatchUp();
        SetState(RaftState.Stopped);
        Tell();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _log.Dispose();
        _proposals.Dispose();
        _backlog.Clear();
        GC.SuppressFinalize(this);
    }

    // A group never gets there; who adopted such a term could not campaign any more.
    private static bool IsPlausible(ulong termOrIndex) => termOrIndex < 1UL << 60;

    private static bool IsPlausible(in AppendEntry entry) =>
        IsPlausible(entry.Term) && IsPlausible(entry.SenderTerm) && IsPlausible(entry.PreviousIndex) && IsPlausible(entry.PreviousTerm);

    // Before the start it takes part in nothing either: it does not know yet what it has promised.
    private bool Enter(long now)
    {
        _now = Math.Max(_now, now);
        return _start is null && _state != RaftState.Stopped;
    }

    private void Leave()
    {
        SaveVote();
        Tell();
    }

    private void Tell()
    {
        var told = (_leader, _term, Leads);
        if (told == _told) return;
        var isNews = _told.Leader != _leader || _told.Leads != Leads;
        _told = told;
        if (isNews) _effects.LeaderChanged(_leader, _term, Leads);
    }

    private void SetState(RaftState state)
    {
        if (_state == state) return;
        _state = state;
        _effects.StateChanged(state);
    }

    // Term and vote are one record: a crash between the two would leave the vote of another term.
    private void SaveVote()
    {
        if (_saved == (_term, _vote)) return;
        _saved = (_term, _vote);
        _effects.SaveVote(++_position, _term, _vote);
    }

    private void AdoptTerm(ulong term)
    {
        _term = term;
        _vote = PeerId.None;
        EndCatchUp();
        _backlog.Clear();
    }

    /// <summary>Sends what may only be said when everything up to here is durable.</summary>
    private void SendWhenDurable(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, bool isAcknowledgement = false)
    {
        if (subject.IsEmpty) return;
        SaveVote();
        _effects.Send(subject, reply, frame, PromiseAt(isAcknowledgement));
    }

    /// <summary>The position that must be durable before a promise made now leaves.</summary>
    /// <param name="isAcknowledgement">It is of entries; else of a vote or term.</param>
    internal virtual long PromiseAt(bool isAcknowledgement) => _position;
}
