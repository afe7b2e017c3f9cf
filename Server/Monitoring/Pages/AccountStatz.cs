using System.Text.Json.Serialization;
using NatsAspire.Server.Accounts;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /accstatz is to show; keys are those of a request to the system account.</summary>
public sealed record AccountStatzOptions
{
    /// <summary>Only these; empty: all.</summary>
    [JsonPropertyName("accounts")] public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>Those without connections too.</summary>
    [JsonPropertyName("include_unused")] public bool IncludeUnused { get; init; }
}

/// <summary>/accstatz: what accounts move. Keys are upstream's.</summary>
public sealed record AccountStatz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("account_statz")] public required IReadOnlyList<AccountStatistics> Accounts { get; init; }

    /// <summary>The figures of this moment.</summary>
    public static AccountStatz Collect(MonitoringSource source, AccountStatzOptions? options = null)
    {
        var asked = options?.Accounts is { Count: > 0 } names
            ? names.Select(source.Accounts.Find).OfType<Account>()
            : source.Accounts.All.OrderBy(account => account.Name, StringComparer.Ordinal);
        var moved = AddClients(source);
        var ofLeafs = (source.LeafNodes?.Snapshot() ?? []).Select(leaf => leaf.Account).ToHashSet();
        var shown = asked.Where(account => options is { IncludeUnused: true } || account.ConnectionCount > 0 || ofLeafs.Contains(account));
        return new AccountStatz
        {
            ServerId = source.ServerId,
            Now = MonitoringSource.Now,
            Accounts = [.. shown.Select(account => AccountStatistics.Of(source, account, moved.GetValueOrDefault(account)))],
        };
    }

    /// <summary>What connected clients moved, by account, in one pass.</summary>
    private static Dictionary<Account, TrafficCounters> AddClients(MonitoringSource source)
    {
        var moved = new Dictionary<Account, TrafficCounters>();
        foreach (var client in source.Clients.Clients)
        {
            if (client.Account is { } account) moved[account] = moved.GetValueOrDefault(account) + client.TrafficInAccount;
        }
        return moved;
    }
}

/// <summary>What one account moves.</summary>
public sealed record AccountStatistics
{
    [JsonPropertyName("acc")] public required string Account { get; init; }
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("conns")] public required int Connections { get; init; }
    [JsonPropertyName("leafnodes")] public int LeafNodes { get; init; }
    [JsonPropertyName("total_conns")] public required int TotalConnections { get; init; }
    [JsonPropertyName("num_subscriptions")] public required int Subscriptions { get; init; }
    [JsonPropertyName("sent")] public required DataStatistics Sent { get; init; }
    [JsonPropertyName("received")] public required DataStatistics Received { get; init; }
    [JsonPropertyName("slow_consumers")] public required long SlowConsumers { get; init; }

    internal static AccountStatistics Of(MonitoringSource source, Account account, TrafficCounters connected)
    {
        var clients = account.Figures.GoneClients + connected;
        var routes = account.Figures.GoneRoutes;
        foreach (var route in source.Routes?.Snapshot() ?? []) routes += route.TrafficFor(account);
        var gateways = account.Figures.GoneGateways;
        var (outbound, inbound) = source.Gateways?.Snapshot() ?? ([], []);
        foreach (var gateway in outbound.Concat(inbound)) gateways += gateway.TrafficFor(account);
        var leafs = account.Figures.GoneLeafs;
        var (leafCount, own) = (0, source.LeafNodes?.Snapshot() ?? []);
        foreach (var leaf in own.Where(leaf => ReferenceEquals(leaf.Account, account)))
        {
            leafs += leaf.TrafficFor(account);
            leafCount++;
        }
        return new AccountStatistics
        {
            Account = account.Name,
            Name = account.Name,
            Connections = account.ConnectionCount,
            LeafNodes = leafCount,
            TotalConnections = account.ConnectionCount + leafCount,
            Subscriptions = account.Subscriptions.Count,
            Sent = DataStatistics.Of(new Volume(clients.OutMessages, clients.OutBytes), new Volume(routes.OutMessages, routes.OutBytes), new Volume(gateways.OutMessages, gateways.OutBytes), new Volume(leafs.OutMessages, leafs.OutBytes)),
            Received = DataStatistics.Of(new Volume(clients.InMessages, clients.InBytes), new Volume(routes.InMessages, routes.InBytes), new Volume(gateways.InMessages, gateways.InBytes), new Volume(leafs.InMessages, leafs.InBytes)),
            SlowConsumers = account.Figures.SlowConsumers,
        };
    }
}

/// <summary>Messages and bytes in one direction.</summary>
/// <param name="Messages">Messages.</param>
/// <param name="Bytes">Bytes, headers included.</param>
public sealed record Volume([property: JsonPropertyName("msgs")] long Messages, [property: JsonPropertyName("bytes")] long Bytes);

/// <summary>Messages and bytes in one direction: all, and those that crossed to or from other servers.</summary>
public sealed record DataStatistics
{
    private static readonly Volume None = new(0, 0);

    [JsonPropertyName("msgs")] public required long Messages { get; init; }
    [JsonPropertyName("bytes")] public required long Bytes { get; init; }
    [JsonPropertyName("gateways")] public Volume? Gateways { get; init; } = None;
    [JsonPropertyName("routes")] public Volume? Routes { get; init; } = None;
    [JsonPropertyName("leafs")] public Volume? Leafs { get; init; } = None;

    internal static DataStatistics Of(Volume clients, Volume routes, Volume gateways, Volume leafs) => new()
    {
        Messages = clients.Messages + routes.Messages + gateways.Messages + leafs.Messages,
        Bytes = clients.Bytes + routes.Bytes + gateways.Bytes + leafs.Bytes,
        Gateways = gateways,
        Routes = routes,
        Leafs = leafs,
    };
}
