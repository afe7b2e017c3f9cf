using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>The servers that hold an asset, and the Raft group they form. One peer alone forms none.</summary>
public sealed record RaftGroupAssignment
{
    /// <summary>For example <c>S-R3F-FohDMUOR</c>.</summary>
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public string Name { get; init; } = "";

    /// <summary>Ids of eight letters and digits, in no particular order but that new ones are behind old ones while a stream moves.</summary>
    [JsonPropertyName("peers"), JsonPropertyOrder(2)] public ValueList<string> Peers { get; init; }

    [JsonPropertyName("store"), JsonPropertyOrder(3)] public StorageType Storage { get; init; } = StorageType.File;

    [JsonPropertyName("cluster"), JsonPropertyOrder(4)] public string? Cluster { get; init; }

    /// <summary>Who campaigns first, at once, when the group is new.</summary>
    [JsonPropertyName("preferred"), JsonPropertyOrder(5)] public string? Preferred { get; init; }

    /// <summary>The group was made out of one peer that has data: the others begin empty and must not lead before they have it.</summary>
    [JsonPropertyName("scale_up"), JsonPropertyOrder(6), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsScaleUp { get; init; }

    /// <summary>What later servers add; kept and written again. Null: nothing. Not part of comparisons.</summary>
    [JsonExtensionData, JsonPropertyOrder(7)] public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>Whether a peer holds the asset.</summary>
    public bool IsMember(string peer)
    {
        foreach (var member in Peers.AsSpan())
        {
            if (member == peer) return true;
        }
        return false;
    }

    /// <summary>Nobody is preferred who is no member any more.</summary>
    internal RaftGroupAssignment Sound() => Preferred is { } preferred && !IsMember(preferred) ? this with { Preferred = null } : this;

    /// <summary>What a reader makes of members that are missing.</summary>
    internal RaftGroupAssignment Complete() => this with { Name = Name ?? "", Storage = Storage == StorageType.Unset ? StorageType.File : Storage };

    /// <summary>Same name and peers: nothing is to be done to go from one to the other.</summary>
    public bool IsSameAs(RaftGroupAssignment other) => Name == other.Name && Peers == other.Peers;

    public bool Equals(RaftGroupAssignment? other) => other is not null && Name == other.Name && Peers == other.Peers
        && Storage == other.Storage && Cluster == other.Cluster && Preferred == other.Preferred && IsScaleUp == other.IsScaleUp;

    public override int GetHashCode() => HashCode.Combine(Name, Peers);
}
