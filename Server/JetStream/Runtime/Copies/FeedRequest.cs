using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// What a stream that copies asks of an origin elsewhere (ADR-60). One that was made beforehand begins again. Otherwise the origin is asked
/// for a consumer that it knows again by its name: a durable one that acknowledges, where messages go when they are acknowledged, and else one
/// that lives as long as it is listened to. An origin that does not know of such is asked for the latter, under a name of its own.
/// </summary>
/// <param name="source">The origin.</param>
/// <param name="identity">Who copies.</param>
internal sealed class FeedRequest(StreamSource source, CopyIdentity identity)
{
    private const string Api = "$JS.API";
    private const long Second = 1_000_000_000;

    private readonly bool _isMirror = identity.Copy.Mirror is not null;
    private string _deliverTo = "";
    private string _name = "";
    private bool _isPlain;
    private bool _isPassing;

    /// <summary>The consumer exists already; answers to its flow control are acknowledgements.</summary>
    public bool IsDurable => source.Consumer is not null;

    /// <summary>Nothing can come before the origin has answered: the consumer is new, and nobody else's.</summary>
    public bool IsNew => !IsDurable && _isPlain;

    /// <summary>Where it is asked.</summary>
    public byte[] Subject => Encoding.UTF8.GetBytes(Prefixed(
        IsDurable ? $"{Api}.CONSUMER.RESET.{source.Name}.{_name}"
        : Filter.Length > 0 ? $"{Api}.CONSUMER.CREATE.{source.Name}.{_name}.{Filter}"
        : $"{Api}.CONSUMER.CREATE.{source.Name}"));

    /// <summary>What must be known there, to ask for a consumer that is known again.</summary>
    public ReadOnlySpan<byte> Headers => IsDurable || _isPlain ? default : "NATS/1.0\r\nNats-Required-Api-Level: 4\r\n\r\n"u8;

    /// <summary>A request of the origin's API that is listened to whenever it can be reached.</summary>
    public byte[] Way => Encoding.UTF8.GetBytes(Prefixed($"{Api}.STREAM.INFO.{source.Name}"));

    private string Filter => source.SubjectTransforms is [var only] ? only.Source : source.FilterSubject ?? "";

    /// <summary>Where answers come.</summary>
    public static string NewInbox() => $"$JSC.R.{UniqueId.Next()}";

    /// <summary>Where it is said that a consumer of an origin is not needed any more.</summary>
    public static byte[] RemovalOf(StreamSource source, string consumer) => Encoding.UTF8.GetBytes(Prefixed(source, $"{Api}.CONSUMER.DELETE.{source.Name}.{consumer}"));

    /// <summary>A new attempt.</summary>
    /// <returns>The consumer's name as far as it is known, and where its messages come: nobody else's come there, but to a durable one's.</returns>
    public (string Consumer, string DeliverTo) Begin()
    {
        // Until the origin has answered, the name may be that of one that is to be there for whoever leads next.
        _isPassing = IsNew;
        if (source.Consumer is { } durable) return (_name, _deliverTo) = (durable.Name ?? "", durable.DeliverSubject ?? "");
        var id = UniqueId.Next();
        _name = !_isPlain ? identity.ConsumerOf(source) : Filter.Length > 0 ? $"{identity.ConsumerOf(source)}_{id}" : "";
        var letter = _isMirror ? "M" : "S";
        var prefix = source.External is { DeliverPrefix.Length: > 0 } external ? $"{external.DeliverPrefix}.{letter}" : $"$JS.{letter}";
        _deliverTo = $"{prefix}.{id}".Replace("..", ".", StringComparison.Ordinal);
        return (_name, _deliverTo);
    }

    /// <summary>What is asked.</summary>
    /// <param name="next">The origin's sequence to go on with.</param>
    /// <param name="isPlaced">False: nothing was copied yet, and the configuration says where to begin.</param>
    public byte[] Body(ulong next, bool isPlaced)
    {
        if (IsDurable) return [];
        var (policy, time) = !isPlaced && source.StartTime is { } start ? (DeliverPolicy.ByStartTime, start)
            : next > 1 ? (DeliverPolicy.ByStartSequence, (Api.Json.ApiTime?)null)
            : (DeliverPolicy.All, null);
        var configuration = new ConsumerConfiguration
        {
            Name = _name.Length > 0 ? _name : null,
            DeliverSubject = _deliverTo,
            DeliverPolicy = policy,
            StartSequence = policy == DeliverPolicy.ByStartSequence ? next : 0,
            StartTime = time,
            AckPolicy = AckPolicy.None,
            AckWait = 22 * 3600 * Second,
            MaxDeliver = 1,
            FilterSubject = Filter.Length > 0 ? Filter : null,
            FilterSubjects = source.SubjectTransforms.Count > 1 ? [.. source.SubjectTransforms.Select(transform => transform.Source)] : [],
            FlowControl = true,
            Heartbeat = Second,
            InactiveThreshold = 10 * Second,
            Direct = true,
            Sourcing = !_isPlain,
            Metadata = AssetMetadata.Create(identity.Metadata),
        };
        var stream = JsonEncodedText.Encode(source.Name);
        return [.. "{\"stream_name\":\""u8, .. stream.EncodedUtf8Bytes, .. "\",\"config\":"u8, .. JetStreamJson.Write(configuration), (byte)'}'];
    }

    /// <summary>Why the origin refuses; null: it has agreed.</summary>
    /// <param name="answer">What it says.</param>
    /// <param name="consumer">The consumer's name.</param>
    public ApiError? Refusal(ReadOnlySpan<byte> answer, out string consumer)
    {
        consumer = _name;
        try
        {
            var reader = new Utf8JsonReader(answer);
            var root = JsonElement.ParseValue(ref reader);
            if (root.TryGetProperty("error", out var error)) return new ApiError(error.GetProperty("code").GetInt32(), error.GetProperty("err_code").GetUInt16(), error.GetProperty("description").GetString() ?? "");
            consumer = root.GetProperty("name").GetString() ?? "";
            var configuration = root.GetProperty("config");
            _isPassing = !configuration.TryGetProperty("durable_name", out _);
            if (IsDurable && configuration.GetProperty("ack_policy").GetString() != "flow_control") return _isMirror ? JetStreamErrors.JSMirrorConsumerRequiresAckFCErr : JetStreamErrors.JSSourceConsumerRequiresAckFCErr;
            return null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return (_isMirror ? JetStreamErrors.JSMirrorConsumerSetupFailedErrF : JetStreamErrors.JSSourceConsumerSetupFailedErrF).With("invalid consumer create response");
        }
    }

    /// <summary>Whether a refusal says that the origin knows no consumers for copies: it is asked for one like any other from then on.</summary>
    public bool TurnsPlain(ApiError refusal)
    {
        if (IsDurable || _isPlain || (refusal.ErrorCode != JetStreamErrors.JSRequiredApiLevelErr.ErrorCode && refusal.ErrorCode != JetStreamErrors.JSInvalidJSONErr.ErrorCode)) return false;
        return _isPlain = true;
    }

    /// <summary>Where it is said, at the end of an attempt, that the consumer is not needed any more; null: nowhere, it is kept.</summary>
    public byte[]? Removal(string consumer) => IsDurable || !_isPassing || consumer.Length == 0 ? null : RemovalOf(source, consumer);

    private string Prefixed(string subject) => Prefixed(source, subject);

    private static string Prefixed(StreamSource source, string subject) => source.External is { } external ? $"{external.ApiPrefix}{subject[Api.Length..]}".Replace("..", ".", StringComparison.Ordinal) : subject;
}
