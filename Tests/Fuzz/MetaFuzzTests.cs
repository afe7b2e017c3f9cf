using System.Diagnostics;
using System.Text;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Unit.JetStream.Meta;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever stands in the meta log: it is read or refused, soon, and nothing is thrown. What is read is written so that it is read alike.</summary>
public sealed class MetaFuzzTests
{
    private const int Mutations = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly RecordedEntry[] Entries = [.. RecordedEntry.All()];
    private static readonly byte[][] Words = [.. new[] { "{", "}", "[", "]", "\"", "\\", "\\ud83d", ",", ":", "null", "true", "-", "1e999", "99999999999999999999", "0", "\"client\":null", "\"group\":null", "\"peers\":null,", "\"name\":\"\",", "\"Consumers\":null" }.Select(Encoding.UTF8.GetBytes), [0xff], [0xe2, 0x80, 0xa8]];

    [Fact]
    public void Entries_cut_anywhere()
    {
        foreach (var entry in Entries.Where(entry => entry.Data.Length < 1500))
        {
            for (var length = 0; length < entry.Data.Length; length += 3) Entry(entry.Data.AsSpan(0, length), $"{entry.From} cut at {length}");
        }
    }

    [Fact]
    public void Entries_and_snapshots_changed_anyhow()
    {
        var start = Environment.TickCount;
        for (var number = 0; number < Mutations; number++) Changed(unchecked(start + number));
    }

    [Theory]
    [InlineData(60616215)]
    public void A_seed_again(int seed) => Changed(seed);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    public void Deep_nests_are_refused(byte operation)
    {
        byte[] deep = [.. Enumerable.Repeat((byte)'[', 1_000_000)];
        Entry([operation, .. deep], "nest");
        Entry([9, .. S2Encoder.EncodeAll(deep)], "compressed nest");
        Snapshot(S2Block.Encode(deep), "nest");
        Entry([operation, .. """{"client":{"acc":"A"},"group":{"name":"g"},"stream":{"name":"S","x":"""u8, .. deep], "nest in a configuration");
    }

    private static void Changed(int seed)
    {
        var random = new Random(seed);
        var entry = Entries[random.Next(Entries.Length)];
        if (entry.Type == RecordedEntry.Snapshot)
        {
            Snapshot(Mutate(entry.Data, random), $"seed {seed}");
            Snapshot(S2Block.Encode(Mutate(S2Block.Decode(entry.Data, 1 << 24), random)), $"seed {seed}");
        }
        else
        {
            Entry(Mutate(entry.Data, random), $"seed {seed}");
        }
        ConsumerStateJson.ToBytes(new RawJson(Mutate("""{"delivered":{"consumer_seq":1,"stream_seq":2},"ack_floor":{"consumer_seq":0,"stream_seq":1},"pending":{"2":{"Sequence":1,"Timestamp":5}},"redelivered":{"2":1}}"""u8.ToArray(), random)), out _);
        PeerAnnouncement.Read(Mutate("""{"server":{"name":"n1","tags":["a"],"flags":7},"statsz":{"jetstream":{"config":{"max_memory":1},"stats":{"ha_assets":1}}}}"""u8.ToArray(), random));
        StreamAssignmentResult.Decode(Mutate("""{"account":"A","stream":"S","create_response":{"error":{"code":1,"err_code":10023,"description":"x"}}}"""u8.ToArray(), random))?.Error?.ToString();
    }

    private static void Entry(ReadOnlySpan<byte> bytes, string what)
    {
        var watch = Stopwatch.StartNew();
        if (MetaEntry.Decode(bytes, out var entry) is null)
        {
            MetaEntry.Decode(entry!.Encode(), out var second).ShouldBeNull(what);
            second!.Stream.ShouldBe(entry.Stream, what);
            second.Consumer.ShouldBe(entry.Consumer, what);
            // Bytes that are no text become one the first time.
            MetaEntry.Decode(second.Encode(), out var third).ShouldBeNull(what);
            third!.Encode().ShouldBe(second.Encode(), what);
        }
        watch.Elapsed.ShouldBeLessThan(Patience, what);
    }

    private static void Snapshot(ReadOnlySpan<byte> bytes, string what)
    {
        var watch = Stopwatch.StartNew();
        if (MetaSnapshot.Decode(bytes, out var streams) is null)
        {
            MetaSnapshot.Decode(MetaSnapshot.Encode(MetaAssignments.Of(streams)), out var second).ShouldBeNull(what);
            var again = MetaSnapshot.Encode(MetaAssignments.Of(second));
            MetaSnapshot.Decode(again, out var third).ShouldBeNull(what);
            Text(MetaSnapshot.Encode(MetaAssignments.Of(third))).ShouldBe(Text(again), what);
        }
        watch.Elapsed.ShouldBeLessThan(Patience, what);
    }

    private static string Text(byte[] snapshot) => snapshot.Length == 0 ? "" : Encoding.UTF8.GetString(S2Block.Decode(snapshot, 1 << 28));

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        var changed = bytes.ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(changed.Count + 1);
            switch (random.Next(4))
            {
                case 0 when at < changed.Count: changed[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: changed.InsertRange(at, Words[random.Next(Words.Length)]); break;
                case 2: changed.RemoveRange(at, Math.Min(random.Next(1, 20), changed.Count - at)); break;
                default: changed.InsertRange(at, changed.GetRange(at, Math.Min(random.Next(1, 60), changed.Count - at))); break;
            }
        }
        return [.. changed];
    }
}
