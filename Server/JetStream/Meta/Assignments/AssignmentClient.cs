using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>
/// Who asked for an asset, as it stands in the meta log: what is known of a client, without its token and the key that
/// issued it, which no log needs. Keys and order are upstream's; times keep their nanoseconds.
/// </summary>
public sealed record AssignmentClient
{
    [JsonPropertyName("start"), JsonPropertyOrder(1)] public ApiTime? Start { get; init; }
    [JsonPropertyName("host"), JsonPropertyOrder(2)] public string? Host { get; init; }
    [JsonPropertyName("id"), JsonPropertyOrder(3), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Id { get; init; }
    [JsonPropertyName("acc"), JsonPropertyOrder(4)] public string? Account { get; init; }

    /// <summary>The account whose service was asked, when it is another than the client's.</summary>
    [JsonPropertyName("svc"), JsonPropertyOrder(5)] public string? Service { get; init; }
    [JsonPropertyName("user"), JsonPropertyOrder(6)] public string? User { get; init; }
    [JsonPropertyName("name"), JsonPropertyOrder(7)] public string? Name { get; init; }
    [JsonPropertyName("lang"), JsonPropertyOrder(8)] public string? Language { get; init; }
    [JsonPropertyName("ver"), JsonPropertyOrder(9)] public string? Version { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("rtt"), JsonPropertyOrder(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long RoundTrip { get; init; }
    [JsonPropertyName("server"), JsonPropertyOrder(11)] public string? Server { get; init; }

    /// <summary>The cluster the client is connected to, where its assets are put unless it asks for another.</summary>
    [JsonPropertyName("cluster"), JsonPropertyOrder(12)] public string? Cluster { get; init; }

    /// <summary>Clusters to try when <see cref="Cluster"/> has no room.</summary>
    [JsonPropertyName("alts"), JsonPropertyOrder(13), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> Alternates { get; init; }
    [JsonPropertyName("stop"), JsonPropertyOrder(14)] public ApiTime? Stop { get; init; }
    [JsonPropertyName("name_tag"), JsonPropertyOrder(15)] public string? NameTag { get; init; }
    [JsonPropertyName("tags"), JsonPropertyOrder(16), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> Tags { get; init; }
    [JsonPropertyName("kind"), JsonPropertyOrder(17)] public string? Kind { get; init; }
    [JsonPropertyName("client_type"), JsonPropertyOrder(18)] public string? ClientType { get; init; }
    [JsonPropertyName("client_id"), JsonPropertyOrder(19)] public string? MqttClient { get; init; }
    [JsonPropertyName("nonce"), JsonPropertyOrder(20)] public string? Nonce { get; init; }

    /// <summary>Where the client itself waits, when a service import lies between.</summary>
    [JsonPropertyName("reply"), JsonPropertyOrder(21)] public string? Reply { get; init; }

    /// <summary>The account that owns the asset.</summary>
    [JsonIgnore] public string ServiceAccount => (string.IsNullOrEmpty(Service) ? Account : Service) ?? "";

    /// <summary>All that a snapshot keeps.</summary>
    public AssignmentClient ForSnapshot() => new() { Account = Account, Service = Service, Cluster = Cluster };

    /// <summary>What goes into a proposal of a client's.</summary>
    public static AssignmentClient Of(ClientInfo client) => new()
    {
        Start = client.Start is { } start ? ApiTime.From(start) : null,
        Host = Text(client.Host),
        Id = client.Id,
        Account = Text(client.Account),
        Service = Text(client.Service),
        User = Text(client.User),
        Name = Text(client.Name),
        Language = Text(client.Language),
        Version = Text(client.Version),
        RoundTrip = client.RoundTrip,
        Server = Text(client.Server),
        Cluster = Text(client.Cluster),
        Alternates = client.Alternates is { } alternates ? [.. alternates] : [],
        Stop = client.Stop is { } stop ? ApiTime.From(stop) : null,
        NameTag = Text(client.NameTag),
        Tags = client.Tags is { } tags ? [.. tags] : [],
        Kind = Text(client.Kind),
        ClientType = Text(client.ClientType),
        MqttClient = Text(client.MqttClient),
        Nonce = Text(client.Nonce),
        Reply = Text(client.Reply),
    };

    /// <summary>For answers and advisories.</summary>
    public ClientInfo ToClientInfo() => new()
    {
        Start = TimeOf(Start),
        Host = Host,
        Id = Id,
        Account = Account,
        Service = Service,
        User = User,
        Name = Name,
        Language = Language,
        Version = Version,
        RoundTrip = RoundTrip,
        Server = Server,
        Cluster = Cluster,
        Alternates = Alternates.IsEmpty ? null : Alternates,
        Stop = TimeOf(Stop),
        NameTag = NameTag,
        Tags = Tags.IsEmpty ? null : Tags,
        Kind = Kind,
        ClientType = ClientType,
        MqttClient = MqttClient,
        Nonce = Nonce,
        Reply = Reply,
    };

    private static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static DateTimeOffset? TimeOf(ApiTime? time) =>
        time is { } some ? DateTimeOffset.UnixEpoch.AddTicks(some.UnixNanoseconds / TimeSpan.NanosecondsPerTick) : null;
}
