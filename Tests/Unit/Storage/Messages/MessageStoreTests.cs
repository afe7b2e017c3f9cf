using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>What both stores answer at the edges, case by case.</summary>
public sealed class MessageStoreTests
{
    private static readonly SubjectFilter Foo = SubjectFilter.Of("foo");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("memstore_test.go", "TestMemStoreDeleteAllFirstSequenceCheck")]
    public void After_the_last_message_the_first_sequence_is_the_next_one(bool inFile)
    {
        using var store = Filled(inFile, 10);
        for (ulong sequence = 1; sequence <= 10; sequence++) store.Remove(sequence, erase: false).ShouldBeTrue();
        (store.State.FirstSequence, store.State.LastSequence, store.State.Messages).ShouldBe((11UL, 10UL, 0UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("memstore_test.go", "TestMemStoreGetSeqFromTimeWithLastDeleted")]
    public void A_time_is_found_though_the_last_messages_are_gone(bool inFile)
    {
        using var store = Filled(inFile, 1_000);
        for (ulong sequence = 900; sequence <= 1_000; sequence++) store.Remove(sequence, erase: false);
        store.SequenceAt(501).ShouldBe(501UL);
        store.SequenceAt(950).ShouldBe(1_001UL);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("store_test.go", "TestStorePurgeExZero")]
    public void Purging_an_empty_store_changes_nothing(bool inFile)
    {
        using var store = Filled(inFile, 0);
        store.Purge(SubjectFilter.All, 0, 0).ShouldBe(0UL);
        (store.State.FirstSequence, store.State.LastSequence).ShouldBe((1UL, 0UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("store_test.go", "TestStorePurgeExSequenceOne")]
    public void Nothing_is_below_sequence_one(bool inFile)
    {
        using var store = Filled(inFile, 10, "foo", "bar");
        foreach (var filter in new[] { SubjectFilter.All, SubjectFilter.Of(">"), Foo }) store.Purge(filter, 1, 0).ShouldBe(0UL);
        (store.State.FirstSequence, store.State.LastSequence, store.State.Messages).ShouldBe((1UL, 10UL, 10UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("store_test.go", "TestStorePurgeExKeepWithInteriorDeletes")]
    public void Keep_counts_messages_not_sequences(bool inFile)
    {
        using var store = Filled(inFile, 50);
        for (ulong sequence = 2; sequence <= 50; sequence += 2) store.Remove(sequence, erase: false);
        store.Purge(SubjectFilter.All, 0, 5).ShouldBe(20UL);
        (store.State.FirstSequence, store.State.LastSequence, store.State.Messages).ShouldBe((41UL, 50UL, 5UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("store_test.go", "TestStoreCompactFullyDeletedRange")]
    public void Compacting_to_a_removed_sequence_with_nothing_behind_leaves_nothing(bool inFile)
    {
        using var store = Filled(inFile, 3);
        store.Remove(2, erase: false);
        store.Remove(3, erase: false);
        store.Compact(2).ShouldBe(1UL);
        (store.State.FirstSequence, store.State.LastSequence, store.State.Messages, store.State.FirstTimestamp).ShouldBe((4UL, 3UL, 0UL, 0L));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreCompactLastPlusOne")]
    public void Compacting_beyond_the_last_leaves_room_for_the_next(bool inFile)
    {
        using var store = Filled(inFile, 1_000);
        store.Compact(1_001).ShouldBe(1_000UL);
        store.State.Messages.ShouldBe(0UL);
        Append(store, "foo");
        (store.State.FirstSequence, store.State.Messages).ShouldBe((1_001UL, 1UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreMultiLastSeqsMaxAllowed")]
    [Upstream("memstore_test.go", "TestMemStoreMultiLastSeqsMaxAllowed")]
    public void More_last_sequences_than_allowed_are_none(bool inFile)
    {
        using var store = Filled(inFile, 0);
        for (var i = 1; i <= 100; i++) Append(store, $"foo.{i}");
        store.LastSequences(SubjectFilter.Of("foo.*"), 0, 10).ShouldBeNull();
        store.LastSequences(SubjectFilter.Of("foo.*"), 0, 100)!.Count.ShouldBe(100);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("store_test.go", "TestStoreSubjectStateConsistency")]
    public void Ends_of_a_subject_are_right_after_every_removal(bool inFile)
    {
        using var store = Filled(inFile, 4);
        Expect(store, 4, 1, 4);
        store.Remove(1, erase: false);
        Expect(store, 3, 2, 4);
        store.Remove(4, erase: false);
        Expect(store, 2, 2, 3);
        store.Remove(2, erase: false);
        Expect(store, 1, 3, 3);
        for (var i = 0; i < 3; i++) Append(store, "foo");
        Expect(store, 4, 3, 7);
        store.Remove(3, erase: false);
        store.Remove(7, erase: false);
        Expect(store, 2, 5, 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_the_next_sequence_can_be_appended(bool inFile)
    {
        using var store = Filled(inFile, 3);
        Should.Throw<ArgumentException>(() => store.Append(new StoredMessage { Sequence = 5, Timestamp = 5, Subject = "foo"u8 }));
        Should.Throw<ArgumentException>(() => store.Append(new StoredMessage { Sequence = 4, Timestamp = 5, Subject = new byte[70_000] }));
        (store.State.LastSequence, store.State.Subjects).ShouldBe((3UL, 1));
    }

    private static void Expect(IMessageStore store, ulong messages, ulong first, ulong last)
    {
        var entry = store.Subjects(Foo).ShouldHaveSingleItem();
        (entry.Messages, entry.FirstSequence, entry.LastSequence).ShouldBe((messages, first, last));
        var buffer = new MessageBuffer();
        store.TryLoadNext(Foo, 0, buffer).ShouldBeTrue();
        buffer.Sequence.ShouldBe(first);
        store.TryLoadLast("foo"u8, ulong.MaxValue, buffer).ShouldBeTrue();
        buffer.Sequence.ShouldBe(last);
    }

    private static IMessageStore Filled(bool inFile, int count, params string[] subjects)
    {
        IMessageStore store = inFile
            ? FileMessageStore.Open(new SimulatedDisk(), FileStoreScript.Directory, FileMessageStoreTests.Small)
            : new MemoryMessageStore();
        for (var i = 0; i < count; i++) Append(store, subjects.Length == 0 ? "foo" : subjects[i % subjects.Length]);
        return store;
    }

    private static void Append(IMessageStore store, string subject)
    {
        var sequence = store.State.LastSequence + 1;
        store.Append(new StoredMessage { Sequence = sequence, Timestamp = (long)sequence, Subject = Encoding.UTF8.GetBytes(subject), Payload = "abc"u8 });
    }
}
