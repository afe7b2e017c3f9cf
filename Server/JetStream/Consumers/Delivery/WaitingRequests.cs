namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>The pull requests that wait, at most a number of them, in the order they are served in.</summary>
internal sealed class WaitingRequests
{
    /// <summary>Unused ones kept for later.</summary>
    private const int MaxSpare = 16;

    private WaitingRequest? _spare;
    private int _spareCount;

    public int Count { get; private set; }

    public WaitingRequest? First { get; private set; }

    public WaitingRequest? Last { get; private set; }

    /// <summary>No request is due before this, nanoseconds since 1970; maybe none is even then.</summary>
    public long Due { get; set; } = long.MaxValue;

    /// <summary>Requests that wait only as long as there is something.</summary>
    public int NoWaitCount { get; private set; }

    /// <summary>When their senders were last asked for, nanoseconds since 1970.</summary>
    public long LastSweep { get; set; }

    /// <summary>Adds a request.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="reply">Where messages go.</param>
    /// <param name="byPriority">Before those of higher priority numbers instead of at the end.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public WaitingRequest Add(in PullRequest request, ReadOnlySpan<byte> reply, bool byPriority, long now)
    {
        var added = _spare ?? new WaitingRequest();
        if (_spare is not null)
        {
            _spare = added.Next;
            _spareCount--;
        }
        added.Set(request, reply, now);
        Insert(added, byPriority ? LastUpTo(added.Priority) : Last);
        Count++;
        if (added.NoWait) NoWaitCount++;
        Due = Math.Min(Due, Math.Min(added.Expires, added.HeartbeatDue));
        return added;
    }

    public void Remove(WaitingRequest request)
    {
        Unlink(request);
        Count--;
        if (request.NoWait) NoWaitCount--;
        if (Count == 0) Due = long.MaxValue;
        request.Previous = null;
        request.Next = null;
        if (_spareCount == MaxSpare) return;
        request.Next = _spare;
        _spare = request;
        _spareCount++;
    }

    /// <summary>Puts a request behind all others, or behind those of its priority.</summary>
    public void Requeue(WaitingRequest request, bool byPriority)
    {
        if (request.Next is null) return;
        Unlink(request);
        Insert(request, byPriority ? LastUpTo(request.Priority) : Last);
    }

    /// <summary>Forgets what is kept for later.</summary>
    public void Trim() => (_spare, _spareCount) = (null, 0);

    private WaitingRequest? LastUpTo(long priority)
    {
        var last = Last;
        while (last is not null && last.Priority > priority) last = last.Previous;
        return last;
    }

    private void Insert(WaitingRequest request, WaitingRequest? behind)
    {
        request.Previous = behind;
        request.Next = behind is null ? First : behind.Next;
        if (request.Previous is null) First = request;
        else request.Previous.Next = request;
        if (request.Next is null) Last = request;
        else request.Next.Previous = request;
    }

    private void Unlink(WaitingRequest request)
    {
        if (request.Previous is null) First = request.Next;
        else request.Previous.Next = request.Next;
        if (request.Next is null) Last = request.Previous;
        else request.Next.Previous = request.Previous;
    }
}
