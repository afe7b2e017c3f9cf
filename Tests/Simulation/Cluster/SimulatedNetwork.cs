using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>What carries messages between servers: in order or not, late, twice, or never.</summary>
/// <param name="world">Time and chance.</param>
/// <param name="plan">How bad it is.</param>
/// <param name="nodes">The servers.</param>
internal sealed class SimulatedNetwork(SimulatedWorld world, ClusterPlan plan, IReadOnlyList<SimulatedNode> nodes)
{
    private readonly HashSet<(PeerId From, PeerId To)> _cuts = [];
    private readonly Dictionary<(PeerId From, PeerId To), long> _lastArrival = [];
    private readonly Dictionary<(PeerId From, PeerId To), int> _connections = [];

    /// <summary>Nothing is lost, late or twice any more.</summary>
    public bool IsCalm { get; set; }

    /// <summary>What a server says in the system account goes to all others.</summary>
    public void Send(SimulatedNode from, SimulatedPost post)
    {
        world.Mix((ulong)post.Body.Length, from.Id.Value);
        foreach (var to in nodes)
        {
            if (to != from && to.IsRunning) Send(from, to, post);
        }
    }

    public void Send(SimulatedNode from, SimulatedNode to, SimulatedPost post)
    {
        if (_cuts.Contains((from.Id, to.Id)) || (!IsCalm && world.Random.Chance(plan.Drop))) return;
        Transmit(from, to, post);
        if (!IsCalm && world.Random.Chance(plan.Duplicate)) Transmit(from, to, post);
    }

    private void Transmit(SimulatedNode from, SimulatedNode to, SimulatedPost post)
    {
        var link = (from.Id, to.Id);
        var arrival = world.Now + world.Between(50 * SimulatedWorld.Microsecond, plan.MaxDelay);
        if (!IsCalm && world.Random.Chance(plan.Late)) arrival += world.Between(0, 400 * SimulatedWorld.Millisecond);
        else if (!plan.Reorders || IsCalm) arrival = _lastArrival[link] = Math.Max(arrival, _lastArrival.GetValueOrDefault(link));
        var connection = _connections.GetValueOrDefault(link);
        to.At(arrival - world.Now, () =>
        {
            // What was on its way when the connection broke is lost.
            if (_connections.GetValueOrDefault(link) == connection && !_cuts.Contains(link)) to.Hear(post);
        });
    }

    public void CutOff(HashSet<PeerId> side)
    {
        foreach (var from in nodes)
        {
            foreach (var to in nodes)
            {
                if (side.Contains(from.Id) != side.Contains(to.Id)) Cut(from.Id, to.Id);
            }
        }
        world.Note("*", $"cuts off {string.Concat(nodes.Where(node => side.Contains(node.Id)).Select(node => node.Name))}");
        world.At(world.Between(30, 1_500) * SimulatedWorld.Millisecond, HealAll);
    }

    public void CutOneWay(SimulatedNode from, SimulatedNode to)
    {
        if (from == to) return;
        world.Note("*", $"cuts {from.Name} to {to.Name}");
        Cut(from.Id, to.Id);
        world.At(world.Between(30, 1_000) * SimulatedWorld.Millisecond, HealAll);
    }

    public void HealAll()
    {
        world.Note("*", "heals all links");
        _cuts.Clear();
    }

    private void Cut(PeerId from, PeerId to)
    {
        _cuts.Add((from, to));
        _connections[(from, to)] = _connections.GetValueOrDefault((from, to)) + 1;
    }
}
