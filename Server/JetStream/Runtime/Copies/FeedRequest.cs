using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// What a stream that copies asks of an origin elsewhere: a consumer that lives as long as it is listened to, as upstream's
/// mirrors and sources make it, or that one made beforehand begins again (ADR-60).
/// </summary>
/// <param name="source">The origin.</param>
/// <param name="isMirror">It is mirrored; else sourced.</param>
/// <param name="target">The stream that copies, told to the origin for people to see.</param>
/// <param name="account">Its account.</param>
internal sealed class FeedRequest(StreamSource source, bool isMirror, string target, string account)
{
    private const string Api = "$JS.API";
    private const long Second = 1_000_000_000;

    private readonly string _letter = isMirror ? "M" : "S";
    private string _deliverTo = "";
    private string _name = "";

    /// <summary>The consumer exists already; answers to its flow control are acknowledgements.</summary>
    public bool IsDurable => source.Consumer is not null;

    /// <summary>Where it is asked.</summary>
    public byte[] Subject => Encoding.UTF8.GetBytes(Prefixed(
        IsDurable ? $"{Api}.CONSUMER.RESET.{source.Name}.{_name}"
        : Filter.Length > 0 ? $"{Api}.CONSUMER.CREATE.{source.Name}.{_name}.{Filter}"
        : $"{Api}.CONSUMER.CREATE.{source.Name}"));

    /// <summary>A request of the origin's API that is listened to whenever it can be reached.</summary>
    public byte[] Way => Encoding.UTF8.GetBytes(Prefixed($"{Api}.STREAM.INFO.{source.Name}"));

    private string Filter => source.SubjectTransforms is [var only] ? only.Source : source.FilterSubject ?? "";

    /// <summary>Where answers come.</summary>
    public static string NewInbox() => $"$JSC.R.{UniqueId.Next()}";

    /// <summary>A new attempt.</summary>
    /// <returns>The consumer's name as far as it is known, and where its messages come: nobody else's come there, but to a durable one's.</returns>
    public (string Consumer, string DeliverTo) Begin()
    {
        if (source.Consumer is { } durable) return (_name, _deliverTo) = (durable.Name ?? "", durable.DeliverSubject ?? "");
        var id = UniqueId.Next();
        _name = Filter.Length > 0 ? $"JS_{(isMirror ? "MIRROR" : "SOURCE")}_{id}" : "";
        var prefix = source.External is { DeliverPrefix.Length: > 0 } external ? $"{external.DeliverPrefix}.{_letter}" : $"$JS.{_letter}";
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
            Description = $"{(isMirror ? "mirror" : "source")} of stream '{target}' in account '{account}'",
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
            var acks = root.GetProperty("config").GetProperty("ack_policy").GetString();
            if (IsDurable && acks != "flow_control") return isMirror ? JetStreamErrors.JSMirrorConsumerRequiresAckFCErr : JetStreamErrors.JSSourceConsumerRequiresAckFCErr;
            return null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return (isMirror ? JetStreamErrors.JSMirrorConsumerSetupFailedErrF : JetStreamErrors.JSSourceConsumerSetupFailedErrF).With("invalid consumer create response");
        }
    }

    /// <summary>Where it is said that the consumer is not needed any more; null: nowhere.</summary>
    public byte[]? Removal(string consumer) => IsDurable || consumer.Length == 0 ? null : Encoding.UTF8.GetBytes(Prefixed($"{Api}.CONSUMER.DELETE.{source.Name}.{consumer}"));

    private string Prefixed(string subject) => source.External is { } external ? $"{external.ApiPrefix}{subject[Api.Length..]}".Replace("..", ".", StringComparison.Ordinal) : subject;
}
