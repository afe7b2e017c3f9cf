using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace NatsAspire.Hosting;

/// <summary>Healthy: every server has found all it should be joined to, and JetStream has a meta leader.</summary>
internal sealed class NatsClusterCheck(NatsClusterResource cluster) : IHealthCheck
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (cluster.Application.Topology is not { } topology) return HealthCheckResult.Unhealthy("The application has not started.");
        var readiness = new ServerReadiness(Http);
        var lacking = new List<string>();
        foreach (var server in topology[cluster.Name].Servers)
        {
            if (await readiness.DescribeAsync(server, _ => false, cancellationToken) is { Length: > 0 } lack) lacking.Add(lack);
        }
        // Most of them are enough to serve; /healthz of each of these knows of a meta leader.
        return lacking.Count * 2 < topology[cluster.Name].Size ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(string.Join("; ", lacking));
    }
}
