using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Streams;

namespace NatsAspire.Tests.Fuzz;

/// <summary>What replicas send each other, changed at random: it is refused, or does no more than it says.</summary>
public sealed class ReplicationFuzzTests
{
    private const int Rounds = 4000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SnapshotsAreReadOrRefused(int seed)
    {
        var recorded = Recorded("stream-snapshots.jsonl");
        for (var round = 0; round < Rounds; round++)
        {
            var random = new Random((seed * 100_000) + round);
            var bytes = Mutate(random, recorded[random.Next(recorded.Length)]);
            if (!StreamSnapshot.TryDecode(bytes, out var snapshot)) continue;
            var before = 0UL;
            var count = 0;
            foreach (var range in snapshot!.Deleted)
            {
                (range.First > before || count == 0).ShouldBeTrue($"seed {seed}, round {round}: {range} after {before}");
                range.Last.ShouldBeGreaterThanOrEqualTo(range.First, $"seed {seed}, round {round}");
                before = range.Last;
                (++count).ShouldBeLessThan(bytes.Length * 8, $"seed {seed}, round {round}");
            }
            using var store = new MemoryMessageStore();
            for (var sequence = 1UL; sequence <= 50; sequence++) store.Append(new StoredMessage { Sequence = sequence, Timestamp = 1, Subject = "a"u8 });
            var replica = new StreamReplica(LedStream.Plain, store) { IsReplicated = true };
            replica.Install(snapshot);
            replica.CountLacking(snapshot).ShouldBeLessThanOrEqualTo(snapshot.LastSequence + 1, $"seed {seed}, round {round}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void EntriesAreAppliedOrRefused(int seed)
    {
        var recorded = Recorded("stream-entries.jsonl");
        for (var round = 0; round < Rounds / 10; round++)
        {
            var random = new Random((seed * 100_000) + round);
            using var store = new MemoryMessageStore();
            var replica = new StreamReplica(LedStream.Plain with { AllowAtomicPublish = true, AllowBatchPublish = true, AllowMessageSchedules = true, AllowMessageTtl = true }, store) { IsReplicated = true };
            for (var i = 0; i < 40; i++)
            {
                var outcome = replica.Apply(random.Next(3) == 0 ? Mutate(random, recorded[random.Next(recorded.Length)]) : recorded[random.Next(recorded.Length)], null);
                outcome.ShouldBeOneOf(Enum.GetValues<EntryOutcome>());
                if (!replica.HasStagedBatch) StreamSnapshot.TryDecode(replica.TakeSnapshot(), out _).ShouldBe((store.State.LastSequence | replica.Failed) >> 63 == 0, $"seed {seed}, round {round}");
            }
        }
    }

    [Fact]
    public void RequestsAreReadOrRefused()
    {
        var recorded = Recorded("stream-catchups.jsonl");
        for (var round = 0; round < Rounds; round++)
        {
            var random = new Random(500_000 + round);
            var bytes = Mutate(random, recorded[random.Next(recorded.Length)]);
            if (StreamSyncRequest.Decode(bytes) is { } request) request.FirstSequence.ShouldBeGreaterThan(0UL);
            using var store = new MemoryMessageStore();
            var replica = new StreamReplica(LedStream.Plain, store) { IsReplicated = true };
            replica.TakeFetched(bytes, 1000);
            store.State.LastSequence.ShouldBeLessThanOrEqualTo(1000UL);
        }
    }

    private static byte[][] Recorded(string file) =>
        [.. File.ReadLines(Golden.PathOf("nrg", file)).Select(line => Convert.FromHexString(Golden.ParseText(line).GetProperty("hex").GetString()!)).Where(bytes => bytes.Length > 0)];

    private static byte[] Mutate(Random random, byte[] bytes)
    {
        bytes = [.. bytes];
        for (var i = random.Next(1, 6); i > 0; i--) bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)(bytes[random.Next(bytes.Length)] ^ (1 << random.Next(8)));
        if (random.Next(4) == 0) bytes = bytes[..random.Next(1, bytes.Length + 1)];
        return random.Next(6) == 0 ? [.. bytes, .. bytes[..random.Next(bytes.Length)]] : bytes;
    }
}
