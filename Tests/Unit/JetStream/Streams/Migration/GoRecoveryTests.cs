using System.Buffers;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Streams.Archives;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Migration;

/// <summary>What a Go server makes of its blocks when it starts: skips, tombstones, gaps, what a crash left behind.</summary>
public sealed class GoRecoveryTests
{
    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreLeftoverSkipMsgInDmap")]
    public void A_sequence_left_out_at_the_start_is_no_deleted_message()
    {
        using var store = Import(out _, "s1");
        Ends(store).ShouldBe((0UL, 2UL, 1UL));
        store.Deleted().ShouldBeEmpty();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreDetectDeleteGapWithOnlySkipMsg")]
    public void A_gap_between_two_left_out_is_no_deleted_message()
    {
        using var store = Import(out _, "s1 s4");
        Ends(store).ShouldBe((0UL, 5UL, 4UL));
        store.Deleted().ShouldBeEmpty();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreReloadAndLoseLastSequence")]
    public void Nothing_but_sequences_left_out()
    {
        using var store = Import(out _, string.Join(' ', Enumerable.Range(1, 22).Select(sequence => $"s{sequence}")));
        Ends(store).ShouldBe((0UL, 23UL, 22UL));
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreDetectDeleteGapWithLastSkipMsg")]
    public void A_gap_before_one_left_out_is_deleted()
    {
        using var store = Import(out var report, "m1 s4");
        Ends(store).ShouldBe((1UL, 1UL, 4UL));
        store.Deleted().ShouldBe([new SequenceRange(2, 4)]);
        report.IsClean.ShouldBeTrue();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreMissingDeletesAfterCompact")]
    public void What_a_compacted_block_does_not_have_is_deleted()
    {
        using var store = Import(out var report, "m2 m5");
        Ends(store).ShouldBe((2UL, 2UL, 5UL));
        store.Deleted().ShouldBe([new SequenceRange(3, 4)]);
        report.IsClean.ShouldBeTrue();
    }

    [Theory]
    [InlineData("m1 m3 m2 m4", 3, false)]
    [InlineData("m1 m2 m2 m3", 3, true)]
    [Upstream("filestore_test.go", "TestFileStoreCorruptedNonOrderedSequences")]
    public void Sequences_only_go_up(string block, int messages, bool clean)
    {
        using var store = Import(out var report, block);
        store.State.Messages.ShouldBe((ulong)messages);
        report.IsClean.ShouldBe(clean, report.ToString());
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreTombstonesNoFirstSeqRollback")]
    public void Tombstones_alone_remember_the_last_sequence()
    {
        using var store = Import(out _, "", "", string.Join(' ', Enumerable.Range(1, 20).Select(sequence => $"t{sequence}")));
        Ends(store).ShouldBe((0UL, 21UL, 20UL));
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreRecoverWithEmptyMessageBlock")]
    public void Tombstones_in_a_later_block_delete()
    {
        using var store = Import(out var report, "m1 m2 m3 m4", "t1 t2");
        Ends(store).ShouldBe((2UL, 3UL, 4UL));
        report.IsClean.ShouldBeTrue();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreTrailingSkipMsgsFromStreamStateFile")]
    public void The_index_remembers_what_a_cut_block_forgot()
    {
        var files = GoFolder.Load("plain", "DELS");
        const int Kept = 3000;
        files.Files["streams/DELS/msgs/1.blk"] = files.Files["streams/DELS/msgs/1.blk"][..(Kept * (GoBlockFormat.EmptyRecord + "dels.0x".Length))];
        using var store = GoStreamTests.Import(files, "plain", "DELS", out var stream);
        (store.State.FirstSequence, store.State.LastSequence).ShouldBe((1UL, 6000UL));
        store.Deleted().Last().ShouldBe(new SequenceRange(Kept + 1, 6000));
        stream.Report.IsClean.ShouldBeFalse();
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreRestoreIndexWithMatchButLeftOverBlocks")]
    public void An_index_that_knows_not_of_the_last_block_is_not_believed()
    {
        var files = GoFolder.Load("plain", "PLAIN");
        using var before = GoStreamTests.Import(files, "plain", "PLAIN", out _);
        var next = before.State.LastSequence + 1;
        files.Files["streams/PLAIN/msgs/4.blk"] = Block("PLAIN", 4, $"m{next} t{before.State.FirstSequence}");
        using var after = GoStreamTests.Import(files, "plain", "PLAIN", out var stream);
        after.State.LastSequence.ShouldBe(next);
        after.State.Messages.ShouldBe(before.State.Messages);
        after.State.FirstSequence.ShouldBeGreaterThan(before.State.FirstSequence);
        stream.Report.IsClean.ShouldBeTrue(stream.Report.ToString());
    }

    [Theory]
    [InlineData("chacha", true)]
    [InlineData("aes", false)]
    [Upstream("filestore_test.go", "TestFileStoreEncryptedPurgeRecoveryAfterKeyRename")]
    public void A_purge_that_got_no_further_than_its_key_has_not_been(string folder, bool withIndex)
    {
        var files = GoFolder.Load(folder, "PLAIN");
        files.Files["streams/PLAIN/msgs/9.blk"] = [.. new byte[100]];
        files.Files["streams/PLAIN/__new_msgs__/9.key"] = files.Files["streams/PLAIN/msgs/1.key"];
        if (!withIndex) files.Files.Remove("streams/PLAIN/msgs/index.db");
        using var store = GoStreamTests.Import(files, folder, "PLAIN", out var stream);
        GoStreamTests.Expected(folder, "PLAIN").ShouldBeHeldBy(store, folder);
        stream.Report.IsClean.ShouldBeTrue(stream.Report.ToString());
    }

    [Fact]
    public void Old_block_indexes_know_of_deletions()
    {
        var block = Block("S", 1, "m1 m2 m3 m4 m5 m6");
        byte[] head = [22, 1, 3, 90, 2, 0, 6, 0, 2];
        var files = Folder(("msgs/1.blk", block), ("msgs/1.idx", [.. head, .. block[^8..], 1, 3]));
        using var store = Import(files, out var report);
        Ends(store).ShouldBe((3UL, 2UL, 6UL));
        store.Deleted().ShouldBe([new SequenceRange(3, 3), new SequenceRange(5, 5)]);
        report.IsClean.ShouldBeTrue();
        // The block has gone on since.
        files.Files["streams/S/msgs/1.blk"] = Block("S", 1, "m1 m2 m3 m4 m5 m6 m7");
        using var later = Import(files, out _);
        later.State.Messages.ShouldBe(7UL);
    }

    [Fact]
    public void Clocks_set_back_do_not_let_times_fall()
    {
        using var store = Import(out _, "m1@900 m2@500 m3@1000");
        var buffer = new MessageBuffer();
        store.TryLoad(2, buffer).ShouldBeTrue();
        buffer.Timestamp.ShouldBe(900);
    }

    private static (ulong Messages, ulong First, ulong Last) Ends(IMessageStore store) => (store.State.Messages, store.State.FirstSequence, store.State.LastSequence);

    private static FileMessageStore Import(out GoStoreReport report, params string[] blocks) =>
        Import(Folder([.. blocks.Select((block, index) => ($"msgs/{index + 1}.blk", Block("S", (uint)index + 1, block)))]), out report);

    private static FileMessageStore Import(GoFolder files, out GoStoreReport report)
    {
        report = new GoStoreReport();
        var store = SnapshotTests.NewStore();
        GoStream.Open(files, "S", keys: null, report).ShouldNotBeNull(report.ToString()).Import(store);
        return store;
    }

    private static GoFolder Folder(params (string Path, byte[] Content)[] files)
    {
        var meta = SnapshotWriter.Meta(SnapshotTests.Configuration, SnapshotTests.Created);
        return GoFolder.Of([.. files.Select(file => ("streams/S/" + file.Path, file.Content)),
            ("streams/S/meta.inf", meta), ("streams/S/meta.sum", System.Text.Encoding.ASCII.GetBytes(GoMetaFile.Sum("S", meta)))]);
    }

    /// <summary>Records: m a message, s a sequence left out, t a tombstone; behind @ the time.</summary>
    private static byte[] Block(string stream, uint number, string records)
    {
        var block = new ArrayBufferWriter<byte>();
        foreach (var record in records.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = record[1..].Split('@');
            var sequence = ulong.Parse(parts[0]);
            var message = new StoredMessage
            {
                Sequence = record[0] switch { 's' => sequence | GoBlockFormat.Erased, 't' => sequence | GoBlockFormat.Tombstone, _ => sequence },
                Timestamp = parts.Length > 1 ? long.Parse(parts[1]) : 1_900_000_000_000_000_000 + (long)sequence,
                Subject = record[0] == 'm' ? "foo"u8 : default,
            };
            block.Advance(GoBlockFormat.Write(block.GetSpan(64), message, GoBlockFormat.KeyOf(stream, number)));
        }
        return block.WrittenSpan.ToArray();
    }
}
