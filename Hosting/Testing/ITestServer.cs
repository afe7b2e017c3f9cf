namespace NatsAspire.Hosting;

/// <summary>A server of a <see cref="NatsTestCluster"/>, in this process or one of its own.</summary>
internal interface ITestServer : IAsyncDisposable
{
    bool IsRunning { get; }

    Task StartAsync(CancellationToken cancellation);

    /// <summary>Ends it in order.</summary>
    Task StopAsync();

    /// <summary>Ends it without a warning.</summary>
    Task KillAsync();

    /// <summary>Sends its process a signal.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    void Signal(int signal);
}
