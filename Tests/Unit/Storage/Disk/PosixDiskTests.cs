using System.Diagnostics;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Unit.Storage.Disk;

/// <summary>What a real disk does when it fails.</summary>
public sealed class PosixDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nats-disk").FullName;
    private bool _mounted;

    [Fact]
    public void A_failed_sync_is_noticed_and_poisons_the_file()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        // A pipe cannot be synced (EINVAL), which .NET would not say.
        using var file = new PosixDisk().Open(NamedPipe(), DiskOpen.Existing);
        Should.Throw<DiskException>(file.Sync).Fault.ShouldBe(DiskFault.Device);
        Should.Throw<DiskException>(file.Sync).Fault.ShouldBe(DiskFault.Poisoned);
        Should.Throw<DiskException>(() => file.Write(0, [1])).Fault.ShouldBe(DiskFault.Poisoned);
        Should.Throw<DiskException>(() => file.SetLength(0)).Fault.ShouldBe(DiskFault.Poisoned);
    }

    [Fact]
    public void A_full_disk_says_so_and_what_was_written_stays()
    {
        using var file = Tmpfs().Open(At("file"), DiskOpen.New);
        file.Write(0, new byte[40_000]);
        Should.Throw<DiskException>(() => file.Write(40_000, new byte[100_000])).Fault.ShouldBe(DiskFault.Full);
        Should.Throw<DiskException>(() => file.Write(0, [1])).Fault.ShouldBe(DiskFault.Poisoned);
        file.Read(0, new byte[40_000]).ShouldBe(40_000);
    }

    [Fact]
    public void Space_is_reserved_or_refused_before_anything_is_written()
    {
        var disk = Tmpfs();
        using var file = disk.Open(At("file"), DiskOpen.New);
        Should.Throw<DiskException>(() => file.Preallocate(1 << 20)).Fault.ShouldBe(DiskFault.Full);
        // A refused reservation is no lost write.
        file.Preallocate(32 << 10);
        file.Write(0, new byte[32 << 10]);
        file.Sync();
        disk.FreeBytes(_folder).ShouldBeLessThanOrEqualTo(32 << 10);
    }

    [Fact]
    public void A_read_only_disk_says_so()
    {
        var disk = Tmpfs();
        disk.Open(At("file"), DiskOpen.New).Dispose();
        Mount("-o", "remount,ro", _folder);
        Should.Throw<DiskException>(() => disk.Open(At("file"), DiskOpen.Existing)).Fault.ShouldBe(DiskFault.ReadOnly);
        Should.Throw<DiskException>(() => disk.Delete(At("file"))).Fault.ShouldBe(DiskFault.ReadOnly);
        Should.Throw<DiskException>(() => disk.CreateDirectory(At("below"))).Fault.ShouldBe(DiskFault.ReadOnly);
        disk.List(_folder).ShouldHaveSingleItem();
    }

    [Fact]
    public void Removing_a_directory_does_not_follow_links()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        var disk = new PosixDisk();
        disk.CreateDirectory(At("precious"));
        disk.Open(At("precious/file"), DiskOpen.New).Dispose();
        disk.CreateDirectory(At("gone"));
        File.CreateSymbolicLink(At("gone/link"), At("precious"));
        disk.DeleteDirectory(At("gone"));
        disk.Exists(At("gone")).ShouldBeFalse();
        disk.Exists(At("precious/file")).ShouldBeTrue();
    }

    [Fact]
    public void Files_are_for_the_server_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        if (OperatingSystem.IsWindows()) return;
        var disk = new PosixDisk();
        disk.CreateDirectory(At("a/b"));
        disk.Open(At("a/file"), DiskOpen.New).Dispose();
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        (File.GetUnixFileMode(At("a/file")) & others).ShouldBe(UnixFileMode.None);
        (File.GetUnixFileMode(At("a")) & others).ShouldBe(UnixFileMode.None);
    }

    public void Dispose()
    {
        if (_mounted) Run("umount", _folder);
        Directory.Delete(_folder, recursive: true);
    }

    private string At(string name) => $"{_folder}/{name}";

    private string NamedPipe()
    {
        Run("mkfifo", At("pipe")).ShouldBeTrue();
        return At("pipe");
    }

    private PosixDisk Tmpfs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        Mount("-t", "tmpfs", "-o", "size=64k", "nats-disk-test", _folder);
        _mounted = true;
        return new PosixDisk();
    }

    private static void Mount(params string[] arguments) => Assert.SkipUnless(Run("mount", arguments), "mounting is not allowed here");

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
