using System.Buffers.Binary;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Published messages on their way from connections' loops into a stream's mailbox: bytes one behind the other, handed
/// over as a whole. Bounded by messages and bytes.
/// </summary>
/// <param name="maxMessages">Messages that may wait.</param>
/// <param name="maxBytes">Bytes that may wait.</param>
internal sealed class PublishQueue(int maxMessages, long maxBytes)
{
    private readonly Lock _lock = new();
    private PublishBlock _filling = new();
    private PublishBlock? _spare;

    /// <summary>Adds a message.</summary>
    /// <param name="message">Copied.</param>
    /// <param name="timestamp">When it came, nanoseconds since 1970.</param>
    /// <returns>How full the queue is, of 100; null: it takes no more.</returns>
    public int? TryAdd(in Message message, long timestamp) => TryAdd(message, timestamp, out _);

    /// <summary>The same.</summary>
    /// <param name="message">Copied.</param>
    /// <param name="timestamp">When it came, nanoseconds since 1970.</param>
    /// <param name="isFirst">Nothing waited before it: whoever adds the first one sees to it that all are taken.</param>
    /// <returns>How full the queue is, of 100; null: it takes no more.</returns>
    public int? TryAdd(in Message message, long timestamp, out bool isFirst)
    {
        lock (_lock)
        {
            isFirst = _filling.Count == 0;
            if (_filling.Count >= maxMessages || (_filling.Count > 0 && _filling.Length + message.Size > maxBytes)) return null;
            _filling.Add(message, timestamp);
            return (int)Math.Max(_filling.Count * 100L / maxMessages, _filling.Length * 100L / maxBytes);
        }
    }

    /// <summary>Messages that wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _filling.Count;
        }
    }

    /// <summary>Whether what waits takes hardly any time.</summary>
    public bool IsLittle
    {
        get
        {
            lock (_lock) return _filling.IsLittle;
        }
    }

    /// <summary>Takes all that waits; null: nothing does. To be given back when it has been read.</summary>
    public PublishBlock? Take()
    {
        lock (_lock) return Swap();
    }

    /// <summary>The same, if that is little; null: nothing waits, or more.</summary>
    public PublishBlock? TakeLittle()
    {
        lock (_lock) return _filling.IsLittle ? Swap() : null;
    }

    private PublishBlock? Swap()
    {
        if (_filling.Count == 0) return null;
        var taken = _filling;
        _filling = _spare ?? new PublishBlock();
        _spare = null;
        return taken;
    }

    /// <summary>Gives a block back for further use.</summary>
    public void Return(PublishBlock block)
    {
        block.Reset();
        lock (_lock) _spare = block;
    }
}

/// <summary>Messages one behind the other. <c>i64 time, i32 subject, i32 reply, i32 headers, i32 payload, bytes</c>.</summary>
internal sealed class PublishBlock
{
    private const int HeaderLength = 24;

    /// <summary>A buffer that has grown beyond goes when it has been read.</summary>
    private const int LargestKept = 4 << 20;

    /// <summary>Messages and bytes that are worth less than a change of threads.</summary>
    private const int LittleCount = 8, LittleLength = 8 << 10;

    private byte[] _bytes = [];
    private bool _hasHeaders;

    /// <summary>Of messages that are traced, by where they begin; null: none is.</summary>
    private List<(int Offset, StreamTrace Trace)>? _traces;

    public int Count { get; private set; }

    public int Length { get; private set; }

    /// <summary>Few messages, and none with headers, which may ask for much: a purge, a batch, a value of long ago.</summary>
    public bool IsLittle => !_hasHeaders && Count <= LittleCount && Length <= LittleLength;

    public void Add(in Message message, long timestamp)
    {
        _hasHeaders |= message.HeaderLength > 0 || message.Trace is not null;
        if (message.Trace is StreamTrace trace) (_traces ??= []).Add((Length, trace));
        var size = HeaderLength + message.Subject.Length + message.Reply.Length + message.Size;
        if (_bytes.Length - Length < size) Array.Resize(ref _bytes, (int)Math.Min(Math.Max(Math.Max(4096L, 2L * _bytes.Length), (long)Length + size), Array.MaxLength));
        var at = _bytes.AsSpan(Length, size);
        BinaryPrimitives.WriteInt64LittleEndian(at, timestamp);
        BinaryPrimitives.WriteInt32LittleEndian(at[8..], message.Subject.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[12..], message.Reply.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[16..], message.HeaderLength);
        BinaryPrimitives.WriteInt32LittleEndian(at[20..], message.Size - message.HeaderLength);
        message.Subject.CopyTo(at[HeaderLength..]);
        message.Reply.CopyTo(at[(HeaderLength + message.Subject.Length)..]);
        message.Body.CopyTo(at[(HeaderLength + message.Subject.Length + message.Reply.Length)..]);
        Length += size;
        Count++;
    }

    /// <summary>Reads the message at an offset, which moves behind it; false: that was the last one.</summary>
    public bool TryRead(ref int offset, out PublishedMessage message)
    {
        message = default;
        if (offset >= Length) return false;
        var at = _bytes.AsSpan(offset);
        var subject = BinaryPrimitives.ReadInt32LittleEndian(at[8..]);
        var reply = BinaryPrimitives.ReadInt32LittleEndian(at[12..]);
        var headers = BinaryPrimitives.ReadInt32LittleEndian(at[16..]);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(at[20..]);
        var body = at[HeaderLength..];
        message = new PublishedMessage
        {
            Trace = _traces is null ? null : TraceAt(offset),
            Timestamp = BinaryPrimitives.ReadInt64LittleEndian(at),
            Subject = body[..subject],
            Reply = body.Slice(subject, reply),
            Headers = body.Slice(subject + reply, headers),
            Payload = body.Slice(subject + reply + headers, payload),
        };
        offset += HeaderLength + subject + reply + headers + payload;
        return true;
    }

    private StreamTrace? TraceAt(int offset)
    {
        foreach (var (at, trace) in _traces!)
        {
            if (at == offset) return trace;
        }
        return null;
    }

    public void Reset()
    {
        (Count, Length, _hasHeaders, _traces) = (0, 0, false, null);
        if (_bytes.Length > LargestKept) _bytes = [];
    }
}

/// <summary>A message as it was published; its spans are the block's.</summary>
internal readonly ref struct PublishedMessage
{
    /// <summary>When it came, nanoseconds since 1970.</summary>
    public required long Timestamp { get; init; }

    /// <summary>Null: it is not traced.</summary>
    public StreamTrace? Trace { get; init; }

    public required ReadOnlySpan<byte> Subject { get; init; }

    public required ReadOnlySpan<byte> Reply { get; init; }

    public required ReadOnlySpan<byte> Headers { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }
}
