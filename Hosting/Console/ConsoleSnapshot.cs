using System.Text.Json.Serialization;

namespace NatsAspire.Hosting;

/// <summary>All that the console shows, at one moment.</summary>
public sealed record ConsoleSnapshot
{
    public IReadOnlyList<ClusterView> Clusters { get; init; } = [];

    /// <summary>A meta group for each super-cluster, and each leaf node with JetStream.</summary>
    public IReadOnlyList<MetaView> MetaGroups { get; init; } = [];

    public IReadOnlyList<StreamView> Streams { get; init; } = [];

    /// <summary>More streams than are shown.</summary>
    public int StreamsLeftOut { get; init; }

    /// <summary>Accounts that the topology names; empty: one for all.</summary>
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>Newest first.</summary>
    public IReadOnlyList<ElectionView> Elections { get; init; } = [];
}

/// <summary>A cluster or leaf node.</summary>
public sealed record ClusterView(string Name, bool IsLeaf, string? Hub, string? Domain, IReadOnlyList<string> Gateways, IReadOnlyList<ServerView> Servers);

/// <summary>A server. Rates are per second since the look before.</summary>
public sealed record ServerView(string Name, string Client, string Monitor)
{
    /// <summary>"ready", "starting", "unhealthy", "failed" or "stopped".</summary>
    public string State { get; init; } = "stopped";

    /// <summary>The state in words, as its own error.</summary>
    public string Text { get; init; } = "";

    public int Pid { get; init; }

    public int Crashes { get; init; }

    public string Version { get; init; } = "";

    public string Uptime { get; init; } = "";

    public int Connections { get; init; }

    public int Subscriptions { get; init; }

    public long SlowConsumers { get; init; }

    /// <summary>Bytes.</summary>
    public long Memory { get; init; }

    /// <summary>Percent of one core.</summary>
    public double Cpu { get; init; }

    public double MessagesIn { get; init; }

    public double MessagesOut { get; init; }

    public double BytesIn { get; init; }

    public double BytesOut { get; init; }

    /// <summary>Bytes of streams on disk and in memory.</summary>
    public long Stored { get; init; }

    public bool LeadsMeta { get; init; }

    /// <summary>Streams it leads.</summary>
    public int StreamsLed { get; init; }

    /// <summary>Servers it has routes to.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];

    /// <summary>Clusters it has a gateway to.</summary>
    public IReadOnlyList<string> Gateways { get; init; } = [];

    /// <summary>Connections to its hub; of a hub, from leaf nodes.</summary>
    public int Leafs { get; init; }
}

/// <summary>A meta group.</summary>
/// <param name="Name">Of its clusters.</param>
/// <param name="Leader">Null: nobody leads.</param>
/// <param name="Size">Servers that belong to it.</param>
/// <param name="Clusters">Whose servers they are.</param>
/// <param name="Replicas">Its servers without the leader, as the leader tells of them.</param>
public sealed record MetaView(string Name, string? Leader, int Size, IReadOnlyList<string> Clusters, IReadOnlyList<ReplicaView> Replicas);

/// <summary>A stream.</summary>
public sealed record StreamView(string Account, string Name, string Cluster)
{
    /// <summary>Null: nobody leads.</summary>
    public string? Leader { get; init; }

    public long Messages { get; init; }

    public long Bytes { get; init; }

    public long LastSequence { get; init; }

    /// <summary>Without the leader.</summary>
    public IReadOnlyList<ReplicaView> Replicas { get; init; } = [];

    public IReadOnlyList<ConsumerView> Consumers { get; init; } = [];

    /// <summary>More consumers than are shown.</summary>
    public int ConsumersLeftOut { get; init; }
}

/// <summary>A replica that follows.</summary>
/// <param name="Server">Where.</param>
/// <param name="IsCurrent">It has what the leader has.</param>
/// <param name="IsOffline">The leader does not hear it.</param>
/// <param name="Lag">Entries it is behind.</param>
public sealed record ReplicaView(string Server, bool IsCurrent, bool IsOffline, long Lag);

/// <summary>A consumer.</summary>
/// <param name="Name">In its stream.</param>
/// <param name="Leader">Null: nobody leads.</param>
/// <param name="Replicas">Without the leader.</param>
/// <param name="Pending">Messages it has not delivered yet.</param>
/// <param name="AckPending">Messages that wait for an acknowledgement.</param>
/// <param name="Redelivered">Of those, messages delivered more than once.</param>
public sealed record ConsumerView(string Name, string? Leader, IReadOnlyList<ReplicaView> Replicas, long Pending, long AckPending, long Redelivered);

/// <summary>Somebody began to lead.</summary>
/// <param name="Time">When the console saw it.</param>
/// <param name="What">The meta group, or a stream.</param>
/// <param name="Leader">Who leads now.</param>
/// <param name="Before">Who led before; null: nobody known.</param>
public sealed record ElectionView(DateTimeOffset Time, string What, string Leader, string? Before);

/// <summary>A line of a server's log, or of the runner's.</summary>
/// <param name="Number">Counts up.</param>
/// <param name="Server">Null: the runner.</param>
/// <param name="Level">INF, WRN, ERR, FTL, DBG or TRC; the runner's: RUN.</param>
/// <param name="Text">The line.</param>
public sealed record LogView(long Number, string? Server, string Level, string Text);

/// <summary>What a button asks for.</summary>
internal sealed record CommandRequest
{
    /// <summary>A name of <see cref="ServerCommand"/>, or StepDownMeta, StepDownStream, StepDownConsumer, Trace.</summary>
    public string Command { get; init; } = "";

    public string? Server { get; init; }

    public string? Cluster { get; init; }

    public string? Account { get; init; }

    public string? Stream { get; init; }

    public string? Consumer { get; init; }

    public string? Subject { get; init; }

    /// <summary>Of a traced message.</summary>
    public string? Payload { get; init; }

    /// <summary>A traced message is delivered and stored too.</summary>
    public bool Deliver { get; init; }
}

/// <summary>What came of it.</summary>
internal sealed record CommandResponse(bool Done, string Text)
{
    /// <summary>Of a trace: what happened, along the message's way.</summary>
    public IReadOnlyList<TraceHop>? Hops { get; init; }
}

/// <summary>Something a traced message did at a server.</summary>
/// <param name="Server">Where.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Depth">Servers it passed before.</param>
/// <param name="Kind">"in", "eg", "js" …, as the protocol names it.</param>
/// <param name="By">By what kind of connection: client, route, gateway, leaf node, JetStream.</param>
/// <param name="Event">In words.</param>
/// <param name="Error">Why it went no further; null: it did.</param>
internal sealed record TraceHop(string Server, string Cluster, int Depth, string Kind, string By, string Event, string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConsoleSnapshot))]
[JsonSerializable(typeof(LogView[]))]
[JsonSerializable(typeof(CommandRequest))]
[JsonSerializable(typeof(CommandResponse))]
internal sealed partial class ConsoleJson : JsonSerializerContext;
