using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Tests.Simulation.Cluster;

namespace NatsAspire.Tests.Simulation.Meta;

// Everything that goes wrong, and what operators do.
internal sealed partial class MetaSimulation
{
    private readonly HashSet<MetaServer> _starting = [];

    private IReadOnlyList<MetaServer> Running => [.. _servers.Where(server => server.IsRunning)];

    private void BringFault()
    {
        if (_isCalm) return;
        _world.At(_world.Between(1, 2 * Plan.FaultEvery), BringFault);
        if (Running.Count == 0) return;
        Faults++;
        var victim = _random.Of(Running);
        switch (_random.Below(16))
        {
            case 0 or 1 when Plan.Crashes: victim.Crash(); break;
            case 2 when Plan.Crashes: victim.CrashDuring(1 + _random.Below(12)); break;
            case 3 when Plan.PowerCuts && _random.Chance(0.4): CutPower(); break;
            case 4 or 5 when Plan.Cuts: Network.CutOff([.. Running.Where(_ => _random.Chance(0.4)).Select(server => server.Id)]); break;
            case 6 when Plan.OneWay: Network.CutOneWay(victim, _random.Of(Running)); break;
            case 7 when Plan.Pauses: victim.PauseFor(_world.Between(10, 800) * SimulatedWorld.Millisecond); break;
            case 8 or 9 when Plan.Checkpoints: Checkpoint(victim); break;
            case 10 or 11 when Plan.Transfers: StepDown(); break;
            case 12 when Plan.ClockJumps: victim.Time.Skew += _world.Between(-3_000, 3_000) * SimulatedWorld.Millisecond; break;
            case 13 or 14 when _plan.RemovesPeers && _servers.Count > 3: TakeOut(victim); break;
            case 15 when Plan.Wipes: LoseDisk(victim); break;
            default: Faults--; break;
        }
        // Between lives a server is down for a while.
        foreach (var server in _servers.Where(server => !server.IsRunning && server.Refusal is null)) StartLater(server);
    }

    private void StartLater(MetaServer server)
    {
        if (server.IsOut || !_starting.Add(server)) return;
        _world.At(_world.Between(5, 700) * SimulatedWorld.Millisecond, () =>
        {
            _starting.Remove(server);
            if (!server.IsRunning && server.Refusal is null && !server.IsOut) server.Start();
        });
    }

    private void CutPower()
    {
        _world.Note("*", "power cut");
        foreach (var server in _random.Chance(0.7) ? Running : [.. Running.Skip(1)]) server.Crash();
    }

    // Logs are let go, so that who is behind needs a snapshot.
    private void Checkpoint(MetaServer victim)
    {
        if (victim.Service is not { Meta: { } meta } service) return;
        if (_random.Chance(0.7))
        {
            service.Run(() =>
            {
                var core = meta.Group.Core;
                if (meta.Group.Fault is null && meta.HasRecovered && core.AppliedIndex > core.SnapshotIndex && !core.IsSavingSnapshot) core.InstallSnapshot(core.AppliedIndex, MetaSnapshot.Encode(meta.Assignments), force: false, meta.Group.Now);
            });
        }
        foreach (var host in victim.Streams!.Hosts.Values)
        {
            if (host.Fault is null && _random.Chance(0.3)) host.RequestCheckpoint();
        }
    }

    private void StepDown()
    {
        if (_random.Chance(0.5)) Request("$JS.API.META.LEADER.STEPDOWN", "", "$SYS", static _ => { });
        else if (_assets.Count > 0) Request($"$JS.API.STREAM.LEADER.STEPDOWN.{_random.Of(_assets).Name}", "", "$G", static _ => { });
    }

    // It is down for good, as far as people know; later it comes back after all, with its disk or without.
    private void TakeOut(MetaServer victim)
    {
        if (_servers.Exists(server => server.IsOut)) return;
        victim.Crash();
        victim.IsOut = true;
        _world.Note(victim.Name, "is to leave the cluster");
        // What it has alone is given up with it.
        foreach (var asset in _assets.Where(asset => asset.Replicas == 1)) asset.Lose();
        foreach (var stream in _newest.Assignments.All.Where(stream => stream.Assignment.Group.Peers is [var only] && only == victim.Id.ToString())) GiveUp(stream);
        Request("$JS.API.SERVER.REMOVE", $"{{\"peer\":\"{victim.Name}\"}}", "$SYS", answer => _world.Note("operator", $"takes {victim.Name} out: {answer ?? "no answer"}"));
        _world.At(_world.Between(500, 4_000) * SimulatedWorld.Millisecond, () =>
        {
            victim.IsOut = false;
            if (!victim.IsRunning && victim.Refusal is null && !_isCalm) StartLater(victim);
        });
    }

    // Whoever is to hold it next may go on with what it has from when it held it before.
    private void GiveUp(AssignedStream stream)
    {
        _ended.Add(stream.Assignment.Group.Name);
        foreach (var server in _servers)
        {
            if (server.LastKnown(stream.Name)?.Record.Group is { } group) _ended.Add(group);
        }
        _ended.UnionWith(stream.Consumers.Values.Select(static consumer => consumer.Assignment.Group.Name));
    }

    /// <summary>Disks are lost one at a time, and only while all others have what they promised, and nothing is on this one alone.</summary>
    private void LoseDisk(MetaServer victim)
    {
        if (WhyUnwell() is not null || _newest.Assignments.All.Any(stream => stream.Assignment.Group.Peers is [var only] && only == victim.Id.ToString())) return;
        victim.Crash();
        victim.Wipe();
        _world.Note(victim.Name, "loses its disk");
    }
}
