namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Something that happens one turn at a time. Whoever has put work in front of it wakes it; a turn takes what is there.
/// What only turns touch needs no locks.
/// </summary>
/// <param name="threads">Where turns happen.</param>
internal abstract class Mailbox(ITurns threads)
{
    private const int Idle = 0, Scheduled = 1, Running = 2, RunningAndWoken = 3;

    private int _phase;

    /// <summary>Has a turn begin soon. From any thread; cheap when one is due already.</summary>
    public void Wake()
    {
        while (true)
        {
            switch (Volatile.Read(ref _phase))
            {
                case Idle when Interlocked.CompareExchange(ref _phase, Scheduled, Idle) == Idle:
                    threads.Add(this);
                    return;
                case Running when Interlocked.CompareExchange(ref _phase, RunningAndWoken, Running) == Running:
                case Scheduled or RunningAndWoken:
                    return;
            }
        }
    }

    /// <summary>On one of the threads.</summary>
    internal void TakeTurn()
    {
        Volatile.Write(ref _phase, Running);
        Turn();
        if (Interlocked.CompareExchange(ref _phase, Idle, Running) == Running) return;
        // Others get their turn first; this thread looks for the next one at once.
        Volatile.Write(ref _phase, Scheduled);
        threads.AddBehind(this);
    }

    /// <summary>
    /// Has a short turn happen on this thread, if none is due or under way: for work so little that to wake another thread would
    /// cost more than the work.
    /// </summary>
    /// <returns>False: nothing was done.</returns>
    protected bool TryTakeShortTurn()
    {
        if (Interlocked.CompareExchange(ref _phase, Running, Idle) != Idle) return false;
        ShortTurn();
        if (Interlocked.CompareExchange(ref _phase, Idle, Running) == Running) return true;
        Volatile.Write(ref _phase, Scheduled);
        threads.Add(this);
        return true;
    }

    /// <summary>
    /// Does what can be done at once, without waiting for a disk, and wakes the mailbox for the rest. On any thread that
    /// holds no lock. Must not throw.
    /// </summary>
    protected virtual void ShortTurn() => Wake();

    /// <summary>Does what is there. Must not throw.</summary>
    protected abstract void Turn();
}
