using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>The next, the previous and how many of what filters let through, and how little is read to tell.</summary>
public sealed class StoreSearchTests
{
    public static TheoryData<string> Kinds => KeptStore.Kinds;

    public static TheoryData<string> FileKinds => KeptStore.FileKinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("store_test.go", "TestStoreMsgLoadNextMsgMulti")]
    [Upstream("store_test.go", "TestStoreLoadNextMsgWildcardStartBeforeFirstMatch")]
    public void The_next_of_several_filters(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 0; i < 1_000; i++) kept.Append($"foo.{i}", "ZZZ");
        var all = Enumerable.Range(0, 1_000).Select(i => $"foo.{i}").ToArray();
        for (ulong sequence = 1; sequence <= 1_000; sequence++)
        {
            kept.Next(sequence, "foo.>").ShouldBe(sequence);
            if (sequence % 50 == 0) kept.Next(sequence, all).ShouldBe(sequence);
        }
        string[] three = ["foo.2", "foo.222", "foo.999"];
        (kept.Next(1, three), kept.Next(4, three), kept.Next(224, three), kept.Next(1_001, three)).ShouldBe((3UL, 223UL, 1_000UL, 0UL));
        kept.Append("bar.1").ShouldBe(1_001UL);
        (kept.Next(1, "bar.*"), kept.Next(1_002, "bar.*")).ShouldBe((1_001UL, 0UL));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("store_test.go", "TestStoreMsgLoadPrevMsgMulti")]
    [Upstream("store_test.go", "TestStoreMsgLoadPrevMsg")]
    [Upstream("store_test.go", "TestStoreMsgLoadPrevMsgMultiFullWildcardSkip")]
    [Upstream("filestore_test.go", "TestFileStoreLoadLastWildcardWithPresenceMultipleBlocks")]
    public void The_previous_of_several_filters(string kind)
    {
        using var kept = new KeptStore(kind);
        for (var i = 1; i <= 1_000; i++) kept.Append(i % 2 == 0 ? $"bar.{i}" : $"foo.{i}", "ZZZ");
        string[] three = ["foo.5", "foo.15", "foo.105"];
        (kept.Previous(1_000, three), kept.Previous(104, three), kept.Previous(14, three), kept.Previous(4, three)).ShouldBe((105UL, 15UL, 5UL, 0UL));
        (kept.Previous(1_000, "bar.*"), kept.Previous(999, "bar.*"), kept.Previous(1_000, "foo.15"), kept.Previous(1_000, "baz.*")).ShouldBe((1_000UL, 998UL, 15UL, 0UL));
        for (ulong sequence = 10; sequence > 0; sequence--) kept.Previous(sequence, ">").ShouldBe(sequence);
        kept.Previous(0, ">").ShouldBe(0UL);
        kept.Append("foo.6", "hello22").ShouldBe(1_001UL);
        kept.Previous(ulong.MaxValue, "*.6").ShouldBe(1_001UL);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("memstore_test.go", "TestMemStoreNextWildcardMatch")]
    [Upstream("memstore_test.go", "TestMemStoreNextLiteralMatch")]
    public void Ends_of_what_a_filter_lets_through(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Append("foo.bar.a");
        kept.AppendMany(10, "foo.baz.bar");
        kept.Append("foo.bar.b");
        kept.AppendMany(10, "foo.baz.bar");
        kept.AppendMany(10, "foo.baz.bar.no.match");
        void Check(string filter, ulong from, ulong first, ulong last)
        {
            kept.Next(from, filter).ShouldBe(first);
            var found = kept.Filtered(filter, from);
            (found.FirstSequence, found.LastSequence).ShouldBe((first, last));
        }

        Check("foo.bar.*", 0, 1, 12);
        Check("foo.bar.*", 2, 12, 12);
        Check("foo.bar.*", 13, 0, 0);
        foreach (var filter in new[] { "foo.baz.*", "foo.baz.bar" })
        {
            Check(filter, 1, 2, 22);
            Check(filter, 11, 11, 22);
            Check(filter, 12, 13, 22);
            Check(filter, 22, 22, 22);
            Check(filter, 23, 0, 0);
        }
        Check("foo.nope.*", 1, 0, 0);
        Check("foo.nope", 1, 0, 0);
        Check("foo.bar.a", 0, 1, 1);
        Check("foo.bar.a", 2, 0, 0);
        Check("foo.>", 1, 1, 32);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreFilteredPendingBug")]
    [Upstream("filestore_test.go", "TestFileStoreFilteredFirstMatchingBug")]
    [Upstream("filestore_test.go", "TestFileStoreFSSExpireNumPendingBug")]
    [Upstream("filestore_test.go", "TestFileStoreNoFSSBugAfterRemoveFirst")]
    [Upstream("filestore_test.go", "TestFileStoreCheckSkipFirstBlockBug")]
    [Upstream("filestore_test.go", "TestFileStoreSubjectStateCacheExpiration")]
    public void Nothing_is_found_but_what_is_there(string kind)
    {
        using var kept = new KeptStore(kind);
        foreach (var subject in new[] { "foo.foo", "foo.foo", "foo.bar", "foo.baz" }) kept.Append(subject);
        (kept.Filtered("foo.foo", 3), kept.Next(3, "foo.foo")).ShouldBe((default(FilteredState), 0UL));
        kept.Filtered("foo.baz").ShouldBe(new FilteredState(1, 4, 4));
        for (var i = 0; i < 200; i++) kept.Append($"kv.{i}", new string('x', 80));
        kept.Restart();
        kept.Remove(1);
        kept.Next(1, "foo.>").ShouldBe(2UL);
        kept.Append("kv.1", "again").ShouldBe(205UL);
        kept.Store.Subjects(SubjectFilter.Of("kv.*")).Count().ShouldBe(200);
        kept.Filtered("kv.1").ShouldBe(new FilteredState(2, 6, 205));
        kept.RemoveAll([6]);
        (kept.Next(5, "kv.1"), kept.Next(1, "*.1")).ShouldBe((205UL, 205UL));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreFilteredPendingPSIMFirstBlockUpdate")]
    [Upstream("filestore_test.go", "TestFileStoreFilteredPendingPSIMFirstBlockUpdateNextBlock")]
    [Upstream("filestore_test.go", "TestFileStoreWildcardFilteredPendingPSIMFirstBlockUpdate")]
    [Upstream("filestore_test.go", "TestFileStoreMaxMsgsPerSubjectOneStaleFblkAfterRestart")]
    public void The_first_of_a_subject_is_found_far_from_where_it_was(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.Append("foo.22.baz", "hello");
        kept.Append("foo.22.bar", "hello");
        kept.AppendMany(1_000, "foo.1.foo", "hello");
        foreach (var subject in new[] { "baz", "baz", "bar", "bar" }) kept.Append($"foo.22.{subject}", "hello");
        kept.RemoveAll([1, 2]);
        for (var round = 0; round < 2; round++)
        {
            kept.Filtered("foo.22.*").ShouldBe(new FilteredState(4, 1_003, 1_006));
            kept.Filtered("foo.22.baz").ShouldBe(new FilteredState(2, 1_003, 1_004));
            kept.Filtered("foo.*.bar").ShouldBe(new FilteredState(2, 1_005, 1_006));
            kept.Restart();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("memstore_test.go", "TestMemStoreNumPending")]
    [Upstream("memstore_test.go", "TestMemStoreNumPendingBug")]
    [Upstream("filestore_test.go", "TestFileStoreNumPendingLastBySubject")]
    public void What_is_to_come_is_counted(string kind)
    {
        using var kept = new KeptStore(kind);
        var random = new Random(5);
        string[] tokens = ["foo", "bar", "baz"];
        var subjects = new List<string> { "" };
        for (var i = 0; i < 4_000; i++)
        {
            subjects.Add(string.Join('.', Enumerable.Range(0, 4).Select(_ => tokens[random.Next(3)])));
            kept.Append(subjects[^1], "Hello World");
        }
        foreach (var filter in new[] { "foo.>", "*.bar.>", "foo.bar.*.baz", "*.foo.bar.*", "foo.foo.bar.baz" })
        {
            foreach (var from in new ulong[] { 0, 1, 2, 200, 444, 2_222, 3_999, 4_000, 4_001 })
            {
                var matching = Enumerable.Range(1, 4_000).Where(i => (ulong)i >= from && SubjectFilter.Of(filter).Includes(System.Text.Encoding.UTF8.GetBytes(subjects[i]))).ToList();
                kept.Pending(from, false, filter).ShouldBe((ulong)matching.Count);
                kept.Pending(from, true, filter).ShouldBe((ulong)matching.DistinctBy(i => subjects[i]).Count());
                kept.Filtered(filter, from).ShouldBe(matching.Count == 0 ? default : new FilteredState((ulong)matching.Count, (ulong)matching[0], (ulong)matching[^1]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("memstore_test.go", "TestMemStoreNumPendingMulti")]
    [Upstream("filestore_test.go", "TestFileStoreNumPendingMulti")]
    public void What_is_to_come_of_many_filters_is_counted(string kind)
    {
        using var kept = new KeptStore(kind);
        var random = new Random(6);
        var subjects = new List<int> { -1 };
        for (var i = 0; i < 10_000; i++)
        {
            subjects.Add(random.Next(1_000));
            kept.Append($"ev.{subjects[^1]}", "ZZZ");
        }
        var wanted = Enumerable.Range(0, 1_000).Where(_ => random.Next(2) == 0).ToHashSet();
        var filters = wanted.Select(one => $"ev.{one}").ToArray();
        foreach (var from in new[] { 1, 700, 9_300 })
        {
            kept.Pending((ulong)from, false, filters).ShouldBe((ulong)subjects.Skip(from).Count(wanted.Contains));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("store_test.go", "TestStoreNumPendingLastPerSubjectExcludeOvercount")]
    public void Last_ones_are_counted_across_gaps(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(10, "foo.A", "x");
        kept.Append("foo.B", "x");
        kept.Append("foo.C", "x");
        kept.Skip(87, 12);
        kept.Append("foo.B", "x", at: 100).ShouldBe(100UL);
        kept.Skip(899, 100);
        kept.Append("foo.C", "x").ShouldBe(1_000UL);
        (kept.Pending(13, true, "foo.*"), kept.Pending(13, true, "foo.B", "foo.C"), kept.Pending(1, true, "foo.*")).ShouldBe((2UL, 2UL, 3UL));
    }

    [Theory]
    [MemberData(nameof(FileKinds))]
    [Upstream("filestore_test.go", "TestFileStoreNumPendingLargeNumBlks")]
    public void Counting_one_subject_reads_no_message(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(5_000, "zzz", new string('X', 100));
        kept.Remove(1_000);
        kept.Remove(4_000);
        kept.Restart();
        kept.File.Blocks.ShouldBeGreaterThan(3);
        kept.ReadsOf(() => kept.Store.CountPending(SubjectFilter.All, 3_000, false).ShouldBe(2_000UL)).ShouldBe(0);
        kept.ReadsOf(() => kept.Pending(1, false, "zzz").ShouldBe(4_998UL)).ShouldBe(0);
        kept.Pending(2_000, false, "zzz").ShouldBe(3_000UL);
    }

    [Theory]
    [MemberData(nameof(FileKinds))]
    [Upstream("filestore_test.go", "TestFileStoreOptimizeFirstLoadNextMsgWithSequenceZero")]
    [Upstream("filestore_test.go", "TestFileStoreLoadLastWildcard")]
    [Upstream("filestore_test.go", "TestFileStoreLoadNextMsgSkipAhead")]
    [Upstream("filestore_test.go", "TestFileStoreLoadNextMsgMultiSkipAhead")]
    [Upstream("filestore_test.go", "TestFileStoreLargeSparseMsgsDoNotLoadAfterLast")]
    [Upstream("filestore_test.go", "TestFileStoreCheckSkipFirstBlockNotLoadOldBlocks")]
    [Upstream("filestore_test.go", "TestFileStoreDontLoadSubjectStateIfNotPurged")]
    [Upstream("filestore_test.go", "TestFileStoreOnlyLoadSubjectStateOnBlocksWithinInterestRange")]
    [Upstream("filestore_test.go", "TestFileStorePurgeExBufPool")]
    public void What_is_elsewhere_is_not_read(string kind)
    {
        using var kept = new KeptStore(kind);
        kept.AppendMany(2, "foo.22.baz", "hello");
        for (var i = 0; i < 5_000; i++) kept.Append(i % 2 == 0 ? "foo.a" : "foo.c", new string((char)('a' + (i % 26)), 40 + (i % 13)));
        kept.AppendMany(3, "foo.B", "hello");
        for (var i = 0; i < 2_000; i++) kept.Append("foo.a", new string((char)('a' + (i % 26)), 60));
        void Little(Action action)
        {
            kept.Restart();
            kept.ReadsOf(action).ShouldBeLessThan(6);
        }

        kept.Restart();
        kept.File.Blocks.ShouldBeGreaterThan(10);
        Little(() => kept.Next(0, "foo.B").ShouldBe(5_003UL));
        Little(() => kept.Next(300, "foo.B").ShouldBe(5_003UL));
        Little(() => kept.Next(300, "foo.B", "foo.D").ShouldBe(5_003UL));
        Little(() => kept.Previous(ulong.MaxValue, "foo.22.*").ShouldBe(2UL));
        Little(() => kept.Next(3, "foo.*.baz").ShouldBe(0UL));
        Little(() => kept.Next(5_006, "foo.B").ShouldBe(0UL));
        kept.Restart();
        kept.ReadsOf(() => kept.Purge("bar").ShouldBe(0UL)).ShouldBe(0);
        Little(() => kept.Purge("foo.B").ShouldBe(3UL));
    }
}
