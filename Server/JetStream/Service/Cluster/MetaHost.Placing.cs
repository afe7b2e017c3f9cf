using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>What the assignments ask of this server.</summary>
internal sealed partial class MetaHost : IMetaEffects
{
    /// <summary>Time that a server has to hear what was decided while it was away.</summary>
    private static readonly TimeSpan OrphanPatience = TimeSpan.FromSeconds(30);

    void IMetaEffects.PlaceStream(MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        if (AccountOf(assignment.Account) is not { } account)
        {
            ReportStream(assignment, JetStreamErrors.JSNotEnabledForAccountErr, change.Origin);
            return;
        }
        try
        {
            var stream = Existing(account, assignment) ?? Make(account, assignment);
            if (stream.Configuration != assignment.Configuration) _service.Reconfigure(stream, assignment.Configuration);
            if (change.Origin != MetaOrigin.Recovered) stream.WhenLeading(() => AnswerPlaced(stream, change));
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            JetStreamLog.StreamOffline(_service.Settings.Log, assignment.Account, assignment.Name, fault.Message);
            account.AddOffline(assignment.Name, fault.Message);
            ReportStream(assignment, JetStreamErrors.JSStreamCreateErrF.With(fault.Message), change.Origin);
        }
    }

    void IMetaEffects.StopStream(StreamAssignment stream, MetaStop reason)
    {
        if (AccountOf(stream.Account) is not { } account || account.Find(stream.Name) is not { } host) return;
        if (reason == MetaStop.Unsupported)
        {
            account.AddOffline(stream.Name, stream.Unsupported ?? "stopped");
            _service.Suspend(account, host);
        }
        else
        {
            _service.Remove(account, host);
        }
    }

    void IMetaEffects.RemoveStream(MetaRemoval<StreamAssignment> removal)
    {
        var request = removal.Request;
        var account = AccountOf(request.Account);
        var stream = account?.Find(request.Name) ?? _engine.TakeHeld(request.Account, request.Name);
        // One that was made afterwards is another one.
        var isMeant = stream is not null && (removal.Known is null || stream.Record.Created <= (removal.Known ?? request).Created.UnixNanoseconds);
        var answers = isMeant && stream!.Leads;
        var isGone = !isMeant || account is null || _service.Remove(account, stream!);
        var offline = removal.WasOffline && _leader.IsLeading;
        if (removal.Origin == MetaOrigin.Recovered || string.IsNullOrEmpty(request.Reply) || !(answers || offline)) return;
        if (isGone) Answer(request.Reply, new SuccessResponse(ResponseTypes.StreamDelete));
        else Answer(request.Reply, ApiFailure.Of(ResponseTypes.StreamDelete, JetStreamErrors.JSInsufficientResourcesErr));
    }

    void IMetaEffects.PlaceConsumer(MetaChange<ConsumerAssignment> change)
    {
        var assignment = change.After;
        if (AccountOf(assignment.Account)?.Find(assignment.Stream) is not { } stream)
        {
            ReportConsumer(assignment, JetStreamErrors.JSStreamNotFoundErr, change.Origin);
            return;
        }
        stream.Post(() =>
        {
            if (stream.Fault is not null)
            {
                ReportConsumer(assignment, JetStreamErrors.JSInsufficientResourcesErr, change.Origin);
                return;
            }
            var consumer = stream.Group is null ? _service.PlaceConsumer(stream, assignment.Name, assignment.Configuration) : PlaceMember(stream, assignment);
            if (change.Origin == MetaOrigin.Recovered || string.IsNullOrEmpty(assignment.Reply)) return;
            consumer.WhenLeading(() => AnswerBehind(stream, assignment.Reply, new ConsumerCreateResponse(_service.Describe(stream, consumer))));
        });
    }

    private ConsumerHost PlaceMember(StreamHost stream, ConsumerAssignment assignment)
    {
        var plan = PlanOf(assignment.Group, "");
        var isInMemory = assignment.Configuration.MemoryStorage || stream.Configuration.Storage == StorageType.Memory;
        var consumer = stream.Consumers.Place(
            assignment.Name, assignment.Configuration, assignment.Created.UnixNanoseconds, machine => _engine.OpenGroup(plan, stream, machine, isInMemory), plan.IsPreferred, stream.Now);
        if (!consumer.Replica.HasState && assignment.State is { } state && ConsumerStateJson.ToBytes(state, out var bytes) is null) consumer.Replica.Decode(bytes);
        stream.Wake();
        return consumer;
    }

    void IMetaEffects.StopConsumer(ConsumerAssignment consumer, MetaStop reason)
    {
        if (AccountOf(consumer.Account)?.Find(consumer.Stream) is { } stream) stream.Post(() => JetStreamService.RemoveConsumer(stream, consumer.Name));
    }

    void IMetaEffects.RemoveConsumer(MetaRemoval<ConsumerAssignment> removal)
    {
        var request = removal.Request;
        var reply = removal.Origin == MetaOrigin.Recovered ? null : request.Reply;
        if (AccountOf(request.Account)?.Find(request.Stream) is { } stream)
        {
            stream.Post(() =>
            {
                var led = JetStreamService.RemoveConsumer(stream, request.Name);
                if (led && !string.IsNullOrEmpty(reply)) AnswerBehind(stream, reply, new SuccessResponse(ResponseTypes.ConsumerDelete));
            });
        }
        else if (removal.WasOffline && _leader.IsLeading && !string.IsNullOrEmpty(reply))
        {
            Answer(reply, new SuccessResponse(ResponseTypes.ConsumerDelete));
        }
    }

    void IMetaEffects.PeerAdded(string peer) => _leader.PeerAdded(peer);

    void IMetaEffects.PeerRemoved(string peer)
    {
        _leader.PeerRemoved(peer);
        if (peer == _self) ServiceLog.MetaWarning(_service.Settings.Log, "JetStream on this server was taken out of the cluster");
    }

    void IMetaEffects.RecoveryDone(bool isFirst)
    {
        _snapshotDue = 0;
        if (isFirst) _service.After(OrphanPatience, ReportOrphans);
    }

    /// <summary>What no assignment names may be what a lost log named: it stays where it is.</summary>
    private void ReportOrphans()
    {
        if (_group.Core.Leader.IsNone || !_group.Core.IsCurrent(_group.Now)) return;
        foreach (var (account, stream) in _engine.Held)
        {
            if (_state.Current.Find(account, stream) is null) ServiceLog.Orphan(_service.Settings.Log, account, stream);
        }
    }

    private AccountStreams? AccountOf(string name) => _engine.Accounts.GetValueOrDefault(name);

    /// <summary>The stream that is meant, if it is here; another one of the name goes.</summary>
    private StreamHost? Existing(AccountStreams account, StreamAssignment assignment)
    {
        var stream = account.Find(assignment.Name) ?? _engine.TakeHeld(assignment.Account, assignment.Name);
        if (stream is null) return null;
        if (stream.Record.Created == assignment.Created.UnixNanoseconds)
        {
            if (!stream.HasStarted) account.Run(stream, PlanOf(assignment.Group, assignment.Sync));
            return stream;
        }
        _service.Remove(account, stream);
        return null;
    }

    private StreamHost Make(AccountStreams account, StreamAssignment assignment) =>
        account.Create(assignment.Configuration, assignment.Created.UnixNanoseconds, PlanOf(assignment.Group, assignment.Sync));

    private GroupPlan PlanOf(RaftGroupAssignment group, string sync) => new(group.Name, [.. group.Peers.Select(PeerId.Parse)])
    {
        IsPreferred = group.Preferred == _self,
        IsScaleUp = group.IsScaleUp,
        Sync = sync,
    };

    private void AnswerPlaced(StreamHost stream, MetaChange<StreamAssignment> change)
    {
        if (change.Origin == MetaOrigin.Assigned && change.Before is null) _service.AnnounceCreated(stream);
        if (change.Origin == MetaOrigin.Updated) _service.AnnounceUpdated(stream);
        if (string.IsNullOrEmpty(change.After.Reply)) return;
        Answer(change.After.Reply, change.Origin == MetaOrigin.Updated ? _service.UpdatedResponse(stream) : _service.CreatedResponse(stream));
    }

    private void Answer(string reply, object response) =>
        System.PublishInternal(Encoding.UTF8.GetBytes(reply), default, JetStreamJson.Write(response), null);

    private void AnswerBehind(StreamHost stream, string reply, object response) =>
        stream.Outgoing.AddElsewhere(System, Encoding.UTF8.GetBytes(reply), JetStreamJson.Write(response));

    private void ReportStream(StreamAssignment stream, ApiError error, MetaOrigin origin)
    {
        if (origin == MetaOrigin.Recovered) return;
        System.PublishInternal(Encoding.UTF8.GetBytes(StreamAssignmentResult.Subject), default, StreamAssignmentResult.Failed(stream.Account, stream.Name, error, origin == MetaOrigin.Updated).Encode(), null);
    }

    private void ReportConsumer(ConsumerAssignment consumer, ApiError error, MetaOrigin origin)
    {
        if (origin == MetaOrigin.Recovered) return;
        System.PublishInternal(Encoding.UTF8.GetBytes(ConsumerAssignmentResult.Subject), default, ConsumerAssignmentResult.Failed(consumer.Account, consumer.Stream, consumer.Name, error).Encode(), null);
    }
}
