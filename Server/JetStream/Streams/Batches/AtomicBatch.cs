using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>An atomic batch whose messages wait for its commit.</summary>
/// <param name="id">Its id.</param>
internal sealed class AtomicBatch(byte[] id)
{
    private readonly List<Message> _messages = [];

    public byte[] Id => id;

    /// <summary>Messages that have come.</summary>
    public ulong Last { get; set; }

    /// <summary>When it is given up, nanoseconds since 1970.</summary>
    public long Deadline { get; set; }

    /// <summary>Bytes of its messages.</summary>
    public long StagedBytes { get; private set; }

    public int Count => _messages.Count;

    /// <summary>Keeps a message.</summary>
    /// <param name="subject">As published.</param>
    /// <param name="headers">A header block.</param>
    /// <param name="payload">The payload.</param>
    public void Add(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[subject.Length + headers.Length + payload.Length];
        subject.CopyTo(bytes);
        headers.CopyTo(bytes.AsSpan(subject.Length));
        payload.CopyTo(bytes.AsSpan(subject.Length + headers.Length));
        _messages.Add(new Message(bytes, subject.Length, headers.Length));
        StagedBytes += bytes.Length;
    }

    /// <summary>A message that was kept.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="sequence">It is to get.</param>
    /// <param name="timestamp">It is to get; nanoseconds since 1970.</param>
    public StoredMessage At(int index, ulong sequence, long timestamp)
    {
        var (bytes, subject, headers) = _messages[index];
        return new StoredMessage
        {
            Sequence = sequence,
            Timestamp = timestamp,
            Subject = bytes.AsSpan(0, subject),
            Headers = bytes.AsSpan(subject, headers),
            Payload = bytes.AsSpan(subject + headers),
        };
    }

    /// <summary>Stores other headers and another payload for a message.</summary>
    public void Replace(int index, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var (old, subject, _) = _messages[index];
        var bytes = new byte[subject + headers.Length + payload.Length];
        old.AsSpan(0, subject).CopyTo(bytes);
        headers.CopyTo(bytes.AsSpan(subject));
        payload.CopyTo(bytes.AsSpan(subject + headers.Length));
        _messages[index] = new Message(bytes, subject, headers.Length);
    }

    private readonly record struct Message(byte[] Bytes, int Subject, int Headers);
}
