using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>The group of servers that says which streams there are, as one of them sees it. Keys are upstream's.</summary>
public sealed record MetaCluster
{
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("leader")] public string? Leader { get; init; }

    /// <summary>This server's id in the group.</summary>
    [JsonPropertyName("peer")] public string? Peer { get; init; }

    /// <summary>All others; only its leader tells of them.</summary>
    [JsonPropertyName("replicas"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<PeerInfo> Replicas { get; init; }
    [JsonPropertyName("cluster_size")] public int Size { get; init; }

    /// <summary>Requests that wait.</summary>
    [JsonPropertyName("pending")] public int Pending { get; init; }
    [JsonPropertyName("pending_requests")] public int PendingRequests { get; init; }
    [JsonPropertyName("pending_infos")] public int PendingInfos { get; init; }
    [JsonPropertyName("snapshot")] public MetaSnapshotFigures? Snapshot { get; init; }

    /// <summary>Null: the server stands alone.</summary>
    internal static MetaCluster? Of(JetStreamService service)
    {
        if (service.Meta is not { } meta || service.Engine.Cluster is not { } view) return null;
        var status = meta.Group.Status;
        var leads = status.Leader == status.Self;
        return new MetaCluster
        {
            Name = meta.ClusterName,
            Leader = meta.LeaderName,
            Peer = status.Leader.IsNone ? null : status.Leader.ToString(),
            Replicas = leads ? view.Describe(status, meta.Group.Traffic).Replicas : default,
            Size = status.Size,
            Snapshot = new MetaSnapshotFigures(status.Committed - Math.Min(status.Committed, status.SnapshotIndex), status.LogBytes)
            {
                LastTime = meta.LastSnapshot is { } last ? ApiTime.From(last.At) : default,
                LastDuration = (meta.LastSnapshot?.Took.Ticks ?? 0) * 100,
            },
        };
    }
}

/// <summary>What the log holds beyond the last snapshot.</summary>
public sealed record MetaSnapshotFigures(
    [property: JsonPropertyName("pending_entries")] ulong Entries,
    [property: JsonPropertyName("pending_size")] long Bytes)
{
    /// <summary>When the last one was taken; the year 1: none was since the start.</summary>
    [JsonPropertyName("last_time")] public ApiTime LastTime { get; init; }

    /// <summary>Nanoseconds that took.</summary>
    [JsonPropertyName("last_duration"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long LastDuration { get; init; }
}
