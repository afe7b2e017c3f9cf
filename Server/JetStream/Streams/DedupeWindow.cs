using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// The message ids (<c>Nats-Msg-Id</c>) a stream has seen of late. Ages by the messages' own times, which are the same
/// on every replica; rebuilt from the stored messages at a start. Holds one entry a message of the window.
/// </summary>
public sealed class DedupeWindow
{
    private readonly Dictionary<byte[], ulong> _sequences = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], ulong>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly Queue<Seen> _byAge = new();
    private long _window;

    /// <param name="window">Nanoseconds for which an id counts; 0: none is remembered.</param>
    public DedupeWindow(long window)
    {
        _window = window;
        _bySpan = _sequences.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Ids remembered.</summary>
    public int Count => _sequences.Count;

    /// <summary>The id of the last message stored; empty: it had none.</summary>
    public ReadOnlyMemory<byte> LastId { get; private set; }

    /// <summary>The sequence of the message that had this id within the window; 0: none.</summary>
    /// <param name="id">The id.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public ulong Find(ReadOnlySpan<byte> id, long now)
    {
        Expire(now);
        return _bySpan.TryGetValue(id, out var sequence) ? sequence : 0;
    }

    /// <summary>A message has been stored.</summary>
    /// <param name="id">Its id; empty: it has none.</param>
    /// <param name="sequence">Where it is.</param>
    /// <param name="timestamp">Nanoseconds since 1970.</param>
    public void Add(ReadOnlySpan<byte> id, ulong sequence, long timestamp)
    {
        Expire(timestamp);
        if (id.IsEmpty)
        {
            LastId = default;
            return;
        }
        var key = id.ToArray();
        LastId = key;
        if (_window <= 0) return;
        _sequences[key] = sequence;
        _byAge.Enqueue(new Seen(key, sequence, timestamp));
    }

    /// <summary>Another window from now on.</summary>
    public void Resize(long window, long now)
    {
        _window = window;
        Expire(now);
    }

    /// <summary>Nothing has been seen.</summary>
    public void Clear()
    {
        _sequences.Clear();
        _byAge.Clear();
        LastId = default;
    }

    private void Expire(long now)
    {
        while (_byAge.TryPeek(out var oldest) && now - oldest.Timestamp >= _window)
        {
            _byAge.Dequeue();
            // An id that came again after its time belongs to the later message.
            if (_sequences.TryGetValue(oldest.Id, out var sequence) && sequence == oldest.Sequence) _sequences.Remove(oldest.Id);
        }
    }

    private readonly record struct Seen(byte[] Id, ulong Sequence, long Timestamp);
}
