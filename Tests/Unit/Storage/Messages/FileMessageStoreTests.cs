using System.Text;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

public sealed class FileMessageStoreTests
{
    internal static readonly FileStoreOptions Small = new() { StreamId = 77, BlockSize = 8192, ChunkSize = 512, CacheBytes = 8192 };

    public static TheoryData<int, int, int, string> Runs => new()
    {
        { 1, 3, 300, "plain" },
        { 2, 60, 3_000, "plain" },
        { 3, 400, 600, "compressed" },
        { 4, 40, 20_000, "compressed" },
        { 5, 100, 500, "chacha" },
        { 6, 20, 2_000, "aes" },
        { 7, 30, 400, "all" },
        { 8, 1_000, 300, "defaults" },
        { 9, 10, 100, "plain" },
    };

    [Fact]
    public void A_landmark_is_kept_by_checkpoints()
    {
        var disk = new SimulatedDisk();
        using (var store = FileMessageStore.Open(disk, "s", Small))
        {
            store.Landmark.ShouldBe(ulong.MaxValue);
            store.Landmark = 7;
            var checkpoint = store.BeginCheckpoint(1);
            checkpoint.Run();
            checkpoint.Complete();
            store.Landmark = 9;
        }
        using var again = FileMessageStore.Open(disk, "s", Small);
        again.Landmark.ShouldBe(7UL);
    }

    /// <summary>A start needs of what is purged before any checkpoint neither the messages nor the room they took.</summary>
    [Fact]
    public void What_no_checkpoint_names_goes_at_once_and_the_rest_is_reclaimable()
    {
        var disk = new SimulatedDisk();
        using var store = FileMessageStore.Open(disk, "s", Small);
        Fill(1, 300);
        Blocks().ShouldBeGreaterThan(2);
        store.Purge(SubjectFilter.All, 0, 0);
        store.ReclaimableBytes.ShouldBe(0);
        Blocks().ShouldBe(0);

        Fill(301, 600);
        Checkpoint(1);
        var named = Blocks();
        store.Purge(SubjectFilter.All, 0, 0);
        Blocks().ShouldBe(named, "a start may find the checkpoint and nothing behind it");
        store.ReclaimableBytes.ShouldBeGreaterThan(300 * 50);
        Checkpoint(2);
        store.ReclaimableBytes.ShouldBe(0);
        Blocks().ShouldBe(0);

        void Fill(ulong first, ulong last)
        {
            for (var i = first; i <= last; i++) store.Append(new StoredMessage { Sequence = i, Timestamp = (long)i, Subject = "a"u8, Headers = default, Payload = new byte[50] });
        }

        int Blocks() => disk.List("s").Count(entry => entry.Name.EndsWith(".blk", StringComparison.Ordinal));

        void Checkpoint(ulong index)
        {
            var checkpoint = store.BeginCheckpoint(index);
            checkpoint.Run();
            checkpoint.Complete();
        }
    }

    [Fact]
    public void What_is_at_hand_is_read_without_the_disk()
    {
        var disk = new SimulatedDisk();
        using (var store = FileMessageStore.Open(disk, "s", Small))
        {
            for (var i = 1UL; i <= 60; i++) store.Append(new StoredMessage { Sequence = i, Timestamp = (long)i, Subject = "a"u8, Headers = default, Payload = new byte[50] });
            store.AtHandThrough(60).ShouldBe(ulong.MaxValue, "it is not written yet");
            var checkpoint = store.BeginCheckpoint(60);
            checkpoint.Run();
            checkpoint.Complete();
        }
        using var again = FileMessageStore.Open(disk, "s", Small);
        var buffer = new MessageBuffer();
        again.AtHandThrough(1).ShouldBe(0UL);
        again.AtHandThrough(61).ShouldBe(ulong.MaxValue, "there is none");
        again.TryLoad(1, buffer).ShouldBeTrue();
        var through = again.AtHandThrough(1);
        through.ShouldBeInRange(2UL, 20UL);
        again.IsLastAtHand("a"u8).ShouldBeFalse();
        again.TryLoad(60, buffer).ShouldBeTrue();
        again.IsLastAtHand("a"u8).ShouldBeTrue();
        again.IsLastAtHand("b"u8).ShouldBeTrue("there is none");
        disk.Fail(DiskCall.Read, times: 1000);
        again.TryLoadLast("a"u8, 60, buffer).ShouldBeTrue();
        for (var i = 1UL; i <= through; i++) again.TryLoad(i, buffer).ShouldBeTrue();
        again.AtHandThrough(through + 1).ShouldBe(0UL);
        Should.Throw<DiskException>(() => again.TryLoad(through + 1, buffer));
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_as_the_model_does(int seed, int subjects, int maxPayload, string kind)
    {
        var script = new FileStoreScript(new SimulatedDisk(), OptionsFor(kind), seed, subjects, maxPayload);
        var (blocks, rewritten) = (0, 0);
        for (var i = 0; i < 5_000; i++)
        {
            script.Step();
            (blocks, rewritten) = (Math.Max(blocks, script.Store.Blocks), Math.Max(rewritten, script.Store.Rewritten));
            if (script.Random.Next(60) == 0) script.StepCheckpoint();
            if (script.Random.Next(300) == 0) script.Reopen();
            if (i % 7 == 0) script.Compare();
            if (i % 1_000 == 0) StoreComparison.Whole(script.Store, script.Model);
        }
        StoreComparison.Whole(script.Store, script.Model);
        script.Store.Dispose();
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {blocks} blocks at most, {rewritten} written anew");
        if (script.Options.BlockSize == Small.BlockSize) (blocks > 3 && rewritten > 3).ShouldBeTrue($"{blocks} blocks at most, {rewritten} written anew");
    }

    internal static FileStoreOptions OptionsFor(string kind) => kind switch
    {
        "compressed" => Small with { Compress = true },
        "chacha" => Small with { Key = new StoreKey(StoreCipher.ChaCha20Poly1305, "one"u8.ToArray()) },
        "aes" => Small with { Key = new StoreKey(StoreCipher.AesGcm, "one"u8.ToArray()) },
        "all" => Small with { Compress = true, Key = new StoreKey(StoreCipher.AesGcm, "one"u8.ToArray()) },
        "defaults" => new FileStoreOptions { StreamId = 3 },
        _ => Small,
    };
}
