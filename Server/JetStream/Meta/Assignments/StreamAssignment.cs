using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>A stream in the meta log: what it is, who holds it and who waits for an answer. Keys and order are upstream's.</summary>
public sealed record StreamAssignment
{
    [JsonPropertyName("client"), JsonPropertyOrder(1)] public AssignmentClient? Client { get; init; }

    /// <summary>When it was asked for; together with the group's name it tells a stream from a later one of the same name.</summary>
    [JsonPropertyName("created"), JsonPropertyOrder(2)] public ApiTime Created { get; init; }

    /// <summary>The configuration as the leader wrote it.</summary>
    [JsonPropertyName("stream"), JsonPropertyOrder(3)] public RawJson ConfigurationJson { get; init; }

    [JsonPropertyName("group"), JsonPropertyOrder(4)] public RaftGroupAssignment Group { get; init; } = new();

    /// <summary>Where replicas ask the stream's leader for what they miss; <c>$JSC.SYNC.</c> and eight letters and digits.</summary>
    [JsonPropertyName("sync"), JsonPropertyOrder(5)] public string Sync { get; init; } = "";

    /// <summary>Subject of the API request; null: nobody asked.</summary>
    [JsonPropertyName("subject"), JsonPropertyOrder(6)] public string? Subject { get; init; }

    /// <summary>Where the answer goes; null: nobody waits.</summary>
    [JsonPropertyName("reply"), JsonPropertyOrder(7)] public string? Reply { get; init; }

    /// <summary>The state of the stream that is to be restored (<see cref="Api.Responses.StreamState"/>); null: it begins empty.</summary>
    [JsonPropertyName("restore_state"), JsonPropertyOrder(8)] public RawJson? RestoreState { get; init; }

    /// <summary>What later servers add; kept and written again. Null: nothing. Not part of comparisons.</summary>
    [JsonExtensionData, JsonPropertyOrder(9)] public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>What this server understands of <see cref="ConfigurationJson"/>.</summary>
    [JsonIgnore] public StreamConfiguration Configuration { get; init; } = new();

    /// <summary>Why this server must leave the stream alone, in upstream's words; null: it need not.</summary>
    [JsonIgnore] public string? Unsupported { get; init; }

    [JsonIgnore] public string Account => Client?.ServiceAccount ?? "";

    [JsonIgnore] public string Name => Configuration.Name;

    /// <summary>Peers that it is to have in the end: while it moves those behind its old ones, otherwise all.</summary>
    [JsonIgnore]
    public ValueList<string> StayingPeers
    {
        get
        {
            var replicas = Configuration.Replicas;
            return replicas > 0 && Group.Peers.Count > replicas ? [.. Group.Peers.AsSpan()[^(int)replicas..]] : Group.Peers;
        }
    }

    /// <summary>The same with another configuration, for a proposal.</summary>
    public StreamAssignment WithConfiguration(StreamConfiguration configuration) => this with
    {
        Configuration = configuration,
        ConfigurationJson = new RawJson(MetaJson.Write(configuration, MetaJson.Compact.StreamConfiguration)),
    };

    /// <summary>Another stream that took the name of this one.</summary>
    public bool IsReplacedBy(StreamAssignment other) => other.Created.ToUtc() != Created.ToUtc() && other.Group.Name != Group.Name;

    public bool Equals(StreamAssignment? other) => other is not null && Client == other.Client && Created == other.Created
        && ConfigurationJson == other.ConfigurationJson && Group == other.Group && Sync == other.Sync && Subject == other.Subject
        && Reply == other.Reply && RestoreState == other.RestoreState;

    public override int GetHashCode() => HashCode.Combine(Account, Name, Created, Group);

    /// <summary>Reads <see cref="ConfigurationJson"/>: strictly, since what is not understood must not be run.</summary>
    /// <exception cref="JsonException">Without a client, a group or a name there is nothing to be understood.</exception>
    internal StreamAssignment Understood()
    {
        if (Client is null || Group is null) throw new JsonException("an assignment without a client or group");
        // What cannot be written again, such as half a surrogate, is better refused now than when a snapshot is due.
        if ((Unknown ?? Group.Unknown) is not null) _ = MetaJson.Write(this, MetaJson.Compact.StreamAssignment);
        var json = ConfigurationJson.Bytes;
        var error = ApiReader.ReadRequest(json, strict: true, new StreamConfiguration(), StreamConfiguration.Read, out var configuration);
        // What can be read is used for answers; a name is needed even of what cannot.
        if (error is not null) _ = StreamConfiguration.ParseStored(json, out configuration);
        // Servers before 2.11 gave mirrors a window of duplicates.
        if (configuration.Mirror is not null) configuration = configuration with { DuplicateWindow = 0 };
        if (string.IsNullOrEmpty(configuration.Name)) throw new JsonException("an assignment of a stream without a name");
        return this with { Sync = Sync ?? "", Group = Group.Complete(), Configuration = configuration, Unsupported = UnsupportedReason.Of(error, configuration.Metadata) };
    }
}
