using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Replication;

/// <summary>Entries of stream logs, against those that three real servers sent each other.</summary>
public sealed partial class StreamEntryTests
{
    [Fact]
    public void RecordedMessagesAreReadAndWrittenAlike()
    {
        var (messages, compressed) = (0, 0);
        foreach (var (from, bytes, decoded) in Recorded())
        {
            if (!decoded.TryGetProperty("msg", out var expected)) continue;
            var scratch = new ArrayBufferWriter<byte>();
            StreamMessageEntry.TryDecode(bytes, scratch, out var entry).ShouldBeTrue(from);
            entry.LastSequence.ShouldBe(expected.GetProperty("lseq").GetUInt64(), from);
            entry.Timestamp.ShouldBe(expected.GetProperty("ts").GetInt64(), from);
            entry.IsSourced.ShouldBe(expected.GetProperty("sourced").GetBoolean(), from);
            ShouldBe(entry.Subject, expected.GetProperty("subject"), from);
            ShouldBe(entry.Reply, expected.GetProperty("reply"), from);
            ShouldBe(entry.Headers, expected.GetProperty("hdr"), from);
            ShouldBe(entry.Payload, expected.GetProperty("msg"), from);
            if (decoded.TryGetProperty("batch_id", out var batch))
            {
                ShouldBe(entry.BatchId, batch, from);
                entry.BatchSequence.ShouldBe(decoded.GetProperty("batch_seq").GetUInt64(), from);
                entry.CommitsBatch.ShouldBe(decoded.GetProperty("op").GetInt32() == 17, from);
            }
            messages++;
            if (entry.Payload.Length > StreamMessageEntry.CompressionThreshold) compressed++;
            else Encode(entry).ShouldBe(bytes, from);
            // Two encoders may find other matches in a block; what it says is the same.
            RoundTrip(entry);
        }
        messages.ShouldBeGreaterThan(300);
        compressed.ShouldBeGreaterThan(3);
    }

    [Fact]
    public void RecordedChangesAreReadAndWrittenAlike()
    {
        var seen = new Dictionary<EntryOperation, int>();
        foreach (var (from, bytes, decoded) in Recorded())
        {
            var operation = (EntryOperation)decoded.GetProperty("op").GetByte();
            var again = operation switch
            {
                EntryOperation.PurgeStream => JsonEntry.Encode(operation, JsonEntry.Decode(operation, bytes, EntryJson.Default.PurgeStreamEntry)!, EntryJson.Default.PurgeStreamEntry),
                EntryOperation.DeleteMessage => JsonEntry.Encode(operation, JsonEntry.Decode(operation, bytes, EntryJson.Default.DeleteMessageEntry)!, EntryJson.Default.DeleteMessageEntry),
                EntryOperation.DeleteRange => JsonEntry.Encode(operation, JsonEntry.Decode(operation, bytes, EntryJson.Default.DeleteRangeEntry)!, EntryJson.Default.DeleteRangeEntry),
                _ => null,
            };
            if (again is null) continue;
            WithoutStart(again).ShouldBe(WithoutStart(bytes), from);
            seen[operation] = seen.GetValueOrDefault(operation) + 1;
        }
        seen.Keys.Order().ShouldBe([EntryOperation.PurgeStream, EntryOperation.DeleteMessage, EntryOperation.DeleteRange]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(1024 * 1024)]
    public void ABodyAboveTheThresholdIsCompressedWhenItHelps(int size)
    {
        var even = new StreamMessageEntry { Subject = "s"u8, Payload = new byte[size], Timestamp = -1, LastSequence = ulong.MaxValue };
        var noise = new StreamMessageEntry { Subject = "s"u8, Payload = RandomNumberGenerator.GetBytes(size), BatchId = "b"u8, BatchSequence = 300, CommitsBatch = true };
        Encode(even)[0].ShouldBe((byte)(size >= 8192 ? EntryOperation.CompressedStreamMessage : EntryOperation.StreamMessage));
        Encode(noise)[0].ShouldBe((byte)EntryOperation.BatchCommitMessage);
        RoundTrip(even);
        RoundTrip(noise);
    }

    [Fact]
    public void WhatIsCutOffOrChangedIsRefusedOrReadWithoutHarm()
    {
        var random = new Random(20261121);
        foreach (var (from, bytes, decoded) in Recorded().Where((_, i) => i % 5 == 0))
        {
            var scratch = new ArrayBufferWriter<byte>();
            var isMessage = decoded.TryGetProperty("msg", out _);
            // The flags may be missing, as older servers leave them out.
            for (var length = 0; length < bytes.Length - 1; length++)
            {
                StreamMessageEntry.TryDecode(bytes.AsSpan(0, length), scratch, out _).ShouldBeFalse($"{from} cut to {length} of {bytes.Length}");
            }
            for (var i = 0; i < 50; i++)
            {
                var changed = bytes.ToArray();
                changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                var read = StreamMessageEntry.TryDecode(changed, scratch, out var entry);
                if (read) (entry.Payload.Length + entry.Subject.Length).ShouldBeLessThanOrEqualTo(scratch.WrittenCount + changed.Length);
                JsonEntry.Decode(EntryOperation.PurgeStream, changed, EntryJson.Default.PurgeStreamEntry);
                if (!isMessage) read.ShouldBeFalse(from);
            }
        }
    }

    [Fact]
    public void ABlockThatClaimsMoreThanAMessageCanBeIsRefused()
    {
        byte[] lie = [(byte)EntryOperation.CompressedStreamMessage, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0];
        StreamMessageEntry.TryDecode(lie, new ArrayBufferWriter<byte>(), out _).ShouldBeFalse();
    }

    [Fact]
    public void ASubjectThatCannotBeToldIsAnError() =>
        Should.Throw<ArgumentException>(() => Encode(new StreamMessageEntry { Subject = new byte[65536] }));

    private static byte[] Encode(in StreamMessageEntry entry)
    {
        var target = new byte[entry.MaxLength];
        return target[..entry.Encode(target)];
    }

    private static void RoundTrip(in StreamMessageEntry entry)
    {
        StreamMessageEntry.TryDecode(Encode(entry), new ArrayBufferWriter<byte>(), out var again).ShouldBeTrue();
        (again.LastSequence, again.Timestamp, again.IsSourced, again.BatchSequence, again.CommitsBatch)
            .ShouldBe((entry.LastSequence, entry.Timestamp, entry.IsSourced, entry.BatchSequence, entry.CommitsBatch));
        again.Subject.SequenceEqual(entry.Subject).ShouldBeTrue();
        again.Reply.SequenceEqual(entry.Reply).ShouldBeTrue();
        again.Headers.SequenceEqual(entry.Headers).ShouldBeTrue();
        again.Payload.SequenceEqual(entry.Payload).ShouldBeTrue();
        again.BatchId.SequenceEqual(entry.BatchId).ShouldBeTrue();
    }

    /// <summary>A recorded value: text, or length and hash of a long one.</summary>
    private static void ShouldBe(ReadOnlySpan<byte> actual, JsonElement expected, string from)
    {
        if (expected.ValueKind == JsonValueKind.String)
        {
            Encoding.Latin1.GetString(actual).ShouldBe(expected.GetString(), from);
            return;
        }
        actual.Length.ShouldBe(expected.GetProperty("len").GetInt32(), from);
        Convert.ToHexStringLower(SHA256.HashData(actual)).ShouldBe(expected.GetProperty("sha256").GetString(), from);
    }

    private static IEnumerable<(string From, byte[] Bytes, JsonElement Decoded)> Recorded() =>
        File.ReadLines(Golden.PathOf("nrg", "stream-entries.jsonl")).Select(Golden.ParseText)
            .Select(line => (line.GetProperty("from").GetString()!, Convert.FromHexString(line.GetProperty("hex").GetString()!), line.GetProperty("decoded")));

    /// <summary>When a client connected is kept to a tenth of a microsecond only.</summary>
    private static string WithoutStart(byte[] entry) => Start().Replace(Encoding.UTF8.GetString(entry), "\"start\":\"*\"");

    [GeneratedRegex("\"start\":\"[^\"]*\"")]
    private static partial Regex Start();
}
