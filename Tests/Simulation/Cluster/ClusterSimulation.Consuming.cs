using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Cluster;

// Who consumes, and what was promised to him.
internal sealed partial class ClusterSimulation
{
    private readonly Dictionary<string, HashSet<ulong>> _confirmed = new() { ["C1"] = [], ["C2"] = [] };
    private readonly Dictionary<string, ConsumerLog> _logs;
    private readonly Dictionary<ulong, string> _delivered = [];
    private int _pulls;

    private void Pull(string consumer)
    {
        _world.At(_world.Between(60, 200) * SimulatedWorld.Millisecond, () => Pull(consumer));
        var batch = _isCalm ? 100 : 1 + _random.Below(20);
        var request = Encoding.UTF8.GetBytes($"{{\"batch\":{batch},\"expires\":{_world.Between(100, 600) * SimulatedWorld.Millisecond}}}\r\n");
        var post = new SimulatedPost(Encoding.UTF8.GetBytes(consumer), Encoding.UTF8.GetBytes($"_INBOX.C.{consumer}.{_pulls++}"), 0, request);
        foreach (var server in _servers) ToServer(server, () => server.HearRequest(consumer, post));
    }

    private void TellConsumer(SimulatedServer server, string consumer, SimulatedPost post)
    {
        if (!AckSubject.TryParse(post.Reply, out var ack)) return;
        var (sequence, text) = (ack.StreamSequence, TextOf(post.Payload));
        _world.Note(server.Name, $"delivers {sequence} to {consumer}, {ack.Delivered}. time: {text}");
        _logs[consumer].CheckDelivery(sequence, ack.Delivered, _confirmed[consumer].Contains(sequence), what => throw Violation($"{server.Name} delivers {sequence} to {consumer}, {what}"));
        if (!_delivered.TryAdd(sequence, text) && _delivered[sequence] != text) throw Violation($"{server.Name} delivers '{text}' as {sequence}, which was '{_delivered[sequence]}'");
        if (_acked.TryGetValue(sequence, out var publication) && publication.Text != text) throw Violation($"{server.Name} delivers '{text}' as {sequence}, which was acknowledged for '{publication.Text}'");
        if (!_isCalm && _random.Chance(Plan.Drop)) return;
        _world.At(_world.Between(1, 60) * SimulatedWorld.Millisecond, () => Answer(consumer, post.Reply, sequence));
    }

    private void Answer(string consumer, byte[] subject, ulong sequence)
    {
        var what = _isCalm ? 0 : _random.Below(20);
        var (answer, waits) = what switch
        {
            < 12 => ("+ACK", true),
            < 15 => ("+ACK", false),
            15 => ("-NAK", false),
            16 => ("-NAK {\"delay\": 50000000}", false),
            17 => ("+WPI", false),
            18 when Plan.SecondPolicy == AckPolicy.Explicit || consumer == "C1" => ("+TERM", true),
            _ => ("", false),
        };
        if (answer.Length == 0) return;
        byte[] reply = waits ? Encoding.UTF8.GetBytes($"_INBOX.A.{consumer}.{sequence}") : [];
        var post = new SimulatedPost(subject, reply, 0, Encoding.UTF8.GetBytes(answer + "\r\n"));
        foreach (var server in _servers) ToServer(server, () => server.HearClient(post));
    }

    // From the moment on when a server says so, it holds.
    private void TellConfirmed(SimulatedServer server, string inbox)
    {
        var parts = inbox.Split('.');
        var (consumer, sequence) = (parts[2], ulong.Parse(parts[3], CultureInfo.InvariantCulture));
        _world.Note(server.Name, $"confirms {sequence} of {consumer}");
        _confirmed[consumer].Add(sequence);
        if (!_logs[consumer].IsAcknowledged(sequence)) throw Violation($"{server.Name} confirms {sequence} of {consumer}, which the log does not say");
    }

    // What the members of a consumer's group have agreed on, as soon as the first of them applies it.
    private void NoteAgreed(string group, in CommittedEntry entry)
    {
        if (ConsumerPlans.FirstOrDefault(plan => plan.Group.Name == group) is not { } plan) return;
        var index = entry.Index;
        foreach (var one in entry)
        {
            if (one.Type == RaftEntryType.Normal) _logs[plan.Name].Take(one.Data, what => throw Violation($"{plan.Name}: entry {index} {what}"));
        }
    }
}
