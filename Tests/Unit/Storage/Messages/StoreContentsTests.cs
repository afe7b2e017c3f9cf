using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>What is stored is counted, read and there again; what is purged, compacted, truncated or left out is not.</summary>
public sealed class StoreContentsTests
{
    private const string Hello = "Hello World";

    public static TheoryData<string> Kinds => KeptStore.Kinds;

    public static TheoryData<string> FileKinds => KeptStore.FileKinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreBasics")]
    [Upstream("filestore_test.go", "TestFileStoreMsgHeaders")]
    [Upstream("filestore_test.go", "TestFileStoreTimeStamps")]
    [Upstream("filestore_test.go", "TestFileStoreWriteAndReadSameBlock")]
    [Upstream("filestore_test.go", "TestFileStoreSubjectForSeq")]
    [Upstream("memstore_test.go", "TestMemStoreBasics")]
    [Upstream("memstore_test.go", "TestMemStoreMsgHeaders")]
    [Upstream("memstore_test.go", "TestMemStoreTimeStamps")]
    [Upstream("memstore_test.go", "TestMemStoreSubjectForSeq")]
    public void A_message_is_read_as_it_was_stored(string kind)
    {
        using var kept = new KeptStore(kind);
        var buffer = new MessageBuffer();
        var size = 0UL;
        for (var i = 1; i <= 10; i++)
        {
            var headers = i % 2 == 0 ? "name:derek" : "";
            kept.Append("foo", Hello, headers, at: i * 5_000).ShouldBe((ulong)i);
            size += kind == "memory" ? 16UL + 3 + 11 + (ulong)headers.Length : 30UL + 3 + 11 + (headers.Length == 0 ? 0 : 4UL + 10);
            kept.Store.TryLoad((ulong)i, buffer).ShouldBeTrue();
            (buffer.Sequence, buffer.Timestamp, Encoding.UTF8.GetString(buffer.Subject)).ShouldBe(((ulong)i, i * 5_000L, "foo"));
            (Encoding.UTF8.GetString(buffer.Headers), Encoding.UTF8.GetString(buffer.Payload)).ShouldBe((headers, Hello));
        }
        kept.Ends.ShouldBe((10UL, 1UL, 10UL));
        kept.State.Bytes.ShouldBe(size);
        (kept.Text(0), kept.Text(11)).ShouldBe((null, null));
        foreach (var (sequence, left) in new[] { (1UL, 9UL), (5UL, 8UL), (3UL, 7UL) })
        {
            kept.Remove(sequence).ShouldBeTrue();
            kept.Remove(sequence).ShouldBeFalse();
            kept.State.Messages.ShouldBe(left);
        }
        kept.Remove(2, erase: true).ShouldBeTrue();
        kept.Text(2).ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(FileKinds))]
    [Upstream("filestore_test.go", "TestFileStoreBasicWriteMsgsAndRestore")]
    [Upstream("filestore_test.go", "TestFileStoreAndRetrieveMultiBlock")]
    [Upstream("filestore_test.go", "TestFileStoreWriteExpireWrite")]
    [Upstream("filestore_test.go", "TestFileStorePartialCacheExpiration")]
    [Upstream("filestore_test.go", "TestFileStoreFullStateBasics")]
    [Upstream("filestore_test.go", "TestFileStoreFullStateMultiBlockPastWAL")]
    [Upstream("filestore_test.go", "TestFileStoreFullStateMidBlockPastWAL")]
    public void What_was_stored_is_there_whatever_ended_the_server(string kind)
    {
        using var kept = new KeptStore(kind);
        void Add(int count) => Enumerable.Range(0, count).ToList().ForEach(_ => kept.Append("foo", $"[{kept.State.LastSequence + 1:D8}] Hello World!"));
        void Check(ulong count)
        {
            kept.Ends.ShouldBe((count, 1UL, count));
            kept.State.Bytes.ShouldBe(count * (30 + 3 + 23));
            for (ulong sequence = 1; sequence <= count; sequence++) kept.Text(sequence).ShouldBe($"[{sequence:D8}] Hello World!");
        }

        Add(500);
        kept.ShouldStayAsItIs();
        Check(500);
        Add(700);
        kept.LosePower();
        Check(1_200);
        Add(3);
        kept.Remove(2).ShouldBeTrue();
        kept.ShouldStayAsItIs();
        kept.Purge();
        kept.ShouldStayAsItIs();
        (kept.State.Messages, kept.State.Bytes).ShouldBe((0UL, 0UL));
        var last = kept.Append("foo", "Hello");
        kept.Remove(last);
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((0UL, last + 1, last));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStorePurge")]
    [Upstream("filestore_test.go", "TestFileStoreFullStatePurge")]
    [Upstream("filestore_test.go", "TestFileStoreFullStatePurgeFullRecovery")]
    [Upstream("memstore_test.go", "TestMemStorePurge")]
    [Upstream("memstore_test.go", "TestMemStorePurgeLeaksDmap")]
    public void A_purge_leaves_the_last_sequence_only(string kind)
    {
        using var kept = new KeptStore(kind);
        for (ulong round = 1; round <= 3; round++)
        {
            kept.AppendMany(100, "foo", new string('x', 200));
            kept.RemoveAll(KeptStore.Sequences(kept.State.FirstSequence + 1, kept.State.LastSequence - 1));
            kept.Deleted.Count().ShouldBe(98);
            if (round == 2) kept.Restart();
            kept.Purge().ShouldBe(2UL);
            kept.Ends.ShouldBe((0UL, (round * 100) + 1, round * 100));
            (kept.State.Bytes, kept.State.Subjects).ShouldBe((0UL, 0));
            kept.Deleted.ShouldBeEmpty();
            if (kind == "memory") continue;
            kept.ShouldStayAsItIs();
            kept.File.Blocks.ShouldBe(0);
            kept.Disk.Files.ShouldNotContain(file => file.EndsWith(".blk"));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreCompact")]
    [Upstream("filestore_test.go", "TestFileStorePreserveLastSeqAfterCompact")]
    [Upstream("memstore_test.go", "TestMemStoreCompact")]
    public void Compacting_removes_what_is_below(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(10, "foo", Hello);
        kept.Compact(6).ShouldBe(5UL);
        kept.Ends.ShouldBe((5UL, 6UL, 10UL));
        kept.ShouldStayAsItIs();
        kept.Compact(100).ShouldBe(5UL);
        kept.Ends.ShouldBe((0UL, 100UL, 99UL));
        kept.ShouldStayAsItIs();
        kept.Append("foo").ShouldBe(100UL);
        kept.Compact(101).ShouldBe(1UL);
        kept.ShouldStayAsItIs();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreCompactMsgCountBug")]
    [Upstream("filestore_test.go", "TestFileStoreCompactAllWithDanglingLMB")]
    [Upstream("filestore_test.go", "TestFileStoreSkipMsgAndCompactRequiresAppend")]
    [Upstream("filestore_test.go", "TestFileStoreDoubleCompactWithWriteInBetweenEncryptedBug")]
    public void Compacting_counts_what_was_there(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(10, "foo", Hello);
        foreach (var sequence in new ulong[] { 2, 3, 4 }) kept.Remove(sequence, erase: true).ShouldBeTrue();
        kept.RemoveAll([7, 8, 9]);
        kept.Compact(6).ShouldBe(2UL);
        kept.Ends.ShouldBe((2UL, 6UL, 10UL));
        kept.Remove(10).ShouldBeTrue();
        kept.Compact(10).ShouldBe(1UL);
        kept.Append("foo").ShouldBe(11UL);
        kept.Skip(1, 12);
        kept.Compact(12).ShouldBe(1UL);
        kept.Ends.ShouldBe((0UL, 13UL, 12UL));
        kept.Skip(1, 13);
        kept.ShouldStayAsItIs();
        for (var round = 0; round < 2; round++)
        {
            kept.AppendMany(5, "foo", "ouch");
            kept.Compact(kept.State.LastSequence).ShouldBe(round == 0 ? 4UL : 5UL);
            kept.Text(kept.State.LastSequence).ShouldBe("ouch");
            kept.ShouldStayAsItIs();
        }
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    [Upstream("store_test.go", "TestStoreCompactCleansUpDmap")]
    public void Compacting_forgets_removed_sequences(ulong first, ulong expected)
    {
        foreach (var kind in Kinds)
        {
            using var kept = new KeptStore(kind.Data);
            kept.AppendMany(3, "foo");
            kept.Remove(2);
            kept.Deleted.ShouldBe([2UL]);
            kept.Compact(first);
            kept.Deleted.ShouldBeEmpty();
            (kept.State.FirstSequence, kept.State.LastSequence).ShouldBe((expected, 3UL));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreCompactReclaimHeadSpace")]
    [Upstream("filestore_test.go", "TestFileStoreCompactHeadReclaimRecompressedBlock")]
    [Upstream("filestore_test.go", "TestFileStoreCompactRewritesFileWithSwap")]
    [Upstream("filestore_test.go", "TestFileStoreRecoverAfterCompact")]
    public void Compacting_gives_space_back_and_keeps_the_rest(string kind)
    {
        using var kept = new KeptStore(kind, 128 * 1024);
        var random = new Random(4);
        var payloads = Enumerable.Range(0, 50).Select(_ => Convert.ToBase64String(Bytes(random, 12_000))).ToList();
        payloads.ForEach(payload => kept.Append("zzz", payload));
        kept.Restart();
        kept.Compact(45).ShouldBe(44UL);
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((6UL, 45UL, 50UL));
        foreach (var sequence in KeptStore.Sequences(45, 50)) kept.Text(sequence).ShouldBe(payloads[(int)sequence - 1]);
        kept.Disk.Files.Sum(file => kept.Disk.Content(file).Length).ShouldBeLessThan(300_000);
        kept.Append("zzz", "more").ShouldBe(51UL);
        kept.ShouldStayAsItIs();
        kept.Text(51).ShouldBe("more");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreStreamTruncate")]
    [Upstream("filestore_test.go", "TestFileStoreTruncateRemovedBlock")]
    [Upstream("filestore_test.go", "TestFileStoreAsyncTruncate")]
    [Upstream("memstore_test.go", "TestMemStoreStreamTruncate")]
    public void Truncating_takes_back_what_is_above(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(49, "foo", "ok");
        kept.AppendMany(51, "bar", "ok");
        kept.Truncate(50);
        kept.Ends.ShouldBe((50UL, 1UL, 50UL));
        kept.RemoveAll([10, 20, 25, 30, 40]);
        kept.Truncate(25);
        (kept.State.Messages, kept.State.Subjects, kept.State.LastSequence).ShouldBe((22UL, 1, 25UL));
        kept.Deleted.ShouldBe([10UL, 20UL, 25UL]);
        kept.ShouldStayAsItIs();
        kept.Append("new", "again").ShouldBe(26UL);
        kept.ShouldStayAsItIs();
        kept.Text(26).ShouldBe("again");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreStreamTruncateResetMultiBlock")]
    [Upstream("memstore_test.go", "TestMemStoreStreamTruncateReset")]
    [Upstream("store_test.go", "TestStoreTruncateCleansUpDmap")]
    public void Truncated_to_nothing_it_is_a_new_store(string kind)
    {
        using var kept = new KeptStore(kind);
        var empty = kept.State;
        for (var round = 0; round < 2; round++)
        {
            kept.AppendMany(1_000, "foo", Hello);
            kept.Ends.ShouldBe((1_000UL, 1UL, 1_000UL));
            (kept.State.Bytes, kept.State.Subjects, kept.State.Deleted).ShouldBe((kind == "memory" ? 30_000UL : 44_000UL, 1, 0UL));
            kept.Remove(2);
            if (round == 1) kept.Restart();
            kept.Truncate(0);
            kept.State.ShouldBe(empty);
            kept.Deleted.ShouldBeEmpty();
            kept.ShouldStayAsItIs();
        }
        kept.AppendMany(3, "foo");
        kept.Remove(2);
        kept.Truncate(1);
        kept.Ends.ShouldBe((1UL, 1UL, 1UL));
        kept.Deleted.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreSkipMsg")]
    [Upstream("filestore_test.go", "TestFileStoreSkipMsgs")]
    [Upstream("filestore_test.go", "TestFileStoreSkipMsgAndNumBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreIdxAccountingForSkipMsgs")]
    [Upstream("filestore_test.go", "TestFileStoreReloadAndLoseLastSequenceWithSkipMsgs")]
    [Upstream("memstore_test.go", "TestMemStoreSkipMsgs")]
    public void Sequences_are_left_out(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Skip(22, 1);
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((0UL, 23UL, 22UL));
        kept.Append("zzz", Hello).ShouldBe(23UL);
        kept.Skip(2, 2);
        kept.Append("zzz", Hello).ShouldBe(26UL);
        kept.Skip(1, 3);
        kept.Ends.ShouldBe((2UL, 23UL, 27UL));
        kept.Deleted.ShouldBe([24UL, 25UL, 27UL]);
        kept.ShouldStayAsItIs();
        (kept.Text(23), kept.Text(24), kept.Text(26)).ShouldBe((Hello, null, Hello));
        kept.Skip(100_000, 4);
        kept.Append("AAA", "Skip?").ShouldBe(100_028UL);
        kept.State.Deleted.ShouldBe(100_003UL);
        kept.ShouldStayAsItIs();
        kept.Text(100_028).ShouldBe("Skip?");
        if (kind != "memory") kept.File.Blocks.ShouldBeLessThan(3);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("store_test.go", "TestStoreGetSeqFromTimeWithInteriorDeletesGap")]
    [Upstream("store_test.go", "TestStoreGetSeqFromTimeWithTrailingDeletes")]
    public void A_time_is_found_beside_removed_messages(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 1; i <= 10; i++) kept.Append("foo", at: i * 100);
        kept.RemoveAll([4, 5, 6, 7]);
        kept.Store.SequenceAt(200).ShouldBe(2UL);
        kept.Store.SequenceAt(400).ShouldBe(8UL);
        kept.Remove(10);
        kept.Store.SequenceAt(200).ShouldBe(2UL);
        kept.Store.SequenceAt(1_000).ShouldBe(11UL);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreRememberLastMsgTime")]
    [Upstream("store_test.go", "TestStoreSkipMsgsCarryForwardLastTime")]
    public void The_last_time_stays_when_its_message_goes(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Append("foo", at: 1_000);
        kept.Remove(1);
        kept.ShouldStayAsItIs();
        kept.State.LastTimestamp.ShouldBe(1_000);
        kept.Append("foo", at: 2_000);
        kept.Purge();
        kept.ShouldStayAsItIs();
        kept.State.LastTimestamp.ShouldBe(2_000);
        kept.AppendMany(1, "foo", new string('x', 5_000));
        kept.Append("foo", at: 3_000);
        kept.RemoveAll([4, 3]);
        kept.ShouldStayAsItIs();
        (kept.State.LastTimestamp, kept.State.LastSequence).ShouldBe((3_000L, 4UL));
        kept.Append("foo", at: 4_000);
        kept.Skip(10, kept.State.LastTimestamp);
        kept.Append("foo", at: 9_000);
        (kept.Store.SequenceAt(4_000), kept.Store.SequenceAt(4_001), kept.Store.SequenceAt(9_000)).ShouldBe((5UL, 16UL, 16UL));
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
