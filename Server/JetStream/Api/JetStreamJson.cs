using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>Source-generated JSON of answers and advisories. Requests are read by <see cref="Requests.ApiRequest"/>.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(ApiError))]
[JsonSerializable(typeof(ApiFailure))]
[JsonSerializable(typeof(StreamsFailure))]
[JsonSerializable(typeof(ConsumersFailure))]
[JsonSerializable(typeof(SuccessResponse))]
[JsonSerializable(typeof(StreamConfiguration))]
[JsonSerializable(typeof(ConsumerConfiguration))]
[JsonSerializable(typeof(StreamCreateResponse))]
[JsonSerializable(typeof(StreamUpdateResponse))]
[JsonSerializable(typeof(StreamInfoResponse))]
[JsonSerializable(typeof(StreamNamesResponse))]
[JsonSerializable(typeof(StreamListResponse))]
[JsonSerializable(typeof(StreamPurgeResponse))]
[JsonSerializable(typeof(StreamSnapshotResponse))]
[JsonSerializable(typeof(StreamRestoreResponse))]
[JsonSerializable(typeof(MessageGetResponse))]
[JsonSerializable(typeof(ConsumerCreateResponse))]
[JsonSerializable(typeof(ConsumerInfoResponse))]
[JsonSerializable(typeof(ConsumerResetResponse))]
[JsonSerializable(typeof(ConsumerPauseResponse))]
[JsonSerializable(typeof(ConsumerUnpinResponse))]
[JsonSerializable(typeof(ConsumerNamesResponse))]
[JsonSerializable(typeof(ConsumerListResponse))]
[JsonSerializable(typeof(AccountInfoResponse))]
[JsonSerializable(typeof(AccountPurgeResponse))]
[JsonSerializable(typeof(ApiAuditAdvisory))]
[JsonSerializable(typeof(StreamActionAdvisory))]
[JsonSerializable(typeof(SnapshotCreateAdvisory))]
[JsonSerializable(typeof(SnapshotCompleteAdvisory))]
[JsonSerializable(typeof(RestoreCreateAdvisory))]
[JsonSerializable(typeof(RestoreCompleteAdvisory))]
[JsonSerializable(typeof(BatchAbandonedAdvisory))]
[JsonSerializable(typeof(ApiLimitReachedAdvisory))]
[JsonSerializable(typeof(ServerOutOfSpaceAdvisory))]
[JsonSerializable(typeof(ServerRemovedAdvisory))]
[JsonSerializable(typeof(DomainLeaderElectedAdvisory))]
[JsonSerializable(typeof(StreamLeaderElectedAdvisory))]
[JsonSerializable(typeof(StreamQuorumLostAdvisory))]
[JsonSerializable(typeof(ConsumerActionAdvisory))]
[JsonSerializable(typeof(ConsumerPauseAdvisory))]
[JsonSerializable(typeof(ConsumerGroupPinnedAdvisory))]
[JsonSerializable(typeof(ConsumerGroupUnpinnedAdvisory))]
[JsonSerializable(typeof(MaxDeliverAdvisory))]
[JsonSerializable(typeof(MessageNakedAdvisory))]
[JsonSerializable(typeof(MessageTerminatedAdvisory))]
[JsonSerializable(typeof(ConsumerAckMetric))]
[JsonSerializable(typeof(ConsumerLeaderElectedAdvisory))]
[JsonSerializable(typeof(ConsumerQuorumLostAdvisory))]
public sealed partial class JetStreamJson : JsonSerializerContext
{
    private static readonly JetStreamJson Compact = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        Converters = { new UtcTimeConverter() },
    });

    /// <summary>An answer or advisory as it goes out.</summary>
    public static byte[] Write(object document) => JsonSerializer.SerializeToUtf8Bytes(document, document.GetType(), Compact);
}
