using System.Text;
using System.Text.Json.Serialization;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /subsz is to show; keys are those of a request to the system account.</summary>
public sealed record SubszOptions
{
    /// <summary>Subscriptions of a page when no limit is given.</summary>
    public const int DefaultLimit = 1024;

    /// <summary>Subscriptions to leave out at the front; below 0: none.</summary>
    [JsonPropertyName("offset")] public long Offset { get; init; }

    /// <summary>At most so many; 0 or less: <see cref="DefaultLimit"/>.</summary>
    [JsonPropertyName("limit")] public long Limit { get; init; }

    /// <summary>The subscriptions themselves too.</summary>
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }

    /// <summary>Only those of this account.</summary>
    [JsonPropertyName("account")] public string? Account { get; init; }

    /// <summary>Only those that get a message on this literal subject.</summary>
    [JsonPropertyName("test")] public string? Test { get; init; }
}

/// <summary>/subsz: subscriptions and how they are found. Keys are upstream's.</summary>
public sealed record Subsz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("num_subscriptions")] public required long SubscriptionCount { get; init; }
    [JsonPropertyName("num_cache")] public required long CacheEntries { get; init; }
    [JsonPropertyName("num_inserts")] public required long Inserts { get; init; }
    [JsonPropertyName("num_removes")] public required long Removes { get; init; }
    [JsonPropertyName("num_matches")] public required long Matches { get; init; }

    /// <summary>Share of matches the cache answered, 0..1.</summary>
    [JsonPropertyName("cache_hit_rate")] public required double CacheHitRate { get; init; }

    [JsonPropertyName("max_fanout")] public required int MaxFanout { get; init; }
    [JsonPropertyName("avg_fanout")] public required double AverageFanout { get; init; }

    /// <summary>Subscriptions there are to page through; 0 when they were not asked for.</summary>
    [JsonPropertyName("total")] public int Total { get; init; }

    [JsonPropertyName("offset")] public required long Offset { get; init; }
    [JsonPropertyName("limit")] public required long Limit { get; init; }
    [JsonPropertyName("subscriptions_list")] public IReadOnlyList<SubscriptionDetail>? Subscriptions { get; init; }

    /// <summary>The subscriptions of this moment.</summary>
    /// <exception cref="MonitoringException">The subject to test is none a message can have.</exception>
    public static Subsz Collect(MonitoringSource source, SubszOptions? options = null)
    {
        options ??= new SubszOptions();
        var test = string.IsNullOrEmpty(options.Test) ? null : Encoding.UTF8.GetBytes(options.Test);
        if (test is not null && !SubjectRules.IsValidLiteral(test))
        {
            throw new MonitoringException($"invalid test subject, must be valid publish subject: {options.Test}");
        }
        var accounts = source.Accounts.All.Where(account => string.IsNullOrEmpty(options.Account) || account.Name == options.Account)
            .OrderBy(account => account.Name, StringComparer.Ordinal).ToList();
        var statistics = SublistStatistics.Of(accounts);
        var page = new Subsz
        {
            ServerId = source.ServerId,
            Now = MonitoringSource.Now,
            SubscriptionCount = statistics.SubscriptionCount,
            CacheEntries = statistics.CacheEntries,
            Inserts = statistics.Inserts,
            Removes = statistics.Removes,
            Matches = statistics.Matches,
            CacheHitRate = statistics.CacheHitRate,
            MaxFanout = statistics.MaxFanout,
            AverageFanout = statistics.AverageFanout,
            Offset = Math.Max(0, options.Offset),
            Limit = options.Limit > 0 ? options.Limit : SubszOptions.DefaultLimit,
        };
        return options.Subscriptions ? page.WithSubscriptions(accounts, test) : page;
    }

    private Subsz WithSubscriptions(List<Account> accounts, byte[]? test)
    {
        var all = new List<(Account Account, Subscription Subscription)>();
        foreach (var account in accounts)
        {
            foreach (var subscription in account.Subscriptions.ToList())
            {
                var isShown = !subscription.Subscriber.IsLink && (test is null || SubjectRules.Matches(test, subscription.Subject));
                if (isShown) all.Add((account, subscription));
            }
        }
        var shown = MonitoringText.Page(all, Offset, Limit);
        return this with
        {
            Total = all.Count,
            Subscriptions = shown.Count == 0 ? null : [.. shown.Select(one => Detail(one.Account, one.Subscription))],
        };
    }

    private static SubscriptionDetail Detail(Account account, Subscription subscription) =>
        SubscriptionDetail.Of(SubscriptionSnapshot.Of(subscription), subscription.Subscriber.ConnectionId) with
        {
            Account = account.Name,
            AccountTag = account.Name,
        };
}

/// <summary>Figures of one or more subscription tries.</summary>
public sealed record SublistStatistics
{
    [JsonPropertyName("num_subscriptions")] public required long SubscriptionCount { get; init; }
    [JsonPropertyName("num_cache")] public required long CacheEntries { get; init; }
    [JsonPropertyName("num_inserts")] public required long Inserts { get; init; }
    [JsonPropertyName("num_removes")] public required long Removes { get; init; }
    [JsonPropertyName("num_matches")] public required long Matches { get; init; }
    [JsonPropertyName("cache_hit_rate")] public required double CacheHitRate { get; init; }
    [JsonPropertyName("max_fanout")] public required int MaxFanout { get; init; }
    [JsonPropertyName("avg_fanout")] public required double AverageFanout { get; init; }

    internal static SublistStatistics Of(IReadOnlyCollection<Account> accounts)
    {
        var figures = accounts.Select(account => account.Subscriptions.Statistics).ToList();
        var fanouts = accounts.Select(account => account.Subscriptions.Fanout).ToList();
        var matches = figures.Sum(one => one.Matches);
        var answers = fanouts.Sum(one => one.Answers);
        return new SublistStatistics
        {
            SubscriptionCount = figures.Sum(one => (long)one.Subscriptions),
            CacheEntries = figures.Sum(one => (long)one.CacheEntries),
            Inserts = figures.Sum(one => one.Inserts),
            Removes = figures.Sum(one => one.Removes),
            Matches = matches,
            CacheHitRate = matches == 0 ? 0 : (double)figures.Sum(one => one.CacheHits) / matches,
            MaxFanout = fanouts.Select(one => one.Most).DefaultIfEmpty().Max(),
            AverageFanout = answers == 0 ? 0 : (double)fanouts.Sum(one => one.Total) / answers,
        };
    }
}
