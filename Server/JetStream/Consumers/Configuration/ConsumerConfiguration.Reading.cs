using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>Reading from JSON.</summary>
public sealed partial record ConsumerConfiguration
{
    /// <summary>Reads what a server stored; fields it does not know, maybe of a later version, are let pass.</summary>
    /// <param name="json">A consumer's configuration.</param>
    /// <param name="configuration">What was read.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ParseStored(ReadOnlySpan<byte> json, out ConsumerConfiguration configuration) =>
        ApiReader.ReadSingle(json, new ConsumerConfiguration(), Read, out configuration);

    internal static ConsumerConfiguration Read(ref ApiReader reader, ConsumerConfiguration configuration)
    {
        if (!reader.Enter("ConsumerConfig")) return configuration;
        while (reader.Next(out var field)) configuration = configuration.ReadField(ref reader, field);
        return configuration;
    }

    /// <summary>Reads the field at whose value the reader stands: what every consumer may have. Others in <see cref="ReadOption"/>.</summary>
    private ConsumerConfiguration ReadField(ref ApiReader reader, string field) => field switch
    {
        "durable_name" => this with { Durable = reader.Text(Durable) },
        "name" => this with { Name = reader.Text(Name) },
        "description" => this with { Description = reader.Text(Description) },
        "deliver_policy" => this with { DeliverPolicy = reader.Name<DeliverPolicy>(DeliverPolicy, ConsumerPolicyNames.TryDeliver) },
        "opt_start_seq" => this with { StartSequence = reader.ULong(StartSequence) },
        "opt_start_time" => this with { StartTime = reader.Time() },
        "ack_policy" => this with { AckPolicy = reader.Name<AckPolicy>(AckPolicy, ConsumerPolicyNames.TryAck) },
        "ack_wait" => this with { AckWait = reader.Nanoseconds(AckWait) },
        "max_deliver" => this with { MaxDeliver = reader.Long(MaxDeliver, "int") },
        "backoff" => this with { Backoff = ReadBackoff(ref reader, Backoff) },
        "filter_subject" => this with { FilterSubject = reader.Text(FilterSubject) },
        "filter_subjects" => this with { FilterSubjects = reader.Strings(FilterSubjects) },
        "replay_policy" => this with { ReplayPolicy = reader.Name<ReplayPolicy>(ReplayPolicy, ConsumerPolicyNames.TryReplay) },
        "sample_freq" => this with { SampleFrequency = reader.Text(SampleFrequency) },
        "max_ack_pending" => this with { MaxAckPending = reader.Long(MaxAckPending, "int") },
        "headers_only" => this with { HeadersOnly = reader.Bool(HeadersOnly) },
        "inactive_threshold" => this with { InactiveThreshold = reader.Nanoseconds(InactiveThreshold) },
        "num_replicas" => this with { Replicas = reader.Long(Replicas, "int") },
        "mem_storage" => this with { MemoryStorage = reader.Bool(MemoryStorage) },
        "metadata" => this with { Metadata = reader.Metadata(Metadata) },
        "pause_until" => this with { PauseUntil = reader.Time() },
        _ => ReadOption(ref reader, field),
    };

    /// <summary>What only consumers of some kind have.</summary>
    private ConsumerConfiguration ReadOption(ref ApiReader reader, string field)
    {
        switch (field)
        {
            case "rate_limit_bps": return this with { RateLimit = reader.ULong(RateLimit) };
            case "max_waiting": return this with { MaxWaiting = reader.Long(MaxWaiting, "int") };
            case "flow_control": return this with { FlowControl = reader.Bool(FlowControl) };
            case "max_batch": return this with { MaxRequestBatch = reader.Long(MaxRequestBatch, "int") };
            case "max_expires": return this with { MaxRequestExpires = reader.Nanoseconds(MaxRequestExpires) };
            case "max_bytes": return this with { MaxRequestBytes = reader.Long(MaxRequestBytes, "int") };
            case "deliver_subject": return this with { DeliverSubject = reader.Text(DeliverSubject) };
            case "deliver_group": return this with { DeliverGroup = reader.Text(DeliverGroup) };
            case "idle_heartbeat": return this with { Heartbeat = reader.Nanoseconds(Heartbeat) };
            case "direct": return this with { Direct = reader.Bool(Direct) };
            case "sourcing": return this with { Sourcing = reader.Bool(Sourcing) };
            case "priority_groups": return this with { PriorityGroups = reader.Strings(PriorityGroups) };
            case "priority_policy":
                return this with { PriorityPolicy = reader.Name<PriorityPolicy>(PriorityPolicy, ConsumerPolicyNames.TryPriority, static token => $"unknown priority policy: {token}") };
            case "priority_timeout": return this with { PinnedTtl = reader.Nanoseconds(PinnedTtl) };
            default:
                reader.Unknown();
                return this;
        }
    }

    private static ValueList<long> ReadBackoff(ref ApiReader reader, ValueList<long> backoff) =>
        reader.List(backoff, "[]time.Duration", 0L, static (ref ApiReader element, long span) => element.Nanoseconds(span));
}
