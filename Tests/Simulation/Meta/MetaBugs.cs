using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Tests.Simulation.Cluster;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>Mistakes of the meta layer: those upstream made, those its design avoids, and one that was ours. The number is that of upstream's bug.</summary>
internal static class MetaBugs
{
    public static readonly IReadOnlyDictionary<string, Func<MetaBug>> All = new Dictionary<string, Func<MetaBug>>
    {
        ["the meta group's state is not durable when the log goes (#8475)"] = () => new Lies(path => path.Contains("/groups/_meta_", StringComparison.Ordinal)),
        ["a snapshot of the assignments is not taken over (#8324)"] = () => new Machines((_, machine) => new ForgetsSnapshots(machine)),
        ["the entry behind a snapshot of the assignments is left out (#8320)"] = () => new Machines((_, machine) => new LeavesOutNext(machine)),
        ["a late snapshot reverts assignments (#5700)"] = () => new Machines((_, machine) => new AppliesAgain(machine)),
        ["what was removed takes with it what was made anew (#8413)"] = () => new Effects((server, effects) => new RemovesByName(server, effects)),
        ["what was removed while a server was away stays (#7510)"] = () => new Effects((_, effects) => new ForgetsRemovals(effects)),
        ["what nobody assigns is deleted at the start (#7556)"] = () => new Effects((server, effects) => new DeletesOrphans(server, effects)),
        ["who is assigned no more deletes what others do not have yet (#7774)"] = () => new Effects((server, effects) => new LeavesAtOnce(server, effects)),
        ["a request is confirmed when it is proposed"] = () => new ConfirmsAtOnce(),
    };

    /// <summary>Faults that bring servers away from each other and back, drawn often.</summary>
    private abstract class Often : MetaBug
    {
        public override (ClusterPlan Faults, MetaPlan Plan) Adjust(ClusterPlan faults, MetaPlan plan) => (
            faults with { Crashes = true, PowerCuts = true, Cuts = true, Checkpoints = true, Transfers = true, Wipes = false, FaultEvery = 60 * SimulatedWorld.Millisecond },
            plan with { AskEvery = 20 * SimulatedWorld.Millisecond, Scales = true, Moves = true });
    }

    private sealed class Lies(Predicate<string> file) : Often
    {
        public override IDisk Disk(IDisk disk) => new LyingDisk(disk, file, static _ => false);
    }

    private sealed class Machines(Func<MetaServer, IGroupMachine, IGroupMachine> wrap) : Often
    {
        public override IGroupMachine Wrap(MetaServer server, string group, IGroupMachine machine) => group == MetaHost.GroupName ? wrap(server, machine) : machine;
    }

    private sealed class Effects(Func<MetaServer, IMetaEffects, IMetaEffects> wrap) : Often
    {
        public override MetaParts Spoil(MetaServer server, MetaParts parts) => parts with { Effects = effects => wrap(server, effects) };
    }

    private sealed class ForgetsSnapshots(IGroupMachine machine) : MachineFilter(machine)
    {
        public override bool ApplySnapshot(RaftSnapshot snapshot) => true;
    }

    private sealed class LeavesOutNext(IGroupMachine machine) : MachineFilter(machine)
    {
        private ulong _snapshot;

        public override bool ApplySnapshot(RaftSnapshot snapshot)
        {
            _snapshot = snapshot.Index;
            return Machine.ApplySnapshot(snapshot);
        }

        public override bool Apply(in CommittedEntry entry) => (_snapshot != 0 && entry.Index == _snapshot + 1) || Machine.Apply(entry);
    }

    private sealed class AppliesAgain(IGroupMachine machine) : MachineFilter(machine)
    {
        private RaftSnapshot? _snapshot;

        public override bool ApplySnapshot(RaftSnapshot snapshot)
        {
            _snapshot = snapshot;
            return Machine.ApplySnapshot(snapshot);
        }

        public override void LeaderChanged(PeerId leader, ulong term, bool leads)
        {
            if (leads && _snapshot is { } snapshot) Machine.ApplySnapshot(snapshot);
            Machine.LeaderChanged(leader, term, leads);
        }
    }

    private sealed class RemovesByName(MetaServer server, IMetaEffects effects) : MetaEffectsFilter(effects)
    {
        public override void RemoveStream(MetaRemoval<StreamAssignment> removal)
        {
            var (account, name) = (removal.Request.Account, removal.Request.Name);
            var found = server.Engine.Accounts[account].Find(name) ?? server.Engine.FindHeld(account, name);
            Effects.RemoveStream(found is null ? removal : removal with { Known = (removal.Known ?? removal.Request) with { Created = ApiTime.FromUnix(found.Record.Created) } });
        }
    }

    private sealed class ForgetsRemovals(IMetaEffects effects) : MetaEffectsFilter(effects)
    {
        public override void RemoveStream(MetaRemoval<StreamAssignment> removal)
        {
            if (removal.Origin != MetaOrigin.Recovered) Effects.RemoveStream(removal);
        }
    }

    private sealed class DeletesOrphans(MetaServer server, IMetaEffects effects) : MetaEffectsFilter(effects)
    {
        public override void RecoveryDone(bool isFirst)
        {
            Effects.RecoveryDone(isFirst);
            if (!isFirst) return;
            var streams = server.Engine.Accounts["$G"];
            foreach (var (account, name) in server.Engine.Held)
            {
                if (server.Meta!.Assignments.Find(account, name) is null && server.Engine.TakeHeld(account, name) is { } orphan) server.Service!.Remove(streams, orphan);
            }
        }
    }

    private sealed class LeavesAtOnce(MetaServer server, IMetaEffects effects) : MetaEffectsFilter(effects)
    {
        public override void StopStream(StreamAssignment stream, MetaStop reason)
        {
            if (reason == MetaStop.NotMember && server.Streams?.Find(stream.Name) is { } host) server.Service!.Remove(server.Streams, host);
            else Effects.StopStream(stream, reason);
        }
    }

    private sealed class ConfirmsAtOnce : Often
    {
        public override MetaParts Spoil(MetaServer server, MetaParts parts) => parts with { LeaderEffects = effects => new Answers(server, effects) };

        private sealed class Answers(MetaServer server, IMetaLeaderEffects effects) : LeaderEffectsFilter(effects)
        {
            public override bool Propose(byte[] entry)
            {
                var isProposed = base.Propose(entry);
                if (isProposed && MetaEntry.Decode(entry, out var proposed) is null && proposed!.Stream?.Reply is { Length: > 0 } reply) server.Answer(reply, "{}");
                return isProposed;
            }
        }
    }
}
