using Microsoft.Extensions.Logging;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Service.Cluster;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>What the API knows of its server.</summary>
/// <param name="ServerName">Its name.</param>
/// <param name="Version">Its version, as clients are told.</param>
/// <param name="Strict">Requests with unknown fields are refused.</param>
/// <param name="QueueLimit">Requests that may wait; 0: the default, 10,000.</param>
/// <param name="MaxPending">Bytes that a direct get sends at most unless told.</param>
/// <param name="Time">The clock.</param>
/// <param name="Log">The server's log.</param>
internal sealed record ServiceSettings(string ServerName, string Version, bool Strict, long QueueLimit, long MaxPending, TimeProvider Time, ILogger Log)
{
    /// <summary>Of consumers of any account.</summary>
    public ConsumerServerLimits ConsumerLimits { get; init; } = new();

    /// <summary>Names of accounts whose JetStream is that of another domain.</summary>
    public IReadOnlySet<string> Elsewhere { get; init; } = new HashSet<string>();

    /// <summary>Of the cluster; null: the server stands alone.</summary>
    public ClusterSettings? Cluster { get; init; }
}
