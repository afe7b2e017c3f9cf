using System.Diagnostics;
using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>What must stay small or quick with many messages.</summary>
[Collection("alone")]
public sealed class FileStoreScaleTests
{
    [Fact]
    public void A_small_message_is_appended_without_allocating()
    {
        using var store = FileMessageStore.Open(new SimulatedDisk(), FileStoreScript.Directory, new FileStoreOptions { StreamId = 1 });
        Append(store, 4_300, 10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Append(store, 300, 10);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Memory_beside_the_disk_is_small()
    {
        using var store = FileMessageStore.Open(new DiscardingDisk(), FileStoreScript.Directory, new FileStoreOptions { StreamId = 1 });
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Append(store, 1_000_000, 1_000);
        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"1,000,000 messages of 16 B on 1,000 subjects: {taken / 1e6:N1} MB");
        taken.ShouldBeLessThan(10_000_000);
    }

    [Fact]
    public void Opening_does_not_read_the_blocks()
    {
        var disk = new SimulatedDisk();
        var options = new FileStoreOptions { StreamId = 1, BlockSize = 1 << 20 };
        using (var store = FileMessageStore.Open(disk, FileStoreScript.Directory, options))
        {
            Append(store, 300_000, 5_000);
            var checkpoint = store.BeginCheckpoint(300_000);
            checkpoint.Run();
            checkpoint.Complete();
        }
        var reads = 0;
        disk.Intercept = (call, path) => reads += call == DiskCall.Read && path.EndsWith(".blk", StringComparison.Ordinal) ? 1 : 0;
        var clock = Stopwatch.StartNew();
        using var again = FileMessageStore.Open(disk, FileStoreScript.Directory, options);
        (again.State.Messages, again.State.Subjects, again.AppliedIndex).ShouldBe((300_000UL, 5_000, 300_000UL));
        again.CountPending(SubjectFilter.Of("orders.7"), 0, lastPerSubject: false).ShouldBe(60UL);
        reads.ShouldBe(0);
        TestContext.Current.TestOutputHelper?.WriteLine($"300,000 messages opened in {clock.ElapsedMilliseconds} ms");
    }

    [Fact]
    public void A_search_for_a_rare_subject_reads_few_chunks()
    {
        var disk = new SimulatedDisk();
        using var store = FileMessageStore.Open(disk, FileStoreScript.Directory, new FileStoreOptions { StreamId = 1 });
        Append(store, 50_000, 100);
        store.Append(new StoredMessage { Sequence = 50_001, Timestamp = 50_001, Subject = "rare"u8 });
        Append(store, 50_000, 100);
        store.Append(new StoredMessage { Sequence = 100_002, Timestamp = 100_002, Subject = "rare"u8 });
        Append(store, 50_000, 100);
        store.Append(new StoredMessage { Sequence = 150_003, Timestamp = 150_003, Subject = "rare"u8 });
        store.Remove(50_001, erase: false);
        var reads = 0;
        disk.Intercept = (call, _) => reads += call == DiskCall.Read ? 1 : 0;
        var buffer = new MessageBuffer();
        store.TryLoadNext(SubjectFilter.Of("rare"), 1, buffer).ShouldBeTrue();
        buffer.Sequence.ShouldBe(100_002UL);
        store.TryLoadLast("rare"u8, 150_000, buffer).ShouldBeTrue();
        buffer.Sequence.ShouldBe(100_002UL);
        store.TryLoadPrevious(SubjectFilter.Of("rare", "none.>"), 150_000, buffer).ShouldBeTrue();
        buffer.Sequence.ShouldBe(100_002UL);
        reads.ShouldBeLessThan(25);
    }

    private static void Append(FileMessageStore store, int count, int subjects)
    {
        Span<byte> subject = stackalloc byte[20];
        var sequence = store.State.LastSequence;
        for (var i = 0; i < count; i++)
        {
            "orders."u8.CopyTo(subject);
            (i % subjects).TryFormat(subject[7..], out var digits);
            store.Append(new StoredMessage { Sequence = ++sequence, Timestamp = (long)sequence, Subject = subject[..(7 + digits)], Payload = "0123456789abcdef"u8 });
        }
    }
}
