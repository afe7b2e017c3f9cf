using System.Buffers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Server.JetStream.Replication;

/// <summary>A message in a stream's log.</summary>
/// <remarks>
/// <code>
/// entry   = [batch] op body
/// batch   = u8 16|17, u16 length, batch id, uvarint sequence in the batch (from 1)     17: it commits the batch
/// op      = u8 4: body as it is | 14: body as an S2 block
/// body    = u64 last sequence, i64 time, u16 length, subject, u16 length, reply, u16 length, headers,
///           u32 length, payload, uvarint flags (1: from a source or mirror, 64: judged)
/// </code>
/// Numbers are little-endian (clusterwire.md §7.1, §7.2). A body of more than 8 KiB is compressed when that makes it
/// smaller. An empty subject with time 0 leaves a sequence out.
/// </remarks>
public readonly ref struct StreamMessageEntry
{
    /// <summary>Bytes of subject, reply, headers and payload above which compression is tried.</summary>
    public const int CompressionThreshold = 8192;

    private const ulong SourcedFlag = 1;
    private const ulong JudgedFlag = 64;
    private const int FixedLength = 8 + 8 + 2 + 2 + 2 + 4 + SpanWriter.MaxVarintLength;
    private const int BatchFixedLength = 1 + 2 + SpanWriter.MaxVarintLength;

    /// <summary>Sequence before this message, failures counted, as the leader saw it.</summary>
    public ulong LastSequence { get; init; }

    /// <summary>Nanoseconds since 1970, UTC.</summary>
    public long Timestamp { get; init; }

    public ReadOnlySpan<byte> Subject { get; init; }

    /// <summary>Where the acknowledgement goes; empty: nowhere.</summary>
    public ReadOnlySpan<byte> Reply { get; init; }

    public ReadOnlySpan<byte> Headers { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>It came from a source or mirror.</summary>
    public bool IsSourced { get; init; }

    /// <summary>
    /// Its leader has judged what it expects of the last message id, so replicas must not: what they remember of ids may
    /// differ. Ours; Go servers judge when they apply it, and do not look at this flag.
    /// </summary>
    public bool IsJudged { get; init; }

    /// <summary>Batch it belongs to; empty: none.</summary>
    public ReadOnlySpan<byte> BatchId { get; init; }

    /// <summary>Its place in the batch, from 1.</summary>
    public ulong BatchSequence { get; init; }

    /// <summary>The batch is complete with it.</summary>
    public bool CommitsBatch { get; init; }

    /// <summary>Most bytes <see cref="Encode"/> writes.</summary>
    public int MaxLength => S2Block.MaxEncodedLength(BodyLength) + 1 + (BatchId.IsEmpty ? 0 : BatchFixedLength + BatchId.Length);

    /// <summary>The same entry with another payload.</summary>
    public StreamMessageEntry WithPayload(ReadOnlySpan<byte> payload) => new()
    {
        LastSequence = LastSequence,
        Timestamp = Timestamp,
        Subject = Subject,
        Reply = Reply,
        Headers = Headers,
        Payload = payload,
        IsSourced = IsSourced,
        IsJudged = IsJudged,
        BatchId = BatchId,
        BatchSequence = BatchSequence,
        CommitsBatch = CommitsBatch,
    };

    private int ContentLength => Subject.Length + Reply.Length + Headers.Length + Payload.Length;

    private int BodyLength => FixedLength + ContentLength;

    /// <summary>Writes the entry.</summary>
    /// <param name="target">At least <see cref="MaxLength"/>.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">A subject, reply, batch id or header block of 64 KiB or more.</exception>
    public int Encode(Span<byte> target)
    {
        var writer = new SpanWriter(target);
        if (!BatchId.IsEmpty)
        {
            writer.Byte((byte)(CommitsBatch ? EntryOperation.BatchCommitMessage : EntryOperation.BatchMessage));
            writer.ShortBytes(BatchId);
            writer.Uvarint(BatchSequence);
        }
        if (ContentLength > CompressionThreshold && TryCompress(ref writer)) return writer.Count;
        writer.Byte((byte)EntryOperation.StreamMessage);
        WriteBody(ref writer);
        return writer.Count;
    }

    /// <summary>Reads an entry.</summary>
    /// <param name="source">The whole entry.</param>
    /// <param name="scratch">Holds the body of a compressed entry; must live as long as the result is used.</param>
    /// <param name="entry">What was read; its spans lie in <paramref name="source"/> or <paramref name="scratch"/>.</param>
    /// <returns>False when it is no message entry or is damaged.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> source, ArrayBufferWriter<byte> scratch, out StreamMessageEntry entry)
    {
        entry = default;
        var reader = new SpanReader(source);
        if (!reader.TryReadByte(out var operation)) return false;
        ReadOnlySpan<byte> batch = default;
        ulong batchSequence = 0;
        var commits = operation == (byte)EntryOperation.BatchCommitMessage;
        if (commits || operation == (byte)EntryOperation.BatchMessage)
        {
            if (!reader.TryReadShortBytes(out batch) || !reader.TryReadUvarint(out batchSequence) || !reader.TryReadByte(out operation)) return false;
        }
        var body = reader.Rest;
        if (operation == (byte)EntryOperation.CompressedStreamMessage)
        {
            if (!TryDecompress(ref body, scratch)) return false;
        }
        else if (operation != (byte)EntryOperation.StreamMessage)
        {
            return false;
        }
        return TryReadBody(body, batch, batchSequence, commits, out entry);
    }

    private static bool TryReadBody(
        ReadOnlySpan<byte> body, ReadOnlySpan<byte> batch, ulong batchSequence, bool commits, out StreamMessageEntry entry)
    {
        entry = default;
        var reader = new SpanReader(body);
        if (!reader.TryReadUInt64(out var last) || !reader.TryReadInt64(out var timestamp)) return false;
        if (!reader.TryReadShortBytes(out var subject) || !reader.TryReadShortBytes(out var reply) || !reader.TryReadShortBytes(out var headers)) return false;
        if (!reader.TryReadUInt32(out var length) || !reader.TryReadBytes(length, out var payload)) return false;
        // Servers before the flags wrote none.
        if (!reader.TryReadUvarint(out var flags) && !reader.IsAtEnd) return false;
        entry = new StreamMessageEntry
        {
            LastSequence = last,
            Timestamp = timestamp,
            Subject = subject,
            Reply = reply,
            Headers = headers,
            Payload = payload,
            IsSourced = (flags & SourcedFlag) != 0,
            IsJudged = (flags & JudgedFlag) != 0,
            BatchId = batch,
            BatchSequence = batchSequence,
            CommitsBatch = commits,
        };
        return true;
    }

    private void WriteBody(ref SpanWriter writer)
    {
        writer.UInt64(LastSequence);
        writer.Int64(Timestamp);
        writer.ShortBytes(Subject);
        writer.ShortBytes(Reply);
        writer.ShortBytes(Headers);
        writer.UInt32((uint)Payload.Length);
        writer.Bytes(Payload);
        writer.Uvarint((IsSourced ? SourcedFlag : 0) | (IsJudged ? JudgedFlag : 0));
    }

    private bool TryCompress(ref SpanWriter writer)
    {
        var raw = ArrayPool<byte>.Shared.Rent(BodyLength);
        try
        {
            var body = new SpanWriter(raw);
            WriteBody(ref body);
            var length = S2Block.Encode(body.Written, writer.Rest[1..]);
            if (length >= body.Count) return false;
            writer.Byte((byte)EntryOperation.CompressedStreamMessage);
            writer.Advance(length);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(raw);
        }
    }

    private static bool TryDecompress(ref ReadOnlySpan<byte> body, ArrayBufferWriter<byte> scratch)
    {
        if (!S2Block.TryGetDecodedLength(body, out var length) || length > MaxDecodedLength) return false;
        scratch.ResetWrittenCount();
        if (!S2Block.TryDecode(body, scratch.GetSpan(length)[..length], out var written)) return false;
        scratch.Advance(written);
        body = scratch.WrittenSpan;
        return true;
    }

    /// <summary>The largest message there is, 64 MiB, and what stands around it: more is a lie.</summary>
    private const int MaxDecodedLength = (64 * 1024 * 1024) + (4 * ushort.MaxValue);
}
