using NatsAspire.Server.Connections;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections;

/// <summary>What other threads post to a loop that sleeps.</summary>
public sealed class LoopPostTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NoPostIsLeftLyingThoughSeveralComeAtOnce(bool portable)
    {
        using var loop = IoLoop.Create(0, fault => Assert.Fail(fault.ToString()), portable);
        loop.Start();
        var (posted, done) = (0, 0);
        var posters = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var mine = Interlocked.Increment(ref posted);
                loop.Post(() => Interlocked.Increment(ref done));
                // The loop is to fall asleep again and again; one that is not woken any more ends the test below.
                SpinWait.SpinUntil(() => Volatile.Read(ref done) >= mine - 1, TimeSpan.FromSeconds(2)).ShouldBeTrue($"{Volatile.Read(ref done)} of {mine}");
            }
        })).ToArray();
        await Task.WhenAll(posters);
        await Wait.Until("all posts", () => Volatile.Read(ref done) == 40_000, () => $"{done}");
    }
}
