using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Expiry;

/// <summary>
/// Which messages have lived long enough: all by the stream's age, and those with a time of their own (ADR-43), of
/// which each costs 16 bytes here. Messages that never expire stay whatever the stream's age. Removes nothing itself.
/// </summary>
/// <remarks>
/// A message that is removed earlier stays here until its time, or until such ones are more than half of all. On a
/// stream that allows no times of their own, "never" does not count: its messages go unread.
/// </remarks>
internal sealed class MessageExpiry
{
    /// <summary>Messages taken at once from those with a time of their own.</summary>
    private const int MaxTaken = 1024;

    private const int CompactionFloor = 1024;

    private readonly IMessageStore _store;
    private readonly long _maxAge;
    private readonly PriorityQueue<ulong, long>? _byTime;
    private readonly List<ulong> _taken = [];
    private readonly MessageBuffer _buffer = new();
    private int _nextTaken;

    /// <summary>What lies below has been taken already or never expires.</summary>
    private ulong _agedTo;

    /// <summary>Sequence and time of the message looked at last for its age.</summary>
    private (ulong Sequence, long Timestamp) _oldest;

    /// <param name="configuration">The stream's.</param>
    /// <param name="store">Its messages; those with a time of their own are still to be added.</param>
    public MessageExpiry(StreamConfiguration configuration, IMessageStore store)
    {
        _store = store;
        _maxAge = configuration.MaxAge;
        if (configuration.AllowMessageTtl) _byTime = new PriorityQueue<ulong, long>();
    }

    /// <summary>Messages with a time of their own that are waited for, maybe some that are gone.</summary>
    public int Count => (_byTime?.Count ?? 0) + _taken.Count - _nextTaken;

    /// <summary>When the next message is due, nanoseconds since 1970, or earlier; null: none is.</summary>
    public long? NextDue
    {
        get
        {
            if (_nextTaken < _taken.Count) return 0;
            var own = _byTime is { Count: > 0 } && _byTime.TryPeek(out _, out var time) ? time : (long?)null;
            var aged = TryOldest(out _, out var timestamp) ? timestamp + _maxAge : (long?)null;
            return own is null || aged < own ? aged : own;
        }
    }

    /// <summary>A message has been stored.</summary>
    /// <param name="sequence">Which.</param>
    /// <param name="timestamp">Nanoseconds since 1970.</param>
    /// <param name="ttlSeconds">Its own time; 0: none; <see cref="PublishHeaders.NeverExpires"/>.</param>
    public void Add(ulong sequence, long timestamp, long ttlSeconds)
    {
        if (ttlSeconds <= 0 || _byTime is null) return;
        var time = (Int128)timestamp + ((Int128)ttlSeconds * GoDuration.Second);
        if (time > long.MaxValue) return;
        if (_byTime.Count >= CompactionFloor && (ulong)_byTime.Count > 2 * _store.State.Messages) Compact();
        _byTime.Enqueue(sequence, (long)time);
    }

    /// <summary>Comes back to a message that was taken.</summary>
    public void Retry(ulong sequence, long time) => _byTime?.Enqueue(sequence, time);

    /// <summary>The next message that is due: by age first, then by times of their own, in order of sequences.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="sequence">Which; it may be gone already.</param>
    /// <returns>False: none.</returns>
    public bool TryTake(long now, out ulong sequence)
    {
        while (TryOldest(out sequence, out var timestamp) && timestamp + _maxAge <= now)
        {
            _agedTo = sequence + 1;
            if (_byTime is null || !NeverExpires(sequence)) return true;
        }
        if (_nextTaken == _taken.Count) Refill(now);
        if (_nextTaken == _taken.Count) return false;
        sequence = _taken[_nextTaken++];
        return true;
    }

    private bool TryOldest(out ulong sequence, out long timestamp)
    {
        (sequence, timestamp) = (0, 0);
        if (_maxAge <= 0) return false;
        var state = _store.State;
        if (state.Messages == 0) return false;
        if (_agedTo <= state.FirstSequence)
        {
            (sequence, timestamp) = (state.FirstSequence, state.FirstTimestamp);
            return true;
        }
        if (_oldest.Sequence < _agedTo)
        {
            if (!_store.TryLoadNext(SubjectFilter.All, _agedTo, _buffer)) return false;
            _oldest = (_buffer.Sequence, _buffer.Timestamp);
        }
        (sequence, timestamp) = _oldest;
        return true;
    }

    private bool NeverExpires(ulong sequence)
    {
        if (!_store.TryLoad(sequence, _buffer)) return false;
        var ttl = new PublishHeaders(_buffer.Headers).Ttl;
        return !ttl.IsEmpty && PublishHeaders.TryParseTtl(ttl, out var seconds) && seconds == PublishHeaders.NeverExpires;
    }

    private void Refill(long now)
    {
        _taken.Clear();
        _nextTaken = 0;
        if (_byTime is null) return;
        while (_taken.Count < MaxTaken && _byTime.TryPeek(out var sequence, out var time) && time <= now)
        {
            _byTime.Dequeue();
            _taken.Add(sequence);
        }
        _taken.Sort();
    }

    /// <summary>Forgets messages that are gone.</summary>
    private void Compact()
    {
        var kept = _byTime!.UnorderedItems.OrderBy(item => item.Element).ToArray();
        _byTime.Clear();
        var state = _store.State;
        using var deleted = _store.Deleted().GetEnumerator();
        var more = deleted.MoveNext();
        foreach (var (sequence, time) in kept)
        {
            if (sequence < state.FirstSequence || state.Messages == 0) continue;
            while (more && deleted.Current.Last < sequence) more = deleted.MoveNext();
            if (!more || sequence < deleted.Current.First) _byTime.Enqueue(sequence, time);
        }
    }
}
