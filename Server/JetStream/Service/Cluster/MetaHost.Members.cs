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
    private readonly long _startedAt;

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
            if (stream.GroupName == plan.Name || plan.IsAlone || plan.IsPreferred) return stream;
            // Others have begun a group with what they have; what is here comes from before.
            Drop(account, stream, _service.Ask(stream, () => stream.HasHandedOver));
            return null;
        }
        _service.Remove(account, stream);
        return null;
    }

    /// <summary>Has a stream run that was found at the start, as what it was then; its assignment leads on from there.</summary>
    /// <returns>Null: it is not known to be what the others hold now, and was set aside.</returns>
    private StreamHost? Revive(AccountStreams account, StreamHost stream, GroupPlan plan)
    {
        var former = FormerGroup(stream, plan);
        if (former != plan.Name && !plan.IsAlone && !plan.IsPreferred)
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
        if (account.Find(assignment.Name) is { } stream)
        {
            var peers = PeersOf(assignment.Group);
            stream.Post(() => stream.Leave(peers, othersHaveAll => _service.Run(() => Left(account, stream, othersHaveAll))));
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
        // It may have come back meanwhile.
        if (_state.Current.Find(account.Account.Name, name)?.Assignment.Group.IsMember(_self) == true) return;
        Drop(account, stream, othersHaveAll);
    }

    private void Drop(AccountStreams account, StreamHost stream, bool othersHaveAll)
    {
        if (othersHaveAll) _service.Discard(account, stream);
        else Quarantine(account, stream);
    }

    private void Quarantine(AccountStreams account, StreamHost stream)
    {
        var group = stream.GroupName;
        _service.SetAside(account, stream);
        if (group is not null) _engine.DeleteGroup(group);
    }
}
