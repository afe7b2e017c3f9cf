using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// Streams that were found at the start and do not fit what is known of the assignments yet.
/// </summary>
/// <remarks>
/// After a crash the streams on the disk may be ahead of the assignments: those are known only as far as the last snapshot
/// until a leader says what was committed since. A stream that became alone would look like one that others have long
/// replaced, and the only copy of what it holds would be set aside. So what does not fit waits until this server knows all
/// that was decided; what fits runs at once.
/// </remarks>
internal sealed partial class MetaHost
{
    private readonly Dictionary<AssetKey, MetaChange<StreamAssignment>?> _unsettled = [];

    /// <summary>Whether all that was decided while this server was away is known.</summary>
    private bool KnowsAssignments
    {
        get
        {
            if (!_state.HasRecovered || _state.IsRecovering || _group.Core.Leader.IsNone) return false;
            return _group.Core.State == Raft.Core.RaftState.Leader ? _group.Core.Leads : _group.Core.IsCurrent(_group.Now);
        }
    }

    /// <summary>Whether a stream found at the start waits for more to be known before it becomes what an assignment says.</summary>
    private bool IsUnsettled(MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var key = AssetKey.Of(assignment);
        if (_engine.FindHeld(assignment.Account, assignment.Name) is not { } stream || stream.Record.Created != assignment.Created.UnixNanoseconds || KnowsAssignments)
        {
            _unsettled.Remove(key);
            return false;
        }
        var plan = PlanOf(change);
        if (FormerGroup(stream, plan) == (plan.IsAlone ? null : plan.Name))
        {
            _unsettled.Remove(key);
            return false;
        }
        // As one change: what it was in between is over.
        _unsettled[key] = _unsettled.GetValueOrDefault(key) is { } earlier ? change with { Before = earlier.Before } : change;
        return true;
    }

    /// <summary>The same where the assignment names other servers.</summary>
    private bool IsUnsettled(StreamAssignment elsewhere)
    {
        if (_engine.FindHeld(elsewhere.Account, elsewhere.Name) is null || KnowsAssignments) return false;
        _unsettled[AssetKey.Of(elsewhere)] = null;
        return true;
    }

    /// <summary>Whether consumers of a stream have to wait with it.</summary>
    private bool WaitsWithStream(ConsumerAssignment consumer) => _unsettled.ContainsKey(AssetKey.Of(consumer));

    private void SettleIfKnown()
    {
        if (_unsettled.Count == 0 || !KnowsAssignments) return;
        List<KeyValuePair<AssetKey, MetaChange<StreamAssignment>?>> waiting = [.. _unsettled];
        _unsettled.Clear();
        IMetaEffects effects = this;
        foreach (var (key, change) in waiting)
        {
            // What no assignment names stays where it is, as whatever else was found.
            if (_state.Current.Find(key.Account, key.Stream) is not { OfflineReason: null } assigned) continue;
            if (!assigned.Assignment.Group.IsMember(_self))
            {
                effects.StopStream(assigned.Assignment, MetaStop.NotMember);
                continue;
            }
            effects.PlaceStream(change is { } known ? known with { After = assigned.Assignment } : new MetaChange<StreamAssignment>(null, assigned.Assignment, MetaOrigin.Recovered));
            foreach (var consumer in assigned.Consumers.Values)
            {
                if (consumer.OfflineReason is null && consumer.Assignment.Group.IsMember(_self)) effects.PlaceConsumer(new MetaChange<ConsumerAssignment>(null, consumer.Assignment, MetaOrigin.Recovered));
            }
        }
    }
}
