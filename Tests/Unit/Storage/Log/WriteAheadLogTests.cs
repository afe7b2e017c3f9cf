using System.Globalization;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>What is appended is there again; what is released, taken back or removed is not.</summary>
public class WriteAheadLogTests
{
    [Fact]
    public async Task Records_of_all_groups_come_back_in_order()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1, count: 3);
            await log.AppendAndWait(2, 1);
            await log.AppendAndWait(1, 4, length: 0);
        }
        LogHarness.Recover(disk).ShouldBe([(1, 1, 1), (1, 2, 1), (1, 3, 1), (2, 1, 1), (1, 4, 1)]);
        LogHarness.Recover(disk, (1, 3)).ShouldBe([(2, 1, 1), (1, 4, 1)]);
        LogHarness.Recover(disk, (1, 4), (2, 9)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_append_is_durable_when_it_completes()
    {
        var disk = new SimulatedDisk();
        using var log = new LogHarness(disk);
        for (var i = 1UL; i <= 30; i++)
        {
            await log.AppendAndWait(1, i, length: 300);
            LogHarness.Recover(disk.PowerCut()).Count.ShouldBe((int)i);
        }
        log.Log.Segments.ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task The_log_goes_on_after_each_start()
    {
        var disk = new SimulatedDisk();
        for (var i = 1UL; i <= 20; i++)
        {
            using var log = new LogHarness(disk);
            LogHarness.Read(log.Log).Count.ShouldBe((int)i - 1);
            await log.AppendAndWait(7, i);
        }
        // Starts without appends change nothing.
        var before = disk.Files;
        for (var i = 0; i < 3; i++) LogHarness.Recover(disk).Count.ShouldBe(20);
        disk.Files.ShouldBe(before);
    }

    [Fact]
    public async Task What_nobody_needs_is_not_read_after_a_close()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1, count: 20);
            log.Log.Release(1, 20);
        }
        var old = disk.List(LogHarness.Directory).Select(entry => $"{LogHarness.Directory}/{entry.Name}").Order().First(path => path.EndsWith(".wal", StringComparison.Ordinal));
        using (var file = disk.Open(old, DiskOpen.Existing)) file.Write(0, new byte[4096]);
        using (var log = new LogHarness(disk))
        {
            LogHarness.Read(log.Log).ShouldBeEmpty();
            await log.AppendAndWait(1, 21);
        }
        LogHarness.Recover(disk).ShouldBe([(1, 21, 1)]);
    }

    [Fact]
    public async Task What_somebody_needs_stays_where_it_is_at_a_close()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1, count: 20);
            await log.AppendAndWait(2, 1);
            log.Log.Release(1, 20);
        }
        disk.List(LogHarness.Directory).Count(entry => entry.Name.EndsWith(".wal", StringComparison.Ordinal)).ShouldBe(1);
        LogHarness.Recover(disk, (1, 20)).ShouldBe([(2, 1, 1)]);
    }

    [Fact]
    public async Task Released_segments_are_used_again_and_the_rest_deleted()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            for (var i = 1UL; i <= 200; i++)
            {
                await log.AppendAndWait(1, i, length: 500);
                log.Log.Release(1, i - 1);
                disk.Files.Count.ShouldBeLessThanOrEqualTo(7);
            }
            log.Log.Segments.ShouldBeLessThanOrEqualTo(2);
        }
        disk.Journal.ShouldContain("names -");
        LogHarness.Recover(disk, (1, 199)).ShouldBe([(1, 200, 1)]);
    }

    [Fact]
    public async Task A_group_that_needs_the_oldest_segment_is_named()
    {
        using var log = new LogHarness(new SimulatedDisk());
        await log.AppendAndWait(5, 1);
        log.Log.Pinning.ShouldBeEmpty();
        for (var i = 1UL; i <= 30; i++) await log.AppendAndWait(1, i, length: 500);
        log.Log.Release(1, 30);
        log.Log.Pinning.ShouldBe([5UL]);
        log.Log.Groups.ShouldContain(5UL);
        var bytes = log.Log.Bytes;
        log.Log.Release(5, 1);
        log.Log.Bytes.ShouldBeLessThan(bytes);
        log.Log.Segments.ShouldBe(1);
    }

    [Fact]
    public async Task Released_segments_go_also_when_nothing_is_appended_any_more()
    {
        var disk = new SimulatedDisk();
        using var log = new LogHarness(disk, LogHarness.Small with { IdleMark = TimeSpan.FromMilliseconds(20), Spares = 0 });
        for (var i = 1UL; i <= 30; i++) await log.AppendAndWait(1, i, length: 500);
        log.Log.Release(1, 30);
        await Wait.Until("one segment is left", () => disk.Files.Count(file => file.EndsWith(".wal")) == 1, () => string.Join(' ', disk.Files));
    }

    [Fact]
    public async Task What_a_group_takes_back_does_not_return()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1, count: 6);
            await log.AppendAndWait(2, 1, count: 2);
            await log.AppendAndWait(batch => batch.AddTruncation(1, 4));
            await log.AppendAndWait(1, 5);
            await log.AppendAndWait(batch =>
            {
                batch.Add(1, 6, 2, LogHarness.Payload(1, 6));
                batch.AddTruncation(1, 2);
                batch.Add(1, 3, 3, LogHarness.Payload(1, 3));
            });
        }
        LogHarness.Recover(disk).ShouldBe([(1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (1, 3, 3)]);
    }

    [Fact]
    public async Task Voids_do_not_keep_segments_and_removed_groups_are_gone()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1, count: 5, length: 500);
            await log.AppendAndWait(3, 1, length: 500);
            await log.AppendAndWait(batch => batch.AddTruncation(1, 2));
            for (var i = 1UL; i <= 20; i++) await log.AppendAndWait(2, i, length: 500);
            log.Log.Release(2, 20);
            log.Log.Release(1, 2);
            log.Log.Pinning.ShouldBe([3UL]);
            await log.AppendAndWait(batch => batch.AddRemoval(3));
            log.Log.Groups.ShouldNotContain(3UL);
            await log.AppendAndWait(2, 21, length: 3000);
            await log.AppendAndWait(2, 22, length: 3000);
            log.Log.Segments.ShouldBeLessThanOrEqualTo(2);
        }
        LogHarness.Recover(disk, (2, 20)).ShouldBe([(2, 21, 1), (2, 22, 1)]);
    }

    [Fact]
    public async Task A_batch_larger_than_a_segment_gets_one_of_its_own()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1);
            await log.AppendAndWait(1, 2, length: 100_000);
            await log.AppendAndWait(1, 3);
        }
        LogHarness.Recover(disk).ShouldBe([(1, 1, 1), (1, 2, 1), (1, 3, 1)]);
    }

    [Fact]
    public void Batches_refuse_what_cannot_be_logged()
    {
        using var log = new LogHarness(new SimulatedDisk(), LogHarness.Small with { BatchLimit = 1000 });
        var batch = log.Log.Rent();
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Add(0, 1, 1, []));
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Add(1, 1, 0, []));
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Add(1, 1, 128, []));
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Add(1, 1, 1, new byte[976]));
        batch.Add(1, 1, 1, new byte[975]);
        batch.Count.ShouldBe(1);
        log.Log.Return(batch);
    }

    [Fact]
    public void Foreign_files_are_left_alone()
    {
        var disk = new SimulatedDisk();
        disk.CreateDirectory(LogHarness.Directory);
        foreach (var name in new[] { "notes.txt", "1.wal", "0000000000000000000x.wal", "00000000000000000000.wal" }) disk.Open($"{LogHarness.Directory}/{name}", DiskOpen.New).Dispose();
        LogHarness.Recover(disk).ShouldBeEmpty();
        disk.Files.Count.ShouldBe(4);
    }

    [Fact]
    public async Task The_log_lives_on_a_real_disk()
    {
        var folder = Directory.CreateTempSubdirectory("nats-log").FullName;
        for (var start = 0UL; start < 3; start++)
        {
            using var log = new LogHarness(Disks.ForThisSystem(), directory: folder);
            LogHarness.Read(log.Log, (1, (start * 50) - Math.Min(start, 1))).Count.ShouldBe(start == 0 ? 0 : 1);
            for (var i = (start * 50) + 1; i <= (start + 1) * 50; i++)
            {
                await log.AppendAndWait(1, i, length: 500);
                log.Log.Release(1, i - 1);
            }
            Directory.GetFiles(folder, "*.wal").Length.ShouldBeLessThanOrEqualTo(6);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_format_is_this()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(batch => batch.Add(0x0102, 0x0304, 5, "hello"u8));
            await log.AppendAndWait(batch => batch.AddTruncation(0x0102, 0x0303));
        }
        var path = $"{LogHarness.Directory}/{1UL.ToString("D20", CultureInfo.InvariantCulture)}.wal";
        disk.Files.ShouldBe([path, $"{LogHarness.Directory}/durable"]);
        var bytes = disk.Content(path);
        bytes.Length.ShouldBe(4096);
        Convert.ToHexString(bytes, 0, 57 + 30 + 57 + 25 + 57).ShouldBe(LogGolden.TwoWritesAndAMark);
        bytes.AsSpan(57 + 30 + 57 + 25 + 57).ContainsAnyExcept((byte)0).ShouldBeFalse();
    }
}
