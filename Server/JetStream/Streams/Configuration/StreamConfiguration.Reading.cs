using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Reading from JSON.</summary>
public sealed partial record StreamConfiguration
{
    /// <summary>Reads what a server stored; fields it does not know, maybe of a later version, are let pass.</summary>
    /// <param name="json">A stream configuration.</param>
    /// <param name="configuration">What was read.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ParseStored(ReadOnlySpan<byte> json, out StreamConfiguration configuration) =>
        ApiReader.ReadSingle(json, new StreamConfiguration(), Read, out configuration);

    internal static StreamConfiguration Read(ref ApiReader reader, StreamConfiguration configuration)
    {
        if (!reader.Enter("StreamConfig")) return configuration;
        while (reader.Next(out var field)) configuration = configuration.ReadField(ref reader, field);
        return configuration;
    }

    /// <summary>Reads the field at whose value the reader stands. Sizes and policies come first, flags of features in <see cref="ReadFeature"/>.</summary>
    internal StreamConfiguration ReadField(ref ApiReader reader, string field) => field switch
    {
        "name" => this with { Name = reader.String(Name) },
        "description" => this with { Description = reader.Text(Description) },
        "subjects" => this with { Subjects = reader.Strings(Subjects) },
        "retention" => this with { Retention = reader.Name<RetentionPolicy>(Retention, PolicyNames.TryRetention) },
        "max_consumers" => this with { MaxConsumers = reader.Long(MaxConsumers, "int") },
        "max_msgs" => this with { MaxMessages = reader.Long(MaxMessages) },
        "max_bytes" => this with { MaxBytes = reader.Long(MaxBytes) },
        "max_age" => this with { MaxAge = reader.Nanoseconds(MaxAge) },
        "max_msgs_per_subject" => this with { MaxMessagesPerSubject = reader.Long(MaxMessagesPerSubject) },
        "max_msg_size" => this with { MaxMessageSize = reader.Int32(MaxMessageSize) },
        "discard" => this with { Discard = reader.Name<DiscardPolicy>(Discard, PolicyNames.TryDiscard) },
        "storage" => this with { Storage = reader.Name<StorageType>(Storage, PolicyNames.TryStorage) },
        "num_replicas" => this with { Replicas = reader.Long(Replicas, "int") },
        "duplicate_window" => this with { DuplicateWindow = reader.Nanoseconds(DuplicateWindow) },
        "placement" => this with { Placement = reader.Object(Placement, new Placement(), Placement.Read) },
        "mirror" => this with { Mirror = reader.Object(Mirror, new StreamSource(), StreamSource.Read) },
        "sources" => this with { Sources = reader.List(Sources, "[]*server.StreamSource", new StreamSource(), StreamSource.Read) },
        "compression" => this with { Compression = ReadCompression(ref reader) },
        "first_seq" => this with { FirstSequence = reader.ULong(FirstSequence) },
        "subject_transform" => this with { SubjectTransform = reader.Object(SubjectTransform, new SubjectTransformConfiguration(), SubjectTransformConfiguration.Read) },
        "republish" => this with { Republish = reader.Object(Republish, new RepublishConfiguration(), RepublishConfiguration.Read) },
        "consumer_limits" => this with { ConsumerLimits = StreamConsumerLimits.Read(ref reader, ConsumerLimits) },
        "subject_delete_marker_ttl" => this with { SubjectDeleteMarkerTtl = reader.Nanoseconds(SubjectDeleteMarkerTtl) },
        "persist_mode" => this with { PersistMode = reader.Name<PersistMode>(PersistMode, PolicyNames.TryPersistMode) },
        "metadata" => this with { Metadata = reader.Metadata(Metadata) },
        _ => ReadFeature(ref reader, field),
    };

    private StreamConfiguration ReadFeature(ref ApiReader reader, string field)
    {
        switch (field)
        {
            case "no_ack": return this with { NoAck = reader.Bool(NoAck) };
            case "allow_direct": return this with { AllowDirect = reader.Bool(AllowDirect) };
            case "mirror_direct": return this with { MirrorDirect = reader.Bool(MirrorDirect) };
            case "discard_new_per_subject": return this with { DiscardNewPerSubject = reader.Bool(DiscardNewPerSubject) };
            case "sealed": return this with { Sealed = reader.Bool(Sealed) };
            case "deny_delete": return this with { DenyDelete = reader.Bool(DenyDelete) };
            case "deny_purge": return this with { DenyPurge = reader.Bool(DenyPurge) };
            case "allow_rollup_hdrs": return this with { AllowRollup = reader.Bool(AllowRollup) };
            case "allow_msg_ttl": return this with { AllowMessageTtl = reader.Bool(AllowMessageTtl) };
            case "allow_msg_counter": return this with { AllowMessageCounter = reader.Bool(AllowMessageCounter) };
            case "allow_atomic": return this with { AllowAtomicPublish = reader.Bool(AllowAtomicPublish) };
            case "allow_msg_schedules": return this with { AllowMessageSchedules = reader.Bool(AllowMessageSchedules) };
            case "allow_batched": return this with { AllowBatchPublish = reader.Bool(AllowBatchPublish) };
            default:
                reader.Unknown();
                return this;
        }
    }

    private static StoreCompression ReadCompression(ref ApiReader reader)
    {
        switch (reader.Word())
        {
            case "s2": return StoreCompression.S2;
            case "none": return StoreCompression.None;
            default:
                reader.Fail("unknown compression algorithm");
                return StoreCompression.None;
        }
    }
}
