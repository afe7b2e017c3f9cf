using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>
/// Puts the calls that a cluster of 2.14.5 answered to a meta leader of ours. What stream and consumer leaders answered is
/// compared with what is assigned, and the refusals of the meta leader with ours.
/// </summary>
internal sealed class GoldenMetaCalls
{
    private const string Version = "2.14.5";
    private readonly LedMeta _meta;

    public GoldenMetaCalls()
    {
        _meta = new LedMeta(options: new MetaLeaderOptions { Consumers = new ConsumerServerLimits { MaxAckPending = 50_000, MaxRequestBatch = 250 } });
        foreach (var number in new[] { "1", "2", "3" }) _meta.Add("n" + number, storage: 1L << 30, tags: "node" + number);
    }

    public int Compared { get; private set; }

    public List<string> Differences { get; } = [];

    public void Replay(GoldenCall call)
    {
        if (call.Label.StartsWith("one down", StringComparison.Ordinal)) _meta.TakeOffline("n3");
        if (call.Json.ValueKind != JsonValueKind.Object || !ApiSubject.TryParse(Encoding.UTF8.GetBytes(call.Subject), out var subject)) return;
        if (call.Headers.Length > 0 || IsNoMatterOfTheMetaLeader(call)) return;
        var first = Encoding.UTF8.GetString(subject.First);
        var second = Encoding.UTF8.GetString(subject.Second);
        _meta.Account = AccountOf(subject.Operation.Scope == ApiScope.System ? first : call.Account);
        _meta.Answers.Clear();
        var request = _meta.Request(call.Subject);
        if (Refusal(call, subject, request, first, second) is { } unreadable) _meta.Answers.Add(unreadable.ToString());
        else if (!IsAsked(subject.Operation.Kind)) return;
        Compared++;
        Compare(call, subject.Operation.Kind, first);
        CompleteMoves(call);
    }

    /// <summary>What other servers told the client, or what the account's own server did.</summary>
    private static bool IsNoMatterOfTheMetaLeader(GoldenCall call) =>
        call.Error.ValueKind == JsonValueKind.Object && call.Error.GetProperty("err_code").GetInt32() is 10039 or 10008 or 10185;

    private static bool IsAsked(ApiRequestKind kind) => kind is ApiRequestKind.StreamCreate or ApiRequestKind.StreamUpdate or ApiRequestKind.StreamDelete or ApiRequestKind.StreamRestore
        or ApiRequestKind.StreamPeerRemove or ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable or ApiRequestKind.ConsumerDelete
        or ApiRequestKind.ConsumerPause or ApiRequestKind.ServerRemove or ApiRequestKind.AccountPurge or ApiRequestKind.AccountStreamMove or ApiRequestKind.AccountStreamCancelMove;

    private ApiError? Refusal(GoldenCall call, in ApiSubject subject, MetaRequest request, string first, string second)
    {
        var payload = call.Payload;
        var leader = _meta.Leader;
        switch (subject.Operation.Kind)
        {
            case ApiRequestKind.StreamCreate: return Read<StreamConfigurationRequest>(payload, body => leader.CreateStream(request, first, body));
            case ApiRequestKind.StreamUpdate: return Read<StreamConfigurationRequest>(payload, body => leader.UpdateStream(request, first, body));
            case ApiRequestKind.StreamDelete: return IfEmpty(payload, () => leader.DeleteStream(request, first));
            case ApiRequestKind.StreamRestore: return IfGiven(payload) ?? Read<StreamRestoreRequest>(payload, body => leader.RestoreStream(request, first, body));
            case ApiRequestKind.StreamPeerRemove: return IfGiven(payload) ?? Read<PeerRemoveRequest>(payload, body => leader.RemoveStreamPeer(request, first, body));
            case ApiRequestKind.ServerRemove: return IfGiven(payload) ?? Read<ServerRemoveRequest>(payload, body => leader.RemoveServer(request, body));
            case ApiRequestKind.AccountStreamMove: return Read<StreamMoveRequest>(payload, body => leader.MoveStream(request, second, body));
            case ApiRequestKind.AccountStreamCancelMove: leader.CancelMove(request, second); break;
            case ApiRequestKind.AccountPurge: leader.PurgeAccount(request, first); break;
            case ApiRequestKind.ConsumerDelete:
                Expire(call, first, second);
                return IfEmpty(payload, () => leader.DeleteConsumer(request, first, second));
            case ApiRequestKind.ConsumerPause: return Pause(payload, body => leader.PauseConsumer(request, first, second, body));
            case ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable: return CreateConsumer(payload, subject, request);
        }
        return null;
    }

    private ApiError? CreateConsumer(byte[] payload, in ApiSubject subject, MetaRequest request)
    {
        var error = ApiRequest.Read(payload, strict: true, out ConsumerCreateRequest body);
        error ??= body.TakeNames(subject, out body);
        if (error is null) _meta.Leader.CreateConsumer(request, body);
        return error;
    }

    /// <summary>Consumers that nobody used had gone by themselves.</summary>
    private void Expire(GoldenCall call, string stream, string name)
    {
        if (_meta.Current.Find(_meta.Account.Name, stream, name)?.Assignment is { Configuration.Durable: null } consumer && call.Error.ValueKind == JsonValueKind.Object)
        {
            _meta.Applied.Apply(MetaEntry.RemoveConsumer(consumer));
        }
    }

    private static ApiError? Pause(byte[] payload, Action<ConsumerPauseRequest> handle)
    {
        ConsumerPauseRequest body = new();
        if (ApiRequest.HasPayload(payload) && ApiRequest.Read<ConsumerPauseRequest>(payload, strict: true, out body) is { } error) return error;
        handle(body);
        return null;
    }

    private static ApiError? Read<T>(byte[] payload, Action<T> handle) where T : IApiRequest<T>, new()
    {
        if (ApiRequest.Read(payload, strict: true, out T body) is { } error) return error;
        handle(body);
        return null;
    }

    private static ApiError? IfEmpty(byte[] payload, Action handle)
    {
        if (!ApiRequest.IsEmpty(payload)) return JetStreamErrors.JSNotEmptyRequestErr;
        handle();
        return null;
    }

    private static ApiError? IfGiven(byte[] payload) => ApiRequest.IsEmpty(payload) ? JetStreamErrors.JSBadRequestErr : null;

    private static MetaAccount AccountOf(string name) => new()
    {
        Name = name,
        Tiers = name == "L"
            ? AccountTiers.For(new AccountLimits { MaxMemory = 1_048_576, MaxStorage = 2_097_152, MaxStreams = 3, MaxConsumers = 2, MaxAckPending = 100, MemoryMaxStreamBytes = 512_000, StorageMaxStreamBytes = 1_048_576, MaxBytesRequired = true })
            : AccountTiers.Unlimited,
    };

    private void Compare(GoldenCall call, ApiRequestKind kind, string name)
    {
        var refused = _meta.Answers.FirstOrDefault(answer => answer.Contains('(', StringComparison.Ordinal))?.Replace("later: ", "");
        var recorded = call.Error.ValueKind == JsonValueKind.Object ? $"{call.Error.GetProperty("description").GetString()} ({call.Error.GetProperty("err_code").GetInt32()})" : null;
        if (refused != recorded) Differences.Add($"{call}\n  ours:     {refused ?? "no error"}\n  recorded: {recorded ?? "no error"}");
        else if (recorded is null && call.Json.TryGetProperty("config", out var configuration)) CompareConfiguration(call, kind, name, configuration);
    }

    private void CompareConfiguration(GoldenCall call, ApiRequestKind kind, string name, JsonElement recorded)
    {
        object ours;
        if (kind is ApiRequestKind.StreamCreate or ApiRequestKind.StreamUpdate) ours = _meta.Stream(name).Configuration.AsAnswered(Version);
        else ours = _meta.Proposed.Last(entry => entry.Consumer is not null).Consumer!.Configuration.AsAnswered(Version);
        var text = Encoding.UTF8.GetString(JetStreamJson.Write(ours));
        if (Compact(text) != Compact(recorded.GetRawText())) Differences.Add($"{call}\n  ours:     {text}\n  recorded: {Compact(recorded.GetRawText())}");
    }

    /// <summary>What a stream's leader does when the new peers have everything; and what a restore of garbage ends with.</summary>
    private void CompleteMoves(GoldenCall call)
    {
        if (call.Label == "restore garbage start") _meta.Leader.StreamResult(StreamAssignmentResult.RestoreFailed("A", "GARB", JetStreamErrors.JSStreamRestoreErrF.With("garbage")));
        // The next call came while this move was on its way.
        if (call.Label == "move by tag") return;
        foreach (var stream in _meta.Current.All.Where(stream => stream.Assignment.Group.Peers.Count > stream.Assignment.Configuration.Replicas))
        {
            var group = stream.Assignment.Group;
            _meta.Applied.Apply(MetaEntry.UpdateStream(stream.Assignment with { Group = group with { Peers = [.. group.Peers.AsSpan()[^(int)stream.Assignment.Configuration.Replicas..]] } }));
        }
    }

    private static string Compact(string json) => JsonSerializer.Serialize(Golden.ParseText(json));
}
