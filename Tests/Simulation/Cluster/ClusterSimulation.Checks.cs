using System.Buffers;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Cluster;

// What must always be true, and what must be true in the end.
internal sealed partial class ClusterSimulation
{
    private readonly Dictionary<(string Group, ulong Term), PeerId> _leaders = [];
    private readonly Dictionary<(string Group, ulong Index), ulong> _entries = [];
    private string _unwell = "";

    /// <summary>After everything that happens on a server.</summary>
    public void Check(SimulatedServer server)
    {
        if (server.Stream is not { } stream) return;
        if (stream.Fault is { } fault && !server.HasFailingDisk) throw Violation($"{server.Name} has fenced its stream: {fault}");
        CheckLeader(server, stream.Group!);
        foreach (var consumer in server.Consumers)
        {
            if (consumer.Group is null) throw Violation($"{server.Name} has consumer {consumer.Name} without a group");
            if (consumer.Group.Fault is { } fenced && !server.HasFailingDisk) throw Violation($"{server.Name} has fenced consumer {consumer.Name}: {fenced}");
            CheckLeader(server, consumer.Group);
        }
    }

    private void CheckLeader(SimulatedServer server, GroupHost group)
    {
        if (group.Core.State != RaftState.Leader) return;
        if (_leaders.TryAdd((group.Name, group.Core.Term), server.Id)) _world.Note(server.Name, $"leads {group.Name} in term {group.Core.Term}");
        else if (_leaders[(group.Name, group.Core.Term)] != server.Id) throw Violation($"{server.Name} leads {group.Name} in term {group.Core.Term}, which had another leader");
    }

    /// <summary>All members apply the same.</summary>
    public void Applied(SimulatedServer server, string group, in CommittedEntry entry)
    {
        var hash = entry.Term;
        foreach (var one in entry)
        {
            hash = (hash ^ (ulong)one.Type) * 0x9E3779B97F4A7C15;
            foreach (var part in one.Data) hash = ((hash >> 29) ^ hash ^ part) * 0xBF58476D1CE4E5B9;
        }
        if (_world.IsRecording) _world.Note(server.Name, $"applies {group} {entry.Term}:{entry.Index}");
        if (_entries.TryAdd((group, entry.Index), hash)) NoteAgreed(group, entry);
        else if (_entries[(group, entry.Index)] != hash) throw Violation($"{server.Name} applies as {entry.Index} of {group} something else than others did");
    }

    private void NoteAcknowledged(SimulatedServer server, Publication publication, ulong sequence, bool isDuplicate)
    {
        // Ids of messages that are gone are forgotten with a start.
        var mayBeForgotten = publication.MayBeRemoved || Plan.Stream.MaxMessages > 0 || Plan.Stream.MaxMessagesPerSubject > 0;
        if (publication.Sequence != 0 && publication.Sequence != sequence && !mayBeForgotten) throw Violation($"{server.Name} acknowledges m{publication.Number} as {sequence}; it was {publication.Sequence} before");
        if (publication.Sequence == 0 && publication.ExpectedLast is { } last && !isDuplicate && sequence != last + 1) throw Violation($"{server.Name} stores m{publication.Number} as {sequence}, which was to follow {last}");
        publication.Sequence = sequence;
        if (!_acked.TryAdd(sequence, publication) && _acked[sequence] != publication) throw Violation($"{server.Name} acknowledges {sequence} for m{publication.Number}; it was m{_acked[sequence].Number}'s");
        if (_delivered.TryGetValue(sequence, out var text) && text != publication.Text) throw Violation($"{server.Name} acknowledges {sequence} for m{publication.Number}, which was delivered as '{text}'");
    }

    /// <summary>Whether everything has come to rest as it should.</summary>
    private bool IsWell => (_unwell = WhyUnwell()).Length == 0;

    private string WhyUnwell()
    {
        if (_probe is not { Sequence: > 0 }) return "a publish is not acknowledged";
        if (_open > 0) return $"{_open} publishes wait for their answers";
        foreach (var server in _servers)
        {
            if (!server.IsRunning || server.Stream?.Group is not { } group) return $"{server.Name} does not run: {server.Refusal}";
            if (group.Core.Leader.IsNone || group.Core.AppliedIndex != group.Core.CommitIndex) return $"{server.Name} has applied {group.Core.AppliedIndex} of {group.Core.CommitIndex}";
            if (group.Core.MayHaveForgotten) return $"{server.Name} still doubts";
            if (group.Core.AppliedIndex != _servers[0].Stream!.Group!.Core.AppliedIndex) return $"{server.Name} is at {group.Core.AppliedIndex}, a at {_servers[0].Stream!.Group!.Core.AppliedIndex}";
            foreach (var plan in ConsumerPlans)
            {
                if (WhyUnwell(server, server.Consumers.FirstOrDefault(one => one.Name == plan.Name), plan.Name) is { } why) return why;
            }
        }
        return "";
    }

    private string? WhyUnwell(SimulatedServer server, ConsumerHost? consumer, string name)
    {
        if (consumer?.Group is not { } group) return $"{server.Name} has no consumer {name}";
        var same = _servers[0].Consumers.FirstOrDefault(one => one.Name == name)?.Group;
        if (group.Core.Leader.IsNone || group.Core.MayHaveForgotten || group.Core.AppliedIndex != same?.Core.AppliedIndex) return $"{name} of {server.Name} is at {group.Core.AppliedIndex}, of a at {same?.Core.AppliedIndex}";
        var needed = FirstNeeded(server.Stream!.Store, consumer);
        return needed == 0 ? null : $"{name} of {server.Name} waits for {needed}: delivered {consumer.Replica.Delivered}, floor {consumer.Replica.AckFloor}, pending {consumer.Replica.AckPending}";
    }

    private static ulong FirstNeeded(IMessageStore store, ConsumerHost consumer)
    {
        var message = new MessageBuffer();
        for (var from = consumer.Replica.AckFloor.Stream + 1; store.TryLoadNext(consumer.Replica.Filter, from, message); from = message.Sequence + 1)
        {
            if (consumer.Replica.Needs(message.Sequence)) return message.Sequence;
        }
        return 0;
    }

    private void CheckEnd()
    {
        var store = _servers[0].Stream!.Store;
        foreach (var server in _servers.Skip(1)) CompareStores(server, store);
        foreach (var plan in ConsumerPlans)
        {
            var states = _servers.Select(server => (server.Name, State: StateOf(server.Consumers.First(one => one.Name == plan.Name)))).ToList();
            if (states.FirstOrDefault(one => one.State != states[0].State) is { Name: not null } other) throw Violation($"{plan.Name} differs: {states[0].State} on {states[0].Name}, {other.State} on {other.Name}");
        }
        CheckContents(store);
    }

    private static string StateOf(ConsumerHost consumer)
    {
        var state = new ArrayBufferWriter<byte>();
        consumer.Replica.Encode(state);
        return $"{consumer.Replica.Delivered} {consumer.Replica.AckFloor} {Convert.ToHexString(state.WrittenSpan)}";
    }

    private static IEnumerable<ulong> SequencesOf(IMessageStore store)
    {
        var message = new MessageBuffer();
        for (var from = 1UL; store.TryLoadNext(SubjectFilter.All, from, message); from = message.Sequence + 1) yield return message.Sequence;
    }

    private void CompareStores(SimulatedServer server, IMessageStore store)
    {
        var other = server.Stream!.Store;
        if (store.State != other.State) throw Violation($"a and {server.Name} differ in {string.Join(' ', SequencesOf(store).Except(SequencesOf(other)).Concat(SequencesOf(other).Except(SequencesOf(store))).Take(10))}: a holds {store.State}, {server.Name} {other.State}");
        if (!store.Deleted().SequenceEqual(other.Deleted())) throw Violation($"a and {server.Name} have deleted different messages");
        var (one, two) = (new MessageBuffer(), new MessageBuffer());
        for (var from = 1UL; store.TryLoadNext(SubjectFilter.All, from, one); from = one.Sequence + 1)
        {
            if (!other.TryLoad(one.Sequence, two) || one.Timestamp != two.Timestamp || !one.Subject.SequenceEqual(two.Subject) || !one.Headers.SequenceEqual(two.Headers) || !one.Payload.SequenceEqual(two.Payload))
                throw Violation($"{one.Sequence} is '{TextOf(one.Payload)}' on a and '{TextOf(two.Payload)}' on {server.Name}");
        }
    }

    // Nothing acknowledged is lost, nothing is there twice, batches are whole, and what was expected was so.
    private void CheckContents(IMessageStore store)
    {
        var message = new MessageBuffer();
        var stored = new Dictionary<string, ulong>();
        var subjects = new Dictionary<string, List<ulong>>();
        for (var from = 1UL; store.TryLoadNext(SubjectFilter.All, from, message); from = message.Sequence + 1)
        {
            var text = TextOf(message.Payload);
            if (!stored.TryAdd(text, message.Sequence)) throw Violation($"'{text}' is stored as {stored[text]} and as {message.Sequence}");
            if (_delivered.TryGetValue(message.Sequence, out var delivered) && delivered != text) throw Violation($"{message.Sequence} is '{text}' and was delivered as '{delivered}'");
            var subject = TextOf(message.Subject);
            if (!subjects.TryGetValue(subject, out var sequences)) subjects[subject] = sequences = [];
            sequences.Add(message.Sequence);
        }
        foreach (var publication in _publications) CheckPublication(publication, store, stored, subjects);
    }

    private void CheckPublication(Publication publication, IMessageStore store, Dictionary<string, ulong> stored, Dictionary<string, List<ulong>> subjects)
    {
        var at = stored.GetValueOrDefault(publication.Text);
        if (publication is { Refused: { } refusal, Sequence: 0 } && at != 0) throw Violation($"m{publication.Number} was refused ({refusal}) and is stored as {at}");
        if (publication.Sequence != 0 && at != publication.Sequence && !publication.MayBeRemoved && !IsBeyondLimits(publication, store, subjects))
            throw Violation($"m{publication.Number} was acknowledged as {publication.Sequence}, and is {(at == 0 ? "lost" : $"at {at}")}");
        if (publication.Batch.Count > 0 && !IsBeyondLimits(publication, store, subjects)) CheckBatch(publication, at, stored);
        if (publication.Sequence == 0 || at == 0 || publication.ExpectedOfSubject is not { } expected) return;
        var between = subjects[publication.Subject].Find(sequence => sequence > expected && sequence < at);
        if (between != 0) throw Violation($"m{publication.Number} was to follow {expected} on its subject and is {at}, but {between} is between");
    }

    private void CheckBatch(Publication last, ulong at, Dictionary<string, ulong> stored)
    {
        var count = (ulong)last.Batch.Count;
        for (var i = 0; i < last.Batch.Count; i++)
        {
            var part = stored.GetValueOrDefault(last.Batch[i].Text);
            if (part != (at == 0 ? 0 : at - count + (ulong)i)) throw Violation($"the batch that m{last.Number} ends is at {at}, but its part {i + 1} at {part}");
        }
    }

    // The oldest go when there are too many.
    private bool IsBeyondLimits(Publication publication, IMessageStore store, Dictionary<string, List<ulong>> subjects)
    {
        if (Plan.Stream.MaxMessages > 0 && (publication.Sequence == 0 || publication.Sequence - (ulong)publication.Batch.Count < store.State.FirstSequence)) return true;
        if (Plan.Stream.MaxMessagesPerSubject <= 0) return false;
        return subjects.TryGetValue(publication.Subject, out var there) && there.Count == Plan.Stream.MaxMessagesPerSubject && (publication.Sequence == 0 || publication.Sequence - (ulong)publication.Batch.Count < there[0]);
    }
}
