using System.Globalization;
using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Unit.Raft;

/// <summary>
/// Members that do what a trace tells them, and all they do as text. Time stands still but for <c>wait</c> and
/// <c>campaign</c>; disks sync at once but for those that are held; messages wait until they are delivered.
/// </summary>
internal sealed partial class TraceWorld : IMemberObserver
{
    private readonly List<SimulatedMember> _members = [];
    private readonly List<(SimulatedMember To, int Incarnation, SimulatedMessage Message)> _mail = [];
    private readonly HashSet<SimulatedMember> _heldDisks = [];
    private readonly HashSet<(string From, string To)> _cuts = [];
    private readonly StringBuilder _output = new();
    private RaftOptions _options = new() { Self = default, Group = "g", Seed = 0 };
    private ulong _seed;
    private long _now = 1_000_000;

    public bool IsRecording => true;

    /// <summary>Runs one line.</summary>
    /// <returns>What came of it.</returns>
    public string Run(string line)
    {
        _output.Clear();
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!Commands.TryGetValue(words[0], out var command)) throw new FormatException($"'{words[0]}' is no command");
        command(this, words[1..]);
        return _output.Length == 0 ? "ok\n" : _output.ToString();
    }

    private SimulatedMember Member(string name) => _members.Find(member => member.Name == name) ?? throw new FormatException($"there is no member {name}");

    private static PeerId Id(string letter) => letter == "-" ? PeerId.None : PeerId.Parse(new string(letter[0], PeerId.Length));

    private static PeerId[] Ids(string letters) => [.. letters.Select(letter => Id(letter.ToString()))];

    // One input to a member, and what a driver does around it.
    private void Turn(SimulatedMember member, Action<RaftGroup> input)
    {
        if (!member.IsRunning) return;
        input(member.Group);
        member.EndTurn(_now);
        Sync(member);
    }

    private void Sync(SimulatedMember member)
    {
        while (member.IsRunning && !_heldDisks.Contains(member) && member.Disk.Pending > 0)
        {
            member.Sync(member.Disk.Last, _now);
            member.EndTurn(_now);
        }
    }

    private void Create(string[] words)
    {
        var given = Arguments(words);
        var names = words[0];
        foreach (var name in names)
        {
            var id = Id(name.ToString());
            var peers = given.TryGetValue("size", out var size) ? RaftPeers.Expecting(int.Parse(size, CultureInfo.InvariantCulture), Ids(given.GetValueOrDefault("peers", name.ToString()))) : RaftPeers.Of(Ids(given.GetValueOrDefault("peers", names)));
            var options = _options with { Self = id, IsObserver = given.ContainsKey("observer"), IsScaleUp = given.ContainsKey("scaleup") };
            var member = new SimulatedMember(id, options, static (one, start, effects) => new RaftGroup(one, start, effects), this, new MemberDisk(peers));
            _members.Add(member);
            Start(member, given.ContainsKey("recovered") ? RaftOrigin.Recovered : RaftOrigin.Created, given.ContainsKey("paused"));
        }
    }

    private void Start(SimulatedMember member, RaftOrigin origin, bool paused)
    {
        member.Start(origin, ++_seed, paused, _now);
        member.EndTurn(_now);
        Sync(member);
    }

    private static Dictionary<string, string> Arguments(string[] words) => words
        .Select(word => word.Split('=', 2)).Where(parts => parts[0].Length > 0).GroupBy(parts => parts[0])
        .ToDictionary(group => group.Key, group => group.Last().Length > 1 ? group.Last()[1] : "");

    // Delivers what waits, and what comes of that, until nothing does.
    private void Deliver(Func<SimulatedMember, bool> isFor)
    {
        for (var rounds = 0; rounds < 1_000; rounds++)
        {
            var next = _mail.FindIndex(mail => isFor(mail.To));
            if (next < 0) return;
            var (to, incarnation, message) = _mail[next];
            _mail.RemoveAt(next);
            if (to.Incarnation != incarnation || !to.IsRunning) continue;
            to.Deliver(message, _now);
            to.EndTurn(_now);
            Sync(to);
        }
        throw new FormatException("messages go on for ever");
    }

    public void Sent(SimulatedMember member, SimulatedMessage message)
    {
        Note(member, "sends " + MessageText.Of(message) + (message.Subject.StartsWith("$TO.", StringComparison.Ordinal) ? $" to {message.Subject[4..]}" : ""));
        foreach (var to in _members)
        {
            if (to != member && to.Listens(message.Subject) && !_cuts.Contains((member.Name, to.Name))) _mail.Add((to, to.Incarnation, message));
        }
    }

    public void Note(SimulatedMember? member, string what) => _output.Append(member?.Name).Append(' ').Append(what).Append('\n');

    public void Stored(SimulatedMember member, ulong index, ulong term, ReadOnlySpan<byte> frame)
    {
    }

    public void Applied(SimulatedMember member, ulong index, ulong term, ulong chain)
    {
    }

    public void SnapshotApplied(SimulatedMember member, ulong index, ulong chain)
    {
    }

    public void Removed(PeerId peer)
    {
    }

    public void Elected(SimulatedMember member)
    {
    }

    private void Say(string what) => _output.Append(what).Append('\n');

    private static (ulong Term, ulong Index) Place(string text)
    {
        var parts = text.Split(':');
        return (ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static ulong Number(Dictionary<string, string> given, string key) => given.TryGetValue(key, out var text) ? ulong.Parse(text, CultureInfo.InvariantCulture) : 0;
}
