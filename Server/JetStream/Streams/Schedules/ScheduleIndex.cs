using System.Text;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Schedules;

/// <summary>
/// The schedules a stream holds (ADR-51), at most one a subject, and when each is due. Follows from the messages stored,
/// in their order: it is the same on every replica, and after a start.
/// </summary>
/// <remarks>A schedule whose message is removed stays until it is due, or until such ones are more than half of all.</remarks>
internal sealed class ScheduleIndex
{
    private readonly IMessageStore _store;
    private const int CompactionFloor = 64;

    private readonly Dictionary<byte[], Entry> _entries = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _bySubject;
    private readonly PriorityQueue<byte[], long> _byTime = new();

    /// <param name="store">The stream's messages; those stored already are still to be told.</param>
    public ScheduleIndex(IMessageStore store)
    {
        _store = store;
        _bySubject = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Schedules, maybe some whose messages are gone.</summary>
    public int Count => _entries.Count;

    /// <summary>When the next schedule is due, nanoseconds since 1970, or earlier; null: none is.</summary>
    public long? NextDue => _byTime.TryPeek(out _, out var due) ? due : null;

    /// <summary>A message has been stored: it may be a schedule, end one, or come from one and say when the next comes.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="subject">Its subject.</param>
    /// <param name="sequence">Which.</param>
    /// <param name="timestamp">When; nanoseconds since 1970.</param>
    public void Stored(in PublishHeaders headers, ReadOnlySpan<byte> subject, ulong sequence, long timestamp)
    {
        if (MessageSchedule.Next(headers, timestamp, timestamp, out var next) is null && next is { } time) Put(subject, new Entry(sequence, time.Time));
        else if (headers.Scheduler.IsEmpty) Remove(subject);
        if (headers.ScheduleNext.IsEmpty || headers.Scheduler.IsEmpty || headers.ScheduleNext.SequenceEqual("purge"u8)) return;
        if (ApiTime.Parse(Encoding.UTF8.GetString(headers.ScheduleNext), out var again) is null && _bySubject.TryGetValue(headers.Scheduler, out var known))
        {
            Put(headers.Scheduler, new Entry(known.Sequence, again.UnixNanoseconds));
        }
    }

    /// <summary>A schedule that is due. It is not due again before it was put off or stored again.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="due">It.</param>
    public bool TryTake(long now, out DueSchedule due)
    {
        due = default;
        while (_byTime.TryPeek(out var subject, out var time) && time <= now)
        {
            _byTime.Dequeue();
            if (!_entries.TryGetValue(subject, out var entry) || entry.Due != time) continue;
            due = new DueSchedule(subject, entry.Sequence, time);
            return true;
        }
        return false;
    }

    /// <summary>Has a schedule come at another time.</summary>
    public void PutOff(in DueSchedule schedule, long due) => Put(schedule.Subject, new Entry(schedule.Sequence, due));

    /// <summary>The schedule of a subject is gone.</summary>
    public void Remove(ReadOnlySpan<byte> subject) => _bySubject.Remove(subject);

    /// <summary>Whatever was taken may be taken again: nobody knows what became of it.</summary>
    public void Restart()
    {
        _byTime.Clear();
        foreach (var (subject, entry) in _entries) _byTime.Enqueue(subject, entry.Due);
    }

    /// <summary>Sequence and time by subject, for comparison.</summary>
    internal IEnumerable<(string Subject, ulong Sequence, long Due)> Entries =>
        _entries.Select(entry => (Encoding.UTF8.GetString(entry.Key), entry.Value.Sequence, entry.Value.Due)).Order();

    private void Put(ReadOnlySpan<byte> subject, in Entry entry)
    {
        if (_entries.Count > CompactionFloor + (2 * _store.State.Subjects)) DropGone();
        _bySubject[subject] = entry;
        _bySubject.TryGetValue(subject, out var key, out _);
        _byTime.Enqueue(key!, entry.Due);
        // Times that have been replaced wait here in vain.
        if (_byTime.Count > CompactionFloor + (2 * _entries.Count)) Restart();
    }

    private void DropGone()
    {
        foreach (var subject in _entries.Keys.Where(subject => _store.OfSubject(subject).Messages == 0).ToList()) _entries.Remove(subject);
    }

    private readonly record struct Entry(ulong Sequence, long Due);
}

/// <summary>A schedule that is due.</summary>
/// <param name="Subject">Where it is.</param>
/// <param name="Sequence">The message that holds it.</param>
/// <param name="Due">When it was due, nanoseconds since 1970.</param>
internal readonly record struct DueSchedule(byte[] Subject, ulong Sequence, long Due);
