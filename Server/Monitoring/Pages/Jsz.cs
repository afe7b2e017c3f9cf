using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /jsz is to show; keys are those of a request to the system account.</summary>
public sealed record JszOptions
{
    /// <summary>Only this one; it outweighs <see cref="Accounts"/>.</summary>
    [JsonPropertyName("account")] public string? Account { get; init; }
    /// <summary>All of them, by name, in pages.</summary>
    [JsonPropertyName("accounts")] public bool Accounts { get; init; }
    [JsonPropertyName("streams")] public bool Streams { get; init; }

    /// <summary>Of each stream, and so streams too.</summary>
    [JsonPropertyName("consumer")] public bool Consumer { get; init; }

    /// <summary>Beside the others those that servers made for mirrors and sources.</summary>
    [JsonPropertyName("direct_consumer")] public bool DirectConsumer { get; init; }
    [JsonPropertyName("config")] public bool Config { get; init; }

    /// <summary>Only the leader of the meta group answers.</summary>
    [JsonPropertyName("leader_only")] public bool LeaderOnly { get; init; }

    /// <summary>Accounts to leave out.</summary>
    [JsonPropertyName("offset")] public long Offset { get; init; }

    /// <summary>Accounts at most; 0: 1,024, below: all.</summary>
    [JsonPropertyName("limit")] public long Limit { get; init; }
    [JsonPropertyName("raft")] public bool Raft { get; init; }
    [JsonPropertyName("stream_leader_only")] public bool StreamLeaderOnly { get; init; }
}

/// <summary>/jsz: what JetStream holds. Keys are upstream's.</summary>
public sealed record Jsz : JetStreamStatistics
{
    private const long DefaultLimit = 1024;

    [JsonPropertyName("server_id")] public string ServerId { get; init; } = "";
    [JsonPropertyName("now")] public DateTimeOffset Now { get; init; }
    [JsonPropertyName("disabled"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Disabled { get; init; }
    [JsonPropertyName("config")] public JetStreamConfig Config { get; init; } = new();
    [JsonPropertyName("limits")] public JetStreamLimits? Limits { get; init; }
    [JsonPropertyName("streams")] public int Streams { get; init; }
    [JsonPropertyName("streams_leader"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int StreamsLed { get; init; }
    [JsonPropertyName("consumers")] public int Consumers { get; init; }
    [JsonPropertyName("consumers_leader"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int ConsumersLed { get; init; }
    [JsonPropertyName("messages")] public ulong Messages { get; init; }
    [JsonPropertyName("bytes")] public ulong Bytes { get; init; }
    [JsonPropertyName("meta_cluster")] public MetaCluster? Meta { get; init; }
    [JsonPropertyName("account_details")] public IReadOnlyList<JszAccount>? AccountDetails { get; init; }
    [JsonPropertyName("total")] public int Total { get; init; }

    /// <summary>A page around the figures.</summary>
    public Jsz(JetStreamStatistics statistics) : base(statistics)
    {
    }

    /// <summary>The state of this moment.</summary>
    /// <exception cref="MonitoringException">Only a leader is to answer.</exception>
    public static Jsz Collect(MonitoringSource source, JszOptions? options = null)
    {
        options ??= new JszOptions();
        if (source.JetStream() is not { } service)
        {
            if (options.LeaderOnly) throw new MonitoringException("filtered response: not leader") { IsForOthers = true };
            return new Jsz(new JetStreamStatistics()) { ServerId = source.ServerId, Now = MonitoringSource.Now, Disabled = true };
        }
        if (options.LeaderOnly && service.Meta is { IsLeading: false }) throw new MonitoringException("filtered response: not leader") { IsForOthers = true };
        if (options.Consumer) options = options with { Streams = true };
        var accounts = service.Engine.Accounts.Values.OrderBy(account => account.Account.Name, StringComparer.Ordinal).ToList();
        var streams = accounts.SelectMany(account => account.Hosts.Values).ToList();
        var shown = Choose(accounts, options).ToList();
        var consumers = streams.Sum(stream => stream.Consumers.Listed);
        return new Jsz(JetStreamStatistics.Of(service))
        {
            ServerId = source.ServerId,
            Now = MonitoringSource.Now,
            Config = JetStreamConfig.Of(service.Engine, source.Options.JetStream),
            Limits = JetStreamLimits.Of(source.Options.JetStream.Limits),
            Streams = streams.Count,
            StreamsLed = options.Raft || service.Meta is not null ? streams.Count(stream => stream.Leads) : 0,
            Meta = MetaCluster.Of(service),
            Consumers = consumers,
            ConsumersLed = options.Raft || service.Meta is not null ? streams.Sum(stream => stream.Consumers.Led) : 0,
            Messages = streams.Aggregate(0UL, (sum, stream) => sum + stream.State.Messages),
            Bytes = streams.Aggregate(0UL, (sum, stream) => sum + stream.State.Bytes),
            AccountDetails = shown.Count == 0 ? null : JszAccount.Of(source, service, shown, options),
            Total = accounts.Count,
        };
    }

    private static IEnumerable<AccountStreams> Choose(List<AccountStreams> accounts, JszOptions options)
    {
        if (accounts.Find(account => account.Account.Name == options.Account) is { } one) return [one];
        if (!options.Accounts && !(options.Streams && string.IsNullOrEmpty(options.Account))) return [];
        var limit = options.Limit == 0 ? DefaultLimit : options.Limit;
        return limit < 0 ? accounts : accounts.Skip((int)Math.Clamp(options.Offset, 0, accounts.Count)).Take((int)Math.Min(limit, accounts.Count));
    }
}
