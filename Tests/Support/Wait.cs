using System.Diagnostics;

namespace NatsAspire.Tests.Support;

/// <summary>Waiting for a condition; a wait in vain says what for, and what was there instead.</summary>
public static class Wait
{
    /// <summary>Longest a test waits for anything, on a loaded machine.</summary>
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <summary>What a wait in vain tells besides what it saw.</summary>
    public static Func<Task<string>> AlsoTold { get; set; } = static () => Task.FromResult("");

    /// <summary>Waits until the condition holds.</summary>
    /// <param name="what">What is waited for, for the failure.</param>
    /// <param name="condition">Asked every few milliseconds.</param>
    /// <param name="describe">The state seen last, for the failure.</param>
    /// <param name="timeout">Null: <see cref="Default"/>.</param>
    public static async Task Until(string what, Func<bool> condition, Func<string>? describe = null, TimeSpan? timeout = null)
    {
        var clock = Stopwatch.StartNew();
        using var ticks = new PeriodicTimer(Interval);
        while (!condition())
        {
            if (clock.Elapsed > (timeout ?? Default))
            {
                Assert.Fail($"Waited {clock.Elapsed.TotalSeconds:0.0} s for: {what}. Last seen: {describe?.Invoke() ?? "nothing to tell"}");
            }
            await ticks.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until the asynchronous condition holds. A request in it that nobody answers in time is one that does not hold yet.</summary>
    public static async Task Until(string what, Func<Task<bool>> condition, Func<string>? describe = null, TimeSpan? timeout = null)
    {
        var clock = Stopwatch.StartNew();
        using var ticks = new PeriodicTimer(Interval);
        string? unanswered;
        do
        {
            try
            {
                if (await condition()) return;
                unanswered = null;
            }
            catch (TimeoutException silence)
            {
                // Whoever was asked may have been about to go.
                unanswered = silence.Message;
            }
            await ticks.WaitForNextTickAsync();
        }
        while (clock.Elapsed <= (timeout ?? Default));
        Assert.Fail($"Waited {clock.Elapsed.TotalSeconds:0.0} s for: {what}. Last seen: {unanswered ?? describe?.Invoke() ?? "nothing to tell"}{await AlsoTold()}");
    }

    /// <summary>The result of a task, or a failure that names it.</summary>
    public static async Task<T> For<T>(string what, Task<T> task, TimeSpan? timeout = null)
    {
        if (await Task.WhenAny(task, Task.Delay(timeout ?? Default)) != task) Assert.Fail($"Waited in vain for: {what}");
        return await task;
    }
}
