using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>A stream that messages are copied from: a mirror's origin or a source.</summary>
public sealed record StreamSource
{
    /// <summary>The stream's name; in the account itself unless <see cref="External"/> says otherwise.</summary>
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public string Name { get; init; } = "";

    /// <summary>The sequence to begin with; 0: the first.</summary>
    [JsonPropertyName("opt_start_seq"), JsonPropertyOrder(2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong StartSequence { get; init; }

    /// <summary>The time to begin with.</summary>
    [JsonPropertyName("opt_start_time"), JsonPropertyOrder(3)] public ApiTime? StartTime { get; init; }

    /// <summary>The subjects to copy; null: all. Not together with transforms.</summary>
    [JsonPropertyName("filter_subject"), JsonPropertyOrder(4)] public string? FilterSubject { get; init; }

    /// <summary>Subjects to copy, and what they become.</summary>
    [JsonPropertyName("subject_transforms"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<SubjectTransformConfiguration> SubjectTransforms { get; init; }

    [JsonPropertyName("external"), JsonPropertyOrder(6)] public ExternalStream? External { get; init; }

    [JsonPropertyName("consumer"), JsonPropertyOrder(7)] public StreamConsumerSource? Consumer { get; init; }

    /// <summary>The stream's name, with a hash of its API's prefix when it is elsewhere.</summary>
    [JsonIgnore] public string OriginName => External is null ? Name : $"{Name}:{NodeHash.Of(External.ApiPrefix)}";

    /// <summary>
    /// Tells the sources of a stream apart, which may have the same origin: <c>origin filters destinations</c>. Stored
    /// messages carry it (<c>Nats-Stream-Source</c>), so it is upstream's to the byte.
    /// </summary>
    [JsonIgnore]
    public string IndexName
    {
        get
        {
            var origin = Consumer is null ? OriginName : $"{OriginName}:C={NodeHash.Of(Consumer.Name ?? "")}";
            if (SubjectTransforms.IsEmpty) return $"{origin} {FilterSubject ?? ">"} >";
            var sources = string.Join('\f', SubjectTransforms.Select(transform => transform.Source.Length == 0 ? ">" : transform.Source));
            var destinations = string.Join('\f', SubjectTransforms.Select(transform => transform.Destination.Length == 0 ? ">" : transform.Destination));
            return $"{origin} {sources} {destinations}";
        }
    }

    internal static StreamSource Read(ref ApiReader reader, StreamSource source)
    {
        if (!reader.Enter("StreamSource")) return source;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "name": source = source with { Name = reader.String(source.Name) }; break;
                case "opt_start_seq": source = source with { StartSequence = reader.ULong(source.StartSequence) }; break;
                case "opt_start_time": source = source with { StartTime = reader.Time() }; break;
                case "filter_subject": source = source with { FilterSubject = reader.Text(source.FilterSubject) }; break;
                case "subject_transforms": source = source with { SubjectTransforms = SubjectTransformConfiguration.ReadList(ref reader, source.SubjectTransforms) }; break;
                case "external": source = source with { External = reader.Object(source.External, new ExternalStream(), ExternalStream.Read) }; break;
                case "consumer": source = source with { Consumer = reader.Object(source.Consumer, new StreamConsumerSource(), StreamConsumerSource.Read) }; break;
                default: reader.Unknown(); break;
            }
        }
        return source;
    }
}

/// <summary>A stream of another account or domain: where its API is reached from here, and where its messages arrive.</summary>
public sealed record ExternalStream
{
    [JsonPropertyName("api"), JsonPropertyOrder(1)] public string ApiPrefix { get; init; } = "";

    [JsonPropertyName("deliver"), JsonPropertyOrder(2)] public string DeliverPrefix { get; init; } = "";

    internal static ExternalStream Read(ref ApiReader reader, ExternalStream external)
    {
        if (!reader.Enter("ExternalStream")) return external;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "api": external = external with { ApiPrefix = reader.String(external.ApiPrefix) }; break;
                case "deliver": external = external with { DeliverPrefix = reader.String(external.DeliverPrefix) }; break;
                default: reader.Unknown(); break;
            }
        }
        return external;
    }
}

/// <summary>A durable consumer made beforehand, which is used to copy.</summary>
public sealed record StreamConsumerSource
{
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public string? Name { get; init; }

    [JsonPropertyName("deliver_subject"), JsonPropertyOrder(2)] public string? DeliverSubject { get; init; }

    internal static StreamConsumerSource Read(ref ApiReader reader, StreamConsumerSource consumer)
    {
        if (!reader.Enter("StreamConsumerSource")) return consumer;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "name": consumer = consumer with { Name = reader.Text(consumer.Name) }; break;
                case "deliver_subject": consumer = consumer with { DeliverSubject = reader.Text(consumer.DeliverSubject) }; break;
                default: reader.Unknown(); break;
            }
        }
        return consumer;
    }
}
