using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NatsAspire.Server.Hosting;

/// <summary>Ready: the hosted server listens and takes clients.</summary>
internal sealed class NatsServerReadyCheck(HostedNatsServer hosted) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var server = hosted.Running;
        if (server is null) return Task.FromResult(HealthCheckResult.Unhealthy("The NATS server is not started."));
        if (server.Stopped.IsCompleted) return Task.FromResult(HealthCheckResult.Unhealthy("The NATS server has stopped."));
        if (server.IsLameDuck) return Task.FromResult(HealthCheckResult.Unhealthy("The NATS server is in lame duck mode."));
        var facts = new Dictionary<string, object> { ["server"] = server.Name, ["clients"] = server.ClientCount, ["peers"] = server.PeerCount };
        return Task.FromResult(HealthCheckResult.Healthy("The NATS server takes clients.", facts));
    }
}

/// <summary>Alive: every I/O loop of the hosted server still turns.</summary>
internal sealed class NatsServerLiveCheck(HostedNatsServer hosted) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var server = hosted.Running;
        // A server that is yet to start or has ended in order is no reason to kill its host.
        if (server is null || server.Stopped.IsCompleted) return HealthCheckResult.Healthy("No NATS server runs.");
        return await server.LoopsAnswerAsync(Patience).WaitAsync(cancellationToken).ConfigureAwait(false)
            ? HealthCheckResult.Healthy("All I/O loops turn.")
            : HealthCheckResult.Unhealthy($"An I/O loop has not turned for {Patience.TotalSeconds:0} s.");
    }
}
