namespace NatsAspire.Hosting;

/// <summary>A server as a process of its own, which ends with this one.</summary>
internal sealed class ProcessTestServer(ServerProcess process) : ITestServer
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);

    public bool IsRunning { get; private set; }

    public Task StartAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        process.Start();
        IsRunning = true;
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        IsRunning = false;
        await process.StopAsync(StopTimeout);
    }

    public async Task KillAsync()
    {
        IsRunning = false;
        await process.KillAsync();
    }

    public void Signal(int signal)
    {
        if (!process.Signal(signal)) throw new InvalidOperationException($"{process.Name} does not run.");
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await process.DisposeAsync();
    }
}
