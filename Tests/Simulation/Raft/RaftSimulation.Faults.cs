using System.Text;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

// What clients and misfortune do.
internal sealed partial class RaftSimulation
{
    private readonly HashSet<PeerId> _retired = [];

    private IReadOnlyList<SimulatedMember> Running => [.. _members.Where(member => member.IsRunning)];

    private SimulatedMember? Leading => _members.Where(member => member.IsRunning && member.Group.Leads).MaxBy(member => member.Group.Term);

    private void ProposeNow()
    {
        var isOver = _now > SimulationPlan.Storm + SimulationPlan.Calm - 1_000;
        if (!isOver) At(_random.Between(1, Plan.ProposalEvery * 2), ProposeNow);
        // Members that only believe to lead propose as well.
        if (Running is not { Count: > 0 } running) return;
        var member = _random.Of(running);
        for (var i = _random.Between(1, 3); i > 0; i--)
        {
            var data = Encoding.ASCII.GetBytes($"m{_proposals++}");
            Turn(member, one => one.Group.Forward(data, _now));
        }
        MakeSnapshots(member);
    }

    private void MakeSnapshots(SimulatedMember member)
    {
        if (Plan.Snapshots == 0 || !member.IsRunning || member.Group.AppliedIndex < member.Group.SnapshotIndex + (ulong)Plan.Snapshots) return;
        Turn(member, one => one.MakeSnapshot(_random.Chance(0.5), _now));
        var incarnation = member.Incarnation;
        At(_random.Between(0, 60), () =>
        {
            if (member.Incarnation == incarnation) Turn(member, one => one.FinishSnapshot(_now));
        });
    }

    private void BringFault()
    {
        if (_isCalm) return;
        At(_random.Between(1, Plan.FaultEvery * 2), BringFault);
        Action[] faults = [Crash, Cut, CutOneWay, Wipe, ChangeMembers, Transfer, Pause, Observe, Campaign, Clog];
        bool[] on = [Plan.Crashes, Plan.Cuts, Plan.OneWay, Plan.Wipes, Plan.ChangesMembers, Plan.Transfers, Plan.Pauses, Plan.Pauses, Plan.Campaigns, Plan.Clogs];
        var chosen = Enumerable.Range(0, faults.Length).Where(one => on[one]).ToArray();
        if (chosen.Length == 0 || Running.Count == 0) return;
        Faults++;
        faults[_random.Of(chosen)]();
    }

    private void Crash()
    {
        var victim = _random.Chance(0.4) && Leading is { } leading ? leading : _random.Of(Running);
        CrashMember(victim);
        At(_random.Between(0, 250), () => Restart(victim));
        if (_random.Chance(0.15))
        {
            foreach (var member in Running.Where(member => member != victim).ToArray())
            {
                CrashMember(member);
                At(_random.Between(0, 250), () => Restart(member));
            }
        }
    }

    private void CrashMember(SimulatedMember member)
    {
        Note(member, "crashes");
        Mix(1, member.Id.Value);
        member.Crash(_random.Chance(0.5) ? 0 : _random.Below(member.Disk.Pending + 1));
        _syncing.Remove(member);
        _resuming.Remove(member);
        _ticks.Remove(member);
    }

    private void Restart(SimulatedMember member)
    {
        if (member.IsRunning || _retired.Contains(member.Id)) return;
        Start(member, RaftOrigin.Recovered);
    }

    private void Cut() => CutOff([.. Running.Where(_ => _random.Chance(0.4)).Select(member => member.Id)]);

    private void CutOff(HashSet<PeerId> side)
    {
        foreach (var from in _members)
        {
            foreach (var to in _members)
            {
                if (side.Contains(from.Id) != side.Contains(to.Id)) CutLink(from.Id, to.Id);
            }
        }
        Note(null, $"cuts off {SimulatedMember.Letters(side)}");
        At(_random.Between(20, 800), Heal);
    }

    private void CutOneWay()
    {
        var (from, to) = (_random.Of(Running), _random.Of(Running));
        if (from == to) return;
        Note(null, $"cuts {from.Name} to {to.Name}");
        CutLink(from.Id, to.Id);
        At(_random.Between(20, 500), Heal);
    }

    private void CutLink(PeerId from, PeerId to) => _cuts.Add((from, to));

    private void Heal()
    {
        Note(null, "heals all links");
        _cuts.Clear();
    }

    // A disk is lost only while the others hold what it held: as many as a quorum can do without may be lost at a time.
    private void Wipe()
    {
        var victim = _random.Of(Running);
        var size = victim.Group.ClusterSize;
        var suspects = _members.Count(member => !_retired.Contains(member.Id) && (!member.IsRunning || member.Group.MayHaveForgotten));
        if (size < 3 || suspects >= (size - 1) / 2 || !victim.Group.Members.Contains(victim.Id) || Running.Any(member => member.Group.IsChangingMembers || member.Group.ClusterSize != size)) return;
        Note(victim, "loses its disk");
        var peers = victim.Group.CommittedPeers with { Index = 0 };
        CrashMember(victim);
        victim.Wipe(peers);
        Start(victim, RaftOrigin.Recovered);
    }

    private void ChangeMembers()
    {
        // A group that forms counts on as many members as it was told there will be.
        if (Leading is not { } leader || _members.Any(one => !_retired.Contains(one.Id) && (!one.IsRunning || one.Group.ClusterSize != one.Group.Members.Length))) return;
        var members = leader.Group.Members.ToArray();
        if (_random.Chance(0.5) && _members.Count < 12 && members.Length < 6)
        {
            var first = _members.Count;
            for (var i = _random.Between(1, 2); i > 0; i--) AddMember(leader);
            if (_random.Chance(0.4)) CutOff([leader.Id, .. _members.Skip(first).Select(member => member.Id)]);
        }
        else if (members.Length > 1)
        {
            var id = _random.Of(members);
            var asked = _random.Chance(0.7) ? leader : _random.Of(Running);
            Turn(asked, one => Note(one, $"proposes to remove {SimulatedMember.Letter(id)}: {one.Group.ProposeRemovePeer(id, _now)}"));
        }
    }

    // Who joins begins with the members before it: it is one when the log says so.
    private void AddMember(SimulatedMember leader)
    {
        var id = IdOf(_members.Count);
        var joining = Add(id, leader.Group.CommittedPeers with { Index = 0 }, isScaleUp: true);
        Turn(leader, one =>
        {
            var result = one.Group.ProposeAddPeer(id, _now);
            Note(one, $"proposes to add {SimulatedMember.Letter(id)}: {result}");
            if (result != RaftResult.Accepted) Retire(joining);
        });
    }

    // The layer above stops a member that was removed.
    public void Removed(PeerId peer)
    {
        var member = _members.Find(one => one.Id == peer);
        if (member is not null && _retired.Add(peer)) At(_random.Between(0, 200), () => Retire(member));
    }

    private void Retire(SimulatedMember member)
    {
        _retired.Add(member.Id);
        if (!member.IsRunning) return;
        Note(member, "is gone for good");
        CrashMember(member);
    }

    private void Transfer()
    {
        if (Leading is not { } leader) return;
        var to = _random.Chance(0.5) ? _random.Of(Running).Id : PeerId.None;
        Turn(leader, one => Note(one, $"makes way for {SimulatedMember.Letter(to)}: {one.Group.StepDown(to, _now)}"));
    }

    private void Pause()
    {
        var member = _random.Of(Running);
        Turn(member, one => one.Group.PauseApply(_now));
        Note(member, "pauses");
        At(_random.Between(10, 500), () => Turn(member, one => one.Group.ResumeApply(_now)));
    }

    private void Observe()
    {
        var member = _random.Of(Running);
        Turn(member, one => one.Group.SetObserver(true, _now));
        Note(member, "observes");
        At(_random.Between(10, 400), () => Turn(member, one => one.Group.SetObserver(false, _now)));
    }

    private void Campaign()
    {
        var member = _random.Of(Running);
        Note(member, "is told to campaign");
        Turn(member, one => one.Group.Campaign(_now));
    }

    // What a member sends, or is sent, arrives all at once some time later.
    private void Clog()
    {
        var member = _random.Of(Running);
        var until = _now + _random.Between(10, Math.Min(400, Plan.Latest));
        Note(member, $"is clogged until {until}");
        foreach (var other in Running)
        {
            if (_random.Chance(0.7)) _clogs[(member.Id, other.Id)] = until;
            if (_random.Chance(0.3)) _clogs[(other.Id, member.Id)] = until;
        }
    }

    private void EndFaults()
    {
        _isCalm = true;
        Note(null, "nothing fails from here on");
        _committedBeforeCalm = _lastCommitted;
        Heal();
        foreach (var member in _members)
        {
            if (member.IsRunning)
            {
                member.AppliesLater = false;
                Turn(member, one => one.Group.ResumeApply(_now));
                Turn(member, one => one.Group.SetObserver(false, _now));
            }
            else
            {
                Restart(member);
            }
        }
    }
}
