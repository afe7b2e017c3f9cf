using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

/// <summary>Replays calls that make, change, pause and delete consumers; streams are as the recording says.</summary>
internal sealed class GoldenConsumerCalls(bool isClustered)
{
    private const string Version = "2.14.5";
    private static readonly AccountLimits SmallAccount = new() { MaxConsumers = 2, MaxAckPending = 100 };
    private readonly Dictionary<(string Account, string Stream), ConsumerCatalog> _streams = [];

    public int Compared { get; private set; }

    public List<string> Differences { get; } = [];

    public void Replay(GoldenCall call)
    {
        if (call.Json.ValueKind != JsonValueKind.Object || !ApiSubject.TryParse(Encoding.UTF8.GetBytes(call.Subject), out var subject)) return;
        var key = (call.Account, Encoding.UTF8.GetString(subject.First));
        switch (subject.Operation.Kind)
        {
            case ApiRequestKind.StreamCreate or ApiRequestKind.StreamUpdate: LearnStream(call, key); break;
            case ApiRequestKind.StreamDelete when IsSuccess(call): _streams.Remove(key); break;
            case ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable: Decide(call, subject, CatalogOf(key)); break;
            case ApiRequestKind.ConsumerDelete when IsSuccess(call): CatalogOf(key).Remove(Encoding.UTF8.GetString(subject.Second)); break;
            case ApiRequestKind.ConsumerPause when IsSuccess(call): Pause(call, Encoding.UTF8.GetString(subject.Second), CatalogOf(key)); break;
            case ApiRequestKind.ConsumerInfo when IsSuccess(call): Compare(call, CatalogOf(key).Find(Encoding.UTF8.GetString(subject.Second))); break;
        }
    }

    private ConsumerCatalog CatalogOf((string Account, string Stream) key) => _streams.GetValueOrDefault(key) ?? new ConsumerCatalog(null);

    private void LearnStream(GoldenCall call, (string Account, string Stream) key)
    {
        if (!call.Json.TryGetProperty("config", out var recorded)) return;
        StreamConfiguration.ParseStored(Encoding.UTF8.GetBytes(recorded.GetRawText()), out var stream).ShouldBeNull();
        if (_streams.TryGetValue(key, out var catalog)) catalog.Stream = stream;
        else _streams.Add(key, NewCatalog(stream, key.Account));
    }

    private ConsumerCatalog NewCatalog(StreamConfiguration stream, string account) => new(stream)
    {
        Limits = account == "L" ? SmallAccount : new AccountLimits(),
        Server = new ConsumerServerLimits { MaxAckPending = 50_000, MaxRequestBatch = 250 },
        IsClustered = isClustered,
    };

    private void Decide(GoldenCall call, in ApiSubject subject, ConsumerCatalog catalog)
    {
        Compared++;
        var error = ApiRequest.Read(call.Payload, strict: true, out ConsumerCreateRequest request);
        error ??= request.TakeNames(subject, out request);
        var decision = error is null ? catalog.Decide(request) : error;
        var ours = decision.Error is null ? "" : Encoding.UTF8.GetString(JetStreamJson.Write(decision.Error));
        var recorded = call.Error.ValueKind == JsonValueKind.Object ? Compact(call.Error.GetRawText()) : "";
        if (ours != recorded) Differences.Add($"{call}\n  ours:     {ours}\n  recorded: {recorded}");
        else if (decision.Consumer is { } consumer) Compare(call, consumer);
    }

    private static void Pause(GoldenCall call, string name, ConsumerCatalog catalog)
    {
        ConsumerPauseRequest request = new();
        if (ApiRequest.HasPayload(call.Payload)) ApiRequest.Read<ConsumerPauseRequest>(call.Payload, strict: true, out request).ShouldBeNull();
        if (catalog.Find(name) is { } consumer) catalog.Set(name, ConsumerAdmission.Pause(consumer, request));
    }

    /// <summary>Names, order and values.</summary>
    private void Compare(GoldenCall call, ConsumerConfiguration? consumer)
    {
        var ours = consumer is null ? "none" : Compact(Encoding.UTF8.GetString(JetStreamJson.Write(consumer.AsAnswered(Version))));
        var recorded = Compact(call.Json.GetProperty("config").GetRawText());
        if (ours != recorded) Differences.Add($"{call}\n  ours:     {ours}\n  recorded: {recorded}");
    }

    private static bool IsSuccess(GoldenCall call) => call.Error.ValueKind == JsonValueKind.Undefined;

    private static string Compact(string json) => JsonSerializer.Serialize(Golden.ParseText(json));
}
