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
/// that was decided; what fits runs at once. So does what an assignment names and the disk has not: it may have been removed, and
/// made again it would take messages, and confirm them, until that is known.
/// </remarks>
internal sealed partial class MetaHost
{
    private readonly Dictionary<AssetKey, MetaChange<StreamAssignment>?> _unsettled = [];

    /// <summary>Since the start all that was decided before has become known.</summary>
    private bool _knewAssignments;

    /// <summary>Consumers that were not placed because they or their streams waited.</summary>
    private readonly HashSet<(AssetKey Stream, string Consumer)> _waitingConsumers = [];

    /// <summary>
    /// Whether all that was decided while this server was away is known: only when something of the leader's own term is
    /// committed, everything is that was committed before.
    /// </summary>
    private bool KnowsAssignments
    {
        get
        {
            var core = _group.Core;
            if (!_state.HasRecovered || _state.IsRecovering || core.Leader.IsNone || !core.IsCurrent(_group.Now)) return false;
            return core.AppliedIndex >= core.CommitIndex && core.TermOf(core.CommitIndex) == core.Term;
        }
    }

    /// <summary>Whether a stream found at the start waits for more to be known before it becomes what an assignment says.</summary>
    private bool IsUnsettled(MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var key = AssetKey.Of(assignment);
        if (KnowsAssignments || Fits(change))
        {
            _unsettled.Remove(key);
            return false;
        }
        // As one change: what it was in between is over.
        _unsettled[key] = _unsettled.GetValueOrDefault(key) is { } earlier ? change with { Before = earlier.Before } : change;
        return true;
    }

    /// <summary>Whether what is here is what an assignment speaks of, as far as that can be told before more is known.</summary>
    private bool Fits(MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var isHere = _engine.FindHeld(assignment.Account, assignment.Name) is { } held && held.Record.Created == assignment.Created.UnixNanoseconds;
        if (!isHere) return _knewAssignments || AccountOf(assignment.Account)?.Find(assignment.Name) is not null;
        var plan = PlanOf(change);
        return FormerGroup(_engine.FindHeld(assignment.Account, assignment.Name)!, plan) == (plan.IsAlone ? null : plan.Name);
    }

    /// <summary>The same where the assignment names other servers.</summary>
    private bool IsUnsettled(StreamAssignment elsewhere)
    {
        if (_engine.FindHeld(elsewhere.Account, elsewhere.Name) is null || KnowsAssignments) return false;
        _unsettled[AssetKey.Of(elsewhere)] = null;
        return true;
    }

    /// <summary>Whether a consumer has to wait with its stream.</summary>
    private bool WaitsWithStream(ConsumerAssignment consumer)
    {
        var key = AssetKey.Of(consumer);
        var waits = _unsettled.ContainsKey(key) || _leaving.ContainsKey(key);
        if (waits) _waitingConsumers.Add((key, consumer.Name));
        else _waitingConsumers.Remove((key, consumer.Name));
        return waits;
    }

    private void SettleIfKnown()
    {
        if ((_knewAssignments && _unsettled.Count == 0 && _waitingConsumers.Count == 0) || !KnowsAssignments) return;
        _knewAssignments = _engine.KnowsAssignments = true;
        KeyValuePair<AssetKey, MetaChange<StreamAssignment>?>[] streams = [.. _unsettled];
        (AssetKey Stream, string Consumer)[] consumers = [.. _waitingConsumers];
        _unsettled.Clear();
        _waitingConsumers.Clear();
        foreach (var (key, change) in streams) Settle(key, change);
        PlaceAgain(consumers);
    }

    private void PlaceAgain(IEnumerable<(AssetKey Stream, string Consumer)> consumers)
    {
        IMetaEffects effects = this;
        foreach (var (key, name) in consumers)
        {
            if (_state.Current.Find(key.Account, key.Stream, name) is { OfflineReason: null } consumer && consumer.Assignment.Group.IsMember(_self))
                effects.PlaceConsumer(new MetaChange<ConsumerAssignment>(null, consumer.Assignment, MetaOrigin.Recovered));
        }
    }

    private void Settle(AssetKey key, MetaChange<StreamAssignment>? change)
    {
        // What no assignment names stays where it is, as whatever else was found.
        if (_state.Current.Find(key.Account, key.Stream) is not { OfflineReason: null, Assignment: var assignment }) return;
        IMetaEffects effects = this;
        if (!assignment.Group.IsMember(_self)) effects.StopStream(assignment, MetaStop.NotMember);
        else effects.PlaceStream(change is { } known ? known with { After = assignment } : new MetaChange<StreamAssignment>(null, assignment, MetaOrigin.Recovered));
    }
}
