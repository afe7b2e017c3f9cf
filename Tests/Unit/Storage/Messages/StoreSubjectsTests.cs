using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Counts, ends and last messages of subjects, and purges of them.</summary>
public sealed class StoreSubjectsTests
{
    public static TheoryData<string> Kinds => KeptStore.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreSubjectsTotals")]
    [Upstream("memstore_test.go", "TestMemStoreSubjectsTotals")]
    public void Messages_of_each_subject_are_counted(string kind)
    {
        using var kept = new KeptStore(kind);
        var random = new Random(3);
        var totals = new Dictionary<string, ulong>();
        for (var i = 0; i < 4_000; i++)
        {
            var subject = $"{(random.Next(2) == 0 ? "foo" : "bar")}.{random.Next(100)}";
            totals[subject] = totals.GetValueOrDefault(subject) + 1;
            kept.Append(subject, "Hello World");
        }
        for (var round = 0; round < 2; round++)
        {
            foreach (var filter in new[] { "foo.7", "foo.*", "bar.*", "*.*" })
            {
                var found = kept.Store.Subjects(SubjectFilter.Of(filter)).ToDictionary(entry => Encoding.UTF8.GetString(entry.Subject), entry => entry.Messages);
                found.ShouldBe(totals.Where(one => filter == "*.*" || one.Key == filter || (filter.EndsWith('*') && one.Key.StartsWith(filter[..4], StringComparison.Ordinal))), ignoreOrder: true);
            }
            kept.Restart();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreStreamCompactMultiBlockSubjectInfo")]
    [Upstream("filestore_test.go", "TestFileStorePurgeMsgBlockUpdatesSubjects")]
    [Upstream("filestore_test.go", "TestFileStorePurgeMsgBlock")]
    [Upstream("filestore_test.go", "TestFileStoreCompactAndPSIMWhenDeletingBlocks")]
    [Upstream("memstore_test.go", "TestMemStoreStreamCompactMultiBlockSubjectInfo")]
    public void Subjects_go_with_their_last_message(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 0; i < 1_000; i++) kept.Append($"foo.{i}", "Hello World");
        kept.AppendMany(10, "many", new string('x', 2_000));
        kept.Compact(501).ShouldBe(500UL);
        kept.ShouldStayAsItIs();
        kept.State.Subjects.ShouldBe(501);
        kept.Compact(1_006).ShouldBe(505UL);
        kept.State.Subjects.ShouldBe(1);
        kept.State.Bytes.ShouldBe(5UL * (kind == "memory" ? 2_020UL : 2_034UL));
        kept.Store.OfSubject("many"u8).ShouldBe(new FilteredState(5, 1_006, 1_010));
        kept.ShouldStayAsItIs();
        if (kind != "memory") kept.File.Blocks.ShouldBeLessThan(5);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStorePurgeExWithSubject")]
    [Upstream("filestore_test.go", "TestFileStorePurgeExNoTombsOnBlockRemoval")]
    [Upstream("filestore_test.go", "TestFileStorePurgeExKeepOneBug")]
    [Upstream("filestore_test.go", "TestFileStoreKeepWithDeletedMsgsBug")]
    [Upstream("memstore_test.go", "TestMemStorePurgeExWithSubject")]
    public void A_subject_is_purged_and_nothing_else(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Append("foo.0", "first");
        kept.AppendMany(200, "foo.1", new string('x', 200));
        kept.Append("foo.2", "last");
        kept.Restart();
        kept.Purge("foo.1").ShouldBe(200UL);
        kept.Ends.ShouldBe((2UL, 1UL, 202UL));
        kept.ShouldStayAsItIs();
        (kept.Text(1), kept.Text(202)).ShouldBe(("first", "last"));
        if (kind != "memory") kept.Disk.Files.Count(file => file.EndsWith(".blk")).ShouldBeLessThan(3);
        for (var i = 0; i < 5; i++)
        {
            kept.Append("A", "META");
            kept.Append("B", new string('X', 128));
        }
        kept.Purge("A", keep: 1).ShouldBe(4UL);
        kept.Filtered("A").ShouldBe(new FilteredState(1, 211, 211));
        kept.Purge("A").ShouldBe(1UL);
        kept.Purge("B", below: 0).ShouldBe(5UL);
        kept.AppendMany(5, "C");
        kept.Purge("foo.*").ShouldBe(2UL);
        kept.Purge(keep: 2).ShouldBe(3UL);
        kept.Ends.ShouldBe((2UL, 216UL, 217UL));
        kept.ShouldStayAsItIs();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreWriteFullStateAfterPurgeEx")]
    [Upstream("memstore_test.go", "TestMemStorePurgeExWithDeletedMsgs")]
    public void A_purge_below_a_sequence_passes_removed_ones(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 1; i <= 10; i++) kept.Append($"foo.{i}", "abc");
        kept.RemoveAll([8, 9, 10]);
        kept.Purge(">", below: 8).ShouldBe(7UL);
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((0UL, 11UL, 10UL));
        kept.AppendMany(10, "foo");
        kept.RemoveAll([12, 19]);
        kept.Purge(below: 19).ShouldBe(7UL);
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((1UL, 20UL, 20UL));
    }

    /// <summary>The sequences up to there are used up, as if they had been stored.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreRestoreDeleteTombstonesExceedingMaxBlkSize")]
    public void A_purge_below_what_is_not_there_yet_uses_it_up(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Purge(below: 1_000_000_000).ShouldBe(0UL);
        kept.ShouldStayAsItIs();
        for (var i = 1; i <= 1_000; i++) kept.Append($"foo.{i}", "hello").ShouldBe(999_999_999UL + (ulong)i);
        kept.RemoveAll(KeptStore.Sequences(1_000_000_001, 1_000_000_100));
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((900UL, 1_000_000_000UL, 1_000_000_999UL));
        kept.Remove(1_000_000_000).ShouldBeTrue();
        kept.ShouldStayAsItIs();
        kept.Ends.ShouldBe((899UL, 1_000_000_101UL, 1_000_000_999UL));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("store_test.go", "TestStoreSubjectStateConsistencyOptimization")]
    [Upstream("filestore_test.go", "TestFileStoreRemovePerSubjectWithMultipleBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreRecaluclateFirstForSubjBug")]
    [Upstream("filestore_test.go", "TestFileStoreRecalcFirstSequenceBug")]
    public void Ends_of_a_subject_follow_what_is_removed(string kind)
    {
        using var kept = new KeptStore(kind);
        void Only(ulong sequence)
        {
            (kept.Next(0, "foo"), kept.Last("foo")).ShouldBe((sequence, sequence));
            kept.Store.OfSubject("foo"u8).ShouldBe(new FilteredState(1, sequence, sequence));
        }

        kept.AppendMany(3, "foo");
        kept.RemoveAll([2, 1]);
        Only(3);
        kept.AppendMany(2, "foo");
        kept.RemoveAll([3, 5]);
        kept.ShouldStayAsItIs();
        Only(4);
        kept.AppendMany(2, "foo");
        kept.RemoveAll([7, 4]);
        Only(6);
        kept.AppendMany(2, "foo");
        kept.RemoveAll([9, 8]);
        Only(6);
        kept.AppendMany(30, "bar", new string('x', 1_000));
        kept.Append("foo");
        kept.Store.OfSubject("foo"u8).ShouldBe(new FilteredState(2, 6, 40));
        kept.Remove(6);
        kept.Restart();
        Only(40);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreMultiLastSeqs")]
    [Upstream("filestore_test.go", "TestFileStoreMultiLastSeqsDoesNotReorderConfigSubjects")]
    [Upstream("memstore_test.go", "TestMemStoreMultiLastSeqs")]
    [Upstream("memstore_test.go", "TestMemStoreMultiLastSeqsDoesNotReorderConfigSubjects")]
    public void Last_sequences_of_many_subjects(string kind)
    {
        using var kept = new KeptStore(kind);
        foreach (var first in new[] { "foo", "bar" })
        {
            for (var i = 0; i < 99; i++) kept.Append($"{first}.{new[] { "foo", "bar", "baz" }[i % 3]}", "abc");
        }
        foreach (var filters in new string[][] { ["foo.*"], ["foo.foo", "foo.bar", "foo.baz"], ["foo.*", "foo.bar"] })
        {
            var given = filters.ToArray();
            kept.LastSequences(3, filters).ShouldBe([1UL, 2UL, 3UL]);
            kept.LastSequences(0, filters).ShouldBe([97UL, 98UL, 99UL]);
            filters.ShouldBe(given);
        }
        foreach (var filters in new string[][] { ["bar.*"], ["bar.foo", "bar.bar", "bar.baz"], ["bar.>", "bar.bar", "bar.baz"] })
        {
            kept.LastSequences(0, filters).ShouldBe([196UL, 197UL, 198UL]);
            kept.LastSequences(99, filters).ShouldBeEmpty();
        }
        kept.LastSequences(3, "foo.foo").ShouldBe([1UL]);
        kept.LastSequences(0, ">").ShouldBe([97UL, 98UL, 99UL, 196UL, 197UL, 198UL]);
        kept.LastSequences(99, ">").ShouldBe([97UL, 98UL, 99UL]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("memstore_test.go", "TestMemStoreMultiLastSeqsDoesNotUseStaleLastValue")]
    [Upstream("store_test.go", "TestFileStoreMultiLastSeqsAndLoadLastMsgWithLazySubjectState")]
    public void Last_sequences_after_the_last_is_removed(string kind)
    {
        using var kept = new KeptStore(kind);
        foreach (var subject in "foo bar foo baz foo foo bar foo bar baz".Split(' ')) kept.Append(subject);
        kept.LastSequences(0, "foo", "bar").ShouldBe([8UL, 9UL]);
        kept.Remove(8).ShouldBeTrue();
        kept.LastSequences(0, "foo", "bar").ShouldBe([6UL, 9UL]);
        kept.Append("foo").ShouldBe(11UL);
        kept.Last("foo").ShouldBe(11UL);
        kept.Remove(11).ShouldBeTrue();
        kept.Last("foo").ShouldBe(6UL);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreAllLastSeqs")]
    [Upstream("memstore_test.go", "TestMemStoreAllLastSeqs")]
    public void Last_sequences_of_all_subjects(string kind)
    {
        using var kept = new KeptStore(kind);
        var random = new Random(11);
        string[] subjects = ["foo.foo", "foo.bar", "foo.baz", "bar.foo", "bar.bar", "bar.baz"];
        for (var i = 0; i < 3_000; i++)
        {
            kept.Append(subjects[random.Next(6)], "abc");
            if (random.Next(3) == 0) kept.Remove((ulong)random.Next(1, i + 2));
        }
        kept.LastSequences(0, ">").ShouldBe(subjects.Select(kept.Last).Order());
        kept.ShouldStayAsItIs();
    }
}
