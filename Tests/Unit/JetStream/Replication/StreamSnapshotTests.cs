using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Replication;

/// <summary>Snapshots of streams, against those that three real servers sent each other.</summary>
public sealed class StreamSnapshotTests
{
    [Fact]
    public void RecordedSnapshotsAreReadAndWrittenAlike()
    {
        var same = 0;
        foreach (var line in File.ReadLines(Golden.PathOf("nrg", "stream-snapshots.jsonl")).Select(Golden.ParseText))
        {
            var (from, expected) = (line.GetProperty("from").GetString(), line.GetProperty("decoded"));
            var bytes = Convert.FromHexString(line.GetProperty("hex").GetString()!);
            StreamSnapshot.TryDecode(bytes, out var snapshot).ShouldBeTrue(from);
            snapshot!.Messages.ShouldBe(expected.GetProperty("msgs").GetUInt64(), from);
            snapshot.Bytes.ShouldBe(expected.GetProperty("bytes").GetUInt64(), from);
            snapshot.FirstSequence.ShouldBe(expected.GetProperty("first_seq").GetUInt64(), from);
            snapshot.LastSequence.ShouldBe(expected.GetProperty("last_seq").GetUInt64(), from);
            snapshot.Failed.ShouldBe(expected.GetProperty("failed").GetUInt64(), from);
            snapshot.Deleted.ShouldBe(RangesOf(expected), from);
            var again = Encode(snapshot);
            StreamSnapshot.TryDecode(again, out var second).ShouldBeTrue(from);
            second!.Deleted.ShouldBe(snapshot.Deleted, from);
            again.Length.ShouldBeLessThanOrEqualTo(bytes.Length, from);
            if (again.AsSpan().SequenceEqual(bytes)) same++;
        }
        // Of a set with two ranges we make two runs, which take less room.
        same.ShouldBe(8);
    }

    /// <summary>As servers before 2.10 wrote it.</summary>
    [Fact]
    public void JsonIsReadToo()
    {
        var json = """{"messages":7,"bytes":700,"first_seq":3,"last_seq":12,"clfs":5,"deleted":[9,4,5]}"""u8.ToArray();
        StreamSnapshot.TryDecode(json, out var snapshot).ShouldBeTrue();
        (snapshot!.Messages, snapshot.FirstSequence, snapshot.LastSequence, snapshot.Failed).ShouldBe((7UL, 3UL, 12UL, 5UL));
        snapshot.Deleted.ShouldBe([new SequenceRange(4, 5), new SequenceRange(9, 9)]);
        StreamSnapshot.TryDecode("""{"messages":1,"bytes":1,"first_seq":1,"last_seq":1,"clfs":0}"""u8.ToArray(), out snapshot).ShouldBeTrue();
        snapshot!.Deleted.ShouldBeEmpty();
        StreamSnapshot.TryDecode("""{"messages":-1}"""u8.ToArray(), out _).ShouldBeFalse();
        StreamSnapshot.TryDecode("{"u8.ToArray(), out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 40)]
    [InlineData(4, 3000)]
    [InlineData(5, 100_000)]
    [InlineData(6, 7)]
    public void WhatIsDeletedComesBackTheSame(int seed, int widest)
    {
        var random = new Random(seed);
        var ranges = new List<SequenceRange>();
        var at = (ulong)random.Next(1, 10_000);
        for (var i = 0; i < 5000; i++)
        {
            var length = (ulong)random.Next(1, random.Next(10) == 0 ? widest + 1 : 3);
            ranges.Add(new SequenceRange(at, at + length - 1));
            at += length + (ulong)random.Next(1, random.Next(20) == 0 ? 5000 : 4);
        }
        var messages = at - ranges.Aggregate(0UL, (sum, range) => sum + range.Last - range.First + 1);
        var state = new StoreState(1, 1, at, 1, messages, 1, 1);
        var bytes = StreamSnapshot.Encode(state, 3, ranges);
        StreamSnapshot.TryDecode(bytes, out var snapshot).ShouldBeTrue();
        snapshot!.Deleted.ShouldBe(ranges, $"seed {seed}");
        snapshot.Failed.ShouldBe(3UL);
        // Never much more than a bit a sequence, or a few bytes a range.
        ((ulong)bytes.Length).ShouldBeLessThan(Math.Min(100 + ((ulong)ranges.Count * 11), 400 + (at / 2048 * 340)), $"seed {seed}");
    }

    /// <summary>Large sets are written as a balanced tree, root first, as Go servers read them.</summary>
    [Fact]
    public void NodesStandInTheOrderOfTheTree()
    {
        var ranges = Enumerable.Range(0, 5 * 1024).Select(i => new SequenceRange(2UL * (ulong)i, 2UL * (ulong)i)).Skip(1).ToList();
        var bytes = StreamSnapshot.Encode(new StoreState(1, 1, 10 * 1024, 1, 10, 1, 1), 0, ranges);
        var set = bytes.AsSpan(bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[22, 2]));
        BitConverter.ToUInt32(set[2..]).ShouldBe(5U);
        BitConverter.ToUInt32(set[6..]).ShouldBe((uint)ranges.Count);
        var nodes = new List<(ulong Base, ushort Height)>();
        for (var at = 10; at < set.Length; at += 266) nodes.Add((BitConverter.ToUInt64(set[at..]), BitConverter.ToUInt16(set[(at + 264)..])));
        nodes.ShouldBe([(4096UL, (ushort)3), (2048UL, (ushort)2), (0UL, (ushort)1), (8192UL, (ushort)2), (6144UL, (ushort)1)]);
    }

    [Fact]
    public void WhatIsClaimedTakesNoMemory()
    {
        // A set of four thousand million nodes, and runs that wrap around.
        byte[] head = [42, 1, 1, 1, 1, 9, 0, 3];
        Read([.. head, 22, 2, 255, 255, 255, 255, 1, 0, 0, 0]).ShouldBeNull();
        Read([.. head, 33, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).ShouldBeNull();
        Read([.. head, 33, 1]).ShouldBeNull();
        Read([.. head, 99]).ShouldBeNull();
        Read([.. head, 33, 2, 0, 33, 3, 1])!.Deleted.ShouldBe([new SequenceRange(3, 3)]);
        Read([.. head, 33, 2, 4, 33, 3, 1, 33, 4, 5])!.Deleted.ShouldBe([new SequenceRange(2, 8)], "what is told twice counts once");
        Read([42, 1, 1, 1, 9, 7, 0, 0]).ShouldBeNull("its first sequence lies beyond its last");
        Read([42, 1, 99, 1, 1, 9, 0, 0]).ShouldBeNull("more messages than sequences");
        Read([42, 3, 1, 1, 1, 9, 0, 0]).ShouldBeNull();
        Read([]).ShouldBeNull();
        // Sparse runs: what is walked through is not kept.
        var many = new List<byte>(head);
        for (var i = 0; i < 100_000; i++) many.AddRange([33, (byte)(0x80 | (i & 0x7F)), (byte)(0x80 | (i >> 7 & 0x7F)), (byte)(i >> 14), 1]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read([.. many])!.Deleted.Count().ShouldBe(1);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(many.Count * 4);
    }

    [Fact]
    public void RequestsAreThoseOfRealServers()
    {
        var requests = 0;
        foreach (var line in File.ReadLines(Golden.PathOf("nrg", "stream-catchups.jsonl")).Select(Golden.ParseText))
        {
            if (line.GetProperty("kind").GetString() != "stream_sync_request") continue;
            var bytes = Convert.FromHexString(line.GetProperty("hex").GetString()!);
            var request = StreamSyncRequest.Decode(bytes).ShouldNotBeNull();
            Encoding.UTF8.GetString(request.Encode()).ShouldBe(Encoding.UTF8.GetString(bytes));
            request.TakesRanges.ShouldBeTrue();
            requests++;
        }
        requests.ShouldBe(13);
        StreamSyncRequest.Decode("""{"first_seq":0,"last_seq":3}"""u8).ShouldBeNull();
        StreamSyncRequest.Decode("""{"first_seq":1,"last_seq":18446744073709551615}"""u8).ShouldBeNull();
        StreamSyncRequest.Decode("nonsense"u8).ShouldBeNull();
    }

    [Theory]
    [InlineData("$JSC.ACK.EjCDvYdR.37", 37)]
    [InlineData("$JSC.ACK.EjCDvYdR.0", 0)]
    [InlineData("$JSC.ACK.EjCDvYdR.-1", -1)]
    [InlineData("$JSC.ACK.EjCDvYdR.+1", -1)]
    [InlineData("$JSC.ACK.EjCDvYdR.", -1)]
    [InlineData("$JSC.ACK.EjCDvYdR.1x", -1)]
    [InlineData("$JSC.ACK.EjCDvYdR.99999999999999999999", -1)]
    public void SizesStandInSubjectsOfAcknowledgements(string subject, long size)
    {
        CatchupAckSubject.TryGetSize(Encoding.ASCII.GetBytes(subject), out var read).ShouldBe(size >= 0);
        if (size < 0) return;
        read.ShouldBe(size);
        var room = new byte[CatchupAckSubject.MaxLength];
        Encoding.ASCII.GetString(room, 0, CatchupAckSubject.Format(room, "EjCDvYdR"u8, size)).ShouldBe(subject);
    }

    private static StreamSnapshot? Read(byte[] bytes)
    {
        StreamSnapshot.TryDecode(bytes, out var snapshot);
        return snapshot;
    }

    private static byte[] Encode(StreamSnapshot snapshot) =>
        StreamSnapshot.Encode(new StoreState(snapshot.FirstSequence, 0, snapshot.LastSequence, 0, snapshot.Messages, snapshot.Bytes, 0), snapshot.Failed, snapshot.Deleted);

    private static IEnumerable<SequenceRange> RangesOf(JsonElement state)
    {
        if (state.GetProperty("delete_blocks").ValueKind == JsonValueKind.Null) yield break;
        foreach (var block in state.GetProperty("delete_blocks").EnumerateArray())
        {
            foreach (var range in block.GetProperty("ranges").EnumerateArray()) yield return new SequenceRange(range[0].GetUInt64(), range[1].GetUInt64());
        }
    }
}
