using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Streams.Catchup;

/// <summary>What a replica that is behind wants done.</summary>
public interface ICatchupEffects
{
    /// <summary>
    /// Asks the stream's leader, on the stream's sync subject, with a reply subject of its own for each request: what
    /// comes for an earlier one is not to be given to <see cref="StreamCatchup.Receive"/> any more.
    /// </summary>
    void Request(StreamSyncRequest request);

    /// <summary>Says that a message was taken.</summary>
    /// <param name="reply">As it came.</param>
    void Acknowledge(ReadOnlySpan<byte> reply);

    /// <summary>Says that nothing more is to come.</summary>
    /// <param name="reply">Of the last message.</param>
    /// <param name="reason">Why.</param>
    void Refuse(ReadOnlySpan<byte> reply, string reason);
}

/// <summary>How far a catch-up is.</summary>
public enum CatchupState
{
    /// <summary>Too many others of this server are under way.</summary>
    WaitsForOthers,

    /// <summary>Nobody leads the stream at present.</summary>
    WaitsForLeader,

    /// <summary>It has asked, and takes what comes.</summary>
    Runs,

    /// <summary>It has failed, and tries again a little later.</summary>
    WaitsToRetry,

    /// <summary>It holds all that the snapshot speaks of.</summary>
    Done,

    /// <summary>It has failed for good; <see cref="StreamCatchup.Failure"/> says why.</summary>
    Failed,
}

/// <summary>Catch-ups of a server that may ask at the same time. Any thread.</summary>
/// <param name="limit">How many.</param>
public sealed class CatchupSlots(int limit = CatchupSlots.Default)
{
    /// <summary>As upstream.</summary>
    public const int Default = 32;

    private int _taken;

    internal bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= limit) return true;
        Interlocked.Decrement(ref _taken);
        return false;
    }

    internal void GiveBack() => Interlocked.Decrement(ref _taken);
}

/// <summary>
/// A replica that has got a snapshot instead of entries, and fetches the messages it has not (clusterwire.md §7.5). As
/// long as it goes on, no entry must be applied. Pure: the time is an argument (nanoseconds since 1970).
/// </summary>
/// <param name="replica">Which.</param>
/// <param name="snapshot">What it is to hold.</param>
/// <param name="index">The snapshot's place in the log.</param>
/// <param name="peer">This server's id among its peers.</param>
/// <param name="slots">Shared by all of this server.</param>
public sealed class StreamCatchup(StreamReplica replica, StreamSnapshot snapshot, ulong index, string peer, CatchupSlots slots)
{
    public const string NoLeader = "catchup aborted, no leader";
    public const string TooManyRetries = "catchup failed, too many retries";

    private const long Second = 1_000_000_000;

    /// <summary>Nanoseconds in which the leader must begin.</summary>
    public const long StartTimeout = 5 * Second;

    /// <summary>Nanoseconds that may pass without a message.</summary>
    public const long ActivityTimeout = 30 * Second;

    /// <summary>Nanoseconds from one request to the next at least.</summary>
    public const long RetryAfter = 2 * Second;

    /// <summary>Requests at most.</summary>
    public const int MostRequests = 3;

    private const long LookAgainAfter = Second / 10;

    private bool _hasSlot;
    private int _requests;
    private long _requestedAt;
    private byte[] _reply = [];
    private int _replyLength;

    public CatchupState State { get; private set; } = CatchupState.WaitsForOthers;

    /// <summary>Why it has failed; null: it has not.</summary>
    public string? Failure { get; private set; }

    /// <summary>Messages and sequences still to come.</summary>
    public ulong Lag => snapshot.LastSequence - Math.Min(snapshot.LastSequence, replica.State.LastSequence);

    /// <summary>When <see cref="Tick"/> is to be called, nanoseconds since 1970.</summary>
    public long NextTick { get; private set; } = long.MaxValue;

    public bool IsOver => State is CatchupState.Done or CatchupState.Failed;

    private bool IsThere => replica.State.LastSequence >= snapshot.LastSequence;

    /// <summary>Installs the snapshot, and begins to fetch what is missing.</summary>
    /// <param name="hasLeader">Somebody else leads the stream.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Begin(bool hasLeader, long now, ICatchupEffects effects)
    {
        replica.Install(snapshot);
        Go(hasLeader, now, effects);
    }

    /// <summary>The leader has sent something.</summary>
    /// <param name="message">Empty: that was all.</param>
    /// <param name="reply">Where it is acknowledged; empty: nowhere.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Receive(ReadOnlySpan<byte> message, ReadOnlySpan<byte> reply, long now, ICatchupEffects effects)
    {
        if (State != CatchupState.Runs) return;
        NextTick = now + ActivityTimeout;
        if (message.IsEmpty)
        {
            if (IsThere) End(CatchupState.Done, null);
            else Retry(now);
            return;
        }
        if (replica.TakeFetched(message, snapshot.LastSequence) is { } wrong)
        {
            if (!reply.IsEmpty) effects.Refuse(reply, wrong);
            Retry(now);
            return;
        }
        if (reply.IsEmpty) return;
        if (_reply.Length < reply.Length) _reply = new byte[reply.Length * 2];
        reply.CopyTo(_reply);
        _replyLength = reply.Length;
        effects.Acknowledge(reply);
    }

    /// <summary>It cannot go on here: there is no room, or the disk has failed.</summary>
    public void Abort(string reason, ICatchupEffects effects)
    {
        if (IsOver) return;
        if (State == CatchupState.Runs) RefuseMore(reason, effects);
        End(CatchupState.Failed, reason);
    }

    /// <summary>Does what is due.</summary>
    public void Tick(bool hasLeader, long now, ICatchupEffects effects)
    {
        if (IsOver || now < NextTick) return;
        switch (State)
        {
            case CatchupState.WaitsForLeader when !hasLeader:
                End(CatchupState.Failed, NoLeader);
                break;
            case CatchupState.Runs:
                RefuseMore("catchup stalled", effects);
                Retry(now);
                if (NextTick <= now) Go(hasLeader, now, effects);
                break;
            default:
                Go(hasLeader, now, effects);
                break;
        }
    }

    private void Go(bool hasLeader, long now, ICatchupEffects effects)
    {
        if (IsThere)
        {
            End(CatchupState.Done, null);
            return;
        }
        if (!hasLeader)
        {
            // Nobody may have been elected yet; later there is somebody who takes part, or else it makes no sense to go on.
            if (_requests > 0) End(CatchupState.Failed, NoLeader);
            else Wait(CatchupState.WaitsForLeader, now + StartTimeout);
            return;
        }
        if (_requests == MostRequests)
        {
            End(CatchupState.Failed, TooManyRetries);
            return;
        }
        if (!_hasSlot && !(_hasSlot = slots.TryTake()))
        {
            Wait(CatchupState.WaitsForOthers, now + LookAgainAfter);
            return;
        }
        _requests++;
        _requestedAt = now;
        _replyLength = 0;
        Wait(CatchupState.Runs, now + StartTimeout);
        effects.Request(new StreamSyncRequest
        {
            Peer = peer,
            FirstSequence = replica.State.LastSequence + 1,
            LastSequence = snapshot.LastSequence,
            TakesRanges = true,
            MinApplied = index,
        });
    }

    private void RefuseMore(string reason, ICatchupEffects effects)
    {
        if (_replyLength > 0) effects.Refuse(_reply.AsSpan(0, _replyLength), reason);
    }

    private void Retry(long now)
    {
        // Others come first meanwhile.
        GiveBackSlot();
        Wait(CatchupState.WaitsToRetry, Math.Max(now, _requestedAt + RetryAfter));
    }

    private void Wait(CatchupState state, long until) => (State, NextTick) = (state, until);

    private void End(CatchupState state, string? failure)
    {
        GiveBackSlot();
        (State, Failure, NextTick) = (state, failure, long.MaxValue);
    }

    private void GiveBackSlot()
    {
        if (_hasSlot) slots.GiveBack();
        _hasSlot = false;
    }
}
