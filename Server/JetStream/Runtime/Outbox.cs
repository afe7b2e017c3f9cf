using System.Buffers.Binary;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Messages of the server's own that wait until what they speak of is durable. Belongs to one mailbox at a time.
/// <c>i32 subject, i32 reply, i32 headers, i32 body with CRLF, bytes</c>.
/// </summary>
internal sealed class Outbox
{
    private const int HeaderLength = 16;
    private const int LargestKept = 4 << 20;

    private byte[] _bytes = [];
    private int _length;

    private List<(Account Account, byte[] Subject, byte[] Payload)>? _elsewhere;

    /// <summary>Bytes of all messages.</summary>
    public int Length => _length;

    public bool IsEmpty => _length == 0 && _elsewhere is null;

    /// <summary>Last operation of the log that these messages speak of.</summary>
    public ulong Index { get; set; }

    /// <summary>Adds a message.</summary>
    public void Add(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var body = headers.Length + payload.Length + 2;
        var size = HeaderLength + subject.Length + reply.Length + body;
        if (_bytes.Length - _length < size) Array.Resize(ref _bytes, (int)Math.Min(Math.Max(Math.Max(1024L, 2L * _bytes.Length), (long)_length + size), Array.MaxLength));
        var at = _bytes.AsSpan(_length, size);
        BinaryPrimitives.WriteInt32LittleEndian(at, subject.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[4..], reply.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[8..], headers.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[12..], body);
        at = at[HeaderLength..];
        subject.CopyTo(at);
        reply.CopyTo(at[subject.Length..]);
        at = at[(subject.Length + reply.Length)..];
        headers.CopyTo(at);
        payload.CopyTo(at[headers.Length..]);
        "\r\n"u8.CopyTo(at[(headers.Length + payload.Length)..]);
        _length += size;
    }

    /// <summary>Adds a message for another account than the one it is delivered to: answers to requests that came through the system account.</summary>
    public void AddElsewhere(Account account, byte[] subject, byte[] payload) => (_elsewhere ??= []).Add((account, subject, payload));

    /// <summary>Hands all messages to those who want them, and is empty then.</summary>
    /// <param name="account">Whose subjects they are.</param>
    /// <param name="matches">The account's, as the caller has met them.</param>
    /// <param name="batch">Flushed by the caller.</param>
    public void Deliver(Account account, SiblingMatchCache matches, FlushBatch batch)
    {
        for (var offset = 0; offset < _length;)
        {
            account.PublishInternal(Read(ref offset), matches, batch);
        }
        foreach (var (other, subject, payload) in _elsewhere ?? []) other.PublishInternal(subject, default, payload, batch);
        Clear();
    }

    /// <summary>Tells those who wait for an answer that it came to nothing, and is empty then. Copies and advisories are dropped.</summary>
    /// <param name="account">Whose subjects they are.</param>
    /// <param name="failure">What to say.</param>
    /// <param name="batch">Flushed by the caller.</param>
    public void Fail(Account account, ReadOnlySpan<byte> failure, FlushBatch batch)
    {
        for (var offset = 0; offset < _length;)
        {
            var message = Read(ref offset);
            // Copies have headers, answers have none.
            if (message.HeaderLength == 0 && !message.Subject.StartsWith("$JS.EVENT."u8)) account.PublishInternal(message.Subject, default, failure, batch);
        }
        Clear();
    }

    private Message Read(ref int offset)
    {
        var at = _bytes.AsSpan(offset);
        var subject = BinaryPrimitives.ReadInt32LittleEndian(at);
        var reply = BinaryPrimitives.ReadInt32LittleEndian(at[4..]);
        var body = BinaryPrimitives.ReadInt32LittleEndian(at[12..]);
        offset += HeaderLength + subject + reply + body;
        return new Message
        {
            Subject = at.Slice(HeaderLength, subject),
            Reply = at.Slice(HeaderLength + subject, reply),
            HeaderLength = BinaryPrimitives.ReadInt32LittleEndian(at[8..]),
            BodyAndCrlf = at.Slice(HeaderLength + subject + reply, body),
        };
    }

    public void Clear()
    {
        (_length, Index) = (0, 0);
        _elsewhere = null;
        if (_bytes.Length > LargestKept) _bytes = [];
    }
}
