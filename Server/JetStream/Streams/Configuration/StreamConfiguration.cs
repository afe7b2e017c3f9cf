using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>
/// What a stream is to be, at API level 4. Immutable; compared by value. Names, order and what is left out of the JSON
/// are upstream's. As it stands in a request it may hold anything; <see cref="StreamValidation"/> says what goes.
/// </summary>
public sealed partial record StreamConfiguration
{
    /// <summary>At most 255 bytes, no blanks, no <c>.*&gt;/\</c>.</summary>
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public string Name { get; init; } = "";

    /// <summary>At most 4 KiB.</summary>
    [JsonPropertyName("description"), JsonPropertyOrder(2)] public string? Description { get; init; }

    /// <summary>What it captures; none for mirrors and streams that only source.</summary>
    [JsonPropertyName("subjects"), JsonPropertyOrder(3), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> Subjects { get; init; }

    [JsonPropertyName("retention"), JsonPropertyOrder(4)] public RetentionPolicy Retention { get; init; }

    /// <summary>Consumers it may have; -1: as many as there are.</summary>
    [JsonPropertyName("max_consumers"), JsonPropertyOrder(5)] public long MaxConsumers { get; init; }

    /// <summary>Messages; -1: unlimited.</summary>
    [JsonPropertyName("max_msgs"), JsonPropertyOrder(6)] public long MaxMessages { get; init; }

    /// <summary>Bytes, headers, subjects and what a record costs included; -1: unlimited.</summary>
    [JsonPropertyName("max_bytes"), JsonPropertyOrder(7)] public long MaxBytes { get; init; }

    /// <summary>Nanoseconds, at least 100 ms; 0: for ever.</summary>
    [JsonPropertyName("max_age"), JsonPropertyOrder(8)] public long MaxAge { get; init; }

    /// <summary>Messages of one subject; -1: unlimited.</summary>
    [JsonPropertyName("max_msgs_per_subject"), JsonPropertyOrder(9)] public long MaxMessagesPerSubject { get; init; }

    /// <summary>Bytes of headers and payload; -1: what the server allows.</summary>
    [JsonPropertyName("max_msg_size"), JsonPropertyOrder(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int MaxMessageSize { get; init; }

    [JsonPropertyName("discard"), JsonPropertyOrder(11)] public DiscardPolicy Discard { get; init; }

    [JsonPropertyName("storage"), JsonPropertyOrder(12)] public StorageType Storage { get; init; }

    /// <summary>1 to 5.</summary>
    [JsonPropertyName("num_replicas"), JsonPropertyOrder(13)] public long Replicas { get; init; }

    /// <summary>Publishers get no acknowledgements.</summary>
    [JsonPropertyName("no_ack"), JsonPropertyOrder(14), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool NoAck { get; init; }

    /// <summary>Nanoseconds for which message ids are remembered, at least 100 ms; 0 for mirrors and streams that source: not at all.</summary>
    [JsonPropertyName("duplicate_window"), JsonPropertyOrder(15), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long DuplicateWindow { get; init; }

    [JsonPropertyName("placement"), JsonPropertyOrder(16)] public Placement? Placement { get; init; }

    [JsonPropertyName("mirror"), JsonPropertyOrder(17)] public StreamSource? Mirror { get; init; }

    [JsonPropertyName("sources"), JsonPropertyOrder(18), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<StreamSource> Sources { get; init; }

    [JsonPropertyName("compression"), JsonPropertyOrder(19)] public StoreCompression Compression { get; init; }

    /// <summary>Sequence of the first message; 0: 1.</summary>
    [JsonPropertyName("first_seq"), JsonPropertyOrder(20), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong FirstSequence { get; init; }

    /// <summary>Rewrites subjects before anything else is done.</summary>
    [JsonPropertyName("subject_transform"), JsonPropertyOrder(21)] public SubjectTransformConfiguration? SubjectTransform { get; init; }

    /// <summary>Stored messages are published again.</summary>
    [JsonPropertyName("republish"), JsonPropertyOrder(22)] public RepublishConfiguration? Republish { get; init; }

    /// <summary>Every replica answers direct gets.</summary>
    [JsonPropertyName("allow_direct"), JsonPropertyOrder(23)] public bool AllowDirect { get; init; }

    /// <summary>A mirror answers direct gets for its origin.</summary>
    [JsonPropertyName("mirror_direct"), JsonPropertyOrder(24)] public bool MirrorDirect { get; init; }

    /// <summary>A full subject refuses messages too, not only a full stream.</summary>
    [JsonPropertyName("discard_new_per_subject"), JsonPropertyOrder(25), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool DiscardNewPerSubject { get; init; }

    /// <summary>Nothing goes in or out any more; for good.</summary>
    [JsonPropertyName("sealed"), JsonPropertyOrder(26)] public bool Sealed { get; init; }

    /// <summary>No message may be deleted through the API; for good.</summary>
    [JsonPropertyName("deny_delete"), JsonPropertyOrder(27)] public bool DenyDelete { get; init; }

    /// <summary>The stream may not be purged through the API; for good.</summary>
    [JsonPropertyName("deny_purge"), JsonPropertyOrder(28)] public bool DenyPurge { get; init; }

    /// <summary>A message may replace those before it (<c>Nats-Rollup</c>).</summary>
    [JsonPropertyName("allow_rollup_hdrs"), JsonPropertyOrder(29)] public bool AllowRollup { get; init; }

    [JsonPropertyName("consumer_limits"), JsonPropertyOrder(30)] public StreamConsumerLimits ConsumerLimits { get; init; } = new();

    /// <summary>Messages may bring their own time to live (<c>Nats-TTL</c>).</summary>
    [JsonPropertyName("allow_msg_ttl"), JsonPropertyOrder(31)] public bool AllowMessageTtl { get; init; }

    /// <summary>Nanoseconds for which a marker stands where the last message of a subject aged out, at least 1 s; 0: no markers.</summary>
    [JsonPropertyName("subject_delete_marker_ttl"), JsonPropertyOrder(32), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long SubjectDeleteMarkerTtl { get; init; }

    /// <summary>Subjects are counters (<c>Nats-Incr</c>).</summary>
    [JsonPropertyName("allow_msg_counter"), JsonPropertyOrder(33), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AllowMessageCounter { get; init; }

    [JsonPropertyName("allow_atomic"), JsonPropertyOrder(34), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AllowAtomicPublish { get; init; }

    [JsonPropertyName("allow_msg_schedules"), JsonPropertyOrder(35), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AllowMessageSchedules { get; init; }

    [JsonPropertyName("persist_mode"), JsonPropertyOrder(36), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public PersistMode PersistMode { get; init; }

    /// <summary>Fast batches.</summary>
    [JsonPropertyName("allow_batched"), JsonPropertyOrder(37), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AllowBatchPublish { get; init; }

    /// <summary>Names and values of the user's, and upstream's that begin with <c>_nats.</c>; together at most 128 KiB.</summary>
    [JsonPropertyName("metadata"), JsonPropertyOrder(38), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public AssetMetadata Metadata { get; init; }
}
