using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>Mistakes above Raft: those upstream made, and those its design avoids. The number is that of upstream's bug.</summary>
internal static class PlantedBugs
{
    private const string StreamGroup = "S-R3F";

    public static readonly IReadOnlyDictionary<string, Func<PlantedBug>> All = new Dictionary<string, Func<PlantedBug>>
    {
        ["the log is acknowledged before it is durable (#7564)"] = () => new Lies(path => path.EndsWith(".wal", StringComparison.Ordinal), _ => false),
        ["messages of a checkpoint are not durable when the log goes (#8456)"] = () => new Lies(path => path.Contains("/messages/", StringComparison.Ordinal), _ => false),
        ["a group's state is not durable when the log goes (#8475)"] = () => new Lies(path => path.Contains("/groups/", StringComparison.Ordinal), _ => false),
        ["new names are not made durable"] = () => new Lies(_ => false, _ => true),
        ["a snapshot counts without its messages (#8021)"] = () => new Machines(StreamGroup, (_, machine) => new ForgetsSnapshots(machine)),
        ["entries are applied before the messages of a snapshot are there"] = () => new Machines(StreamGroup, (_, machine) => new AppliesTooEarly(machine)),
        ["the entry behind a snapshot is left out (#8320)"] = () => new Machines(StreamGroup, (_, machine) => new LeavesOutNext(machine)),
        ["a leader serves before it has applied what came before (#8370)"] = () => new Machines(StreamGroup, (server, machine) => new LeadsTooEarly(server, machine)) { IsRare = true },
        ["deletions are done by leaders only (#7384)"] = () => new Machines(StreamGroup, (server, machine) => new LeavesOut(server, machine, EntryOperation.PurgeStream, EntryOperation.DeleteMessage)),
        ["a consumer's snapshot is not taken over"] = () => new Machines("C", (_, machine) => new ForgetsSnapshots(machine)),
        ["acknowledgements are known to leaders only (#5482)"] = () => new Machines("C", (server, machine) => new LeavesOut(server, machine, EntryOperation.UpdateAcks)),
        ["deliveries are known to leaders only (#8102)"] = () => new Machines("C", (server, machine) => new LeavesOut(server, machine, EntryOperation.UpdateDelivered)),
        ["a deposed leader of a consumer goes on"] = () => new Machines("C", (_, machine) => new IsNeverDeposed(machine)),
        ["a message is delivered before others know of it (#6792)"] = () => new Spoils(parts => parts with { Agreement = static (effects, policy) => new DeliversAtOnce(effects, policy) }),
        ["an acknowledgement is confirmed before others know of it"] = () => new Spoils(parts => parts with { Agreement = static (effects, policy) => new ConfirmsAtOnce(effects, policy) }),
        ["refusals and duplicates are told before others agree (#6415)"] = () => new Spoils(parts => parts with { Leader = static (replica, options) => new AnswersAtOnce(replica, options) }),
        ["a message is judged without what is under way (#7281)"] = () => new Spoils(parts => parts with { Leader = static (replica, options) => new JudgesBlindly(replica, options) }) { IsRare = true },
        ["a checkpoint is made in the middle of a batch (#8098)"] = () => new Spoils(parts => parts with { Replica = static (configuration, store, room) => new HidesBatches(configuration, store, room) }) { IsRare = true },
    };

    private sealed class Lies(Predicate<string> file, Predicate<string> directory) : PlantedBug
    {
        public override IDisk Disk(IDisk disk) => new LyingDisk(disk, file, directory);
    }

    /// <summary>A mistake that needs several things to come together, which are then drawn often.</summary>
    private abstract class MaybeRare : PlantedBug
    {
        public bool IsRare { get; init; }

        public override ClusterPlan Adjust(ClusterPlan plan) => !IsRare ? plan : plan with
        {
            Crashes = true,
            Checkpoints = true,
            Transfers = true,
            Cuts = true,
            Wipes = false,
            Flips = false,
            FailsWrites = false,
            BatchEntries = 1,
            PublishEvery = 2 * SimulatedWorld.Millisecond,
            FaultEvery = 30 * SimulatedWorld.Millisecond,
            Stream = plan.Stream with { MaxMessages = -1, MaxMessagesPerSubject = -1 },
        };
    }

    private sealed class Machines(string groups, Func<SimulatedServer, IGroupMachine, IGroupMachine> wrap) : MaybeRare
    {
        public override IGroupMachine Wrap(ClusterSimulation simulation, SimulatedServer server, string group, IGroupMachine machine) =>
            group.StartsWith(groups, StringComparison.Ordinal) ? wrap(server, machine) : machine;
    }

    private sealed class Spoils(Func<AssetParts, AssetParts> spoil) : MaybeRare
    {
        public override AssetParts Spoil(AssetParts parts) => spoil(parts);
    }

    private sealed class ForgetsSnapshots(IGroupMachine machine) : MachineFilter(machine)
    {
        public override bool ApplySnapshot(RaftSnapshot snapshot) => true;
    }

    private sealed class AppliesTooEarly(IGroupMachine machine) : MachineFilter(machine)
    {
        public override bool ApplySnapshot(RaftSnapshot snapshot)
        {
            Machine.ApplySnapshot(snapshot);
            return true;
        }
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

    private sealed class LeadsTooEarly(SimulatedServer server, IGroupMachine machine) : MachineFilter(machine)
    {
        public override void LeaderChanged(PeerId leader, ulong term, bool leads) => Machine.LeaderChanged(leader, term, leader == server.Id);
    }

    private sealed class IsNeverDeposed(IGroupMachine machine) : MachineFilter(machine)
    {
        private bool _leads;

        public override void LeaderChanged(PeerId leader, ulong term, bool leads)
        {
            _leads |= leads;
            Machine.LeaderChanged(leader, term, _leads);
        }
    }

    private sealed class LeavesOut(SimulatedServer server, IGroupMachine machine, params EntryOperation[] operations) : MachineFilter(machine)
    {
        public override bool Apply(in CommittedEntry entry)
        {
            var leads = server.Stream is { } stream && (stream.Group?.Core.Leads == true || server.Consumers.Any(consumer => consumer.Leads));
            foreach (var one in entry)
            {
                if (!leads && one.Type == RaftEntryType.Normal && operations.Contains((EntryOperation)one.Data[0])) return true;
            }
            return Machine.Apply(entry);
        }
    }

    private sealed class DeliversAtOnce(IConsumerEffects effects, AckPolicy policy) : ConsumerAgreement(effects, policy)
    {
        internal override bool MayDeliver() => true;
    }

    private sealed class ConfirmsAtOnce(IConsumerEffects effects, AckPolicy policy) : ConsumerAgreement(effects, policy)
    {
        internal override bool MayConfirm() => true;
    }

    private sealed class AnswersAtOnce(StreamReplica replica, StreamLeaderOptions options) : StreamLeader(replica, options)
    {
        internal override bool MayAnswer() => true;
    }

    private sealed class JudgesBlindly(StreamReplica replica, StreamLeaderOptions options) : StreamLeader(replica, options)
    {
        internal override bool IsClear(in StoredMessage message) => true;
    }

    private sealed class HidesBatches(StreamConfiguration configuration, IMessageStore store, StorageRoom? room) : StreamReplica(configuration, store, room)
    {
        public override bool HasStagedBatch => false;
    }
}
