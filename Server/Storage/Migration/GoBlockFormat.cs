using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// Records of a Go server's block files, one behind the other (little-endian):
/// <code>
/// record = length(4, whole record; bit 31: has headers) sequence(8; bit 63: erased, bit 62: tombstone) time(8, ns)
///          subject length(2) subject [headers length(4) headers] payload hash(8)
/// </code>
/// The hash is HighwayHash-64 over sequence, time, subject, headers and payload, keyed by stream and block, so that a
/// block that stands in another one's place is noticed.
/// </summary>
public static class GoBlockFormat
{
    public const int HeaderLength = 22;
    public const int HeadersPrefix = 4;

    /// <summary>A record without subject, headers and payload.</summary>
    public const int EmptyRecord = HeaderLength + HighwayHash64.Length;

    /// <summary>Longest record that upstream believes in.</summary>
    public const int MaxRecord = 32 * 1024 * 1024;

    /// <summary>Longest block file that is read: upstream ends blocks at 8 MiB, with one more record.</summary>
    public const int MaxBlock = 64 * 1024 * 1024;

    internal const uint HasHeaders = 1u << 31;
    internal const ulong Erased = 1UL << 63;
    internal const ulong Tombstone = 1UL << 62;

    /// <summary>Highest sequence that a record can hold.</summary>
    public const ulong MaxSequence = Tombstone - 1;

    /// <summary>The key of a block's hashes.</summary>
    public static byte[] KeyOf(string stream, uint block) => KeyOf($"{stream}-{block}");

    /// <summary>The key of a file's hash; upstream makes it of a name.</summary>
    public static byte[] KeyOf(string name) => SHA256.HashData(Encoding.UTF8.GetBytes(name));

    /// <summary>Bytes of a record.</summary>
    public static int LengthOf(int subject, int headers, int payload) =>
        EmptyRecord + subject + payload + (headers > 0 ? HeadersPrefix + headers : 0);

    /// <summary>Writes a message's record.</summary>
    /// <param name="target">At least <see cref="LengthOf"/> bytes.</param>
    /// <param name="message">The message.</param>
    /// <param name="key">Of the block.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> target, in Messages.StoredMessage message, ReadOnlySpan<byte> key)
    {
        var length = LengthOf(message.Subject.Length, message.Headers.Length, message.Payload.Length);
        var writer = new SpanWriter(target[..length]);
        writer.UInt32((uint)length | (message.Headers.IsEmpty ? 0 : HasHeaders));
        writer.UInt64(message.Sequence);
        writer.Int64(message.Timestamp);
        writer.ShortBytes(message.Subject);
        if (!message.Headers.IsEmpty)
        {
            writer.UInt32((uint)message.Headers.Length);
            writer.Bytes(message.Headers);
        }
        writer.Bytes(message.Payload);
        writer.UInt64(Hash(key, target, message.Subject, message.Headers, message.Payload));
        return length;
    }

    /// <summary>Writes the record of a sequence that was left out: everything below it that has no record is deleted.</summary>
    /// <returns>Bytes written: <see cref="EmptyRecord"/>.</returns>
    public static int WriteSkip(Span<byte> target, ulong sequence, long timestamp, ReadOnlySpan<byte> key) =>
        Write(target, new Messages.StoredMessage { Sequence = sequence | Erased, Timestamp = timestamp, Subject = default }, key);

    /// <summary>Reads a record where it should begin.</summary>
    /// <param name="rest">The block from there on.</param>
    /// <param name="key">Of the block.</param>
    /// <param name="record">What was read.</param>
    /// <param name="length">Bytes of it.</param>
    /// <returns>False when no whole record with a good hash begins here.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> rest, ReadOnlySpan<byte> key, out GoRecord record, out int length)
    {
        record = default;
        if (!TryFrame(rest, out length, out var subjectLength, out var hasHeaders)) return false;
        var data = rest[HeaderLength..(length - HighwayHash64.Length)];
        var subject = data[..subjectLength];
        var payload = data[subjectLength..];
        var headers = ReadOnlySpan<byte>.Empty;
        if (hasHeaders)
        {
            var count = BinaryPrimitives.ReadUInt32LittleEndian(payload);
            payload = payload[HeadersPrefix..];
            if (count > (uint)payload.Length) return false;
            headers = payload[..(int)count];
            payload = payload[(int)count..];
        }
        if (Hash(key, rest, subject, headers, payload) != BinaryPrimitives.ReadUInt64LittleEndian(rest[(length - HighwayHash64.Length)..])) return false;
        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(rest[4..]);
        record = new GoRecord
        {
            Sequence = sequence & MaxSequence,
            Kind = (sequence & Tombstone) != 0 ? GoRecordKind.Tombstone : (sequence & Erased) != 0 ? GoRecordKind.Erased : GoRecordKind.Message,
            Timestamp = BinaryPrimitives.ReadInt64LittleEndian(rest[12..]),
            Subject = subject,
            Headers = headers,
            Payload = payload,
        };
        return true;
    }

    /// <summary>Whether what stands here could be a record, as far as its lengths tell.</summary>
    internal static bool TryFrame(ReadOnlySpan<byte> rest, out int length, out int subjectLength, out bool hasHeaders)
    {
        (length, subjectLength, hasHeaders) = (0, 0, false);
        if (rest.Length < EmptyRecord) return false;
        var first = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        hasHeaders = (first & HasHeaders) != 0;
        first &= ~HasHeaders;
        subjectLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[20..]);
        if (first > MaxRecord || first > (uint)rest.Length) return false;
        length = (int)first;
        return EmptyRecord + subjectLength + (hasHeaders ? HeadersPrefix : 0) <= length;
    }

    private static ulong Hash(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var hash = new HighwayHash64(key);
        hash.Append(record[4..20]);
        hash.Append(subject);
        hash.Append(headers);
        hash.Append(payload);
        return hash.Finish();
    }
}

/// <summary>What a record says.</summary>
internal enum GoRecordKind
{
    Message,

    /// <summary>The sequence has been deleted; its message stands in this or an older block.</summary>
    Tombstone,

    /// <summary>The sequence holds nothing: erased in its place, or never given to a message.</summary>
    Erased,
}

/// <summary>A record that was read; its spans lie in the block.</summary>
internal readonly ref struct GoRecord
{
    public required ulong Sequence { get; init; }

    public required GoRecordKind Kind { get; init; }

    public required long Timestamp { get; init; }

    public ReadOnlySpan<byte> Subject { get; init; }

    public ReadOnlySpan<byte> Headers { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }
}
