using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>Whatever happens to the files of a log that was closed: all of it is recovered, or the damage is reported. Nothing is skipped, nothing deleted.</summary>
public class LogCorruptionTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_flipped_bit_anywhere_is_reported_or_harmless()
    {
        var (closed, whole) = await Closed();
        var (reported, harmless) = (0, 0);
        foreach (var path in closed.Files)
        {
            for (var at = 0; at < closed.Content(path).Length; at += 1 + (at % 2))
            {
                var disk = closed.Copy();
                disk.Tamper(path, bytes => Flip(bytes, (at * 8) + (at * 5 % 8)));
                if (Check(disk, whole, $"{path} byte {at}")) reported++;
                else harmless++;
            }
        }
        output.WriteLine($"{reported} flips reported, {harmless} where nothing is needed");
        reported.ShouldBeGreaterThan(5000);
    }

    [Fact]
    public async Task A_flipped_bit_in_a_log_that_was_killed_costs_at_most_its_last_write()
    {
        var disk = new SimulatedDisk();
        SimulatedDisk killed;
        using (var log = new LogHarness(disk))
        {
            for (var i = 1UL; i <= 12; i++) await log.AppendAndWait(1, i, length: 500);
            killed = disk.PowerCut();
        }
        foreach (var path in killed.Files)
        {
            for (var at = 0; at < killed.Content(path).Length; at += 3)
            {
                var damaged = killed.Copy();
                damaged.Tamper(path, bytes => Flip(bytes, at * 8));
                try
                {
                    LogHarness.Recover(damaged).Count.ShouldBeGreaterThanOrEqualTo(11);
                }
                catch (CorruptStoreException e)
                {
                    e.Message.ShouldContain(".wal at offset ");
                }
            }
        }
    }

    [Fact]
    public async Task Files_cut_zeroed_swapped_missing_or_old_are_reported_or_harmless()
    {
        var (closed, whole) = await Closed();
        var reported = 0;
        foreach (var path in closed.Files)
        {
            var length = closed.Content(path).Length;
            for (var cut = 0; cut < length; cut += 97) Damage($"{path} cut to {cut}", disk => disk.Tamper(path, bytes => bytes[..cut]));
            for (var from = 0; from < length; from += 512) Damage($"{path} sector {from} zeroed", disk => disk.Tamper(path, bytes => Zero(bytes, from, 512)));
            Damage($"{path} zeroed", disk => disk.Tamper(path, bytes => new byte[bytes.Length]));
            Damage($"{path} missing", disk => disk.Vanish(path));
            foreach (var other in closed.Files) Damage($"{path} overwritten with {other}", disk => disk.Tamper(path, _ => closed.Content(other)));
        }
        Damage("everything zeroed but the point", disk =>
        {
            foreach (var path in disk.Files.Where(IsSegment)) disk.Tamper(path, bytes => new byte[bytes.Length]);
        });
        Damage("all segments missing", disk =>
        {
            foreach (var path in disk.Files.Where(IsSegment)) disk.Vanish(path);
        });
        output.WriteLine($"{reported} reported");
        reported.ShouldBeGreaterThan(200);

        void Damage(string what, Action<SimulatedDisk> damage)
        {
            var disk = closed.Copy();
            damage(disk);
            if (Check(disk, whole, what)) reported++;
        }
    }

    [Fact]
    public async Task A_missing_or_cut_last_segment_is_reported_by_the_seal_before_it()
    {
        var (closed, _) = await Closed();
        var last = closed.Files.Last(IsSegment);
        closed.Vanish(closed.Files.Single(path => !IsSegment(path)));
        var missing = closed.Copy();
        missing.Vanish(last);
        Should.Throw<CorruptStoreException>(() => LogHarness.Recover(missing)).Message.ShouldContain(last);
        closed.Tamper(last, _ => []);
        Should.Throw<CorruptStoreException>(() => LogHarness.Recover(closed)).Message.ShouldContain(last);
    }

    [Fact]
    public async Task An_older_copy_of_a_segment_is_reported()
    {
        var disk = new SimulatedDisk();
        SimulatedDisk older;
        using (var log = new LogHarness(disk))
        {
            for (var i = 1UL; i <= 3; i++) await log.AppendAndWait(1, i, length: 500);
            older = disk.Copy();
            for (var i = 4UL; i <= 5; i++) await log.AppendAndWait(1, i, length: 500);
        }
        var segment = disk.Files.Single(IsSegment);
        disk.Tamper(segment, _ => older.Content(segment));
        Should.Throw<CorruptStoreException>(() => LogHarness.Recover(disk)).Message.ShouldContain(segment);
    }

    [Fact]
    public async Task Stale_records_of_a_reused_segment_are_none()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            // Records all of one size: the old ones stand exactly where new ones would.
            for (var i = 1UL; i <= 100; i++)
            {
                await log.AppendAndWait(1, i, length: 100);
                log.Log.Release(1, i - 1);
            }
            LogHarness.Recover(disk.PowerCut(), (1, 99)).ShouldBe([(1, 100, 1)]);
        }
        disk.Content(disk.Files.Last(IsSegment)).AsSpan(3500).ContainsAnyExcept((byte)0).ShouldBeTrue("the segment was used before");
        LogHarness.Recover(disk, (1, 99)).ShouldBe([(1, 100, 1)]);
    }

    [Fact]
    public async Task A_read_error_is_passed_on()
    {
        var (closed, whole) = await Closed();
        for (var nth = 1; ; nth++)
        {
            var disk = closed.Copy();
            var rule = disk.Fail(DiskCall.Read, nth: nth);
            var failed = false;
            try
            {
                LogHarness.Recover(disk).ShouldBe(whole);
            }
            catch (DiskException)
            {
                failed = true;
            }
            failed.ShouldBe(rule.Hits > 0);
            disk.Files.ShouldBe(closed.Files);
            if (rule.Hits == 0) break;
            nth.ShouldBeLessThan(1000);
        }
        var shortened = closed.Copy();
        shortened.ShortenRead(".wal", keep: 100);
        Should.Throw<DiskException>(() => LogHarness.Recover(shortened)).Message.ShouldContain("inside the file");
    }

    private static bool IsSegment(string path) => path.EndsWith(".wal", StringComparison.Ordinal);

    /// <summary>True: reported. Fails if something is lost silently, something else is thrown, or a file is gone.</summary>
    private static bool Check(SimulatedDisk disk, List<(ulong, ulong, byte)> whole, string what)
    {
        var files = disk.Files;
        try
        {
            LogHarness.Recover(disk).ShouldBe(whole, what);
            return false;
        }
        catch (CorruptStoreException e)
        {
            e.Message.ShouldContain(".wal at offset ");
            disk.Files.ShouldBe(files, what);
            return true;
        }
    }

    private static async Task<(SimulatedDisk Disk, List<(ulong, ulong, byte)> Records)> Closed()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk, LogHarness.Small with { Spares = 1 }))
        {
            for (var i = 1UL; i <= 12; i++) await log.AppendAndWait(1, i, length: 500);
            log.Log.Release(1, 12);
            for (var i = 1UL; i <= 20; i++) await log.AppendAndWait(2, i, count: 1, length: 400);
        }
        return (disk.Copy(), LogHarness.Recover(disk));
    }

    private static byte[] Flip(byte[] bytes, int bit)
    {
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        return bytes;
    }

    private static byte[] Zero(byte[] bytes, int from, int count)
    {
        bytes.AsSpan(from, Math.Min(count, bytes.Length - from)).Clear();
        return bytes;
    }
}
