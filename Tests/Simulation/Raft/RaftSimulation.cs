using System.Text;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>Something that must never be was seen.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>
/// A group of members over simulated time, network and disks, with faults drawn from a seed; the same seed is the same run.
/// What must always be true is looked at with every event.
/// </summary>
internal sealed partial class RaftSimulation : IMemberObserver
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly List<SimulatedMember> _members = [];
    private readonly Dictionary<SimulatedMember, long> _ticks = [];
    private readonly HashSet<SimulatedMember> _syncing = [];
    private readonly HashSet<SimulatedMember> _resuming = [];
    private readonly Dictionary<(PeerId From, PeerId To), long> _lastArrival = [];
    private readonly HashSet<(PeerId From, PeerId To)> _cuts = [];
    private readonly Dictionary<(PeerId From, PeerId To), long> _clogs = [];
    private readonly SimulationRandom _random;
    private readonly GroupFactory _create;
    private readonly StringBuilder? _timeline;
    private long _now;
    private long _order;
    private bool _isCalm;
    private int _proposals;

    public RaftSimulation(ulong seed, GroupFactory create, bool isRecording)
    {
        Seed = seed;
        _random = new SimulationRandom(seed);
        Plan = SimulationPlan.Draw(_random);
        _create = create;
        if (isRecording) _timeline = new StringBuilder();
    }

    public ulong Seed { get; }

    public SimulationPlan Plan { get; }

    public bool IsRecording => _timeline is not null;

    /// <summary>Everything that happened, for reading.</summary>
    public string Timeline => _timeline?.ToString() ?? "";

    /// <summary>Everything that happened, for comparing.</summary>
    public ulong Hash { get; private set; } = 17;

    public int Events { get; private set; }

    public int Faults { get; private set; }

    /// <summary>Indexes that were committed.</summary>
    public int Committed => _chain.Count;

    /// <summary>Runs the seed.</summary>
    /// <exception cref="ViolationException">Something that must never be was seen.</exception>
    public void Run()
    {
        Note(null, $"seed {Seed}: {Plan}");
        CreateMembers();
        At(_random.Between(1, Plan.ProposalEvery), ProposeNow);
        At(_random.Between(1, Plan.FaultEvery), BringFault);
        At(SimulationPlan.Storm, EndFaults);
        while (_events.TryDequeue(out var happens, out var when))
        {
            if (when.Time > SimulationPlan.Storm + SimulationPlan.Calm) break;
            _now = when.Time;
            Events++;
            happens();
            if (Events > 2_000_000) throw new ViolationException("more events than any group needs: something goes round in circles");
        }
        CheckWellness();
    }

    private void CreateMembers()
    {
        var ids = Enumerable.Range(0, Plan.Members).Select(IdOf).ToArray();
        foreach (var id in ids)
        {
            var peers = Plan.Forms ? RaftPeers.Expecting(ids.Length, id) : RaftPeers.Of(ids);
            Add(id, peers, isScaleUp: false);
        }
    }

    private static PeerId IdOf(int number) => PeerId.Parse(new string((char)('a' + number), PeerId.Length));

    private SimulatedMember Add(PeerId id, RaftPeers peers, bool isScaleUp)
    {
        var member = new SimulatedMember(id, Plan.Options(id, isScaleUp), _create, this, new MemberDisk(peers));
        _members.Add(member);
        Start(member, RaftOrigin.Created);
        return member;
    }

    private void Start(SimulatedMember member, RaftOrigin origin)
    {
        Note(member, $"starts {origin}");
        member.AppliesLater = Plan.AppliesLater && !_isCalm;
        // No chance is drawn for this switch: the seeds in which mistakes are found would be others.
        member.NeedsLonger = Seed % 7 == 0 ? () => !_isCalm && _random.Chance(0.1) : null;
        BeginLife(member);
        member.Start(origin, _random.Next(), paused: false, _now);
        Turn(member, static _ => { });
    }

    private void At(long delay, Action action) => _events.Enqueue(action, (_now + delay, _order++));

    // One input, and what a driver does around it.
    private void Turn(SimulatedMember member, Action<SimulatedMember> input)
    {
        if (!member.IsRunning) return;
        input(member);
        if (!member.IsRunning) return;
        member.EndTurn(_now);
        if (member.Group.State == RaftState.Stopped)
        {
            Retire(member);
            return;
        }
        Check(member);
        ScheduleSync(member);
        ScheduleTick(member);
        if (member.IsHeldUp) ResumeLater(member);
        if (member.AppliesLater && _random.Chance(0.3)) At(_random.Between(0, 30), () => Turn(member, one => one.ApplyAll(_now)));
    }

    private void ResumeLater(SimulatedMember member)
    {
        if (!_resuming.Add(member)) return;
        var incarnation = member.Incarnation;
        At(_random.Between(0, 40), () =>
        {
            if (member.Incarnation != incarnation) return;
            _resuming.Remove(member);
            Turn(member, one => one.ResumeApplying(_now));
        });
    }

    private void ScheduleSync(SimulatedMember member)
    {
        if (member.Disk.Pending == 0 || !_syncing.Add(member)) return;
        var (position, incarnation) = (member.Disk.Last, member.Incarnation);
        var latency = _random.Between(0, Plan.MaxSync);
        if (Plan.SlowDisks && !_isCalm && _random.Chance(0.04)) latency += 150;
        At(latency, () =>
        {
            if (member.Incarnation != incarnation || !member.IsRunning) return;
            _syncing.Remove(member);
            Turn(member, one => one.Sync(position, _now));
        });
    }

    private void ScheduleTick(SimulatedMember member)
    {
        var next = Math.Max(_now, member.Group.NextTick);
        if (next > SimulationPlan.Storm + SimulationPlan.Calm || (_ticks.TryGetValue(member, out var scheduled) && scheduled <= next && scheduled >= _now)) return;
        _ticks[member] = next;
        var incarnation = member.Incarnation;
        At(next - _now, () =>
        {
            if (member.Incarnation != incarnation || !member.IsRunning) return;
            _ticks.Remove(member);
            if (member.Group.NextTick <= _now) Turn(member, one => one.Group.Tick(_now));
            else ScheduleTick(member);
        });
    }

    private void Send(SimulatedMessage message, SimulatedMember to)
    {
        if (_cuts.Contains((message.From, to.Id)) || (!_isCalm && _random.Chance(Plan.Drop))) return;
        Transmit(message, to);
        if (!_isCalm && _random.Chance(Plan.Duplicate)) Transmit(message, to);
    }

    private void Transmit(SimulatedMessage message, SimulatedMember to)
    {
        var delay = _random.Between(Plan.MinDelay, Plan.MaxDelay);
        var link = (message.From, to.Id);
        var arrival = _now + delay;
        if (!_isCalm && _random.Chance(Plan.Late)) arrival = _now + _random.Between(delay, Plan.Latest);
        else if (!Plan.Reorders || _isCalm) arrival = _lastArrival[link] = Math.Max(arrival, _lastArrival.GetValueOrDefault(link));
        if (!_isCalm && _clogs.TryGetValue(link, out var until) && until > arrival) arrival = until;
        var incarnation = to.Incarnation;
        At(arrival - _now, () =>
        {
            if (to.Incarnation == incarnation && !_cuts.Contains(link)) Turn(to, one => one.Deliver(message, _now));
        });
    }

    public void Sent(SimulatedMember member, SimulatedMessage message)
    {
        CheckPromise(member, message);
        if (IsRecording) Note(member, "sends " + MessageText.Of(message));
        Mix((ulong)message.Frame.Length, member.Id.Value);
        foreach (var to in _members)
        {
            if (to != member && to.Listens(message.Subject)) Send(message, to);
        }
    }

    public void Note(SimulatedMember? member, string what) => _timeline?.Append(_now).Append(' ').Append(member?.Name ?? "*").Append(' ').Append(what).Append('\n');

    private void Mix(ulong one, ulong other)
    {
        Hash = (Hash ^ one) * 0x9E3779B97F4A7C15;
        Hash = ((Hash ^ (Hash >> 31)) + other + (ulong)_now) * 0xBF58476D1CE4E5B9;
    }
}
