using System.Text.Json.Serialization;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /accountz is to show; keys are those of a request to the system account.</summary>
public sealed record AccountzOptions
{
    /// <summary>All about this account, in place of the names of all.</summary>
    [JsonPropertyName("account")] public string? Account { get; init; }
}

/// <summary>/accountz: the accounts of the server. Keys are upstream's.</summary>
public sealed record Accountz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("system_account")] public string? SystemAccount { get; init; }
    [JsonPropertyName("accounts")] public IReadOnlyList<string>? Accounts { get; init; }
    [JsonPropertyName("account_detail")] public AccountDetail? Account { get; init; }

    /// <summary>The accounts of this moment.</summary>
    /// <exception cref="MonitoringException">There is no such account.</exception>
    public static Accountz Collect(MonitoringSource source, AccountzOptions? options = null)
    {
        var page = new Accountz { ServerId = source.ServerId, Now = MonitoringSource.Now, SystemAccount = source.Accounts.System?.Name };
        if (string.IsNullOrEmpty(options?.Account))
        {
            return page with { Accounts = [.. source.Accounts.All.Select(account => account.Name).Order(StringComparer.Ordinal)] };
        }
        var found = source.Accounts.Find(options.Account) ?? throw new MonitoringException($"Account {options.Account} does not exist");
        return page with { Account = AccountDetail.Of(source, found) };
    }
}

/// <summary>One account of /accountz.</summary>
public sealed record AccountDetail
{
    [JsonPropertyName("account_name")] public required string Name { get; init; }
    [JsonPropertyName("update_time")] public required DateTimeOffset UpdatedAt { get; init; }
    [JsonPropertyName("is_system"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsSystem { get; init; }
    [JsonPropertyName("expired")] public bool Expired { get; init; }

    /// <summary>False: an import names an account that is not known yet.</summary>
    [JsonPropertyName("complete")] public bool Complete { get; init; } = true;

    [JsonPropertyName("jetstream_enabled")] public bool JetStream { get; init; }
    [JsonPropertyName("leafnode_connections")] public int LeafNodes { get; init; }
    [JsonPropertyName("client_connections")] public required int Clients { get; init; }
    [JsonPropertyName("subscriptions")] public required int Subscriptions { get; init; }
    [JsonPropertyName("mappings")] public IReadOnlyDictionary<string, IReadOnlyList<MappingDetail>>? Mappings { get; init; }
    [JsonPropertyName("exports")] public IReadOnlyList<ExportDetail>? Exports { get; init; }
    [JsonPropertyName("imports")] public IReadOnlyList<ImportDetail>? Imports { get; init; }
    [JsonPropertyName("name_tag")] public required string NameTag { get; init; }
    [JsonPropertyName("sublist_stats")] public required SublistStatistics Sublist { get; init; }

    internal static AccountDetail Of(MonitoringSource source, Account account) => new()
    {
        Name = account.Name,
        UpdatedAt = account.UpdatedAt,
        IsSystem = ReferenceEquals(account, source.Accounts.System),
        JetStream = source.JetStream()?.Engine.Find(account) is not null,
        LeafNodes = source.LeafNodes?.Snapshot().Count(leaf => ReferenceEquals(leaf.Account, account)) ?? 0,
        Clients = account.ConnectionCount,
        Subscriptions = account.Subscriptions.Count,
        Mappings = Describe(account.Options.Mappings),
        Exports = account.Options.Exports.Count == 0 ? null : [.. account.Options.Exports.OrderByDescending(export => export.IsService).Select(ExportDetail.Of)],
        Imports = ImportDetail.Of(account.Imports) is { Count: > 0 } imports ? imports : null,
        NameTag = account.Name,
        Sublist = SublistStatistics.Of([account]),
    };

    private static SortedDictionary<string, IReadOnlyList<MappingDetail>>? Describe(IReadOnlyList<SubjectMappingOptions> mappings)
    {
        if (mappings.Count == 0) return null;
        var described = new SortedDictionary<string, IReadOnlyList<MappingDetail>>(StringComparer.Ordinal);
        foreach (var mapping in mappings)
        {
            described[mapping.Source] = [.. mapping.Destinations.Select(to => new MappingDetail(to.Subject, to.Weight, to.Cluster.Length == 0 ? null : to.Cluster))];
        }
        return described;
    }
}

/// <summary>Where a mapped subject goes.</summary>
/// <param name="Subject">Destination.</param>
/// <param name="Weight">Share in percent.</param>
/// <param name="Cluster">Only there; null: everywhere.</param>
public sealed record MappingDetail(
    [property: JsonPropertyName("subject")] string Subject,
    [property: JsonPropertyName("weight")] int Weight,
    [property: JsonPropertyName("cluster")] string? Cluster);
