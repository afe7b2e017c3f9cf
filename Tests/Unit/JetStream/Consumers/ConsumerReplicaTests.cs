using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>The consumer's state over its log, against logs and snapshots that three real servers sent each other.</summary>
public sealed class ConsumerReplicaTests : IConsumerObserver
{
    private readonly List<ulong> _released = [];

    [Fact]
    public void RecordedEntriesAreReadAndWrittenAlike()
    {
        var seen = new HashSet<EntryOperation>();
        foreach (var (from, _, bytes, decoded) in Recorded())
        {
            if (!decoded.TryGetProperty("op", out var operation)) continue;
            seen.Add((EntryOperation)operation.GetByte());
            new ConsumerReplica(LedConsumer.Pull).Apply(bytes, this).ShouldBeTrue(from);
            Again(decoded, bytes).ShouldBe(bytes, from);
        }
        seen.Count.ShouldBe(6);
    }

    [Fact]
    public void RecordedSnapshotsAreReadAndWrittenAlike()
    {
        var count = 0;
        foreach (var (from, _, bytes, decoded) in Recorded())
        {
            if (!decoded.TryGetProperty("consumer_state", out var state)) continue;
            var replica = new ConsumerReplica(LedConsumer.Pull);
            replica.Decode(bytes).ShouldBeNull(from);
            ShouldBe(replica, state.GetProperty("state"), from);
            var again = new ConsumerReplica(LedConsumer.Pull);
            again.Decode(Encode(replica)).ShouldBeNull(from);
            ShouldBe(again, state.GetProperty("state"), from);
            Encode(again).ShouldBe(Encode(replica));
            count++;
        }
        count.ShouldBeGreaterThan(5);
    }

    [Fact]
    public void RecordedLogsLeadToTheRecordedSnapshots()
    {
        var compared = 0;
        foreach (var group in Recorded().GroupBy(one => one.Group))
        {
            // The consumer DI2.
            var policy = group.Key == "C-R3F-c438mrfM" ? AckPolicy.All : AckPolicy.Explicit;
            var replica = new ConsumerReplica(LedConsumer.Pull with { AckPolicy = policy });
            foreach (var (from, _, bytes, decoded) in group)
            {
                if (decoded.TryGetProperty("op", out _)) replica.Apply(bytes, this).ShouldBeTrue(from);
                else if (replica.HasState)
                {
                    var state = decoded.GetProperty("consumer_state").GetProperty("state");
                    ReadPair(state, "delivered").ShouldBe(replica.Delivered, from);
                    Pending(Encode(replica)).Select(one => one.StreamSequence).ShouldBe(PendingOf(state), from);
                    // Where nothing waits, the real one leaves the stream's floor where the last acknowledgement was.
                    if (replica.AckPending > 0) ReadPair(state, "ack_floor").ShouldBe(replica.AckFloor, from);
                    else replica.AckFloor.ShouldBe(replica.Delivered, from);
                    compared++;
                }
            }
        }
        compared.ShouldBeGreaterThan(3);
    }

    [Fact]
    public void EntriesThatComeTwiceChangeNothing()
    {
        foreach (var policy in new[] { AckPolicy.None, AckPolicy.All, AckPolicy.Explicit })
        {
            using var consumer = new LedConsumer(LedConsumer.Pull with { AckPolicy = policy, AckWait = LedConsumer.Second, MaxDeliver = 2 }, messages: 20);
            consumer.Ask("9");
            consumer.Ack(2);
            consumer.Pass(1);
            consumer.Ack(4);
            consumer.Ask("5");
            consumer.Ack(5, "-NAK 3s");
            consumer.Pass(5);
            consumer.Ask("5");
            var expected = Encode(consumer.Replica);
            for (var from = 0; from < consumer.Log.Count; from++)
            {
                var state = new ConsumerReplica(consumer.Replica.Configuration);
                consumer.Log.ForEach(entry => state.Apply(entry, this));
                foreach (var entry in consumer.Log.Skip(from)) state.Apply(entry, this).ShouldBeTrue();
                if (from == 0 || policy != AckPolicy.All) Encode(state).ShouldBe(expected, $"{policy} from {from}");
                else state.Delivered.ShouldBe(consumer.Replica.Delivered);
            }
        }
    }

    [Fact]
    public void WhatNeedsAgreementRunsAheadOfTheReplica()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull, 3, new ConsumerLeaderOptions { Stream = "S", IsReplicated = true });
        consumer.Ask("2").ShouldBe("r<-1 r<-2");
        consumer.Ack(1);
        consumer.Replica.Delivered.ShouldBe(default);
        consumer.Figures.Delivered.ShouldBe(default);
        consumer.Commit();
        consumer.Replica.Delivered.ShouldBe(new SequencePair(2, 2));
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(1, 1));
        consumer.Released.ShouldBe([1]);
    }

    [Fact]
    public void WhatWasGivenUpIsRememberedAtTheFloor()
    {
        using var consumer = new LedConsumer(LedConsumer.Pull with { MaxDeliver = 1, AckWait = LedConsumer.Second }, messages: 2);
        consumer.Ask("2");
        consumer.Pass(2);
        consumer.Replica.AckFloor.ShouldBe(new SequencePair(2, 2));
        consumer.Restart();
        consumer.Replica.Needs(1).ShouldBeTrue();
        consumer.Replica.Needs(2).ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("07")]
    [InlineData("0701")]
    [InlineData("07ffffffffffffffffffff01010101")]
    [InlineData("0a01000000")]
    [InlineData("12")]
    [InlineData("0500")]
    [InlineData("0a0000000000000080")]
    [InlineData("63")]
    public void DamagedEntriesAreRefused(string hex)
    {
        var replica = new ConsumerReplica(LedConsumer.Pull);
        replica.Apply(Convert.FromHexString(hex), this).ShouldBeFalse();
        replica.HasState.ShouldBeFalse();
    }

    [Theory]
    [InlineData("", "no such file")]
    [InlineData("16020505040400", "its floor lies above what was delivered")]
    [InlineData("160200000101ffffffff0f", "its pending messages are damaged")]
    [InlineData("16020000010101000501000000", "message 5 cannot wait")]
    public void DamagedStatesAreRefused(string hex, string error)
    {
        var replica = new ConsumerReplica(LedConsumer.Pull);
        replica.Decode(Convert.FromHexString(hex)).ShouldBe(error);
        replica.HasState.ShouldBeFalse();
    }

    [Fact]
    public void RandomBytesHarmNothing()
    {
        var random = new Random(7);
        var replica = new ConsumerReplica(LedConsumer.Pull);
        var bytes = new byte[40];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            bytes[0] = (byte)random.Next(7, 20);
            replica.Apply(bytes.AsSpan(0, random.Next(bytes.Length)), this);
            bytes[0] = 22;
            bytes[1] = 2;
            _ = new ConsumerReplica(LedConsumer.Pull).Decode(bytes.AsSpan(0, random.Next(bytes.Length)));
        }
        var again = new ConsumerReplica(LedConsumer.Pull);
        again.Decode(Encode(replica)).ShouldBeNull();
        Encode(again).ShouldBe(Encode(replica));
    }

    void IConsumerObserver.Released(ulong sequence) => _released.Add(sequence);

    void IConsumerObserver.ReleasedThrough(ulong sequence) => _released.Add(sequence);

    private static byte[] Encode(ConsumerReplica replica)
    {
        var target = new ArrayBufferWriter<byte>();
        replica.Encode(target);
        return target.WrittenSpan.ToArray();
    }

    private static byte[] Again(JsonElement decoded, byte[] bytes)
    {
        Span<byte> room = stackalloc byte[ConsumerEntry.MaxLength];
        return (EntryOperation)bytes[0] switch
        {
            EntryOperation.UpdateDelivered => ConsumerEntry.Delivered(room, Number(decoded, "dseq"), Number(decoded, "sseq"), Number(decoded, "dc"), decoded.GetProperty("ts").GetInt64()).ToArray(),
            EntryOperation.UpdateAcks => ConsumerEntry.Acknowledged(room, Number(decoded, "dseq"), Number(decoded, "sseq")).ToArray(),
            EntryOperation.UpdateSkip => ConsumerEntry.Skip(room, Number(decoded, "sseq")).ToArray(),
            EntryOperation.ResetSequence => ConsumerEntry.Reset(Number(decoded, "seq"), Encoding.UTF8.GetBytes(decoded.TryGetProperty("reply", out var reply) ? reply.GetString()! : "")),
            _ => bytes,
        };
    }

    private static void ShouldBe(ConsumerReplica replica, JsonElement state, string from)
    {
        replica.Delivered.ShouldBe(ReadPair(state, "delivered"), from);
        replica.AckFloor.ShouldBe(ReadPair(state, "ack_floor"), from);
        Pending(Encode(replica)).Select(one => one.StreamSequence).ShouldBe(PendingOf(state), from);
        if (!state.TryGetProperty("pending", out var pending)) return;
        foreach (var one in Pending(Encode(replica)))
        {
            var expected = pending.GetProperty($"{one.StreamSequence}");
            one.ConsumerSequence.ShouldBe(Number(expected, "Sequence"), from);
            one.Timestamp.ShouldBe(expected.GetProperty("Timestamp").GetInt64(), from);
        }
    }

    private static IEnumerable<GoPending> Pending(byte[] state)
    {
        GoConsumerState.Read(state, out var read).ShouldBeNull();
        return read.Pending;
    }

    private static IEnumerable<ulong> PendingOf(JsonElement state) =>
        state.TryGetProperty("pending", out var pending) ? pending.EnumerateObject().Select(one => ulong.Parse(one.Name)).Order() : [];

    private static SequencePair ReadPair(JsonElement state, string name) =>
        new(Number(state.GetProperty(name), "consumer_seq"), Number(state.GetProperty(name), "stream_seq"));

    private static ulong Number(JsonElement element, string name) => element.GetProperty(name).GetUInt64();

    private static IEnumerable<(string From, string Group, byte[] Bytes, JsonElement Decoded)> Recorded() =>
        File.ReadLines(Golden.PathOf("nrg", "consumer-entries.jsonl")).Select(Golden.ParseText).Select(one => (
            one.GetProperty("from").GetString()!, one.GetProperty("group").GetString()!,
            Convert.FromHexString(one.GetProperty("hex").GetString()!), one.GetProperty("decoded")));
}
