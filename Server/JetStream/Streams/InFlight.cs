using System.Runtime.InteropServices;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// What the leader of a replicated stream has proposed and not applied yet, so that what comes next is judged by what
/// will be there then. It is only ever a guess at the log: nothing of it is told to anybody, and it goes with the leader.
/// </summary>
/// <remarks>Subjects are followed from the first message on that makes it necessary; before that they cost nothing.</remarks>
internal sealed class InFlight
{
    /// <summary>Messages at most; then the leader judges no more for a while.</summary>
    public const int MostMessages = 64 << 10;

    /// <summary>Bytes at most.</summary>
    public const ulong MostBytes = 128UL << 20;

    /// <summary>Subjects that are kept for another time though nothing is under way there.</summary>
    private const int MostIdleSubjects = 4096;

    private readonly StreamReplica _replica;
    private readonly Queue<Flight> _queue = new();
    private readonly Dictionary<byte[], SubjectFlight> _subjects = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], SubjectFlight>.AlternateLookup<ReadOnlySpan<byte>> _bySubject;
    private readonly Dictionary<byte[], (ulong Sequence, long Timestamp)> _ids = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], (ulong Sequence, long Timestamp)>.AlternateLookup<ReadOnlySpan<byte>> _byId;
    private ulong _lastSequence;
    private ulong _logSequence;
    private long _lastTimestamp;
    private byte[] _lastId = [];
    private ulong _bytesQueued;
    private bool _follows;
    private ulong _followsSince;

    public InFlight(StreamReplica replica)
    {
        _replica = replica;
        _bySubject = _subjects.GetAlternateLookup<ReadOnlySpan<byte>>();
        _byId = _ids.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Nothing is under way: what the replica holds is all there is.</summary>
    public bool IsEmpty => _queue.Count == 0;

    public bool IsFull => _queue.Count >= MostMessages || _bytesQueued >= MostBytes;

    /// <summary>Messages under way, those left out not counted.</summary>
    public ulong Messages { get; private set; }

    /// <summary>What they count for the stream's limits.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>Entries under way that take messages away.</summary>
    public int Removals { get; private set; }

    /// <summary>Entries of messages that were ever added.</summary>
    public ulong Added { get; private set; }

    /// <summary>Entries of messages that have been applied.</summary>
    public ulong Landed { get; private set; }

    /// <summary>Subjects of all that is under way are followed.</summary>
    public bool FollowsSubjects => _follows && Landed >= _followsSince;

    /// <summary>The stream's last sequence, when all has been applied.</summary>
    public ulong LastSequence => IsEmpty ? _replica.State.LastSequence : _lastSequence;

    /// <summary>What the next entry names as the log's sequence before it.</summary>
    public ulong LogSequence => IsEmpty ? _replica.LogSequence : _logSequence;

    /// <summary>Time of the last message, when all has been applied.</summary>
    public long LastTimestamp => IsEmpty ? _replica.State.LastTimestamp : Math.Max(_lastTimestamp, _replica.State.LastTimestamp);

    /// <summary>The id of the last message, when all has been applied.</summary>
    public ReadOnlySpan<byte> LastId => Messages == 0 ? _replica.Dedupe.LastId.Span : _lastId;

    /// <summary>Follows subjects from now on.</summary>
    public void FollowSubjects()
    {
        if (_follows) return;
        (_follows, _followsSince) = (true, Added);
    }

    /// <summary>The sequence that a message of this id will have, if it still counts then; 0: none is under way.</summary>
    public ulong FindId(ReadOnlySpan<byte> id, long now) =>
        _byId.TryGetValue(id, out var found) && now - found.Timestamp < _replica.Configuration.DuplicateWindow ? found.Sequence : 0;

    /// <summary>What is under way on a subject; null: nothing, as far as subjects are followed.</summary>
    public SubjectFlight? On(ReadOnlySpan<byte> subject) => _bySubject.TryGetValue(subject, out var found) && found.Count > 0 ? found : null;

    /// <summary>A message has been proposed.</summary>
    /// <param name="entry">It.</param>
    /// <param name="subject">It will be stored under.</param>
    /// <param name="size">It will count for limits.</param>
    /// <param name="counter">What its counter will stand at; null: it is none.</param>
    public void Add(in StreamMessageEntry entry, ReadOnlySpan<byte> subject, ulong size, CounterState? counter)
    {
        var headers = new PublishHeaders(entry.Headers);
        var flight = new Flight { LogSequence = entry.LastSequence, Size = size, IsMessage = true, Removes = Removes(headers) };
        Advance(1, entry.LastSequence + 1);
        _lastTimestamp = entry.Timestamp;
        _lastId = [];
        if (!headers.MessageId.IsEmpty)
        {
            _lastId = flight.Id = headers.MessageId.ToArray();
            if (_replica.Configuration.DuplicateWindow > 0) _ids[flight.Id] = (_lastSequence, entry.Timestamp);
        }
        if (_follows) flight.Subject = Follow(subject, _lastSequence, !headers.Schedule.IsEmpty, counter);
        flight.Sequence = _lastSequence;
        Enqueue(flight);
    }

    /// <summary>A message that comes with its own sequence has been proposed, or one that is left out.</summary>
    /// <param name="sequence">Of it.</param>
    /// <param name="entry">Its entry.</param>
    /// <param name="size">It will count for limits; 0: it is left out.</param>
    public void AddMirrored(ulong sequence, in StreamMessageEntry entry, ulong size)
    {
        Advance(sequence - LastSequence, entry.LastSequence + 1);
        _lastTimestamp = Math.Max(entry.Timestamp, LastTimestamp);
        _lastId = [];
        Enqueue(new Flight { LogSequence = entry.LastSequence, Sequence = sequence, Size = size, IsMessage = size > 0 });
    }

    /// <summary>An entry has been proposed that takes messages away.</summary>
    /// <param name="sequence">Which one; 0: any.</param>
    public void AddRemoval(ulong sequence)
    {
        Advance(0, LogSequence);
        Enqueue(new Flight { LogSequence = _logSequence, Sequence = sequence, Removes = true, OnlyRemoves = true });
    }

    /// <summary>An entry that takes messages away has been applied, mine or another's.</summary>
    /// <param name="sequence">Which one; 0: any.</param>
    public void Removed(ulong sequence)
    {
        Settle();
        if (_queue.TryPeek(out var first) && first.OnlyRemoves && first.Sequence == sequence) Dequeue();
    }

    /// <summary>Takes out what the replica has applied.</summary>
    public void Settle()
    {
        var applied = _replica.State.LastSequence + _replica.Failed;
        while (_queue.TryPeek(out var first) && first.LogSequence < applied) Dequeue();
    }

    private void Advance(ulong sequences, ulong logSequence)
    {
        _lastSequence = LastSequence + sequences;
        _lastTimestamp = LastTimestamp;
        _logSequence = logSequence;
    }

    private void Enqueue(in Flight flight)
    {
        _queue.Enqueue(flight);
        Bytes += flight.Size;
        _bytesQueued += flight.Size;
        if (flight.Removes) Removals++;
        if (flight.IsMessage) Messages++;
        if (!flight.OnlyRemoves) Added++;
    }

    private void Dequeue()
    {
        var flight = _queue.Dequeue();
        Bytes -= flight.Size;
        _bytesQueued -= flight.Size;
        if (flight.Removes) Removals--;
        if (flight.IsMessage) Messages--;
        if (!flight.OnlyRemoves) Landed++;
        if (flight.Id is { } id && _ids.TryGetValue(id, out var last) && last.Sequence == flight.Sequence) _ids.Remove(id);
        if (flight.Subject is not { } subject || --subject.Count > 0) return;
        subject.Counter = null;
        if (_subjects.Count > MostIdleSubjects) _subjects.Remove(subject.Key);
    }

    private SubjectFlight Follow(ReadOnlySpan<byte> subject, ulong sequence, bool isSchedule, CounterState? counter)
    {
        if (!_bySubject.TryGetValue(subject, out var flight))
        {
            var key = subject.ToArray();
            _subjects.Add(key, flight = new SubjectFlight(key));
        }
        flight.Count++;
        flight.Last = sequence;
        flight.IsSchedule = isSchedule;
        flight.Counter = counter;
        return flight;
    }

    private static bool Removes(in PublishHeaders headers) => !headers.IsEmpty && (!headers.Rollup.IsEmpty || !headers.Scheduler.IsEmpty);

    [StructLayout(LayoutKind.Auto)]
    private record struct Flight
    {
        /// <summary>The log's sequence before it: the replica has applied it when it is beyond.</summary>
        public ulong LogSequence { get; init; }

        public ulong Sequence { get; set; }

        public ulong Size { get; init; }

        public byte[]? Id { get; set; }

        public SubjectFlight? Subject { get; set; }

        public bool IsMessage { get; init; }

        public bool Removes { get; init; }

        public bool OnlyRemoves { get; init; }
    }
}

/// <summary>What is under way on a subject.</summary>
/// <param name="key">The subject.</param>
internal sealed class SubjectFlight(byte[] key)
{
    public byte[] Key => key;

    /// <summary>Messages.</summary>
    public int Count { get; set; }

    /// <summary>The sequence that the last of them will have.</summary>
    public ulong Last { get; set; }

    /// <summary>The last of them is a schedule.</summary>
    public bool IsSchedule { get; set; }

    /// <summary>What the subject's counter will stand at; null: it is none.</summary>
    public CounterState? Counter { get; set; }
}
