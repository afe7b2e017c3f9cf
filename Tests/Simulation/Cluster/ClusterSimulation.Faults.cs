using System.Buffers;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Simulation.Cluster;

// Everything that goes wrong.
internal sealed partial class ClusterSimulation
{
    private readonly Dictionary<SimulatedServer, SimulatedDisk> _kept = [];

    private IReadOnlyList<SimulatedServer> Running => [.. _servers.Where(server => server.IsRunning)];

    private void BringFault()
    {
        if (_isCalm) return;
        _world.At(_world.Between(1, 2 * Plan.FaultEvery), BringFault);
        if (Running.Count == 0) return;
        Faults++;
        var victim = _random.Of(Running);
        switch (_random.Below(16))
        {
            case 0 or 1 when Plan.Crashes: CrashOne(victim); break;
            case 2 when Plan.Crashes: victim.CrashDuring(1 + _random.Below(12)); break;
            case 3 when Plan.PowerCuts && _random.Chance(0.4): CutPower(); break;
            case 4 or 5 when Plan.Cuts: _network.CutOff([.. Running.Where(_ => _random.Chance(0.4)).Select(server => server.Id)]); break;
            case 6 when Plan.OneWay: _network.CutOneWay(victim, _random.Of(Running)); break;
            case 7 when Plan.Pauses: victim.PauseFor(_world.Between(10, 800) * SimulatedWorld.Millisecond); break;
            case 8 or 9 or 10 when Plan.Checkpoints: Checkpoint(victim); break;
            case 11 when Plan.Transfers: Transfer(victim); break;
            case 12 when Plan.ClockJumps: victim.Time.Skew += _world.Between(-3_000, 3_000) * SimulatedWorld.Millisecond; break;
            case 13 when Plan.FailsWrites: FailDisk(victim); break;
            case 14 when Plan.Wipes || Plan.RollsBack || Plan.Flips: SpoilDisk(victim); break;
            default: Faults--; break;
        }
        // Between lives a server is down for a while.
        foreach (var server in _servers.Where(server => !server.IsRunning && server.Refusal is null)) StartLater(server);
    }

    private readonly HashSet<SimulatedServer> _starting = [];

    private void StartLater(SimulatedServer server)
    {
        if (!_starting.Add(server)) return;
        _world.At(_world.Between(5, 700) * SimulatedWorld.Millisecond, () =>
        {
            _starting.Remove(server);
            if (!server.IsRunning && server.Refusal is null) server.Start();
        });
    }

    private void CrashOne(SimulatedServer victim) => victim.Crash();

    private void CutPower()
    {
        _world.Note("*", "power cut");
        foreach (var server in _random.Chance(0.7) ? Running : [.. Running.Skip(1)]) server.Crash();
    }

    // Logs are let go, so that who is behind needs a snapshot.
    private void Checkpoint(SimulatedServer victim)
    {
        if (victim.Stream is not { Fault: null } stream) return;
        var kind = _random.Below(4);
        if (kind < 2) stream.RequestCheckpoint();
        else if (kind == 2) stream.Group!.RequestCheckpoint();
        else
        {
            foreach (var consumer in victim.Consumers)
            {
                stream.Post(() =>
                {
                    if (consumer.IsOver || consumer.Group is not { Fault: null } group || group.Core.AppliedIndex <= group.Core.SnapshotIndex || group.Core.IsSavingSnapshot) return;
                    var state = new ArrayBufferWriter<byte>();
                    consumer.Replica.Encode(state);
                    group.Core.InstallSnapshot(group.Core.AppliedIndex, state.WrittenSpan.ToArray(), force: false, group.Now);
                });
            }
        }
    }

    private void Transfer(SimulatedServer victim)
    {
        if (victim.Stream is not { Fault: null } stream) return;
        var to = _random.Chance(0.5) ? _random.Of(_servers).Id : PeerId.None;
        stream.Post(() =>
        {
            foreach (var group in (GroupHost[])[stream.Group!, .. victim.Consumers.Select(consumer => consumer.Group!)])
            {
                if (group.Fault is null && group.Core.Leads) group.Core.StepDown(to, group.Now);
            }
        });
    }

    private void FailDisk(SimulatedServer victim)
    {
        victim.HasFailingDisk = true;
        _world.Note(victim.Name, "has a disk that fails");
        if (_random.Chance(0.4)) victim.Disk.Capacity = 0;
        else victim.Disk.Fail(_random.Of([DiskCall.Write, DiskCall.Sync, DiskCall.Rename, DiskCall.SyncDirectory]), nth: 1 + _random.Below(6), times: 1 + _random.Below(3), keep: _random.Chance(0.3) ? 100 : 0);
        // Somebody looks after it, and starts it again.
        victim.At(_world.Between(100, 600) * SimulatedWorld.Millisecond, () =>
        {
            victim.Crash();
            StartLater(victim);
        });
    }

    /// <summary>Disks are spoilt one at a time, and only while all others have what they promised.</summary>
    private void SpoilDisk(SimulatedServer victim)
    {
        if (_isCalm || !_servers.TrueForAll(IsTrusted)) return;
        if (Plan.RollsBack && !_kept.ContainsKey(victim))
        {
            _kept[victim] = victim.Disk.PowerCut(() => 1);
            return;
        }
        victim.Crash();
        if (Plan.Wipes) victim.Wipe();
        else if (Plan.RollsBack) victim.UseDisk(_kept[victim].Copy());
        else Flip(victim);
        _world.Note(victim.Name, Plan.Wipes ? "loses its disk" : Plan.RollsBack ? "gets an old disk" : "has bits that flipped");
    }

    private static bool IsTrusted(SimulatedServer server) =>
        server is { IsRunning: true, Stream.Group.Core: { MayHaveForgotten: false, AppliedIndex: > 0 } core } && core.AppliedIndex == core.CommitIndex
        && server.Consumers.Count() == 2 && server.Consumers.All(consumer => consumer.Group!.Core is { MayHaveForgotten: false, AppliedIndex: > 0 });

    private void Flip(SimulatedServer victim)
    {
        var files = victim.Disk.Files.Where(path => victim.Disk.Content(path).Length > 0).ToList();
        if (files.Count == 0) return;
        var file = _random.Of(files);
        _world.Note(victim.Name, $"flips a bit in {file}");
        victim.Disk.Tamper(file, bytes =>
        {
            for (var i = 0; i < 2; i++) bytes[_random.Below(bytes.Length)] ^= (byte)(1 << _random.Below(8));
            return bytes;
        });
    }

    // Who refuses to start, or has lost part of what it had, has its disk taken away by somebody when the others have all
    // there is, and begins anew.
    private void Repair(SimulatedServer server)
    {
        server.CrashDuring(0);
        if (server.IsRunning && (server.HasFailingDisk || (server.Stream?.Fault is not null && !server.IsSpoilt))) server.Crash();
        if (server.Refusal is not null || server.IsSpoilt)
        {
            ReplaceWhenOthersAreWell(server);
            return;
        }
        if (!server.IsRunning) server.Start();
        _world.At(100 * SimulatedWorld.Millisecond, () =>
        {
            if (server.Refusal is not null || server.IsSpoilt) ReplaceWhenOthersAreWell(server);
        });
    }

    private void ReplaceWhenOthersAreWell(SimulatedServer server)
    {
        if (!_servers.TrueForAll(one => one == server || IsTrusted(one)))
        {
            _world.At(100 * SimulatedWorld.Millisecond, () => ReplaceWhenOthersAreWell(server));
            return;
        }
        server.Crash();
        server.Wipe();
        server.Start();
    }
}
