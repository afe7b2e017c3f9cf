namespace NatsAspire.Server.Connections;

/// <summary>A callback due on a loop's thread. Set, moved and cancelled from that thread only.</summary>
public sealed class LoopTimer
{
    private readonly Action _callback;

    internal LoopTimer(Action callback) => _callback = callback;

    /// <summary>When it is due, in milliseconds of the loop's clock; <see cref="long.MaxValue"/>: not at all.</summary>
    public long DueMilliseconds { get; internal set; } = long.MaxValue;

    public void Cancel() => DueMilliseconds = long.MaxValue;

    internal void Fire() => _callback();
}
