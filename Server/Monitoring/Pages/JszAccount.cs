using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>An account of /jsz.</summary>
public sealed record JszAccount : JetStreamStatistics
{
    /// <summary>Streams tell at once how their consumers stand; longer than this nobody waits for one that is held up.</summary>
    private static readonly TimeSpan SurveyLimit = TimeSpan.FromSeconds(2);

    [JsonPropertyName("name"), JsonPropertyOrder(-20)] public required string Name { get; init; }
    [JsonPropertyName("id"), JsonPropertyOrder(-19)] public required string Id { get; init; }
    [JsonPropertyName("stream_detail")] public IReadOnlyList<JszStream>? Streams { get; init; }

    /// <summary>The one account that is asked for.</summary>
    /// <exception cref="MonitoringException">There is no such account, or it has no JetStream.</exception>
    public static JszAccount Collect(MonitoringSource source, JszOptions options)
    {
        if (source.JetStream() is not { } service) throw new MonitoringException("jetstream not enabled");
        if (source.Accounts.Find(options.Account!) is not { } account) throw new MonitoringException($"account \"{options.Account}\" not found");
        if (service.Engine.Find(account) is not { } streams) throw new MonitoringException($"account \"{options.Account}\" not jetstream enabled");
        return Of(source, service, [streams], options)[0];
    }

    internal static List<JszAccount> Of(MonitoringSource source, JetStreamService service, IReadOnlyList<AccountStreams> accounts, JszOptions options)
    {
        var surveyed = options is { Streams: true, Consumer: true } ? accounts.SelectMany(account => account.Hosts.Values) : [];
        var survey = service.Survey(surveyed, SurveyLimit);
        return [.. accounts.Select(account => Of(source, service, account, options, survey))];
    }

    private static JszAccount Of(MonitoringSource source, JetStreamService service, AccountStreams account, JszOptions options, ConsumerSurvey survey)
    {
        var requests = service.RequestsOf(account.Account);
        return new JszAccount
        {
            Name = account.Account.Name,
            Id = account.Account.Name,
            Memory = account.Used(StorageType.Memory),
            Storage = account.Used(StorageType.File),
            ReservedMemory = (ulong)account.Limits.MaxMemory,
            ReservedStorage = (ulong)account.Limits.MaxStorage,
            Api = new JszApi(0, requests.Total, requests.Errors),
            Streams = options.Streams && !account.Hosts.IsEmpty
                ? [.. account.Hosts.Values.Where(stream => stream.Leads || !options.StreamLeaderOnly).Select(stream => JszStream.Of(service.InfoOf(stream), survey.Of(stream), source.ServerName, options))]
                : null,
        };
    }
}

/// <summary>A stream of /jsz.</summary>
public sealed record JszStream
{
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("created")] public required ApiTime Created { get; init; }
    [JsonPropertyName("cluster")] public ClusterInfo? Cluster { get; init; }
    [JsonPropertyName("config")] public StreamConfiguration? Configuration { get; init; }
    [JsonPropertyName("state")] public required StreamState State { get; init; }
    [JsonPropertyName("consumer_detail")] public IReadOnlyList<ConsumerInfo>? Consumers { get; init; }
    [JsonPropertyName("direct_consumer_detail")] public IReadOnlyList<ConsumerInfo>? DirectConsumers { get; init; }
    [JsonPropertyName("mirror")] public StreamSourceInfo? Mirror { get; init; }
    [JsonPropertyName("sources"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<StreamSourceInfo> Sources { get; init; }

    [JsonPropertyName("stream_raft_group"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? RaftGroup { get; init; }
    [JsonPropertyName("consumer_raft_groups"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<JszRaftGroup>? ConsumerRaftGroups { get; init; }

    internal static JszStream Of(StreamInfo info, IReadOnlyList<ConsumerInfo> consumers, string server, JszOptions options) => new()
    {
        Name = info.Configuration.Name,
        Created = info.Created,
        Cluster = info.Cluster ?? new ClusterInfo { Leader = server },
        Configuration = options.Config ? info.Configuration : null,
        State = info.State,
        Consumers = Choose(consumers, isDirect: false, options),
        DirectConsumers = options.DirectConsumer ? Choose(consumers, isDirect: true, options) : null,
        Mirror = info.Mirror,
        Sources = info.Sources,
        RaftGroup = options.Raft ? info.Cluster?.RaftGroup : null,
        ConsumerRaftGroups = options.Raft && info.Cluster?.RaftGroup is not null ? GroupsOf(consumers) : null,
    };

    /// <summary>Null: none has one.</summary>
    private static List<JszRaftGroup>? GroupsOf(IReadOnlyList<ConsumerInfo> consumers)
    {
        var groups = consumers.Where(consumer => !consumer.Configuration!.Direct && consumer.Cluster?.RaftGroup is not null).Select(consumer => new JszRaftGroup(consumer.Name, consumer.Cluster!.RaftGroup!)).ToList();
        return groups.Count == 0 ? null : groups;
    }

    /// <summary>Null: there are none.</summary>
    private static List<ConsumerInfo>? Choose(IReadOnlyList<ConsumerInfo> consumers, bool isDirect, JszOptions options)
    {
        var chosen = consumers.Where(consumer => consumer.Configuration!.Direct == isDirect).Select(consumer => options.Config ? consumer : consumer with { Configuration = null }).ToList();
        return chosen.Count == 0 ? null : chosen;
    }
}

/// <summary>The group of a consumer.</summary>
public sealed record JszRaftGroup([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("raft_group")] string Group);
