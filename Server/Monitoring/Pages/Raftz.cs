using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Runtime.Groups;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /raftz is to show.</summary>
public sealed record RaftzOptions
{
    /// <summary>The account that carries the groups' messages; null: the system account.</summary>
    [JsonPropertyName("account")] public string? Account { get; init; }

    /// <summary>Only this group; null: all.</summary>
    [JsonPropertyName("group")] public string? Group { get; init; }
}

/// <summary>A member of a Raft group on this server. Keys are upstream's.</summary>
public sealed record RaftzGroup
{
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("state")] public required string State { get; init; }
    [JsonPropertyName("size")] public int Size { get; init; }
    [JsonPropertyName("quorum_needed")] public int QuorumNeeded { get; init; }
    [JsonPropertyName("observer"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Observer { get; init; }
    [JsonPropertyName("committed")] public ulong Committed { get; init; }
    [JsonPropertyName("applied")] public ulong Applied { get; init; }
    [JsonPropertyName("leader")] public string? Leader { get; init; }
    [JsonPropertyName("ever_had_leader")] public bool HadLeader { get; init; }
    [JsonPropertyName("term")] public ulong Term { get; init; }
    [JsonPropertyName("voted_for")] public string? Vote { get; init; }
    [JsonPropertyName("pterm")] public ulong LastTerm { get; init; }
    [JsonPropertyName("pindex")] public ulong LastIndex { get; init; }
    [JsonPropertyName("system_account")] public bool SystemAccount { get; init; }
    [JsonPropertyName("traffic_account")] public required string TrafficAccount { get; init; }
    [JsonPropertyName("wal")] public required RaftzLog Log { get; init; }
    [JsonPropertyName("peers")] public required IReadOnlyDictionary<string, RaftzPeer> Peers { get; init; }

    /// <summary>All groups, by the account that carries their messages.</summary>
    /// <param name="source">The server.</param>
    /// <param name="options">Which.</param>
    public static SortedDictionary<string, SortedDictionary<string, RaftzGroup>> Collect(MonitoringSource source, RaftzOptions options)
    {
        var found = new SortedDictionary<string, SortedDictionary<string, RaftzGroup>>(StringComparer.Ordinal);
        if (source.JetStream()?.Engine is not { Cluster: { } view } engine) return found;
        foreach (var group in engine.Groups.Values)
        {
            var isMeant = (options.Account ?? source.Accounts.System?.Name) == group.Traffic && (string.IsNullOrEmpty(options.Group) || options.Group == group.Name);
            if (!isMeant) continue;
            if (!found.TryGetValue(group.Traffic, out var groups)) found.Add(group.Traffic, groups = new(StringComparer.Ordinal));
            groups[group.Name] = Of(group, view);
        }
        return found;
    }

    private static RaftzGroup Of(GroupHost group, ClusterView view)
    {
        var status = group.Status;
        return new RaftzGroup
        {
            Id = status.Self.ToString(),
            State = status.State.ToString().ToUpperInvariant(),
            Size = status.Size,
            QuorumNeeded = (status.Size / 2) + 1,
            Observer = status.IsObserver,
            Committed = status.Committed,
            Applied = status.Applied,
            Leader = status.Leader.IsNone ? null : status.Leader.ToString(),
            HadLeader = status.HadLeader,
            Term = status.Term,
            Vote = status.Vote.IsNone ? null : status.Vote.ToString(),
            LastTerm = status.LastTerm,
            LastIndex = status.LastIndex,
            SystemAccount = true,
            TrafficAccount = group.Traffic,
            Log = new RaftzLog(status.LastIndex - status.SnapshotIndex, status.LogBytes, status.SnapshotIndex + 1, status.LastIndex),
            Peers = status.Peers.Where(peer => peer.Id != status.Self).ToDictionary(
                peer => peer.Id.ToString(),
                peer => new RaftzPeer(view.NameOf(peer.Id), true, peer.Heard is { } heard ? $"{Math.Max(0, status.At - heard)}ms" : "")),
        };
    }
}

/// <summary>The log behind the last snapshot.</summary>
public sealed record RaftzLog(
    [property: JsonPropertyName("messages")] ulong Entries,
    [property: JsonPropertyName("bytes")] long Bytes,
    [property: JsonPropertyName("first_seq")] ulong First,
    [property: JsonPropertyName("last_seq")] ulong Last);

/// <summary>Another member.</summary>
public sealed record RaftzPeer(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("known")] bool Known,
    [property: JsonPropertyName("last_seen")] string LastSeen);
