using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Unit.Primitives;

/// <summary>No thread waits for a lock or a gate while a batch of its own holds another gate.</summary>
public sealed class OuterLockTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>One loop answered a peer and then wants the lock; the lock's holder wants to write to that peer.</summary>
    [Fact]
    public async Task WhoWaitsForAnOuterLockHoldsNoGate()
    {
        var peer = new Target();
        var outer = new OuterLock();
        using var locked = new SemaphoreSlim(0);
        using var held = new SemaphoreSlim(0);
        var holder = Task.Run(() =>
        {
            using (outer.Enter())
            {
                locked.Release();
                held.Wait(Patience).ShouldBeTrue();
                peer.EnterGate();
                peer.ExitGate();
            }
        });
        var loop = Task.Run(() =>
        {
            locked.Wait(Patience).ShouldBeTrue();
            var batch = new FlushBatch();
            batch.Hold(peer);
            held.Release();
            using (outer.Enter()) batch.Release();
        });
        await Task.WhenAll(holder, loop).WaitAsync(Patience);
    }

    [Fact]
    public void ASecondBatchOfAThreadGivesUpTheGateOfTheFirst()
    {
        var (first, second) = (new Target(), new Target());
        var outer = new FlushBatch();
        outer.Hold(first);
        new FlushBatch().Hold(second);
        first.IsHeld.ShouldBeFalse();
        second.IsHeld.ShouldBeTrue();
        FlushBatch.ReleaseOnThisThread();
        second.IsHeld.ShouldBeFalse();
    }

    /// <summary>A stream's batch goes on on whichever thread has its next turn.</summary>
    [Fact]
    public void ABatchThatGoesOnOnAnotherThreadIsNotTheFirstThreadsAnyMore()
    {
        var target = new Target();
        var batch = new FlushBatch();
        batch.Hold(target);
        batch.FlushAll();
        using var held = new ManualResetEventSlim();
        using var tried = new ManualResetEventSlim();
        var isStillHeld = false;
        var other = new Thread(() =>
        {
            batch.Hold(target);
            held.Set();
            tried.Wait(Patience);
            isStillHeld = target.IsHeld;
            batch.FlushAll();
        });
        other.Start();
        held.Wait(Patience).ShouldBeTrue();
        Should.NotThrow(FlushBatch.ReleaseOnThisThread);
        tried.Set();
        other.Join();
        isStillHeld.ShouldBeTrue();
    }

    [Fact]
    public void AnOuterLockMayBeEnteredAgainByItsHolder()
    {
        var outer = new OuterLock();
        using (outer.Enter())
        {
            Should.NotThrow(() =>
            {
                using (outer.Enter()) FlushBatch.ReleaseOnThisThread();
            });
        }
    }

    private sealed class Target : IFlushTarget
    {
        private readonly Lock _gate = new();

        public bool IsHeld => _gate.IsHeldByCurrentThread;

        public void EnterGate() => _gate.Enter();

        public void ExitGate() => _gate.Exit();

        public void Flush() => throw new InvalidOperationException("Nothing was touched.");
    }
}
