using NatsAspire.Server.Storage.Disk;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Disk;

/// <summary>What every disk does alike: the real one, the portable one and the simulated one.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nats-disk").FullName;

    public static TheoryData<string> Kinds => OperatingSystem.IsLinux() ? ["posix", "portable", "simulated"] : ["portable", "simulated"];

    [Theory, MemberData(nameof(Kinds))]
    public void What_was_written_is_not_taken_for_a_hole(string kind)
    {
        const int Size = 8 << 20, Written = 3 << 20;
        var disk = Make(kind);
        using var file = disk.Open(At("file"), DiskOpen.New);
        file.Preallocate(Size);
        file.SkipHole(0).ShouldBeInRange(0, Size);
        file.Write(Written, "x"u8);
        for (var i = 0; i < 2; i++)
        {
            file.SkipHole(0).ShouldBeInRange(0, Written);
            file.SkipHole(Written).ShouldBe(Written);
            file.SkipHole(Written + 1).ShouldBeInRange(Written + 1, Size);
            file.Sync();
        }
        file.SkipHole(Size).ShouldBe(Size);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Files_are_written_read_cut_and_grown(string kind)
    {
        var disk = Make(kind);
        using var file = disk.Open(At("file"), DiskOpen.New);
        file.Path.ShouldBe(At("file"));
        file.Write(0, "0123456789"u8);
        file.Write(20, "x"u8);
        file.Length.ShouldBe(21);
        var buffer = new byte[64];
        file.Read(0, buffer).ShouldBe(21);
        buffer[..21].ShouldBe([.. "0123456789"u8, .. new byte[10], (byte)'x']);
        file.Read(20, buffer).ShouldBe(1);
        file.Read(21, buffer).ShouldBe(0);
        file.Read(4000, buffer).ShouldBe(0);
        file.SetLength(5);
        file.SetLength(8);
        file.Read(0, buffer).ShouldBe(8);
        buffer[..8].ShouldBe([.. "01234"u8, 0, 0, 0]);
        file.Preallocate(4096);
        file.Length.ShouldBe(4096);
        file.Preallocate(100);
        file.Length.ShouldBe(4096);
        file.Sync();
        file.Write(0, []);
        file.Length.ShouldBe(4096);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Opening_says_what_is_there(string kind)
    {
        var disk = Make(kind);
        Should.Throw<DiskException>(() => disk.Open(At("none"), DiskOpen.Existing)).Fault.ShouldBe(DiskFault.Missing);
        Should.Throw<DiskException>(() => disk.Open(At("none/below"), DiskOpen.New)).Fault.ShouldBe(DiskFault.Missing);
        disk.Open(At("there"), DiskOpen.Always).Dispose();
        Should.Throw<DiskException>(() => disk.Open(At("there"), DiskOpen.New)).Fault.ShouldBe(DiskFault.Exists);
        var failure = Should.Throw<DiskException>(() => disk.Open(At("none"), DiskOpen.Existing));
        failure.Path.ShouldBe(At("none"));
        failure.Message.ShouldContain(At("none"));
        disk.Exists(At("there")).ShouldBeTrue();
        disk.Exists(At("none")).ShouldBeFalse();
        disk.Exists(At("there/below")).ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Names_are_listed_changed_and_removed(string kind)
    {
        var disk = Make(kind);
        disk.CreateDirectory(At("a/b/c"));
        disk.CreateDirectory(At("a/b/c"));
        Write(disk, At("a/one"), 3);
        Write(disk, At("a/two"), 5);
        disk.List(At("a")).OrderBy(entry => entry.Name).ShouldBe([new DiskEntry("b", true, 0), new DiskEntry("one", false, 3), new DiskEntry("two", false, 5)]);
        disk.List(At("nowhere")).ShouldBeEmpty();
        disk.Rename(At("a/one"), At("a/two"));
        disk.List(At("a")).Count(entry => !entry.IsDirectory).ShouldBe(1);
        disk.Rename(At("a/b"), At("moved"));
        disk.Exists(At("moved/c")).ShouldBeTrue();
        disk.SyncDirectory(At("a"));
        Should.Throw<DiskException>(() => disk.Rename(At("none"), At("a/x"))).Fault.ShouldBe(DiskFault.Missing);
        Should.Throw<DiskException>(() => disk.SyncDirectory(At("none"))).Fault.ShouldBe(DiskFault.Missing);
        disk.Delete(At("a/two"));
        Should.Throw<DiskException>(() => disk.Delete(At("a/two"))).Fault.ShouldBe(DiskFault.Missing);
        Write(disk, At("moved/c/deep"), 1);
        disk.DeleteDirectory(At("moved"));
        disk.List(At("")).Select(entry => entry.Name).ShouldBe(["a"]);
        disk.FreeBytes(At("")).ShouldBeGreaterThan(1 << 20);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void An_open_file_outlives_its_name(string kind)
    {
        var disk = Make(kind);
        using var file = disk.Open(At("file"), DiskOpen.New);
        file.Write(0, "kept"u8);
        disk.Delete(At("file"));
        var buffer = new byte[4];
        file.Read(0, buffer).ShouldBe(4);
        buffer.ShouldBe("kept"u8.ToArray());
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Reads_run_beside_a_writer(string kind)
    {
        var disk = Make(kind);
        using var file = disk.Open(At("file"), DiskOpen.New);
        const int count = 2000;
        var written = 0;
        var writer = Task.Run(() =>
        {
            var record = new byte[64];
            for (var i = 0; i < count; i++)
            {
                Array.Fill(record, (byte)i);
                file.Write(i * 64, record);
                Volatile.Write(ref written, i + 1);
            }
        });
        var buffer = new byte[64];
        for (var seen = 0; seen < count; seen = Volatile.Read(ref written))
        {
            if (seen == 0) continue;
            file.Read((seen - 1) * 64, buffer).ShouldBe(64);
            buffer.ShouldAllBe(one => one == (byte)(seen - 1));
        }
        await writer;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Write(IDisk disk, string path, int length)
    {
        using var file = disk.Open(path, DiskOpen.New);
        file.Write(0, new byte[length]);
    }

    private string At(string name) => name.Length == 0 ? _folder : $"{_folder}/{name}";

    private IDisk Make(string kind)
    {
        IDisk disk = kind switch { "posix" => new PosixDisk(), "portable" => new PortableDisk(), _ => new SimulatedDisk() };
        disk.CreateDirectory(_folder);
        return disk;
    }
}
