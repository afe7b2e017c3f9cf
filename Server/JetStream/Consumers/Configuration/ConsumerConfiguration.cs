using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>
/// What a consumer is to be, at API level 4. Immutable; compared by value. Names, order and what is left out of the JSON
/// are upstream's.
/// </summary>
public sealed partial record ConsumerConfiguration
{
    /// <summary>Null: it goes when nobody uses it.</summary>
    [JsonPropertyName("durable_name"), JsonPropertyOrder(1)] public string? Durable { get; init; }

    [JsonPropertyName("name"), JsonPropertyOrder(2)] public string? Name { get; init; }

    /// <summary>At most 4 KiB.</summary>
    [JsonPropertyName("description"), JsonPropertyOrder(3)] public string? Description { get; init; }

    [JsonPropertyName("deliver_policy"), JsonPropertyOrder(4)] public DeliverPolicy DeliverPolicy { get; init; }

    /// <summary>Of <see cref="DeliverPolicy.ByStartSequence"/>.</summary>
    [JsonPropertyName("opt_start_seq"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong StartSequence { get; init; }

    /// <summary>Of <see cref="DeliverPolicy.ByStartTime"/>.</summary>
    [JsonPropertyName("opt_start_time"), JsonPropertyOrder(6)] public ApiTime? StartTime { get; init; }

    [JsonPropertyName("ack_policy"), JsonPropertyOrder(7)] public AckPolicy AckPolicy { get; init; }

    /// <summary>Nanoseconds after which what is not acknowledged is delivered again.</summary>
    [JsonPropertyName("ack_wait"), JsonPropertyOrder(8), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long AckWait { get; init; }

    /// <summary>Deliveries of one message; -1: any number.</summary>
    [JsonPropertyName("max_deliver"), JsonPropertyOrder(9), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxDeliver { get; init; }

    /// <summary>Nanoseconds before each further delivery; the last one counts for all that follow.</summary>
    [JsonPropertyName("backoff"), JsonPropertyOrder(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<long> Backoff { get; init; }

    [JsonPropertyName("filter_subject"), JsonPropertyOrder(11)] public string? FilterSubject { get; init; }

    [JsonPropertyName("filter_subjects"), JsonPropertyOrder(12), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> FilterSubjects { get; init; }

    [JsonPropertyName("replay_policy"), JsonPropertyOrder(13)] public ReplayPolicy ReplayPolicy { get; init; }

    /// <summary>Bits per second; 0: as fast as it goes.</summary>
    [JsonPropertyName("rate_limit_bps"), JsonPropertyOrder(14), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong RateLimit { get; init; }

    /// <summary>Per cent of acknowledgements that are reported.</summary>
    [JsonPropertyName("sample_freq"), JsonPropertyOrder(15)] public string? SampleFrequency { get; init; }

    /// <summary>Pull requests that may wait.</summary>
    [JsonPropertyName("max_waiting"), JsonPropertyOrder(16), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxWaiting { get; init; }

    /// <summary>Messages that may wait for an acknowledgement; -1: any number.</summary>
    [JsonPropertyName("max_ack_pending"), JsonPropertyOrder(17), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxAckPending { get; init; }

    [JsonPropertyName("flow_control"), JsonPropertyOrder(18), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool FlowControl { get; init; }

    /// <summary>Payloads stay behind; their size is told.</summary>
    [JsonPropertyName("headers_only"), JsonPropertyOrder(19), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool HeadersOnly { get; init; }

    /// <summary>Messages of one pull request at most; 0: any number.</summary>
    [JsonPropertyName("max_batch"), JsonPropertyOrder(20), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxRequestBatch { get; init; }

    /// <summary>Nanoseconds that a pull request may wait at most; 0: any time.</summary>
    [JsonPropertyName("max_expires"), JsonPropertyOrder(21), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxRequestExpires { get; init; }

    /// <summary>Bytes of one pull request at most; 0: any number.</summary>
    [JsonPropertyName("max_bytes"), JsonPropertyOrder(22), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxRequestBytes { get; init; }

    /// <summary>Where messages are pushed; null: they are pulled.</summary>
    [JsonPropertyName("deliver_subject"), JsonPropertyOrder(23)] public string? DeliverSubject { get; init; }

    /// <summary>Queue group of <see cref="DeliverSubject"/>.</summary>
    [JsonPropertyName("deliver_group"), JsonPropertyOrder(24)] public string? DeliverGroup { get; init; }

    /// <summary>Nanoseconds without a message after which a push consumer gives a sign of life.</summary>
    [JsonPropertyName("idle_heartbeat"), JsonPropertyOrder(25), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long Heartbeat { get; init; }

    /// <summary>Nanoseconds without use after which it goes; 0: a durable one stays.</summary>
    [JsonPropertyName("inactive_threshold"), JsonPropertyOrder(26), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long InactiveThreshold { get; init; }

    /// <summary>0: as many as the stream.</summary>
    [JsonPropertyName("num_replicas"), JsonPropertyOrder(27)] public long Replicas { get; init; }

    /// <summary>How far it is, is kept in memory only.</summary>
    [JsonPropertyName("mem_storage"), JsonPropertyOrder(28), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool MemoryStorage { get; init; }

    /// <summary>Made by a server for a mirror or source.</summary>
    [JsonPropertyName("direct"), JsonPropertyOrder(29), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Direct { get; init; }

    [JsonPropertyName("sourcing"), JsonPropertyOrder(30), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Sourcing { get; init; }

    [JsonPropertyName("metadata"), JsonPropertyOrder(31), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public AssetMetadata Metadata { get; init; }

    /// <summary>Nothing is delivered before.</summary>
    [JsonPropertyName("pause_until"), JsonPropertyOrder(32)] public ApiTime? PauseUntil { get; init; }

    [JsonPropertyName("priority_groups"), JsonPropertyOrder(33), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> PriorityGroups { get; init; }

    [JsonPropertyName("priority_policy"), JsonPropertyOrder(34), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public PriorityPolicy PriorityPolicy { get; init; }

    /// <summary>Nanoseconds without a request after which a pinned client is pinned no more.</summary>
    [JsonPropertyName("priority_timeout"), JsonPropertyOrder(35), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long PinnedTtl { get; init; }
}
