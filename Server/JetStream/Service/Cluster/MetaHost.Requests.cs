using System.Buffers;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>Requests that the leader of the meta group decides or answers.</summary>
internal sealed partial class MetaHost
{
    /// <summary>Whether the meta leader serves a request, and nobody else.</summary>
    public static bool Serves(ApiRequestKind kind) => kind is
        ApiRequestKind.AccountInfo or ApiRequestKind.StreamCreate or ApiRequestKind.StreamUpdate or ApiRequestKind.StreamDelete or ApiRequestKind.StreamRestore
        or ApiRequestKind.StreamNames or ApiRequestKind.StreamList or ApiRequestKind.StreamPeerRemove
        or ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable
        or ApiRequestKind.ConsumerDelete or ApiRequestKind.ConsumerPause or ApiRequestKind.ConsumerNames or ApiRequestKind.ConsumerList;

    /// <summary>Serves a request, if this server leads.</summary>
    public void Serve(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        if (!IsLeading)
        {
            if (IsLeaderless) _service.RefuseLate(call, JetStreamErrors.JSClusterNotAvailErr);
            return;
        }
        switch (kind)
        {
            case ApiRequestKind.StreamCreate when Read<StreamConfigurationRequest>(call) is { } body: _leader.CreateStream(RequestOf(account, call), call.First, body); break;
            case ApiRequestKind.StreamUpdate when Read<StreamConfigurationRequest>(call) is { } body: _leader.UpdateStream(RequestOf(account, call), call.First, body); break;
            case ApiRequestKind.StreamDelete when MustBeEmpty(call): _leader.DeleteStream(RequestOf(account, call), call.First); break;
            case ApiRequestKind.StreamRestore: RestoreStream(account, call); break;
            case ApiRequestKind.StreamPeerRemove when Read<PeerRemoveRequest>(call) is { } body: _leader.RemoveStreamPeer(RequestOf(account, call), call.First, body); break;
            case ApiRequestKind.StreamNames when ReadOptional<StreamListRequest>(call) is { } body: AnswerNames(account, call, body); break;
            case ApiRequestKind.StreamList when ReadOptional<StreamListRequest>(call) is { } body: AnswerList(account, call, body); break;
            case ApiRequestKind.AccountInfo: AnswerAccount(account, call); break;
            default: ServeConsumers(account, call, kind); break;
        }
    }

    /// <summary>Serves a request of the system account, if this server leads.</summary>
    public void ServeSystem(ApiCall call)
    {
        if (!IsLeading) return;
        var request = new MetaRequest(AssignmentClient.Of(call.Client ?? new Protocol.ClientInfo { Account = System.Name }), new MetaAccount { Name = call.First }, call.Subject, Text(call.Reply), call);
        switch (call.Operation!.Kind)
        {
            case ApiRequestKind.MetaLeaderStepDown when ReadOptional<LeaderStepDownRequest>(call) is { } body: StepDown(call, body); break;
            case ApiRequestKind.AccountPurge: _leader.PurgeAccount(request, call.First); break;
            case ApiRequestKind.ServerRemove when Read<ServerRemoveRequest>(call) is { } body: _leader.RemoveServer(request, body); break;
            case ApiRequestKind.AccountStreamMove when Read<StreamMoveRequest>(call) is { } body: _leader.MoveStream(request, call.Second, body); break;
            case ApiRequestKind.AccountStreamCancelMove: _leader.CancelMove(request, call.Second); break;
        }
    }

    /// <summary>Chooses who leads a group next.</summary>
    /// <returns>Null, or why nobody can.</returns>
    public ApiError? ChooseLeader(IReadOnlyList<string> peers, string leader, Placement? placement, out string? preferred) =>
        _leader.ChooseLeader(peers, leader, placement, out preferred);

    private void ServeConsumers(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        switch (kind)
        {
            case ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable:
                if (Read<ConsumerCreateRequest>(call) is not { } create || !ApiSubject.TryParse(call.LocalSubject, out var subject)) break;
                if (create.TakeNames(subject, out create) is { } error) call.Fail(error);
                else _leader.CreateConsumer(RequestOf(account, call), create);
                break;
            case ApiRequestKind.ConsumerDelete when MustBeEmpty(call): _leader.DeleteConsumer(RequestOf(account, call), call.First, call.Second); break;
            case ApiRequestKind.ConsumerPause when ReadOptional<ConsumerPauseRequest>(call) is { } body: _leader.PauseConsumer(RequestOf(account, call), call.First, call.Second, body); break;
            case ApiRequestKind.ConsumerNames when ReadOptional<ConsumerListRequest>(call) is { } body && StreamOf(account, call) is { } stream:
                call.Answer(ConsumerNamesResponse.Page([.. ListedConsumers(stream)], body.Offset));
                break;
            case ApiRequestKind.ConsumerList when ReadOptional<ConsumerListRequest>(call) is { } body && StreamOf(account, call) is { } stream: AnswerConsumers(stream, call, body.Offset); break;
        }
    }

    private void StepDown(ApiCall call, LeaderStepDownRequest body)
    {
        var peers = ((IMetaLeaderEffects)this).MetaPeers;
        if (_leader.ChooseLeader(peers, _self, body.Placement, out var preferred) is { } error)
        {
            call.Fail(error);
            return;
        }
        call.Answer(new SuccessResponse(ResponseTypes.MetaLeaderStepDown));
        _group.Core.StepDown(preferred is null ? PeerId.None : PeerId.Parse(preferred), _group.Now);
    }

    private MetaRequest RequestOf(AccountStreams account, ApiCall call) => new(
        AssignmentClient.Of(call.Client ?? new Protocol.ClientInfo { Account = account.Account.Name }),
        new MetaAccount
        {
            Name = account.Account.Name,
            Tiers = account.Environment.Tiers,
            HasInterest = subject => account.Account.Subscriptions.HasInterest(Encoding.UTF8.GetBytes(subject)),
        },
        call.Subject,
        Text(call.Reply),
        call);

    private static string? Text(byte[] reply) => reply.Length == 0 ? null : Encoding.UTF8.GetString(reply);

    private T? Read<T>(ApiCall call) where T : class, IApiRequest<T>, new()
    {
        if (ApiRequest.Read<T>(call.Payload, _service.Settings.Strict, out var body) is not { } error) return body;
        call.Fail(error);
        return null;
    }

    private T? ReadOptional<T>(ApiCall call) where T : class, IApiRequest<T>, new() => ApiRequest.HasPayload(call.Payload) ? Read<T>(call) : new T();

    private static bool MustBeEmpty(ApiCall call)
    {
        if (ApiRequest.IsEmpty(call.Payload)) return true;
        call.Fail(JetStreamErrors.JSNotEmptyRequestErr);
        return false;
    }

    private AssignedStream? StreamOf(AccountStreams account, ApiCall call)
    {
        if (_state.Current.Find(account.Account.Name, call.First) is { } stream) return stream;
        call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        return null;
    }

    private IEnumerable<AssignedStream> Select(AccountStreams account, string? subject)
    {
        var streams = _state.Current.Of(account.Account.Name).Values;
        if (string.IsNullOrEmpty(subject)) return streams;
        var filter = Encoding.UTF8.GetBytes(subject);
        return streams.Where(stream => stream.Assignment.Configuration.Subjects.Any(own => SubjectRules.Collide(Encoding.UTF8.GetBytes(own), filter)));
    }

    private void AnswerNames(AccountStreams account, ApiCall call, StreamListRequest request) =>
        call.Answer(StreamNamesResponse.Page([.. Select(account, request.Subject).Select(stream => stream.Name)], request.Offset));

    private void AnswerList(AccountStreams account, ApiCall call, StreamListRequest request)
    {
        var all = Select(account, request.Subject).ToList();
        var offset = request.Offset;
        var page = StreamNamesResponse.PageOf(all, ref offset, StreamListResponse.PageSize);
        var asked = page.Where(stream => stream.OfflineReason is null).Select(stream => $"$JSC.SI.{stream.Account}.{stream.Name}").ToList();
        Survey(asked, ListPatience, answers => AnswerReports(
            call, ResponseTypes.StreamList, "streams", new ListPage(all.Count, offset, StreamListResponse.PageSize), [.. page.Select(stream => stream.Name)], answers.Select(AssetReport.OfStream),
            page.Where(stream => stream.OfflineReason is not null).ToDictionary(stream => stream.Name, stream => stream.OfflineReason!)));
    }

    private void AnswerConsumers(AssignedStream stream, ApiCall call, long offset)
    {
        var all = ListedConsumers(stream).ToList();
        var page = StreamNamesResponse.PageOf(all, ref offset, ConsumerListResponse.PageSize);
        var asked = page.Select(name => $"$JSC.CI.{stream.Account}.{stream.Name}.{name}").ToList();
        Survey(asked, ListPatience, answers => AnswerReports(
            call, ResponseTypes.ConsumerList, "consumers", new ListPage(all.Count, offset, ConsumerListResponse.PageSize), [.. page], answers.Select(AssetReport.OfConsumer), []));
    }

    /// <summary>Without those that servers made for mirrors and sources.</summary>
    private static IEnumerable<string> ListedConsumers(AssignedStream stream) =>
        stream.Consumers.Values.Where(consumer => !consumer.Assignment.Configuration.Direct).Select(consumer => consumer.Assignment.Name);

    private static void AnswerReports(
        ApiCall call, string type, string list, ListPage page, IReadOnlyList<string> names, IEnumerable<AssetReport?> reports, Dictionary<string, string> offline)
    {
        var byName = new SortedDictionary<string, AssetReport>(StringComparer.Ordinal);
        foreach (var report in reports)
        {
            if (report is not null) byName[report.Name] = report;
        }
        var json = new ArrayBufferWriter<byte>(1024);
        page.Write(json, type, list, byName.Values.Select(report => report.Json), [.. names.Where(name => !byName.ContainsKey(name))], offline);
        call.AnswerJson(json.WrittenSpan.ToArray());
    }

    private void AnswerAccount(AccountStreams account, ApiCall call)
    {
        var streams = _state.Current.Of(account.Account.Name).Values.ToList();
        var asked = streams.Where(stream => stream.OfflineReason is null).Select(stream => $"$JSC.SI.{stream.Account}.{stream.Name}").ToList();
        Survey(asked, ListPatience, answers =>
        {
            var used = answers.Select(AssetReport.OfStream).OfType<AssetReport>().ToDictionary(report => report.Name, report => report.Bytes);
            call.Answer(_service.AccountAnswer(account, [.. streams.Select(stream => stream.Assignment.Configuration)], name => used.GetValueOrDefault(name), streams.Sum(stream => stream.Consumers.Count)));
        });
    }
}
