using System.Buffers;
using System.Buffers.Binary;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// Messages on their way from one stream to another. <c>u64 sequence, i64 time, i32 subject, i32 headers, i32 payload, bytes</c>.
/// </summary>
internal sealed class CopyBlock
{
    private const int HeaderLength = 28;

    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>Bytes so far.</summary>
    public int Length => _bytes.WrittenCount;

    /// <summary>Where to go on reading.</summary>
    public ulong Next { get; set; }

    /// <summary>Nothing more is there now.</summary>
    public bool IsEnd { get; set; }

    /// <summary>Messages that are still to be read.</summary>
    public ulong Lag { get; set; }

    /// <summary>Requests of flow control that stand behind the messages.</summary>
    public List<FlowConfirmation> Confirmations { get; } = [];

    public void Add(MessageBuffer message) => Add(new StoredMessage
    {
        Sequence = message.Sequence,
        Timestamp = message.Timestamp,
        Subject = message.Subject,
        Headers = message.Headers,
        Payload = message.Payload,
    });

    public void Add(in StoredMessage message)
    {
        var size = HeaderLength + message.Subject.Length + message.Headers.Length + message.Payload.Length;
        var at = _bytes.GetSpan(size);
        BinaryPrimitives.WriteUInt64LittleEndian(at, message.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(at[8..], message.Timestamp);
        BinaryPrimitives.WriteInt32LittleEndian(at[16..], message.Subject.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[20..], message.Headers.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[24..], message.Payload.Length);
        message.Subject.CopyTo(at[HeaderLength..]);
        message.Headers.CopyTo(at[(HeaderLength + message.Subject.Length)..]);
        message.Payload.CopyTo(at[(HeaderLength + message.Subject.Length + message.Headers.Length)..]);
        _bytes.Advance(size);
    }

    /// <summary>Reads the message at an offset, which moves behind it; false: that was the last one.</summary>
    public bool TryRead(ref int offset, out StoredMessage message)
    {
        message = default;
        if (offset >= _bytes.WrittenCount) return false;
        var at = _bytes.WrittenSpan[offset..];
        var subject = BinaryPrimitives.ReadInt32LittleEndian(at[16..]);
        var headers = BinaryPrimitives.ReadInt32LittleEndian(at[20..]);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(at[24..]);
        message = new StoredMessage
        {
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(at),
            Timestamp = BinaryPrimitives.ReadInt64LittleEndian(at[8..]),
            Subject = at.Slice(HeaderLength, subject),
            Headers = at.Slice(HeaderLength + subject, headers),
            Payload = at.Slice(HeaderLength + subject + headers, payload),
        };
        offset += HeaderLength + subject + headers + payload;
        return true;
    }
}

/// <summary>An answer to flow control.</summary>
/// <param name="Reply">Where to.</param>
/// <param name="Consumer">The last delivery before the request.</param>
/// <param name="Stream">Its message's sequence in the origin.</param>
internal readonly record struct FlowConfirmation(byte[] Reply, ulong Consumer, ulong Stream);
