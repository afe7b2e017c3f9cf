using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>What is asked about accounts and streams.</summary>
internal sealed partial class JetStreamService
{
    /// <summary>Subjects of one page of a stream's info, as upstream.</summary>
    private const int MaxSubjectDetails = 100_000;

    private void AnswerAccountInfo(AccountStreams account, ApiCall call)
    {
        var hosts = account.Hosts;
        call.Answer(AccountAnswer(account, [.. hosts.Values.Select(host => host.Configuration)], name => hosts[name].State.Bytes, hosts.Values.Sum(host => host.Consumers.Listed)));
    }

    /// <summary>What an account has and may have.</summary>
    /// <param name="account">The account.</param>
    /// <param name="streams">Its streams.</param>
    /// <param name="bytesOf">What they hold, by name.</param>
    /// <param name="consumers">How many consumers they have.</param>
    public AccountInfoResponse AccountAnswer(AccountStreams account, IReadOnlyList<StreamConfiguration> streams, Func<string, ulong> bytesOf, int consumers)
    {
        var counters = _counters.GetOrAdd(account.Account, _ => new ApiCounters());
        return new AccountInfoResponse
        {
            Memory = Used(StorageType.Memory),
            Storage = Used(StorageType.File),
            ReservedMemory = Reserved(streams, StorageType.Memory),
            ReservedStorage = Reserved(streams, StorageType.File),
            Streams = streams.Count,
            Consumers = consumers,
            Limits = account.Limits,
            Domain = _engine.Domain,
            Api = new ApiUsage { Total = counters.Total, Errors = counters.Errors },
        };

        ulong Used(StorageType storage) => streams.Where(stream => stream.Storage == storage).Aggregate(0UL, (sum, stream) => sum + bytesOf(stream.Name));
    }

    private static ulong Reserved(IEnumerable<StreamConfiguration> streams, StorageType storage) =>
        streams.Where(stream => stream.Storage == storage).Aggregate(0UL, (sum, stream) => sum + (ulong)Math.Max(0, stream.MaxBytes));

    private void AnswerNames(AccountStreams account, ApiCall call)
    {
        if (!TryReadList(call, out var request)) return;
        call.Answer(StreamNamesResponse.Page([.. Select(account, request.Subject).Select(host => host.Configuration.Name)], request.Offset));
    }

    private void AnswerList(AccountStreams account, ApiCall call)
    {
        if (!TryReadList(call, out var request)) return;
        var streams = Select(account, request.Subject).ToList();
        var offset = request.Offset;
        var page = StreamNamesResponse.PageOf(streams, ref offset, StreamListResponse.PageSize);
        call.Answer(new StreamListResponse
        {
            Total = streams.Count,
            Offset = offset,
            Limit = StreamListResponse.PageSize,
            Streams = [.. page.Select(Describe)],
            Missing = account.Offline.IsEmpty ? null : [.. account.Offline.Keys.Order(StringComparer.Ordinal)],
            Offline = account.Offline.IsEmpty ? null : account.Offline,
        });
    }

    private StreamInfo Describe(StreamHost stream) => new()
    {
        Configuration = stream.Configuration,
        Created = ApiTime.FromUnix(stream.Record.Created),
        State = StateInCluster(stream),
        Domain = _engine.Domain,
        Mirror = MirrorOf(stream),
        Sources = SourcesOf(stream),
        Time = Now,
    };

    private StreamState StateInCluster(StreamHost stream) => CountInCluster(stream, StateOf(stream));

    /// <summary>Consumers of one replica are on other servers too, and count there as here.</summary>
    private StreamState CountInCluster(StreamHost stream, StreamState state)
    {
        var assigned = Meta?.Assignments.Find(stream.Account.Name, stream.Configuration.Name)?.Consumers.Count ?? 0;
        return assigned > 0 ? state with { Consumers = assigned } : state;
    }

    private static StreamSourceInfo? MirrorOf(StreamHost stream) => stream.Configuration.Mirror is null ? null : SourcesOf(stream, isMirror: true).FirstOrDefault();

    private static ValueList<StreamSourceInfo> SourcesOf(StreamHost stream) => [.. SourcesOf(stream, isMirror: false)];

    /// <summary>Those that it copies from; none when it is of the other kind.</summary>
    private static IReadOnlyList<StreamSourceInfo> SourcesOf(StreamHost stream, bool isMirror) => stream.Configuration.Mirror is null == isMirror ? [] : stream.Sources;

    private bool TryReadList(ApiCall call, out StreamListRequest request)
    {
        request = new StreamListRequest();
        if (!ApiRequest.HasPayload(call.Payload)) return true;
        if (ApiRequest.Read(call.Payload, _settings.Strict, out request) is not { } unreadable) return true;
        call.Fail(unreadable);
        return false;
    }

    private static IEnumerable<StreamHost> Select(AccountStreams account, string? subject)
    {
        if (string.IsNullOrEmpty(subject)) return account.Hosts.Values;
        var filter = Encoding.UTF8.GetBytes(subject);
        return account.Hosts.Values.Where(host => host.Configuration.Subjects.Any(own => SubjectRules.Collide(Encoding.UTF8.GetBytes(own), filter)));
    }

    private void AnswerStreamInfo(AccountStreams account, ApiCall call)
    {
        var request = new StreamInfoRequest();
        if (ApiRequest.HasPayload(call.Payload) && ApiRequest.Read<StreamInfoRequest>(call.Payload, _settings.Strict, out request) is { } unreadable)
        {
            call.Fail(unreadable);
            return;
        }
        if (account.Offline.TryGetValue(call.First, out var reason)) call.Fail(JetStreamErrors.JSStreamOfflineReasonErrF.With(reason));
        else if (account.Find(call.First) is { } stream) Continue(stream, call, () => AnswerInfo(stream, request, call));
        else call.Fail(JetStreamErrors.JSStreamNotFoundErr);
    }

    private void AnswerInfo(StreamHost stream, StreamInfoRequest request, ApiCall call)
    {
        var state = CountInCluster(stream, StreamState.Of(stream.Store.State, stream.Consumers.Listed));
        if (request.DeletedDetails) state = state with { Deleted = [.. DeletedOf(stream.Store)] };
        var info = new StreamInfoResponse
        {
            Configuration = stream.Configuration.AsAnswered(_settings.Version),
            Created = ApiTime.FromUnix(stream.Record.Created),
            State = state,
            Domain = _engine.Domain,
            Cluster = stream.Cluster ?? new ClusterInfo { Leader = _settings.ServerName },
            Mirror = MirrorOf(stream),
            Sources = SourcesOf(stream),
            Alternates = Meta?.AlternatesOf(call.Account, call.First, call.Client) ?? [],
            Time = Now,
        };
        if (!string.IsNullOrEmpty(request.SubjectsFilter)) info = WithSubjects(info, stream.Store, request);
        call.Answer(info);
    }

    private static StreamInfoResponse WithSubjects(StreamInfoResponse info, IMessageStore store, StreamInfoRequest request)
    {
        var all = store.Subjects(SubjectFilter.Of(request.SubjectsFilter!)).ToList();
        if (all.Count == 0) return info;
        all.Sort((left, right) => left.Subject.AsSpan().SequenceCompareTo(right.Subject));
        var offset = request.Offset;
        var page = StreamNamesResponse.PageOf(all, ref offset, MaxSubjectDetails);
        return info with
        {
            Total = all.Count,
            Offset = offset,
            Limit = MaxSubjectDetails,
            State = info.State with { Subjects = page.Count == 0 ? null : page.ToDictionary(entry => Encoding.UTF8.GetString(entry.Subject), entry => entry.Messages) },
        };
    }

    private static IEnumerable<ulong> DeletedOf(IMessageStore store)
    {
        foreach (var range in store.Deleted())
        {
            for (var sequence = range.First; sequence <= range.Last; sequence++) yield return sequence;
        }
    }

    private static StreamState StateOf(StreamHost stream) => StreamState.Of(stream.State, stream.Consumers.Listed);
}
