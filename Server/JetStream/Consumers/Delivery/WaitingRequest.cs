namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>A pull request that waits for messages. Reused with its room for the subject.</summary>
internal sealed class WaitingRequest
{
    private byte[] _reply = [];
    private int _replyLength;

    /// <summary>Where messages go.</summary>
    public ReadOnlySpan<byte> Reply => _reply.AsSpan(0, _replyLength);

    /// <summary>Other servers know that it waits.</summary>
    public bool IsTold { get; set; }

    /// <summary>Messages it may still get.</summary>
    public long Remaining { get; set; }

    /// <summary>Messages it has got.</summary>
    public long Delivered { get; set; }

    /// <summary>Bytes it may still get; 0: any number.</summary>
    public long Bytes { get; set; }

    /// <summary>Nanoseconds since 1970; <see cref="long.MaxValue"/>: it waits for ever.</summary>
    public long Expires { get; private set; }

    /// <summary>Nanoseconds between signs of life; 0: none are wanted.</summary>
    public long Heartbeat { get; private set; }

    /// <summary>When the next sign of life is due; <see cref="long.MaxValue"/>: never.</summary>
    public long HeartbeatDue { get; set; }

    public bool NoWait { get; private set; }

    public string? Group { get; private set; }

    /// <summary>Who it is pinned to; null: nobody.</summary>
    public string? PinId { get; set; }

    public long MinPending { get; private set; }

    public long MinAckPending { get; private set; }

    /// <summary>The lowest is served first; requests that are no JSON come last.</summary>
    public long Priority { get; private set; }

    /// <summary>The turn in which somebody was last seen to listen.</summary>
    public ulong SeenInTurn { get; set; }

    public WaitingRequest? Next { get; set; }

    public WaitingRequest? Previous { get; set; }

    public bool IsExpired(long now) => Expires != long.MaxValue && now >= Expires;

    public void Set(in PullRequest request, ReadOnlySpan<byte> reply, long now)
    {
        if (_reply.Length < reply.Length) _reply = new byte[reply.Length];
        reply.CopyTo(_reply);
        _replyLength = reply.Length;
        IsTold = false;
        Remaining = request.Batch;
        Delivered = 0;
        Bytes = request.MaxBytes;
        Expires = request.Expires == 0 ? long.MaxValue : Later(now, request.Expires);
        Heartbeat = request.Heartbeat;
        SetHeartbeat(now);
        NoWait = request.NoWait;
        Group = request.Group;
        PinId = request.PinId;
        MinPending = request.MinPending;
        MinAckPending = request.MinAckPending;
        Priority = request.IsFormal ? request.Priority : int.MaxValue;
        SeenInTurn = 0;
    }

    /// <summary>It has got something: the next sign of life is due a while from now.</summary>
    public void SetHeartbeat(long now) => HeartbeatDue = Heartbeat > 0 ? Later(now, Heartbeat) : long.MaxValue;

    private static long Later(long now, long wait) => wait > long.MaxValue - now ? long.MaxValue - 1 : now + wait;
}
