using System.Text;
using System.Text.Json.Serialization;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>Which connections /connz shows.</summary>
public enum ConnectionState
{
    Open,
    Closed,
    All,
}

/// <summary>What /connz is to show; keys are those of a request to the system account.</summary>
public sealed record ConnzOptions
{
    /// <summary>Connections of a page when no limit is given.</summary>
    public const int DefaultLimit = 1024;

    /// <summary>cid, start, subs, pending, msgs_to, msgs_from, bytes_to, bytes_from, last, idle, uptime, stop, reason, rtt; empty: cid.</summary>
    [JsonPropertyName("sort")] public string? Sort { get; init; }

    /// <summary>Users, accounts and certificates too.</summary>
    [JsonPropertyName("auth")] public bool Auth { get; init; }

    /// <summary>Subjects of subscriptions too.</summary>
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }

    /// <summary>All about subscriptions, in place of <see cref="Subscriptions"/>.</summary>
    [JsonPropertyName("subscriptions_detail")] public bool SubscriptionsDetail { get; init; }

    /// <summary>Connections to leave out at the front; below 0: none.</summary>
    [JsonPropertyName("offset")] public long Offset { get; init; }

    /// <summary>At most so many; 0 or less: <see cref="DefaultLimit"/>.</summary>
    [JsonPropertyName("limit")] public long Limit { get; init; }

    /// <summary>Only this one; 0: all.</summary>
    [JsonPropertyName("cid")] public ulong ConnectionId { get; init; }

    /// <summary>Only those of this MQTT client.</summary>
    [JsonPropertyName("mqtt_client")] public string? MqttClient { get; init; }

    [JsonPropertyName("state")] public ConnectionState State { get; init; }

    /// <summary>Only those of this user.</summary>
    [JsonPropertyName("user")] public string? User { get; init; }

    /// <summary>Only those of this account.</summary>
    [JsonPropertyName("acc")] public string? Account { get; init; }

    /// <summary>Only those whose subscriptions have a subject in common with this; needs <see cref="Account"/>.</summary>
    [JsonPropertyName("filter_subject")] public string? FilterSubject { get; init; }

    internal long EffectiveLimit => ConnectionId > 0 ? 1 : Limit > 0 ? Limit : DefaultLimit;

    internal bool FiltersSubject => !string.IsNullOrEmpty(FilterSubject) && FilterSubject != ">";
}

/// <summary>/connz: connections of clients, and those of leaf nodes that are open. Keys are upstream's.</summary>
public sealed record Connz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }

    /// <summary>Connections on this page.</summary>
    [JsonPropertyName("num_connections")] public required int Count { get; init; }

    /// <summary>Connections in that state (and account), before other filters.</summary>
    [JsonPropertyName("total")] public required int Total { get; init; }

    [JsonPropertyName("offset")] public required long Offset { get; init; }
    [JsonPropertyName("limit")] public required long Limit { get; init; }

    /// <summary>Null: the account is not known.</summary>
    [JsonPropertyName("connections"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public required IReadOnlyList<ConnectionDetail>? Connections { get; init; }

    /// <summary>The connections of this moment.</summary>
    /// <exception cref="MonitoringException">Options that fit nothing.</exception>
    public static Connz Collect(MonitoringSource source, ConnzOptions? options = null)
    {
        options ??= new ConnzOptions();
        var sort = ConnectionSort.Find(options);
        if (options.FiltersSubject && string.IsNullOrEmpty(options.Account))
        {
            throw new MonitoringException("filter by subject only valid with account filtering");
        }
        var empty = new Connz
        {
            ServerId = "",
            Now = MonitoringSource.Now,
            Count = 0,
            Total = 0,
            Offset = Math.Max(0, options.Offset),
            Limit = options.EffectiveLimit,
            Connections = null,
        };
        var hasAccount = string.IsNullOrEmpty(options.Account) || source.Accounts.Find(options.Account) is not null;
        return hasAccount ? Fill(empty with { ServerId = source.ServerId }, source, options, sort) : empty;
    }

    private static Connz Fill(Connz page, MonitoringSource source, ConnzOptions options, ConnectionSort sort)
    {
        var open = options.State == ConnectionState.Closed ? [] : source.Clients.Clients.Where(client => IsIn(client.Account?.Name, options)).ToList();
        var closed = options.State == ConnectionState.Open ? [] : source.Clients.Closed.ToList().Where(client => IsIn(client.Last.AccountName, options)).ToList();
        var leafs = options.State == ConnectionState.Closed ? [] : (source.LeafNodes?.Snapshot() ?? []).Where(leaf => IsIn(leaf.Account?.Name, options)).ToList();
        var total = open.Count + closed.Count + leafs.Count;
        var candidates = options.ConnectionId > 0
            ? FindOne(source.Clients, open, closed, leafs, options.ConnectionId)
            : [.. Filter(open, options), .. FilterLeafs(leafs, options), .. closed.Where(client => Fits(client.Last, options)).Select(client => new Candidate(client.Last, null, client))];
        candidates.Sort(sort.Comparison(page.Now));
        var shown = MonitoringText.Page(candidates, page.Offset, page.Limit);
        return page with
        {
            Total = total,
            Count = shown.Count,
            Connections = [.. shown.Select(candidate => ConnectionDetail.Of(candidate, options, page.Now))],
        };
    }

    private static bool IsIn(string? account, ConnzOptions options) => string.IsNullOrEmpty(options.Account) || account == options.Account;

    private static bool Fits(ClientSnapshot client, ConnzOptions options) =>
        (string.IsNullOrEmpty(options.User) || client.User == options.User)
        && (string.IsNullOrEmpty(options.MqttClient) || client.MqttClientId == options.MqttClient);

    private static IEnumerable<Candidate> Filter(List<ClientConnection> open, ConnzOptions options)
    {
        var subject = options.FiltersSubject ? Encoding.UTF8.GetBytes(options.FilterSubject!) : null;
        foreach (var client in open)
        {
            var snapshot = client.Snapshot();
            if (Fits(snapshot, options) && (subject is null || client.HasInterestIn(subject))) yield return new Candidate(snapshot, client, null);
        }
    }

    private static IEnumerable<Candidate> FilterLeafs(List<LeafConnection> leafs, ConnzOptions options)
    {
        var subject = options.FiltersSubject ? Encoding.UTF8.GetBytes(options.FilterSubject!) : null;
        foreach (var candidate in leafs.Select(Candidate.Of))
        {
            if (Fits(candidate.Client, options) && (subject is null || candidate.Subscriptions.Any(held => SubjectRules.Collide(Encoding.UTF8.GetBytes(held.Subject), subject)))) yield return candidate;
        }
    }

    /// <summary>Whatever account it is in.</summary>
    private static List<Candidate> FindOne(ClientHub clients, List<ClientConnection> open, List<ClosedClient> closed, List<LeafConnection> leafs, ulong id)
    {
        if (open.Count > 0 && clients.Find(id) is { } found) return [new Candidate(found.Snapshot(), found, null)];
        if (leafs.Find(leaf => leaf.Id == id) is { } node) return [Candidate.Of(node)];
        return closed.Find(client => client.Last.Id == id) is { } gone ? [new Candidate(gone.Last, null, gone)] : [];
    }

    /// <summary>A connection, open or closed.</summary>
    internal sealed record Candidate(ClientSnapshot Client, ClientConnection? Open, ClosedClient? Closed, LeafConnection? Leaf = null)
    {
        public IReadOnlyList<SubscriptionSnapshot> Subscriptions => Leaf is not null
            ? [.. Leaf.SnapshotSubscriptions().Select(held => new SubscriptionSnapshot(held.Subject, held.Queue, held.Key, held.Messages, 0))]
            : Open?.SnapshotSubscriptions() ?? Closed!.Subscriptions;

        /// <summary>A leaf node's connection, with what it has of a client's figures.</summary>
        public static Candidate Of(LeafConnection leaf) => new(
            new ClientSnapshot
            {
                Id = leaf.Id,
                Type = "",
                Address = leaf.RemoteEndPoint,
                StartedAt = leaf.StartedAt,
                LastActivity = leaf.LastActivity,
                RoundTrip = leaf.RoundTrip,
                PendingBytes = leaf.PendingBytes,
                Traffic = leaf.Traffic,
                Stalls = 0,
                SubscriptionCount = leaf.RemoteSubscriptionCount,
                Name = leaf.RemoteName,
                Tls = leaf.Tls,
                User = leaf.UserName,
                AccountName = leaf.Account?.Name,
            },
            null,
            null,
            leaf);

        public TimeSpan Age(DateTimeOffset now) => (Closed?.StoppedAt ?? now) - Client.StartedAt;

        public string Reason => Closed?.Reason.Text() ?? "";
    }
}
