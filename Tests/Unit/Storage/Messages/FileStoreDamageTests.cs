using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Whatever becomes of the files: it is reported or not needed; no other exception, no delete, no wrong answer.</summary>
public sealed class FileStoreDamageTests
{
    [Theory]
    [InlineData("flip", "plain")]
    [InlineData("flip", "compressed")]
    [InlineData("flip", "aes")]
    [InlineData("zero", "plain")]
    [InlineData("truncate", "plain")]
    [InlineData("extend", "plain")]
    [InlineData("swap", "plain")]
    [InlineData("missing", "plain")]
    [InlineData("stale", "plain")]
    public void Damage_is_reported_or_not_needed(string damage, string kind)
    {
        var random = new Random(5);
        var (disk, model, options) = Filled(kind);
        var reported = 0;
        for (var round = 0; round < 120; round++)
        {
            var copy = disk.Copy();
            var what = Damage(copy, damage, random);
            var before = copy.Files;
            try
            {
                using var store = FileMessageStore.Open(copy, FileStoreScript.Directory, options);
                Same(store, model);
            }
            catch (CorruptStoreException error)
            {
                reported++;
                error.Message.ShouldContain(FileStoreScript.Directory, customMessage: what);
            }
            before.Where(name => !name.EndsWith(".tmp", StringComparison.Ordinal)).ShouldBeSubsetOf(copy.Files, what);
        }
        if (damage != "extend") reported.ShouldBeGreaterThan(60);
    }

    [Fact]
    public void Another_streams_files_are_not_taken()
    {
        var (disk, _, options) = Filled("plain");
        Should.Throw<CorruptStoreException>(() => FileMessageStore.Open(disk, FileStoreScript.Directory, options with { StreamId = 78 }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_wrong_key_opens_nothing_and_changes_nothing(bool none)
    {
        var (disk, model, options) = Filled("chacha");
        var before = disk.Operations;
        var wrong = options with { Key = none ? null : new StoreKey(StoreCipher.ChaCha20Poly1305, "two"u8.ToArray()) };
        Should.Throw<CorruptStoreException>(() => FileMessageStore.Open(disk, FileStoreScript.Directory, wrong)).Message.ShouldContain("key");
        disk.Operations.ShouldBe(before);
        using var store = FileMessageStore.Open(disk, FileStoreScript.Directory, options);
        Same(store, model);
    }

    [Theory]
    [InlineData(DiskCall.Write, DiskFault.Full)]
    [InlineData(DiskCall.Write, DiskFault.Device)]
    [InlineData(DiskCall.Sync, DiskFault.Device)]
    [InlineData(DiskCall.Rename, DiskFault.ReadOnly)]
    [InlineData(DiskCall.SyncDirectory, DiskFault.Device)]
    [InlineData(DiskCall.Open, DiskFault.TooManyFiles)]
    [Upstream("filestore_test.go", "TestFileStoreWriteFailures")]
    [Upstream("filestore_test.go", "TestFileStoreStoreRawMessageThrowsPermissionErrorIfFSModeReadOnly")]
    [Upstream("filestore_test.go", "TestFileStoreWriteFullStateThrowsPermissionErrorIfFSModeReadOnly")]
    public void A_failing_disk_is_said_so_and_nothing_durable_is_lost(DiskCall call, DiskFault fault)
    {
        for (var nth = 1; nth < 12; nth++)
        {
            var disk = new SimulatedDisk();
            var script = new FileStoreScript(disk, FileMessageStoreTests.Small, nth, 20, 1_000);
            ulong durable = 0;
            script.Durable = index => durable = index;
            for (var i = 0; i < 200; i++) script.Step();
            script.StepCheckpoint();
            disk.Fail(call, nth: nth, fault: fault);
            var error = Should.Throw<DiskException>(() => Run(script));
            error.Fault.ShouldBe(fault);
            var after = disk.PowerCut();
            using var store = FileMessageStore.Open(after, FileStoreScript.Directory, script.Options);
            store.AppliedIndex.ShouldBeGreaterThanOrEqualTo(durable);
        }
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreOutOfSpaceRebuildState")]
    public void A_message_that_finds_no_room_changes_nothing()
    {
        using var kept = new KeptStore("plain");
        kept.Append("foo", new string('A', 400));
        kept.Append("bar", new string('B', 90));
        var (state, subjects) = (kept.State, kept.Store.Subjects(SubjectFilter.All).Count());
        kept.Disk.Fail(DiskCall.Write, nth: 1, fault: DiskFault.Full);
        Should.Throw<DiskException>(() => kept.Append("baz", new string('C', 400)));
        kept.State.ShouldBe(state);
        kept.Store.Subjects(SubjectFilter.All).Count().ShouldBe(subjects);
        (kept.Text(1), kept.Text(2), kept.Text(3)).ShouldBe((new string('A', 400), new string('B', 90), null));
    }

    private static void Run(FileStoreScript script)
    {
        for (var i = 0; i < 20_000; i++)
        {
            script.Step();
            if (i % 40 == 39) script.StepCheckpoint();
        }
    }

    private static (SimulatedDisk Disk, StoreModel Model, FileStoreOptions Options) Filled(string kind)
    {
        var disk = new SimulatedDisk();
        var script = new FileStoreScript(disk, FileMessageStoreTests.OptionsFor(kind), 11, 40, 400);
        for (var i = 0; i < 700; i++)
        {
            script.Step();
            if (i % 50 == 49) script.StepCheckpoint();
        }
        script.Reopen();
        var checkpoint = script.Store.BeginCheckpoint((ulong)script.Log.Count);
        checkpoint.Run();
        checkpoint.Complete();
        script.Store.Dispose();
        return (disk, script.Model, script.Options);
    }

    private static string Damage(SimulatedDisk disk, string damage, Random random)
    {
        var files = disk.Files.ToList();
        var path = files[random.Next(files.Count)];
        var at = random.Next(disk.Content(path).Length);
        switch (damage)
        {
            case "flip":
                disk.Tamper(path, bytes => { bytes[at] ^= (byte)(1 << random.Next(8)); return bytes; });
                break;
            case "zero":
                disk.Tamper(path, bytes => { bytes.AsSpan(at).Clear(); return bytes; });
                break;
            case "truncate":
                disk.Tamper(path, bytes => bytes[..at]);
                break;
            case "extend":
                disk.Tamper(path, bytes => [.. bytes, .. bytes[..at]]);
                break;
            case "missing":
                disk.Vanish(path);
                break;
            case "swap":
                var other = files[(files.IndexOf(path) + 1) % files.Count];
                var (one, two) = (disk.Content(path), disk.Content(other));
                disk.Tamper(path, _ => two);
                disk.Tamper(other, _ => one);
                break;
            default:
                disk.Tamper(path, bytes => { bytes.AsSpan(0, at / 2).CopyTo(bytes.AsSpan(at / 2)); return bytes; });
                break;
        }
        return $"{damage} {path} at {at}";
    }

    private static void Same(FileMessageStore store, StoreModel model)
    {
        (store.State.FirstSequence, store.State.LastSequence, store.State.Messages).ShouldBe((model.First, model.Last, (ulong)model.Sequences.Count));
        StoreComparison.Messages(store, model);
    }
}
