namespace NatsAspire.Server.Hosting;

/// <summary>What hosts need of a server.</summary>
public sealed partial class NatsServer : IDisposable
{
    /// <summary>As <see cref="DisposeAsync"/>, for containers that dispose synchronously.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Whether every I/O loop runs what it is asked to within a time.</summary>
    internal async Task<bool> LoopsAnswerAsync(TimeSpan patience)
    {
        var answers = _loops.Select(loop =>
        {
            var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(answer.SetResult);
            return answer.Task;
        });
        var all = Task.WhenAll(answers);
        return await Task.WhenAny(all, Stopped, Task.Delay(patience)).ConfigureAwait(false) is var first && (first == all || first == Stopped);
    }
}
