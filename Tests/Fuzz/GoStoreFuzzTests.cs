using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Streams.Archives;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever stands in a Go server's directory or archive: it is read or refused, in bounded memory, never thrown.</summary>
public sealed class GoStoreFuzzTests
{
    private const int Mutations = 2000;
    private const long MemoryPerOpening = 64 << 20;

    private static readonly (string Folder, string Stream)[] Seeds =
        [("plain", "PLAIN"), ("plain", "CONS"), ("plain", "SCHED"), ("plain", "MIR"), ("s2", "PLAIN"), ("chacha", "CONS"), ("aes-s2", "PLAIN"), ("written-by-2.10.29", "PLAIN")];

    [Fact]
    public void Directories_changed_anyhow()
    {
        var seeds = Seeds.Select(seed => (seed.Folder, seed.Stream, Files: GoFolder.Load(seed.Folder, seed.Stream), Keys: GoFolder.KeysOf(seed.Folder))).ToArray();
        Run(Mutations, random =>
        {
            var seed = seeds[random.Next(seeds.Length)];
            var files = seed.Files.Copy();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var path = files.Files.Keys.ElementAt(random.Next(files.Files.Count));
                if (random.Next(20) == 0) files.Files.Remove(path);
                else files.Files[path] = Mutate(random, files.Files[path]);
                if (files.Files.Count == 0) break;
            }
            var report = new GoStoreReport();
            using var store = new MemoryMessageStore();
            if (GoStream.Open(files, seed.Stream, seed.Keys, report) is not { } stream)
            {
                report.Problems.ShouldNotBeEmpty();
                return;
            }
            stream.Import(store);
            stream.ReadExpiries(out _);
            stream.ReadSchedules(out _);
        });
    }

    [Fact]
    public void Indexes_changed_anyhow_with_a_good_checksum()
    {
        var seeds = Seeds.Where(seed => seed.Folder is "plain" or "s2").Append(("plain", "DELS")).Select(seed => (seed.Item1, seed.Item2, Files: GoFolder.Load(seed.Item1, seed.Item2))).ToArray();
        Run(Mutations, random =>
        {
            var (_, name, seed) = seeds[random.Next(seeds.Length)];
            var files = seed.Copy();
            var path = $"streams/{name}/msgs/index.db";
            var content = Mutate(random, files.Files[path][..^8]);
            files.Files[path] = [.. content, .. Convert.FromHexString(GoMetaFile.Sum(name, content))];
            using var store = new MemoryMessageStore();
            var stream = GoStream.Open(files, name, keys: null, new GoStoreReport()).ShouldNotBeNull();
            stream.Import(store);
        });
    }

    [Fact]
    public void Archives_changed_anyhow()
    {
        string[] names = ["ORD", "KV_bk", "CMP"];
        var seeds = names.Select(name => File.ReadAllBytes(Golden.PathOf("backup", name, "stream.tar.s2"))).ToArray();
        Run(Mutations, random =>
        {
            var which = random.Next(seeds.Length);
            // Half of the changes reach the archive itself, behind checksums that are right again.
            var archive = random.Next(2) == 0 ? Mutate(random, seeds[which].ToArray()) : S2Encoder.EncodeAll(Mutate(random, S2Decoder.DecodeAll(seeds[which], int.MaxValue)));
            var salvage = random.Next(2) == 0;
            using var store = new MemoryMessageStore();
            using var reader = new SnapshotReader(names[which], store, SnapshotTests.Limits with { Salvage = salvage });
            var chunk = random.Next(1, 5000);
            string? error = null;
            for (var at = 0; at < archive.Length && error is null; at += chunk) error = reader.Push(archive.AsSpan(at, Math.Min(chunk, archive.Length - at)));
            error ??= reader.Finish(out _);
            error?.Length.ShouldBeGreaterThan(0);
        });
    }

    [Fact]
    public void A_block_made_to_be_searched_costs_little()
    {
        // Every place could begin a record that reaches to the end.
        var block = new byte[1 << 20];
        for (var at = 0; at + 64 <= block.Length; at += 64)
        {
            BitConverter.TryWriteBytes(block.AsSpan(at), block.Length - at);
            block[at + 20] = 4;
            "abcd"u8.CopyTo(block.AsSpan(at + 22));
        }
        var files = GoFolder.Load("plain", "PLAIN");
        files.Files["streams/PLAIN/msgs/2.blk"] = block;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        using var store = new MemoryMessageStore();
        GoStream.Open(files, "PLAIN", keys: null, new GoStoreReport()).ShouldNotBeNull().Import(store);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        store.State.Messages.ShouldBeGreaterThan(0UL);
    }

    private static void Run(int count, Action<Random> one)
    {
        var start = Environment.TickCount;
        for (var number = 0; number < count; number++)
        {
            var seed = unchecked(start + number);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                one(new Random(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MemoryPerOpening, $"seed {seed}");
        }
    }

    private static byte[] Mutate(Random random, byte[] bytes)
    {
        if (bytes.Length == 0) return bytes;
        var at = random.Next(bytes.Length);
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                return bytes[..at];
            case 2:
                bytes.AsSpan(at, random.Next(bytes.Length - at)).Fill((byte)(random.Next(3) * 0x7F));
                return bytes;
            case 3:
                var to = random.Next(bytes.Length);
                bytes.AsSpan(at, Math.Min(random.Next(600), bytes.Length - Math.Max(at, to))).ToArray().CopyTo(bytes, to);
                return bytes;
            case 4:
                random.NextBytes(bytes.AsSpan(at, Math.Min(12, bytes.Length - at)));
                return bytes;
            default:
                return [.. bytes[..at], .. new byte[random.Next(50)], .. bytes[at..]];
        }
    }
}
