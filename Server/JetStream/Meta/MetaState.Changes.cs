using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>What changes ask of this server.</summary>
public sealed partial class MetaState
{
    private void Live(MetaEntry entry)
    {
        var before = _current;
        _current = MetaReducer.Reduce(before, entry);
        if (entry.Stream is { } stream)
        {
            var known = before.Find(stream.Account, stream.Name);
            if (entry.Operation == EntryOperation.RemoveStream) Removed(stream, known, MetaOrigin.Assigned);
            else if (_current.Find(stream.Account, stream.Name) is { } after) Placed(known, after, stream, OriginOf(entry));
            else _observer?.StreamApplied(stream.Account, stream.Name);
        }
        else
        {
            var consumer = entry.Consumer!;
            var known = before.Find(consumer.Account, consumer.Stream, consumer.Name);
            if (entry.Operation == EntryOperation.RemoveConsumer) Removed(consumer, MetaReducer.Named(before, consumer), MetaOrigin.Assigned);
            else if (_current.Find(consumer.Account, consumer.Stream) is { } parent) Placed(parent, known, parent.Consumers[consumer.Name], consumer.State, MetaOrigin.Assigned);
            else _observer?.ConsumerApplied(consumer.Account, consumer.Stream, consumer.Name);
        }
    }

    private static MetaOrigin OriginOf(MetaEntry entry) => entry.Operation == EntryOperation.UpdateStream ? MetaOrigin.Updated : MetaOrigin.Assigned;

    private void CarryOut()
    {
        if (_staging is not { } staging) return;
        _staging = null;
        var before = _current;
        _current = staging.Result;
        staging.CarryOut(before, new RecoveredChanges(this));
    }

    private void Placed(AssignedStream? before, AssignedStream after, StreamAssignment given, MetaOrigin origin)
    {
        _observer?.StreamApplied(after.Account, after.Name);
        if (after.OfflineReason is not null) _effects.StopStream(after.Assignment, MetaStop.Unsupported);
        else if (after.Assignment.Group.IsMember(_self)) _effects.PlaceStream(new MetaChange<StreamAssignment>(before?.Assignment, given, origin));
        else _effects.StopStream(after.Assignment, MetaStop.NotMember);
    }

    private void Removed(StreamAssignment request, AssignedStream? known, MetaOrigin origin)
    {
        _observer?.StreamApplied(request.Account, request.Name);
        _effects.RemoveStream(new MetaRemoval<StreamAssignment>(
            request, known?.Assignment, (known?.Assignment ?? request).Group.IsMember(_self), (known?.OfflineReason ?? request.Unsupported) is not null, origin));
    }

    private void Placed(AssignedStream parent, AssignedConsumer? before, AssignedConsumer after, RawJson? state, MetaOrigin origin)
    {
        var assignment = after.Assignment;
        _observer?.ConsumerApplied(assignment.Account, assignment.Stream, assignment.Name);
        if (after.OfflineReason is not null)
        {
            _effects.StopConsumer(assignment, MetaStop.Unsupported);
            _effects.StopStream(parent.Assignment, MetaStop.Unsupported);
        }
        else if (assignment.Group.IsMember(_self))
        {
            // A stream that is offline takes its consumers along.
            if (parent.OfflineReason is null) _effects.PlaceConsumer(new MetaChange<ConsumerAssignment>(before?.Assignment, assignment with { State = state }, origin));
        }
        else
        {
            _effects.StopConsumer(assignment, MetaStop.NotMember);
        }
    }

    private void Removed(ConsumerAssignment request, AssignedConsumer? known, MetaOrigin origin)
    {
        _observer?.ConsumerApplied(request.Account, request.Stream, request.Name);
        _effects.RemoveConsumer(new MetaRemoval<ConsumerAssignment>(
            request, known?.Assignment, (known?.Assignment ?? request).Group.IsMember(_self), (known?.OfflineReason ?? request.Unsupported) is not null, origin));
    }

    /// <summary>What is carried out of a staging.</summary>
    private sealed class RecoveredChanges(MetaState state) : IMetaChanges
    {
        public void Placed(AssignedStream? before, AssignedStream after) => state.Placed(before, after, after.Assignment, MetaOrigin.Recovered);

        public void Removed(StreamAssignment request, AssignedStream? known) => state.Removed(request, known, MetaOrigin.Recovered);

        public void Placed(AssignedStream parent, AssignedConsumer? before, AssignedConsumer after, RawJson? begin) =>
            state.Placed(parent, before, after, begin, MetaOrigin.Recovered);

        public void Removed(ConsumerAssignment request, AssignedConsumer? known) => state.Removed(request, known, MetaOrigin.Recovered);
    }
}
