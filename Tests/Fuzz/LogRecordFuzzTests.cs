using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Storage.Log;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever stands in the files of a log, it is read or refused, in bounded memory.</summary>
public class LogRecordFuzzTests
{
    private const int Mutations = 3000;
    private const long MemoryPerOpening = 4 << 20;

    [Fact]
    public async Task Changed_anyhow()
    {
        var seedDisk = await Seed();
        var start = Environment.TickCount;
        for (var number = 0; number < Mutations; number++)
        {
            var seed = unchecked(start + number);
            var random = new Random(seed);
            var disk = seedDisk.Copy();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var path = disk.Files[random.Next(disk.Files.Count)];
                disk.Tamper(path, bytes => Mutate(random, bytes));
            }
            Check(disk, $"seed {seed}");
        }
    }

    [Fact]
    public void Random_bytes_are_no_records()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var disk = new SimulatedDisk();
            disk.CreateDirectory(LogHarness.Directory);
            var bytes = new byte[new Random(seed).Next(20_000)];
            new Random(seed).NextBytes(bytes);
            using (var file = disk.Open($"{LogHarness.Directory}/00000000000000000003.wal", DiskOpen.New)) file.Write(0, bytes);
            LogHarness.Recover(disk).ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    [InlineData(4000)]
    [InlineData(0x7fffffe0)]
    public void A_lying_length_costs_nothing(int length)
    {
        var disk = new SimulatedDisk();
        disk.CreateDirectory(LogHarness.Directory);
        var bytes = new byte[8192];
        for (var at = 0; at + LogFormat.Header < bytes.Length; at += LogFormat.Header) LogFormat.WriteHeader(bytes.AsSpan(at), length, 0, 0, LogFormat.Batch);
        using (var file = disk.Open($"{LogHarness.Directory}/00000000000000000001.wal", DiskOpen.New)) file.Write(0, bytes);
        Check(disk, $"length {length}");
    }

    private static void Check(SimulatedDisk disk, string what)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            LogHarness.Recover(disk);
        }
        catch (CorruptStoreException e)
        {
            e.Message.ShouldContain(" at offset ");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(what, e);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MemoryPerOpening, what);
    }

    private static async Task<SimulatedDisk> Seed()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            for (var i = 1UL; i <= 15; i++)
            {
                await log.AppendAndWait(1 + (i % 3), 1 + (i / 3), count: 2, length: 200);
                if (i == 8) await log.AppendAndWait(batch => batch.AddTruncation(1, 2));
                if (i == 10) await log.AppendAndWait(batch => batch.AddRemoval(2));
            }
        }
        return disk.Copy();
    }

    private static byte[] Mutate(Random random, byte[] bytes)
    {
        if (bytes.Length == 0) return bytes;
        var at = random.Next(bytes.Length);
        switch (random.Next(5))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                return bytes[..at];
            case 2:
                bytes.AsSpan(at, random.Next(bytes.Length - at)).Fill((byte)random.Next(3));
                return bytes;
            case 3:
                var to = random.Next(bytes.Length);
                bytes.AsSpan(at, Math.Min(random.Next(600), bytes.Length - Math.Max(at, to))).ToArray().CopyTo(bytes, to);
                return bytes;
            default:
                return [.. bytes[..at], .. new byte[random.Next(50)], .. bytes[at..]];
        }
    }
}
