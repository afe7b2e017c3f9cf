using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// Which group an asset is in here, and how it comes into the one that it is assigned to. What this server has of a stream
/// is deleted when the others are known to have everything; whenever that is in doubt it is set aside.
/// </summary>
internal sealed partial class MetaHost
{
    /// <summary>Milliseconds that the group which a stream was in before is helped at most.</summary>
    private const long FormerPatience = 75_000;

    private readonly long _startedAt;

    /// <summary>Streams that wait to be made anew in another group, as members of the one they were in before are needed there yet; until when.</summary>
    private readonly Dictionary<AssetKey, (MetaChange<StreamAssignment> Change, long Until)> _leaving = [];

    /// <summary>The stream that is meant, if it is here; another one of the name goes.</summary>
    private StreamHost? Existing(AccountStreams account, MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var stream = account.Find(assignment.Name) ?? _engine.TakeHeld(assignment.Account, assignment.Name);
        if (stream is null) return null;
        if (stream.Record.Created == assignment.Created.UnixNanoseconds)
        {
            var plan = PlanOf(change);
            if (!stream.HasStarted) return Revive(account, stream, plan);
            if (IsInPlace(stream.GroupName, plan)) return stream;
            // Others have begun a group with what they have; what is here comes from before.
            Drop(account, stream, _service.Ask(stream, () => stream.HasHandedOver));
            return null;
        }
        _service.Remove(account, stream);
        return null;
    }

    private static bool IsInPlace(string? group, GroupPlan plan) => group == plan.Name || plan.IsAlone || plan.IsPreferred;

    /// <summary>
    /// Whether a stream stays for now in the group it was in, though its assignment names another one, which others have begun: whoever
    /// began it may have been the leader of this one, whose own disk is the last that has what was agreed on, and lose that yet.
    /// </summary>
    private bool LeavesFormerGroup(AccountStreams account, MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var key = AssetKey.Of(assignment);
        var plan = PlanOf(change);
        if ((account.Find(assignment.Name) ?? RunFormer(account, assignment, FormerOf(assignment, plan))) is not { Fault: null, GroupName: { } group } stream
            || stream.Record.Created != assignment.Created.UnixNanoseconds || group == plan.Name || IsInPlace(group, plan))
        {
            _leaving.Remove(key);
            return false;
        }
        _leaving[key] = _leaving.TryGetValue(key, out var earlier) ? (change with { Before = earlier.Change.Before }, earlier.Until) : (change, _group.Now + FormerPatience);
        stream.Post(() => stream.LeaveFormer(plan.Peers, othersHaveAll => _service.Run(() => Left(account, stream, othersHaveAll))));
        return true;
    }

    /// <summary>The group that what was found of a stream is a member of, where it is assigned to another; null: there is none.</summary>
    private string? FormerOf(StreamAssignment assignment, GroupPlan plan) =>
        _engine.FindHeld(assignment.Account, assignment.Name) is { } held && FormerGroup(held, plan) is { } former && !IsInPlace(former, plan) ? former : null;

    /// <summary>Has what was found of a stream run as the member that it is of a group.</summary>
    /// <returns>Null: it is none.</returns>
    private StreamHost? RunFormer(AccountStreams account, StreamAssignment assignment, string? group)
    {
        if (group is null || !_engine.HasGroup(group) || _engine.FindHeld(assignment.Account, assignment.Name) is not { Fault: null } held || held.Record.Created != assignment.Created.UnixNanoseconds) return null;
        _engine.TakeHeld(assignment.Account, assignment.Name);
        account.Run(held, new GroupPlan(group, PeersOf(assignment.Group)) { Sync = assignment.Sync });
        return held;
    }

    /// <summary>Streams that wait in groups of before for too long are made anew in those they are assigned to.</summary>
    private void LeaveIfOverdue()
    {
        foreach (var (key, (change, until)) in _leaving.ToArray())
        {
            if (_group.Now < until || AccountOf(key.Account) is not { } account) continue;
            if (account.Find(key.Stream) is { } stream) Left(account, stream, othersHaveAll: false);
            else _leaving.Remove(key);
        }
    }

    /// <summary>Has a stream run that was found at the start, as what it was then; its assignment leads on from there.</summary>
    /// <returns>Null: it is not known to be what the others hold now, and was set aside.</returns>
    private StreamHost? Revive(AccountStreams account, StreamHost stream, GroupPlan plan)
    {
        var former = FormerGroup(stream, plan);
        if (!IsInPlace(former, plan))
        {
            Quarantine(account, stream);
            return null;
        }
        account.Run(stream, former is null ? null : plan with { Name = former });
        return stream;
    }

    /// <summary>The group that a stream found at the start was in; null: it was alone.</summary>
    private string? FormerGroup(StreamHost stream, GroupPlan plan) => stream.Record.Group ?? (_engine.HasGroup(plan.Name) ? plan.Name : null);

    private GroupPlan PlanOf(MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var plan = PlanOf(assignment.Group, change.Before?.Group, assignment.Created, change.Origin, assignment.Sync);
        // Who does not take the archive begins empty.
        return assignment.RestoreState is not null && !plan.IsPreferred ? plan with { IsScaleUp = true } : plan;
    }

    private GroupPlan PlanOf(RaftGroupAssignment group, RaftGroupAssignment? before, ApiTime created, MetaOrigin origin, string sync)
    {
        var joins = before is not null && before.Name == group.Name && !before.IsMember(_self);
        return new(group.Name, PeersOf(group))
        {
            // Who had it alone has what the others need.
            IsPreferred = group.Preferred == _self || (before is { Peers.Count: 1 } && before.IsMember(_self)),
            IsScaleUp = group.IsScaleUp,
            Before = joins ? PeersOf(before!) : [],
            // What was assigned before this server started it may have had already, and lost.
            MayHaveForgotten = origin == MetaOrigin.Recovered || (before is null && created.UnixNanoseconds < _startedAt),
            Sync = sync,
        };
    }

    private static IReadOnlyList<PeerId> PeersOf(RaftGroupAssignment group) => [.. group.Peers.Select(PeerId.Parse)];

    /// <summary>Other servers hold a stream.</summary>
    private void Leave(AccountStreams account, StreamAssignment assignment)
    {
        _leaving.Remove(AssetKey.Of(assignment));
        var peers = PeersOf(assignment.Group);
        if (account.Find(assignment.Name) is { } stream)
        {
            stream.Post(() => stream.Leave(peers, othersHaveAll => _service.Run(() => Left(account, stream, othersHaveAll))));
        }
        else if (RunFormer(account, assignment, _engine.FindHeld(assignment.Account, assignment.Name)?.Record.Group) is { } former)
        {
            former.Post(() => former.LeaveFormer(peers, othersHaveAll => _service.Run(() => Left(account, former, othersHaveAll))));
        }
        else if (_engine.TakeHeld(assignment.Account, assignment.Name) is { } held)
        {
            Quarantine(account, held);
        }
    }

    private void Left(AccountStreams account, StreamHost stream, bool othersHaveAll)
    {
        var name = stream.Configuration.Name;
        if (!ReferenceEquals(account.Find(name), stream)) return;
        var assigned = _state.Current.Find(account.Account.Name, name);
        var isHere = assigned?.Assignment.Group.IsMember(_self) == true;
        if (!isHere)
        {
            Drop(account, stream, othersHaveAll);
            return;
        }
        // It may have come back meanwhile, to the same group or to another one.
        var key = AssetKey.Of(assigned!.Assignment);
        if (!_leaving.Remove(key, out var waiting)) return;
        Drop(account, stream, othersHaveAll);
        IMetaEffects effects = this;
        effects.PlaceStream(waiting.Change with { After = assigned.Assignment });
        (AssetKey Stream, string Consumer)[] consumers = [.. _waitingConsumers.Where(one => one.Stream == key)];
        _waitingConsumers.ExceptWith(consumers);
        PlaceAgain(consumers);
    }

    private void Drop(AccountStreams account, StreamHost stream, bool othersHaveAll)
    {
        if (othersHaveAll) _service.Discard(account, stream);
        else Quarantine(account, stream);
    }

    private void Quarantine(AccountStreams account, StreamHost stream)
    {
        IReadOnlyList<string> groups = [];
        if (stream.HasStarted) _service.Ask(stream, () => (groups = stream.Consumers.GroupNames).Count > 0);
        var group = stream.GroupName;
        _service.SetAside(account, stream);
        if (group is not null) _engine.DeleteGroup(group);
        foreach (var one in groups) _engine.DeleteGroup(one);
    }
}
