using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Removed and erased messages: counts, ends, the sequences between them, and what is there after a start.</summary>
public sealed class StoreRemovalTests
{
    public static TheoryData<string> Kinds => KeptStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreStreamStateDeleted")]
    [Upstream("filestore_test.go", "TestFileStoreCollapseDmap")]
    [Upstream("filestore_test.go", "TestFileStoreSelectNextFirst")]
    [Upstream("memstore_test.go", "TestMemStoreStreamStateDeleted")]
    public void The_first_sequence_passes_over_removed_ones(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(10, "foo", "Hello World!");
        kept.Deleted.ShouldBeEmpty();
        kept.RemoveAll([2, 4, 8]);
        kept.Deleted.ShouldBe([2UL, 4UL, 8UL]);
        kept.State.FirstSequence.ShouldBe(1UL);
        foreach (var (sequence, first, deleted) in new (ulong, ulong, ulong[])[] { (1, 3, [4, 8]), (3, 5, [8]), (5, 6, [8]), (7, 6, [7, 8]), (6, 9, []) })
        {
            kept.Remove(sequence).ShouldBeTrue();
            kept.State.FirstSequence.ShouldBe(first);
            kept.Deleted.ShouldBe(deleted);
            kept.State.Deleted.ShouldBe((ulong)deleted.Length);
            kept.ShouldStayAsItIs();
        }
        kept.Purge();
        kept.Deleted.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreRemovePartialRecovery")]
    [Upstream("filestore_test.go", "TestFileStoreRemoveOutOfOrderRecovery")]
    [Upstream("filestore_test.go", "TestFileStoreFullStateTestUserRemoveWAL")]
    [Upstream("filestore_test.go", "TestFileStoreStateWithBlkFirstDeleted")]
    public void Removed_messages_stay_away(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(400, "foo", "Hello World");
        kept.Restart();
        foreach (var sequence in KeptStore.Sequences(1, 50)) kept.Remove(sequence).ShouldBeTrue();
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((350UL, 51UL, 400UL));
        for (ulong sequence = 400; sequence > 51; sequence -= 2) kept.Remove(sequence).ShouldBeTrue();
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((175UL, 51UL, 400UL));
        foreach (var sequence in KeptStore.Sequences(51, 400)) (kept.Text(sequence) is null).ShouldBe(sequence % 2 == 0);
        kept.RemoveAll([51, 53]);
        kept.LosePower();
        kept.State.FirstSequence.ShouldBe(55UL);
        kept.State.FirstTimestamp.ShouldBe(55);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("memstore_test.go", "TestMemStoreDeleteBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreDeleteMapView")]
    [Upstream("filestore_test.go", "TestFileStoreRebuildStateDmapAccountingBug")]
    [Upstream("filestore_test.go", "TestFileStoreDmapBlockRecoverAfterCompact")]
    public void Removed_sequences_are_told_exactly(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(3_000, "A", "OK");
        var random = new Random(7);
        var removed = new SortedSet<ulong>();
        while (removed.Count < 1_500) removed.Add((ulong)random.Next(2, 3_000));
        foreach (var sequence in removed.Order().Reverse().OrderBy(sequence => sequence % 7)) kept.Remove(sequence).ShouldBeTrue();
        kept.State.Deleted.ShouldBe(1_500UL);
        kept.Deleted.ShouldBe(removed);
        kept.ShouldStayAsItIs();
        kept.Remove(1);
        kept.Compact(400);
        removed.RemoveWhere(sequence => sequence < kept.State.FirstSequence);
        kept.Deleted.ShouldBe(removed);
        kept.ShouldStayAsItIs();
    }

    [Theory]
    [InlineData("5:1 6-9", "5-9")]
    [InlineData("10 15", "10 15")]
    [InlineData("10 11 5 6 7 8 9 3 16 17 18 1 20 19", "3 5-11 16-20")]
    [InlineData("9 10 8 18 17 6 5 7 20 19 11 12 1 2 3 4", "17-20")]
    [Upstream("filestore_test.go", "TestFileStoreDeleteRangeTwoGaps")]
    [Upstream("filestore_test.go", "TestFileStoreDeleteBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreDeleteBlocksWithSingleMessageBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreDeleteBlocksWithManyEmptyBlocks")]
    [Upstream("store_test.go", "TestStoreDeleteRange")]
    public void Removed_sequences_are_ranges(string removed, string expected)
    {
        foreach (var kind in Kinds)
        {
            using var kept = new KeptStore(kind.Data);
            kept.AppendMany(20, "foo", new string('x', 300));
            foreach (var range in removed.Replace(":1", "").Split(' '))
            {
                var ends = range.Split('-').Select(ulong.Parse).ToArray();
                kept.RemoveAll(KeptStore.Sequences(ends[0], ends[^1]));
            }
            kept.ShouldStayAsItIs();
            string.Join(" ", kept.Store.Deleted().Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First}-{range.Last}")).ShouldBe(expected);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreAllFilteredStateWithDeleted")]
    public void All_messages_from_a_sequence_on_are_counted(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(100, "foo", "Hello World");
        void Check(ulong from, ulong messages, ulong first)
        {
            var found = kept.Filtered("", from);
            (found.Messages, found.FirstSequence, found.LastSequence).ShouldBe((messages, first, 100UL));
        }

        Check(1, 100, 1);
        kept.Remove(2);
        Check(2, 98, 3);
        kept.RemoveAll([3, 4, 5]);
        Check(2, 95, 6);
        Check(6, 95, 6);
        kept.RemoveAll([8, 10, 12, 14, 16, 18]);
        Check(7, 88, 7);
        kept.Purge();
        kept.Filtered("", 0).ShouldBe(default);
        kept.Ends.ShouldBe((0UL, 101UL, 100UL));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreEraseMsgWithDbitSlots")]
    [Upstream("filestore_test.go", "TestFileStoreEraseMsgWithAllTrailingDbitSlots")]
    [Upstream("filestore_test.go", "TestFileStoreEraseMsgDoesNotLoseTombstones")]
    [Upstream("filestore_test.go", "TestFileStoreEraseMsgDoesNotLoseTombstonesInEmptyBlock")]
    [Upstream("filestore_test.go", "TestFileStoreEmptyBlockContainsPriorTombstones")]
    [Upstream("filestore_test.go", "TestFileStoreAtomicEraseMsg")]
    [Upstream("filestore_test.go", "TestFileStoreStreamDeleteCacheBug")]
    [Upstream("memstore_test.go", "TestMemStoreEraseMsg")]
    public void Erasing_one_keeps_the_others_as_they_are(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(2, "foo", "kept");
        kept.Append("foo", "secret!");
        kept.Skip(10, 13);
        kept.Remove(2).ShouldBeTrue();
        kept.Append("foo", "last").ShouldBe(14UL);
        kept.Restart();
        kept.Remove(3, erase: true).ShouldBeTrue();
        kept.Remove(3, erase: true).ShouldBeFalse();
        kept.Ends.ShouldBe((2UL, 1UL, 14UL));
        kept.Deleted.ShouldBe(KeptStore.Sequences(2, 13));
        kept.ShouldStayAsItIs();
        (kept.Text(1), kept.Text(2), kept.Text(3), kept.Text(14)).ShouldBe(("kept", null, null, "last"));
        kept.Remove(14, erase: true).ShouldBeTrue();
        kept.Remove(1).ShouldBeTrue();
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((0UL, 15UL, 14UL));
    }

    [Theory]
    [InlineData("nothing", 4, 1, 4, 0)]
    [InlineData("remove", 3, 2, 4, 0)]
    [InlineData("erase", 3, 2, 4, 0)]
    [InlineData("purge", 0, 5, 4, 0)]
    [InlineData("purge foo.0", 2, 2, 4, 1)]
    [InlineData("purge foo.1", 2, 1, 4, 2)]
    [InlineData("compact", 2, 3, 4, 0)]
    [InlineData("truncate", 2, 1, 2, 0)]
    [Upstream("filestore_test.go", "TestFileStoreRecoverAfterRemoveOperation")]
    public void Every_way_of_removing_outlasts_the_server(string way, ulong messages, ulong first, ulong last, ulong deleted)
    {
        foreach (var kind in Kinds)
        {
            using var kept = new KeptStore(kind.Data);
            for (var i = 0; i < 4; i++) kept.Append($"foo.{i % 2}");
            kept.Restart();
            switch (way)
            {
                case "remove": kept.Remove(1).ShouldBeTrue(); break;
                case "erase": kept.Remove(1, erase: true).ShouldBeTrue(); break;
                case "purge": kept.Purge().ShouldBe(4UL); break;
                case "purge foo.0": kept.Purge("foo.0").ShouldBe(2UL); break;
                case "purge foo.1": kept.Purge("foo.1").ShouldBe(2UL); break;
                case "compact": kept.Compact(3).ShouldBe(2UL); break;
                case "truncate": kept.Truncate(2); break;
            }
            kept.ShouldStayAsItIs();
            (kept.State.Messages, kept.State.FirstSequence, kept.State.LastSequence, kept.State.Deleted).ShouldBe((messages, first, last, deleted));
        }
    }

    [Theory]
    [InlineData(true, "remove")]
    [InlineData(true, "erase")]
    [InlineData(true, "skip")]
    [InlineData(false, "remove")]
    [InlineData(false, "erase")]
    [InlineData(false, "skip")]
    [Upstream("store_test.go", "TestStoreStreamInteriorDeleteAccounting")]
    public void A_last_sequence_without_message_is_kept(bool empty, string way)
    {
        foreach (var kind in Kinds)
        {
            using var kept = new KeptStore(kind.Data);
            if (!empty) kept.Append("foo");
            if (way == "skip")
            {
                kept.Skip(1, 2);
            }
            else
            {
                var last = kept.Append("foo");
                kept.Remove(last, way == "erase").ShouldBeTrue();
                kept.Truncate(last);
            }
            kept.Ends.ShouldBe(empty ? (0UL, 2UL, 1UL) : (1UL, 1UL, 2UL));
            kept.ShouldStayAsItIs();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreTombstonesSelectNextFirstCleanup")]
    [Upstream("filestore_test.go", "TestFileStoreSparseCompaction")]
    [Upstream("filestore_test.go", "TestFileStoreSparseCompactionWithInteriorDeletes")]
    [Upstream("filestore_test.go", "TestFileStoreCompactingBlocksOnSync")]
    [Upstream("filestore_test.go", "TestFileStoreDontSpamCompactWhenMostlyTombstones")]
    public void Files_that_hold_little_are_written_anew_once(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 0; i < 1_000; i++) kept.Append($"kv.{i % 10}", new string((char)('a' + (i % 26)), 99));
        kept.Restart();
        for (ulong sequence = 2; sequence < 1_000; sequence++)
        {
            if (sequence % 50 != 0) kept.Remove(sequence).ShouldBeTrue();
        }
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((21UL, 1UL, 1_000UL));
        foreach (var sequence in KeptStore.Sequences(1, 1_000)) (kept.Text(sequence) is not null).ShouldBe(sequence == 1 || sequence % 50 == 0);
        if (kind != "memory")
        {
            for (var i = 0; i < 5; i++) kept.Checkpoint();
            kept.Disk.Files.Where(file => file.EndsWith(".blk")).Sum(file => kept.Disk.Content(file).Length).ShouldBeLessThan(20_000);
            var rewritten = kept.File.Rewritten;
            for (var i = 0; i < 5; i++) kept.Checkpoint();
            kept.File.Rewritten.ShouldBe(rewritten, "nothing has changed");
        }
        for (ulong sequence = 50; sequence <= 1_000; sequence += 50) kept.Remove(sequence).ShouldBeTrue();
        kept.Ends.ShouldBe((1UL, 1UL, 1_000UL));
        kept.ShouldStayAsItIs();
        kept.Remove(1);
        kept.Ends.ShouldBe((0UL, 1_001UL, 1_000UL));
        kept.ShouldStayAsItIs();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreStreamFailToRollBug")]
    public void What_comes_and_goes_leaves_no_files(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 0; i < 2_000; i++)
        {
            var sequence = kept.Append("zzz", new string('x', 100));
            if (sequence > 2) kept.Remove(sequence - 2).ShouldBeTrue();
            if (i % 100 == 0) kept.Checkpoint();
        }
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((2UL, 1_999UL, 2_000UL));
        if (kind != "memory") kept.Disk.Files.Count(file => file.EndsWith(".blk")).ShouldBeLessThan(3);
    }
}
