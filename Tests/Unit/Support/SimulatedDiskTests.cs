using NatsAspire.Server.Storage.Disk;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Support;

/// <summary>The simulated disk loses what a disk may lose, and nothing else.</summary>
public class SimulatedDiskTests
{
    private const string File = "/data/file";

    [Fact]
    public void Synced_bytes_and_names_survive_every_crash()
    {
        var disk = Prepared();
        using var file = disk.Open(File, DiskOpen.Existing);
        file.Write(0, Bytes(2000, 1));
        file.Sync();
        var durable = disk.Operations;
        file.Write(2000, Bytes(3000, 2));
        foreach (var state in disk.CrashStates(new CrashOptions { FirstCut = durable })) state.Disk.Content(File)[..2000].ShouldBe(Bytes(2000, 1));
    }

    [Fact]
    public void Unsynced_write_is_torn_into_every_combination_of_sectors_and_lengths()
    {
        var disk = Prepared();
        using var file = disk.Open(File, DiskOpen.Existing);
        file.Write(0, Bytes(1200, 7));
        var states = disk.CrashStates(new CrashOptions { FirstCut = disk.Operations }).ToArray();
        // Three sectors and the length: sixteen combinations, nine different contents (half have the old length).
        states.Length.ShouldBe(16);
        states.Select(state => Convert.ToHexString(state.Disk.Content(File))).Distinct().Count().ShouldBe(9);
        states.ShouldContain(state => state.Disk.Content(File).Length == 1200 && state.Disk.Content(File)[0] == 0 && state.Disk.Content(File)[600] == 7);
    }

    [Fact]
    public void A_sector_holds_all_its_earlier_writes()
    {
        var disk = Prepared();
        using var file = disk.Open(File, DiskOpen.Existing);
        file.SetLength(100);
        file.Sync();
        file.Write(0, Bytes(10, 1));
        file.Write(10, Bytes(10, 2));
        var states = disk.CrashStates(new CrashOptions { FirstCut = disk.Operations }).ToArray();
        states.Length.ShouldBe(3);
        states.ShouldNotContain(state => state.Disk.Content(File)[0] == 0 && state.Disk.Content(File)[10] == 2);
    }

    [Fact]
    public void Unsynced_names_are_old_or_new_and_renames_are_atomic()
    {
        var disk = Prepared();
        using (var next = disk.Open("/data/next", DiskOpen.New))
        {
            next.Write(0, [9]);
            next.Sync();
        }
        disk.SyncDirectory("/data");
        disk.Rename("/data/next", File);
        disk.CrashStates(new CrashOptions { FirstCut = disk.Operations }).Select(state => string.Join(' ', state.Disk.Files) + state.Disk.Content(File).Length)
            .ShouldBe(["/data/file /data/next0", "/data/file1"], ignoreOrder: true);
        disk.SyncDirectory("/data");
        disk.CrashStates(new CrashOptions { FirstCut = disk.Operations }).ShouldHaveSingleItem().Disk.Content(File).ShouldBe([9]);
    }

    [Fact]
    public void A_new_file_is_lost_with_its_synced_bytes_until_its_directory_is_synced()
    {
        var disk = Prepared();
        using var other = disk.Open("/data/other", DiskOpen.New);
        other.Write(0, [1]);
        other.Sync();
        disk.PowerCut().Exists("/data/other").ShouldBeFalse();
        disk.SyncDirectory("/data");
        disk.PowerCut().Content("/data/other").ShouldBe([1]);
    }

    [Fact]
    public void What_a_failed_sync_left_is_not_made_durable_by_the_next()
    {
        var disk = Prepared();
        disk.Fail(DiskCall.Sync, "file");
        using (var file = disk.Open(File, DiskOpen.Existing))
        {
            file.Write(0, Bytes(512, 1));
            Should.Throw<DiskException>(file.Sync).Fault.ShouldBe(DiskFault.Device);
            Should.Throw<DiskException>(file.Sync).Fault.ShouldBe(DiskFault.Poisoned);
            Should.Throw<DiskException>(() => file.Write(0, [1])).Fault.ShouldBe(DiskFault.Poisoned);
        }
        using var again = disk.Open(File, DiskOpen.Existing);
        again.Write(512, Bytes(512, 2));
        again.Sync();
        var cut = disk.PowerCut().Content(File);
        cut.Length.ShouldBe(1024);
        (cut[0], cut[512]).ShouldBe(((byte)0, (byte)2));
    }

    [Fact]
    public void States_are_the_same_for_the_same_seed_and_carry_what_was_promised()
    {
        var disk = Prepared();
        using var file = disk.Open(File, DiskOpen.Existing);
        for (var i = 0; i < 20; i++)
        {
            file.Write(i * 1000, Bytes(1000, (byte)i));
            if (i % 5 == 4) file.Sync();
            disk.Mark(i);
        }
        var first = disk.CrashStates().Select(Print).ToArray();
        first.Length.ShouldBeGreaterThan(500);
        disk.CrashStates().Select(Print).ShouldBe(first);
        disk.CrashStates(new CrashOptions { Seed = 2 }).Select(Print).ShouldNotBe(first);
        disk.CrashStates().Last().Marks.Count.ShouldBe(20);

        static string Print(CrashState state) => $"{state.Cut} {state.Choice} {state.Marks.Count} {Convert.ToHexString(state.Disk.Exists(File) ? state.Disk.Content(File) : [])}";
    }

    [Fact]
    public void Recovering_can_crash_too()
    {
        var disk = Prepared();
        using (var file = disk.Open(File, DiskOpen.Existing)) file.Write(0, Bytes(100, 1));
        foreach (var state in disk.CrashStates(new CrashOptions { FirstCut = disk.Operations }))
        {
            var before = state.Disk.Content(File);
            using var file = state.Disk.Open(File, DiskOpen.Existing);
            file.Write(3000, [5]);
            state.Disk.CrashStates().Any(again => again.Disk.Content(File).AsSpan().SequenceEqual(before)).ShouldBeTrue();
            // What was written behind the length and lost does not come back.
            state.Disk.Content(File).AsSpan(before.Length, 3000 - before.Length).ContainsAnyExcept((byte)0).ShouldBeFalse();
        }
    }

    [Fact]
    public void Rules_fail_the_calls_they_name()
    {
        var disk = Prepared();
        var rule = disk.Fail(DiskCall.Write, "file", nth: 2, DiskFault.Full, keep: 3);
        using var file = disk.Open(File, DiskOpen.Existing);
        file.Write(0, [1, 1]);
        Should.Throw<DiskException>(() => file.Write(2, [2, 2, 2, 2])).Fault.ShouldBe(DiskFault.Full);
        disk.Content(File).ShouldBe([1, 1, 2, 2, 2]);
        rule.Hits.ShouldBe(1);
        disk.FlipRead("file", bit: 9);
        disk.ShortenRead("file", keep: 1, nth: 2);
        var buffer = new byte[5];
        file.Read(0, buffer).ShouldBe(5);
        buffer[1].ShouldBe((byte)3);
        file.Read(0, buffer).ShouldBe(1);
        disk.Capacity = 6;
        using var again = disk.Open(File, DiskOpen.Existing);
        Should.Throw<DiskException>(() => again.Write(5, [1, 2])).Fault.ShouldBe(DiskFault.Full);
    }

    private static SimulatedDisk Prepared()
    {
        var disk = new SimulatedDisk();
        disk.CreateDirectory("/data");
        disk.Open(File, DiskOpen.New).Dispose();
        disk.SyncDirectory("/data");
        return disk;
    }

    private static byte[] Bytes(int count, byte value) => [.. Enumerable.Repeat(value, count)];
}
