using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>What the server holds, and what reaches it. The meta group's part is played as <c>MetaHost</c> plays it.</summary>
internal sealed partial class SimulatedServer
{
    /// <summary>Its member of the stream; null: it has none.</summary>
    public StreamHost? Stream { get; private set; }

    public IEnumerable<ConsumerHost> Consumers => Stream?.Consumers.All ?? [];

    private void Place()
    {
        var simulation = _simulation;
        var streams = Engine.Accounts["$G"];
        try
        {
            IsInline = true;
            if (Engine.TakeHeld("$G", ClusterSimulation.StreamName) is { } found) streams.Run(found, simulation.StreamPlan);
            else if (streams.Offline.TryGetValue(ClusterSimulation.StreamName, out var reason)) throw new CorruptStoreException(reason);
            else streams.Create(simulation.Plan.Stream, ClusterSimulation.Created, simulation.StreamPlan);
            var host = Stream = streams.Find(ClusterSimulation.StreamName)!;
            foreach (var consumer in simulation.ConsumerPlans) host.Post(() => Place(host, consumer));
        }
        catch (DiskException fault)
        {
            // Somebody looks after the disk, and starts the server again.
            IsInline = false;
            _world.Note(Name, $"has no stream: {fault.Message}");
            Crash();
        }
        catch (CorruptStoreException fault)
        {
            // Production has the stream offline; it serves nothing until somebody does something about it.
            IsInline = false;
            Refuse(fault.Message);
        }
    }

    private AssetParts PartsOf(ClusterSimulation simulation) => simulation.Bug.Spoil(new AssetParts
    {
        Machine = (group, machine) => simulation.Watch(this, group, machine),
        Options = options => options with
        {
            Seed = _world.Random.Next(),
            MaxBatchEntries = simulation.Plan.BatchEntries,
            CatchUpWindow = simulation.Plan.CatchUpWindow,
            BacklogBytes = simulation.Plan.BacklogBytes,
        },
    });

    private void Place(StreamHost host, ConsumerPlan plan)
    {
        if (host.Fault is not null) return;
        try
        {
            host.Consumers.Place(
                new ConsumerRecord(0, ClusterSimulation.Created, plan.Name, plan.Configuration),
                plan.Group with { IsPreferred = plan.Group.IsPreferred && plan.Group.Peers[0] == Id }, default, host.Now);
        }
        catch (DiskException fault)
        {
            _world.Note(Name, $"has no consumer {plan.Name}: {fault.Message}");
            Crash();
        }
        catch (CorruptStoreException fault)
        {
            _world.Note(Name, $"has no consumer {plan.Name}: {fault.Message}");
            IsSpoilt = true;
        }
        host.Wake();
    }

    /// <summary>A message of another server.</summary>
    public override void Hear(SimulatedPost post) => Deliver(_system!, post);

    /// <summary>A message of a client, in its account.</summary>
    public void HearClient(SimulatedPost post) => Deliver(_global!, post);

    /// <summary>A request for messages of a consumer, as the API hands it on.</summary>
    public void HearRequest(string consumer, SimulatedPost post)
    {
        if (Stream is not { } host || !host.Consumers.Serves(System.Text.Encoding.UTF8.GetBytes(consumer))) return;
        var batch = new FlushBatch();
        host.Consumers.Take(post.ToMessage(), batch);
        batch.FlushAll();
    }
}
