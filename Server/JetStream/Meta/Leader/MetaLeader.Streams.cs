using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>Streams made, restored and removed.</summary>
public sealed partial class MetaLeader
{
    /// <summary><c>STREAM.CREATE</c>. One that exists as it is asked for is assigned again as it is; its leader answers.</summary>
    public void CreateStream(MetaRequest request, string name, StreamConfigurationRequest body)
    {
        var environment = EnvironmentOf(request.Account);
        var existing = _proposals.Find(Current, KeyOf(request, name));
        if (IsOffline(existing, request)) return;
        if (StreamAdmission.CreateClustered(name, body, environment, out var stream) is { } error)
        {
            _effects.Refuse(request, error);
            return;
        }
        if (existing is not null)
        {
            Propose(existing with { Client = request.Client, Subject = request.Subject, Reply = request.Reply, RestoreState = null });
            return;
        }
        Assign(request, stream, null);
    }

    /// <summary><c>STREAM.RESTORE</c>: the group's first leader takes what is sent.</summary>
    public void RestoreStream(MetaRequest request, string name, StreamRestoreRequest body)
    {
        var decision = StreamAdmission.Restore(name, body.Stream, EnvironmentOf(request.Account));
        if (decision.Error is { } error) _effects.Refuse(request, error);
        else Assign(request, decision.Stream!, new RawJson(MetaJson.Write(body.State, MetaJson.Compact.StreamState)));
    }

    /// <summary><c>STREAM.DELETE</c>; the stream's leader answers when it is gone.</summary>
    public void DeleteStream(MetaRequest request, string name)
    {
        if (_proposals.Find(Current, KeyOf(request, name)) is not { } stream) _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
        else ProposeRemoval(stream with { Client = request.Client, Subject = request.Subject, Reply = request.Reply });
    }

    /// <summary><c>ACCOUNT.PURGE</c>: all of an account goes, be there such an account or not.</summary>
    public void PurgeAccount(MetaRequest request, string account)
    {
        if (account.AsSpan().IndexOfAny('\\', '/') >= 0)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamGeneralErrorF.With("account name can not contain path separators"));
            return;
        }
        foreach (var stream in _proposals.Streams(Current, account).ToList())
        {
            foreach (var consumer in _proposals.Consumers(Current, AssetKey.Of(stream)))
            {
                if (!ProposeRemoval(consumer with { Subject = request.Subject, Reply = null })) return;
            }
            if (!ProposeRemoval(stream with { Subject = request.Subject, Reply = null })) return;
        }
        _effects.Answer(request, new AccountPurgeResponse());
    }

    private void Assign(MetaRequest request, StreamConfiguration stream, RawJson? restore)
    {
        if (NewGroup(request.Client, stream, out var group) is { } refusal)
        {
            _effects.Refuse(request, refusal.ToError());
            return;
        }
        Propose(new StreamAssignment
        {
            Client = request.Client,
            Created = _environment.Now,
            Group = group with { Preferred = _selector.PreferredOf(group.Peers) },
            Sync = NewSync(),
            Subject = request.Subject,
            Reply = request.Reply,
            RestoreState = restore,
        }.WithConfiguration(stream));
    }

    /// <summary>A group for a stream: in the cluster it names, or where the client is, or in one that the client can reach.</summary>
    private PeerRefusal? NewGroup(AssignmentClient client, StreamConfiguration stream, out RaftGroupAssignment group)
    {
        group = new RaftGroupAssignment();
        var replicas = (int)Math.Max(1, stream.Replicas);
        var named = stream.Placement?.Cluster;
        IEnumerable<string> clusters = named is not null ? [named] : [client.Cluster ?? "", .. client.Alternates];
        var all = new PeerRefusal();
        foreach (var cluster in clusters)
        {
            var wanted = new PeerRequest { Replicas = replicas, Cluster = cluster, Stream = stream };
            if (_selector.Select(wanted, _effects.MetaPeers, Current, out var peers) is { } refusal)
            {
                all.Add(refusal);
                continue;
            }
            group = new RaftGroupAssignment { Name = NameOfGroup('S', peers, stream.Storage), Peers = peers, Storage = stream.Storage, Cluster = cluster };
            return null;
        }
        return all;
    }

    /// <summary>
    /// What this server does not understand it must not write again: fields that it knows nothing of would be lost.
    /// </summary>
    private bool IsOffline(StreamAssignment? stream, MetaRequest request)
    {
        if (stream?.Unsupported is not { } reason) return false;
        _effects.Refuse(request, JetStreamErrors.JSStreamOfflineReasonErrF.With(reason), delayed: true);
        return true;
    }
}
