using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>A consumer in the meta log: what it is, who holds it and who waits for an answer. Keys and order are upstream's.</summary>
public sealed record ConsumerAssignment
{
    [JsonPropertyName("client"), JsonPropertyOrder(1)] public AssignmentClient? Client { get; init; }

    /// <summary>When it was asked for; together with the group's name it tells a consumer from a later one of the same name.</summary>
    [JsonPropertyName("created"), JsonPropertyOrder(2)] public ApiTime Created { get; init; }

    [JsonPropertyName("name"), JsonPropertyOrder(3)] public string Name { get; init; } = "";

    [JsonPropertyName("stream"), JsonPropertyOrder(4)] public string Stream { get; init; } = "";

    /// <summary>The configuration as the leader wrote it.</summary>
    [JsonPropertyName("consumer"), JsonPropertyOrder(5)] public RawJson ConfigurationJson { get; init; }

    [JsonPropertyName("group"), JsonPropertyOrder(6)] public RaftGroupAssignment Group { get; init; } = new();

    /// <summary>Subject of the API request; null: nobody asked.</summary>
    [JsonPropertyName("subject"), JsonPropertyOrder(7)] public string? Subject { get; init; }

    /// <summary>Where the answer goes; null: nobody waits.</summary>
    [JsonPropertyName("reply"), JsonPropertyOrder(8)] public string? Reply { get; init; }

    /// <summary>How far it has come already (<see cref="ConsumerStateJson"/>), after a restore or out of one replica; null: it begins.</summary>
    [JsonPropertyName("state"), JsonPropertyOrder(9)] public RawJson? State { get; init; }

    /// <summary>What later servers add; kept and written again. Null: nothing. Not part of comparisons.</summary>
    [JsonExtensionData, JsonPropertyOrder(10)] public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>What this server understands of <see cref="ConfigurationJson"/>.</summary>
    [JsonIgnore] public ConsumerConfiguration Configuration { get; init; } = new();

    /// <summary>Why this server must leave the consumer alone, in upstream's words; null: it need not.</summary>
    [JsonIgnore] public string? Unsupported { get; init; }

    [JsonIgnore] public string Account => Client?.ServiceAccount ?? "";

    /// <summary>The same with another configuration, for a proposal.</summary>
    public ConsumerAssignment WithConfiguration(ConsumerConfiguration configuration) => this with
    {
        Configuration = configuration,
        ConfigurationJson = new RawJson(MetaJson.Write(configuration, MetaJson.Compact.ConsumerConfiguration)),
    };

    /// <summary>Another consumer that took the name of this one.</summary>
    public bool IsReplacedBy(ConsumerAssignment other) => other.Created.ToUtc() != Created.ToUtc() && other.Group.Name != Group.Name;

    public bool Equals(ConsumerAssignment? other) => other is not null && Client == other.Client && Created == other.Created
        && Name == other.Name && Stream == other.Stream && ConfigurationJson == other.ConfigurationJson && Group == other.Group
        && Subject == other.Subject && Reply == other.Reply && State == other.State;

    public override int GetHashCode() => HashCode.Combine(Account, Stream, Name, Created, Group);

    /// <summary>Reads <see cref="ConfigurationJson"/>: strictly, since what is not understood must not be run.</summary>
    /// <exception cref="JsonException">Without a client, a group or names there is nothing to be understood.</exception>
    internal ConsumerAssignment Understood()
    {
        if (Client is null || Group is null) throw new JsonException("an assignment without a client or group");
        // What cannot be written again, such as half a surrogate, is better refused now than when a snapshot is due.
        if ((Unknown ?? Group.Unknown) is not null) _ = MetaJson.Write(this, MetaJson.Compact.ConsumerAssignment);
        if (string.IsNullOrEmpty(Name) || string.IsNullOrEmpty(Stream)) throw new JsonException("an assignment of a consumer without a name");
        var json = ConfigurationJson.Bytes;
        var error = ApiReader.ReadRequest(json, strict: true, new ConsumerConfiguration(), ConsumerConfiguration.Read, out var configuration);
        if (error is not null) _ = ConsumerConfiguration.ParseStored(json, out configuration);
        return this with { Group = Group.Complete(), Configuration = configuration, Unsupported = UnsupportedReason.Of(error, configuration.Metadata) };
    }
}
