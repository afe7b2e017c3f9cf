using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Configuration;

/// <summary>Replays calls that make, change and delete streams, without streams: their configurations are the state.</summary>
internal sealed class GoldenStreamCalls(bool isClustered)
{
    private const string Version = "2.14.5";
    private readonly Dictionary<string, Catalog> _accounts = [];

    public int Compared { get; private set; }

    /// <summary>Calls that need more than configurations, and why.</summary>
    public List<string> NotCompared { get; } = [];

    public List<string> Differences { get; } = [];

    public void Replay(GoldenCall call)
    {
        var catalog = CatalogOf(call.Account);
        if (call.Subject.StartsWith("$JS.API.STREAM.CREATE.", StringComparison.Ordinal)) Decide(call, catalog, StreamAdmission.Create);
        else if (call.Subject.StartsWith("$JS.API.STREAM.UPDATE.", StringComparison.Ordinal)) Decide(call, catalog, StreamAdmission.Update);
        else if (call.Subject.StartsWith("$JS.API.STREAM.RESTORE.", StringComparison.Ordinal)) Restore(call, catalog);
        else if (call.Subject.StartsWith("$JS.API.STREAM.DELETE.", StringComparison.Ordinal)) Delete(call, catalog);
        else if (call.Subject.StartsWith("$JS.SNAPSHOT.RESTORE.", StringComparison.Ordinal)) Learn(call, catalog);
    }

    /// <summary>An account of the recording: L has limits, of the others' none are reached.</summary>
    private Catalog CatalogOf(string account)
    {
        if (_accounts.TryGetValue(account, out var catalog)) return catalog;
        var limits = account == "L"
            ? new AccountLimits { MaxMemory = 1_048_576, MaxStorage = 2_097_152, MaxStreams = 3, MaxConsumers = 2, MaxAckPending = 100, MemoryMaxStreamBytes = 512_000, StorageMaxStreamBytes = 1_048_576, MaxBytesRequired = true }
            : new AccountLimits();
        return _accounts[account] = new Catalog(limits, isClustered);
    }

    private void Decide(GoldenCall call, Catalog catalog, Func<string, StreamConfigurationRequest, StreamEnvironment, StreamDecision> decide)
    {
        if (WhyNot(call) is { } reason)
        {
            NotCompared.Add($"{call}: {reason}");
            Learn(call, catalog);
            return;
        }
        Compared++;
        var error = ApiRequest.Read(call.Payload, strict: true, out StreamConfigurationRequest request);
        var decision = error is null ? decide(NameOf(call), request, catalog.Environment) : error;
        CompareError(call, decision.Error);
        if (decision is { Error: null, Stream: { } stream })
        {
            CompareConfiguration(call, stream);
            catalog.Set(stream);
        }
    }

    private void Restore(GoldenCall call, Catalog catalog)
    {
        if (WhyNot(call) is { } reason)
        {
            NotCompared.Add($"{call}: {reason}");
            return;
        }
        Compared++;
        if (ApiRequest.IsEmpty(call.Payload))
        {
            CompareError(call, JetStreamErrors.JSBadRequestErr);
            return;
        }
        var error = ApiRequest.Read(call.Payload, strict: true, out StreamRestoreRequest request);
        CompareError(call, error ?? StreamAdmission.Restore(NameOf(call), request.Stream, catalog.Environment).Error);
    }

    private static void Delete(GoldenCall call, Catalog catalog)
    {
        if (call.Json.TryGetProperty("success", out _)) catalog.Remove(NameOf(call));
    }

    /// <summary>Takes over what the recording says when we could not say it.</summary>
    private static void Learn(GoldenCall call, Catalog catalog)
    {
        if (call.Json.ValueKind != JsonValueKind.Object || !call.Json.TryGetProperty("config", out var recorded)) return;
        StreamConfiguration.ParseStored(Encoding.UTF8.GetBytes(recorded.GetRawText()), out var stream).ShouldBeNull();
        catalog.Set(stream with { Metadata = stream.Metadata.AsStored() });
    }

    private string? WhyNot(GoldenCall call)
    {
        if (call.Json.ValueKind != JsonValueKind.Object) return "no answer";
        if (call.Error.ValueKind != JsonValueKind.Object) return null;
        return call.Error.GetProperty("err_code").GetInt32() switch
        {
            10005 => "the cluster has no server for it",
            10008 => "the cluster has no leader",
            10124 => "a move is under way",
            _ => null,
        };
    }

    private static string NameOf(GoldenCall call) => call.Subject[(call.Subject.LastIndexOf('.') + 1)..];

    private void CompareError(GoldenCall call, ApiError? error)
    {
        var ours = error is null ? "" : Encoding.UTF8.GetString(JetStreamJson.Write(error));
        var recorded = call.Error.ValueKind == JsonValueKind.Object ? call.Error.GetRawText() : "";
        if (ours.Length == 0 != (recorded.Length == 0) || (ours.Length > 0 && !JsonElement.DeepEquals(Golden.ParseText(ours), call.Error)))
        {
            Differences.Add($"{call}\n  ours:     {ours}\n  recorded: {recorded}");
        }
    }

    /// <summary>Names, order and values.</summary>
    private void CompareConfiguration(GoldenCall call, StreamConfiguration stream)
    {
        if (!call.Json.TryGetProperty("config", out var recorded)) return;
        var ours = Encoding.UTF8.GetString(JetStreamJson.Write(stream.AsAnswered(Version)));
        var theirs = recorded.GetRawText();
        if (Compact(ours) != Compact(theirs)) Differences.Add($"{call}\n  ours:     {ours}\n  recorded: {Compact(theirs)}");
    }

    private static string Compact(string json) => JsonSerializer.Serialize(Golden.ParseText(json));

    private sealed class Catalog(AccountLimits limits, bool isClustered) : IStreamCatalog
    {
        private readonly SortedDictionary<string, StreamConfiguration> _streams = new(StringComparer.Ordinal);

        public IEnumerable<StreamConfiguration> Streams => _streams.Values;

        public StreamEnvironment Environment => new() { Catalog = this, Tiers = AccountTiers.For(limits), IsClustered = isClustered };

        public StreamConfiguration? Find(string name) => _streams.GetValueOrDefault(name);

        public void Set(StreamConfiguration stream) => _streams[stream.Name] = stream;

        public void Remove(string name) => _streams.Remove(name);
    }
}
