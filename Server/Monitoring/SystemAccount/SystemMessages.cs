using System.Text.Json.Serialization;
using NatsAspire.Server.Clustering.Gateways;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>The answer to <c>IDZ</c>, which has no envelope.</summary>
public sealed record ServerId(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("host")] string Host,
    [property: JsonPropertyName("id")] string Id);

/// <summary>What an answer has instead of data.</summary>
public sealed record SystemError([property: JsonPropertyName("code")] int Code, [property: JsonPropertyName("description")] string Description);

/// <summary>io.nats.server.advisory.v1.client_connect.</summary>
public sealed record ConnectEvent
{
    [JsonPropertyName("type")] public string Type { get; init; } = "io.nats.server.advisory.v1.client_connect";
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("timestamp")] public required DateTimeOffset Time { get; init; }
    [JsonPropertyName("server")] public required ServerIdentityInfo Server { get; init; }
    [JsonPropertyName("client")] public required ClientInfo Client { get; init; }
}

/// <summary>io.nats.server.advisory.v1.client_disconnect; also of those who were not let in.</summary>
public sealed record DisconnectEvent
{
    [JsonPropertyName("type")] public string Type { get; init; } = "io.nats.server.advisory.v1.client_disconnect";
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("timestamp")] public required DateTimeOffset Time { get; init; }
    [JsonPropertyName("server")] public required ServerIdentityInfo Server { get; init; }
    [JsonPropertyName("client")] public required ClientInfo Client { get; init; }
    [JsonPropertyName("sent")] public required DataStatistics Sent { get; init; }
    [JsonPropertyName("received")] public required DataStatistics Received { get; init; }
    [JsonPropertyName("reason")] public required string Reason { get; init; }
}

/// <summary>A leaf node has joined an account of this server.</summary>
public sealed record LeafNodeConnectEvent(
    [property: JsonPropertyName("server")] ServerIdentityInfo Server, [property: JsonPropertyName("acc")] string Account);

/// <summary>io.nats.server.advisory.v1.account_connections: an account's connections on this server.</summary>
public sealed record AccountConnectionsEvent
{
    [JsonPropertyName("type")] public string Type { get; init; } = "io.nats.server.advisory.v1.account_connections";
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("timestamp")] public required DateTimeOffset Time { get; init; }
    [JsonPropertyName("server")] public required ServerIdentityInfo Server { get; init; }
    [JsonPropertyName("acc")] public required string Account { get; init; }
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("conns")] public required int Connections { get; init; }
    [JsonPropertyName("leafnodes")] public required int LeafNodes { get; init; }
    [JsonPropertyName("total_conns")] public required int TotalConnections { get; init; }
    [JsonPropertyName("num_subscriptions")] public required int Subscriptions { get; init; }
    [JsonPropertyName("sent")] public required DataStatistics Sent { get; init; }
    [JsonPropertyName("received")] public required DataStatistics Received { get; init; }
    [JsonPropertyName("slow_consumers")] public required long SlowConsumers { get; init; }
}

/// <summary>What <c>STATSZ</c> tells: the figures of the server in short.</summary>
public sealed record ServerStatistics
{
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("mem")] public required long Memory { get; init; }
    [JsonPropertyName("cores")] public required int Cores { get; init; }
    [JsonPropertyName("cpu")] public required double Cpu { get; init; }
    [JsonPropertyName("connections")] public required int Connections { get; init; }
    [JsonPropertyName("total_connections")] public required long TotalConnections { get; init; }
    [JsonPropertyName("active_accounts")] public required int ActiveAccounts { get; init; }
    [JsonPropertyName("subscriptions")] public required long Subscriptions { get; init; }
    [JsonPropertyName("sent")] public required Volume Sent { get; init; }
    [JsonPropertyName("sent_to_clients")] public required Volume SentToClients { get; init; }
    [JsonPropertyName("received")] public required Volume Received { get; init; }
    [JsonPropertyName("received_from_clients")] public required Volume ReceivedFromClients { get; init; }
    [JsonPropertyName("slow_consumers")] public required long SlowConsumers { get; init; }
    [JsonPropertyName("slow_consumer_stats")] public KindCounts? SlowConsumerCounts { get; init; }
    [JsonPropertyName("stale_connections"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long StaleConnections { get; init; }
    [JsonPropertyName("stale_connection_stats")] public KindCounts? StaleConnectionCounts { get; init; }
    [JsonPropertyName("stalled_clients"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long StalledClients { get; init; }
    [JsonPropertyName("routes")] public IReadOnlyList<RouteStatistics>? Routes { get; init; }
    [JsonPropertyName("gateways")] public IReadOnlyList<GatewayStatistics>? Gateways { get; init; }
    [JsonPropertyName("active_servers"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int ActiveServers { get; init; }

    /// <summary>Null: JetStream does not run.</summary>
    [JsonPropertyName("jetstream")] public JetStreamVarz? JetStream { get; init; }

    [JsonPropertyName("gomaxprocs")] public int MaxProcessors { get; init; } = Environment.ProcessorCount;
}

/// <summary>One route of <see cref="ServerStatistics"/>.</summary>
public sealed record RouteStatistics
{
    [JsonPropertyName("rid")] public required ulong Id { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("sent")] public required Volume Sent { get; init; }
    [JsonPropertyName("received")] public required Volume Received { get; init; }
    [JsonPropertyName("pending")] public required long Pending { get; init; }
}

/// <summary>One other cluster of <see cref="ServerStatistics"/>.</summary>
public sealed record GatewayStatistics
{
    [JsonPropertyName("gwid")] public required ulong Id { get; init; }
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("sent")] public required Volume Sent { get; init; }
    [JsonPropertyName("received")] public required Volume Received { get; init; }
    [JsonPropertyName("inbound_connections")] public required int InboundConnections { get; init; }

    /// <summary>Null: this server is connected to none.</summary>
    internal static IReadOnlyList<GatewayStatistics>? Of(GatewayManager gateways)
    {
        var (outbound, inbound) = gateways.Snapshot();
        if (outbound.Count == 0) return null;
        return [.. outbound.Select(gateway =>
        {
            var from = inbound.Where(other => other.ClusterName == gateway.ClusterName).ToList();
            return new GatewayStatistics
            {
                Id = gateway.Id,
                Name = gateway.ClusterName!,
                Sent = new Volume(gateway.OutMessages, gateway.OutBytes),
                Received = new Volume(from.Sum(other => other.InMessages), from.Sum(other => other.InBytes)),
                InboundConnections = from.Count,
            };
        })];
    }
}

/// <summary>STATSZ as an event and as an answer.</summary>
public sealed record StatsEvent(
    [property: JsonPropertyName("server")] ServerIdentityInfo Server,
    [property: JsonPropertyName("statsz")] ServerStatistics Statistics);

/// <summary>What <c>$SYS.REQ.USER.INFO</c> tells a user of itself.</summary>
public sealed record UserInfo
{
    [JsonPropertyName("user")] public required string User { get; init; }
    [JsonPropertyName("account")] public required string Account { get; init; }
    [JsonPropertyName("account_name")] public required string AccountName { get; init; }
    [JsonPropertyName("permissions")] public UserPermissions? Permissions { get; init; }
}

/// <summary>A user's permissions.</summary>
public sealed record UserPermissions
{
    [JsonPropertyName("publish")] public SubjectLists? Publish { get; init; }
    [JsonPropertyName("subscribe")] public SubjectLists? Subscribe { get; init; }
    [JsonPropertyName("responses")] public ResponseRule? Responses { get; init; }
}

/// <summary>How often and how long (in nanoseconds) a user may answer.</summary>
public sealed record ResponseRule([property: JsonPropertyName("max")] int Max, [property: JsonPropertyName("ttl")] long Ttl);

/// <summary>Which servers a request is for.</summary>
public sealed record EventFilter
{
    [JsonPropertyName("server_name")] public string? ServerName { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("host")] public string? Host { get; init; }

    /// <summary>Names must be equal; else they need only contain what is given.</summary>
    [JsonPropertyName("exact_match")] public bool ExactMatch { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }
    [JsonPropertyName("domain")] public string? Domain { get; init; }

    /// <summary>True when the server is meant.</summary>
    public bool Includes(ServerIdentityInfo server) =>
        Fits(ServerName, server.Name) && Fits(Cluster, server.Cluster ?? "") && Fits(Host, server.Host)
        && (string.IsNullOrEmpty(Domain) || Domain == server.Domain)
        && (Tags ?? []).All(tag => server.Tags?.Contains(tag) == true);

    private bool Fits(string? wanted, string actual) =>
        string.IsNullOrEmpty(wanted) || (ExactMatch ? actual == wanted : actual.Contains(wanted, StringComparison.Ordinal));
}

/// <summary>Options of a request about one connection.</summary>
public sealed record ClientRequest([property: JsonPropertyName("cid")] ulong ConnectionId);

/// <summary>Asks another server for its subscribers of a subject.</summary>
/// <param name="Account">Whose subject.</param>
/// <param name="Subject">Wildcards: every subscription within it counts.</param>
/// <param name="Queue">Only of this queue group; null: of any and of none.</param>
public sealed record SubscriberCountRequest(
    [property: JsonPropertyName("acc")] string? Account,
    [property: JsonPropertyName("subject")] string? Subject,
    [property: JsonPropertyName("queue")] byte[]? Queue);

/// <summary>Source-generated JSON of system messages.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(ServerIdentityInfo))]
[JsonSerializable(typeof(ServerId))]
[JsonSerializable(typeof(SystemError))]
[JsonSerializable(typeof(ConnectEvent))]
[JsonSerializable(typeof(DisconnectEvent))]
[JsonSerializable(typeof(AccountConnectionsEvent))]
[JsonSerializable(typeof(LeafNodeConnectEvent))]
[JsonSerializable(typeof(StatsEvent))]
[JsonSerializable(typeof(UserInfo))]
[JsonSerializable(typeof(EventFilter))]
[JsonSerializable(typeof(ClientRequest))]
[JsonSerializable(typeof(SubscriberCountRequest))]
internal sealed partial class SystemJson : JsonSerializerContext;
