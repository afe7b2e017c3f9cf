namespace NatsAspire.Server.Storage.Messages;

/// <summary>A message to be stored.</summary>
public readonly ref struct StoredMessage
{
    public required ulong Sequence { get; init; }

    /// <summary>Nanoseconds since 1970, UTC.</summary>
    public required long Timestamp { get; init; }

    /// <summary>Literal subject.</summary>
    public required ReadOnlySpan<byte> Subject { get; init; }

    /// <summary>Header block with its blank line; empty: none.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }
}

/// <summary>A message as it was read; owns its bytes, reused from call to call.</summary>
public sealed class MessageBuffer
{
    private byte[] _bytes = [];
    private int _subject;
    private int _headers;
    private int _payload;

    public ulong Sequence { get; private set; }

    /// <summary>Nanoseconds since 1970, UTC.</summary>
    public long Timestamp { get; private set; }

    public ReadOnlySpan<byte> Subject => _bytes.AsSpan(0, _subject);

    public ReadOnlySpan<byte> Headers => _bytes.AsSpan(_subject, _headers);

    public ReadOnlySpan<byte> Payload => _bytes.AsSpan(_subject + _headers, _payload);

    /// <summary>Copies a message in.</summary>
    public void Set(in StoredMessage message)
    {
        (_subject, _headers, _payload) = (message.Subject.Length, message.Headers.Length, message.Payload.Length);
        var length = _subject + _headers + _payload;
        if (_bytes.Length < length) _bytes = new byte[Math.Max(length, _bytes.Length * 2)];
        message.Subject.CopyTo(_bytes);
        message.Headers.CopyTo(_bytes.AsSpan(_subject));
        message.Payload.CopyTo(_bytes.AsSpan(_subject + _headers));
        (Sequence, Timestamp) = (message.Sequence, message.Timestamp);
    }
}
