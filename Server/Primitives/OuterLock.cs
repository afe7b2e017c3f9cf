namespace NatsAspire.Server.Primitives;

/// <summary>
/// A lock whose holder may write to connections, so it comes before their gates: entering gives up the gate that
/// this thread's batch still holds. Locks whose holders touch no gate (tries, counters) need no such care.
/// </summary>
public sealed class OuterLock
{
    private readonly Lock _lock = new();

    /// <summary>Waits for the lock, holding no gate. To be used with <c>using</c>; may be entered again by its holder.</summary>
    public Lock.Scope Enter()
    {
        FlushBatch.ReleaseOnThisThread();
        return _lock.EnterScope();
    }
}
