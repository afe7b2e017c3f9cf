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
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

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
            if (IsRestoring(account, change) || IsUnsettled(change) || LeavesFormerGroup(account, change)) return;
            // What is here is all that there is of it: it stays as it is. What others hold too is set aside, and fetched.
            if (assignment.Group.Peers.Count < 2 && account.Offline.TryGetValue(assignment.Name, out var reason)) throw new CorruptStoreException(reason);
            var stream = Existing(account, change) ?? account.Create(assignment.Configuration, assignment.Created.UnixNanoseconds, PlanOf(change));
            if (stream.Configuration != assignment.Configuration) _service.Reconfigure(stream, assignment.Configuration);
            var plan = PlanOf(change);
            stream.Post(() => stream.Assign(plan));
            if (change.Origin != MetaOrigin.Recovered) stream.WhenLeading(() => AnswerPlaced(stream, change));
            Follow(assignment);
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            JetStreamLog.StreamOffline(_service.Settings.Log, assignment.Account, assignment.Name, fault.Message);
            account.AddOffline(assignment.Name, fault.Message);
            // What a member refuses soon after it was made is taken back. That must not happen to what may have been here before.
            var isKnown = assignment.Created.UnixNanoseconds < _startedAt && change.Origin == MetaOrigin.Assigned;
            ReportStream(assignment, JetStreamErrors.JSStreamCreateErrF.With(fault.Message), isKnown ? MetaOrigin.Updated : change.Origin);
        }
    }

    void IMetaEffects.StopStream(StreamAssignment stream, MetaStop reason)
    {
        if (AccountOf(stream.Account) is not { } account) return;
        if (reason == MetaStop.NotMember)
        {
            if (!IsUnsettled(stream)) Leave(account, stream);
        }
        else if (account.Find(stream.Name) is { } host)
        {
            account.AddOffline(stream.Name, stream.Unsupported ?? "stopped");
            _service.Suspend(account, host);
        }
    }

    void IMetaEffects.RemoveStream(MetaRemoval<StreamAssignment> removal)
    {
        var request = removal.Request;
        var account = AccountOf(request.Account);
        var stream = account?.Find(request.Name) ?? _engine.FindHeld(request.Account, request.Name);
        // One that was made at another time is another one: what is found at the start may be, when the log tells of one before
        // it. Earlier or later says nothing, for leaders' clocks differ.
        var isMeant = stream is not null && stream.Record.Created == (removal.Known ?? request).Created.UnixNanoseconds;
        if (isMeant) _engine.TakeHeld(request.Account, request.Name);
        var answers = isMeant && stream!.Leads;
        var isGone = !isMeant || account is null || _service.Remove(account, stream!);
        var offline = AnswersForOthers(removal.WasOffline, (removal.Known ?? request).Group);
        if (removal.Origin == MetaOrigin.Recovered || string.IsNullOrEmpty(request.Reply) || !(answers || offline)) return;
        if (isGone) Answer(account, Asked(request), new SuccessResponse(ResponseTypes.StreamDelete));
        else Answer(account, Asked(request), ApiFailure.Of(ResponseTypes.StreamDelete, JetStreamErrors.JSInsufficientResourcesErr));
    }

    void IMetaEffects.PlaceConsumer(MetaChange<ConsumerAssignment> change)
    {
        var assignment = change.After;
        if (WaitsWithStream(assignment)) return;
        if (AccountOf(assignment.Account)?.Find(assignment.Stream) is not { } stream)
        {
            ReportConsumer(assignment, JetStreamErrors.JSStreamNotFoundErr, change.Origin);
            return;
        }
        if (_state.Current.Find(assignment.Account, assignment.Stream) is { } parent) Follow(assignment, parent.Assignment.Configuration);
        var mustBeThere = change.Origin == MetaOrigin.Recovered && !_knewAssignments && !KnowsAssignments;
        stream.Post(() =>
        {
            // As with streams: it may have been removed.
            if (mustBeThere && !stream.Consumers.IsThere(assignment.Name, assignment.Created.UnixNanoseconds, assignment.Group.Name))
            {
                _service.Run(() => _waitingConsumers.Add((AssetKey.Of(assignment), assignment.Name)));
                return;
            }
            if (stream.Fault is not null)
            {
                ReportConsumer(assignment, JetStreamErrors.JSInsufficientResourcesErr, change.Origin);
                return;
            }
            if (TryPlace(stream, change) is not { } consumer) return;
            if (change.Origin != MetaOrigin.Recovered) consumer.WhenLeading(() => AnswerPlaced(stream, consumer, change));
        });
    }

    /// <summary>A consumer whose group cannot be opened is not here; its stream is.</summary>
    private ConsumerHost? TryPlace(StreamHost stream, MetaChange<ConsumerAssignment> change)
    {
        try
        {
            return Place(stream, change);
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            var assignment = change.After;
            JetStreamLog.ConsumerFenced(_service.Settings.Log, assignment.Account, assignment.Stream, assignment.Name, fault.Message);
            ReportConsumer(assignment, JetStreamErrors.JSInsufficientResourcesErr, change.Origin);
            return null;
        }
    }

    private ConsumerHost Place(StreamHost stream, MetaChange<ConsumerAssignment> change)
    {
        var assignment = change.After;
        byte[] state = [];
        if (assignment.State is { } given && ConsumerStateJson.ToBytes(given, out state) is not null) state = [];
        var plan = PlanOf(assignment.Group, change.Before?.Group, assignment.Created, change.Origin, "");
        var consumer = stream.Consumers.Place(new ConsumerRecord(0, assignment.Created.UnixNanoseconds, assignment.Name, assignment.Configuration), plan, state, stream.Now);
        stream.Wake();
        return consumer;
    }

    void IMetaEffects.StopConsumer(ConsumerAssignment consumer, MetaStop reason)
    {
        if (AccountOf(consumer.Account)?.Find(consumer.Stream) is not { } stream) return;
        IReadOnlyList<PeerId> peers = [.. consumer.Group.Peers.Select(PeerId.Parse)];
        stream.Post(() =>
        {
            if (reason == MetaStop.NotMember) stream.Consumers.Dismiss(consumer.Name, peers);
            else JetStreamService.RemoveConsumer(stream, consumer.Name);
        });
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
                if (led && !string.IsNullOrEmpty(reply)) AnswerBehind(stream, Asked(request), new SuccessResponse(ResponseTypes.ConsumerDelete));
            });
        }
        else if (AnswersForOthers(removal.WasOffline, (removal.Known ?? request).Group) && !string.IsNullOrEmpty(reply))
        {
            Answer(AccountOf(request.Account), Asked(request), new SuccessResponse(ResponseTypes.ConsumerDelete));
        }
    }

    /// <summary>Whoever would answer for what is gone does not run, or is not there: the meta leader does.</summary>
    private bool AnswersForOthers(bool wasOffline, RaftGroupAssignment group) => _leader.IsLeading && (wasOffline || _registry.AreAllOffline(group.Peers));

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
        if (KnowsAssignments && _engine.Held.Count == 0) DeleteStrayGroups();
    }

    /// <summary>What groups have left whose streams and consumers were removed before they ran here: nothing refers to it any more.</summary>
    private void DeleteStrayGroups()
    {
        var assigned = new HashSet<string>(StringComparer.Ordinal) { GroupName };
        foreach (var stream in _state.Current.All)
        {
            if (stream.Assignment.Group.IsMember(_self)) assigned.Add(stream.Assignment.Group.Name);
            assigned.UnionWith(stream.Consumers.Values.Select(consumer => consumer.Assignment.Group).Where(group => group.IsMember(_self)).Select(group => group.Name));
        }
        foreach (var name in _engine.FoundGroups.Where(name => !assigned.Contains(name))) _engine.DeleteGroup(name);
    }

    private AccountStreams? AccountOf(string name) => _engine.Accounts.GetValueOrDefault(name);

    private void AnswerPlaced(StreamHost stream, MetaChange<StreamAssignment> change)
    {
        if (change.Origin == MetaOrigin.Assigned && change.Before is null) _service.AnnounceCreated(stream);
        if (change.Origin == MetaOrigin.Updated) _service.AnnounceUpdated(stream);
        // Other servers hold it now, for some reason that is not a request about the stream.
        if (string.IsNullOrEmpty(change.After.Reply) || (change.Before is { } before && before.Reply == change.After.Reply)) return;
        Answer(AccountOf(change.After.Account), Asked(change.After), change.Origin == MetaOrigin.Updated ? _service.UpdatedResponse(stream) : _service.CreatedResponse(stream));
    }

    private void AnswerPlaced(StreamHost stream, ConsumerHost consumer, MetaChange<ConsumerAssignment> change)
    {
        if (!string.IsNullOrEmpty(change.After.Reply) && change.Before?.Reply != change.After.Reply)
        {
            AnswerBehind(stream, Asked(change.After), PlacedResponse(stream, consumer, change));
        }
        if (change.Before is not null) return;
        stream.Consumers.AnnounceCreated(consumer);
        consumer.ReportPause(stream.Now);
    }

    /// <summary>Whoever copies asks again when he has lost something: he gets everything that he has not acknowledged.</summary>
    private ConsumerInfo PlacedResponse(StreamHost stream, ConsumerHost consumer, MetaChange<ConsumerAssignment> change)
    {
        if (change.Before is null || !change.After.Configuration.Sourcing || stream.Consumers.Reset(consumer, 0, out var begins) is not null) return new ConsumerCreateResponse(_service.Describe(stream, consumer));
        return new ConsumerResetResponse(_service.Describe(stream, consumer), begins);
    }

    private static AskedFor Asked(StreamAssignment stream) => new(stream.Client?.ToClientInfo(), stream.Subject ?? "", stream.Reply!);

    private static AskedFor Asked(ConsumerAssignment consumer) => new(consumer.Client?.ToClientInfo(), consumer.Subject ?? "", consumer.Reply!);

    private void Answer(AccountStreams? account, AskedFor asked, object response)
    {
        var outbox = new Outbox();
        var json = JetStreamJson.Write(response);
        outbox.AddElsewhere(System, Encoding.UTF8.GetBytes(asked.Reply), json);
        account?.Context.Audit(outbox, _service.Settings.ServerName, asked.Client, asked.Subject, null, json);
        // Not only in the API's mailbox: leaders of streams answer in theirs.
        var batch = new FlushBatch { NowMilliseconds = Environment.TickCount64 };
        outbox.Deliver(account?.Account ?? System, new SiblingMatchCache(), batch);
        batch.FlushAll();
    }

    private void AnswerBehind(StreamHost stream, AskedFor asked, object response)
    {
        var json = JetStreamJson.Write(response);
        stream.Outgoing.AddElsewhere(System, Encoding.UTF8.GetBytes(asked.Reply), json);
        AccountOf(stream.Account.Name)?.Context.Audit(stream.Outgoing, _service.Settings.ServerName, asked.Client, asked.Subject, null, json);
    }

    /// <summary>The request that an assignment comes from.</summary>
    private readonly record struct AskedFor(ClientInfo? Client, string Subject, string Reply);

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
