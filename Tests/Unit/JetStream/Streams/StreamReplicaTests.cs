using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

/// <summary>The same log makes the same stream, wherever and how often it is applied.</summary>
public sealed class StreamReplicaTests
{
    private static readonly StreamConfiguration Plain = new()
    {
        Name = "S",
        MaxMessages = -1,
        MaxBytes = -1,
        MaxMessagesPerSubject = -1,
        MaxMessageSize = -1,
        DuplicateWindow = 50,
        AllowRollup = true,
    };

    /// <summary>Found by the simulated cluster: a member that had fetched its messages kept one that the others had purged.</summary>
    [Fact]
    public void A_purge_that_keeps_some_removes_the_same_where_more_is_gone_already()
    {
        using var full = new MemoryMessageStore();
        using var fetched = new MemoryMessageStore();
        foreach (var store in new[] { full, fetched })
        {
            for (var sequence = 1UL; sequence <= 5; sequence++) store.Append(new StoredMessage { Sequence = sequence, Timestamp = 1000, Subject = "s.1"u8, Payload = "x"u8 });
        }
        // What is removed later is missing already where messages were fetched.
        fetched.Remove(4, erase: false);
        var (one, other) = (new StreamReplica(Plain, full), new StreamReplica(Plain, fetched));
        var request = one.Settle(new PurgeRequestEntry { Filter = "s.*", Keep = 2 });
        request.ShouldBe(new PurgeRequestEntry { Filter = "s.*", Sequence = 4 });
        var entry = JsonEntry.Encode(EntryOperation.PurgeStream, new PurgeStreamEntry { Stream = "S", LastSequence = 5, Request = request }, EntryJson.Default.PurgeStreamEntry);
        one.Apply(entry).ShouldBeTrue();
        other.Apply(entry).ShouldBeTrue();
        full.Remove(4, erase: false);
        fetched.State.ShouldBe(full.State);
        one.Settle(new PurgeRequestEntry { Keep = 9 }).ShouldBe(new PurgeRequestEntry { Sequence = 5 });
        one.Settle(new PurgeRequestEntry { Filter = "s.1" }).ShouldBe(new PurgeRequestEntry { Filter = "s.1" });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void ReplicasAreEqualHoweverOftenTheyStart(int seed)
    {
        var random = new Random(seed);
        var configuration = Configure(random);
        var leader = new Peer(configuration);
        var log = new List<byte[]>();
        var acknowledged = new List<(ulong Sequence, string Payload)>();
        for (var now = 1000L; log.Count < 400; now += random.Next(3))
        {
            if (Next(leader.Replica, random, now, acknowledged) is not { } entry) continue;
            log.Add(entry);
            leader.Replica.Apply(entry).ShouldBeTrue($"seed {seed}, entry {log.Count}");
        }
        var follower = new Peer(configuration);
        for (var i = 0; i < log.Count; i++)
        {
            follower.Replica.Apply(log[i]).ShouldBeTrue();
            // A restart forgets everything but the messages, and sees the last entries again.
            if (random.Next(20) == 0) follower.Restart();
            for (var again = random.Next(10) == 0 ? Math.Max(0, i - 5) : i; again < i; again++)
            {
                if (log[again][0] == (byte)EntryOperation.StreamMessage) follower.Replica.Apply(log[again]).ShouldBeTrue();
            }
        }
        follower.Describe().ShouldBe(leader.Describe(), $"seed {seed}");
        // Ids of messages that are gone are known only to those who have not started since (as upstream's).
        foreach (var (id, sequence) in follower.IdsWithin(configuration.DuplicateWindow))
        {
            var again = Message("s.0", id, follower.Replica.State.LastTimestamp);
            follower.Replica.Propose(again, default, out _).Duplicate.ShouldBe(sequence, $"seed {seed}, {id}");
            leader.Replica.Propose(again, default, out _).Duplicate.ShouldBe(sequence, $"seed {seed}, {id}");
        }
        foreach (var (sequence, payload) in acknowledged.Where(sent => leader.Holds(sent.Sequence)))
        {
            leader.Payload(sequence).ShouldBe(payload, $"seed {seed}, message {sequence}");
        }
    }

    [Fact]
    public void IdsSurviveAStart()
    {
        var peer = new Peer(Plain);
        peer.Publish("a", "one", 1000);
        peer.Publish("a", "two", 1040);
        peer.Publish("a", "three", 1060);
        peer.Restart();
        peer.Replica.Propose(Message("a", "two", 1070), default, out _).Duplicate.ShouldBe(2UL);
        peer.Replica.Propose(Message("a", "one", 1070), default, out _).Duplicate.ShouldBe(0UL, "its time is over");
        peer.Replica.Propose(Message("a", "new", 1070, "Nats-Expected-Last-Msg-Id: three"), default, out _).Error.ShouldBeNull();
    }

    /// <summary>The store remembers where the last id is: a start reads no further.</summary>
    [Fact]
    public void IdsAreLookedForNoFurtherThanTheLastOne()
    {
        var store = new MemoryMessageStore();
        var first = new StreamReplica(Plain, store);
        store.Landmark.ShouldBe(0UL, "nothing is there");
        foreach (var id in new[] { "", "one", "", "" })
        {
            first.Propose(Message("a", id, 1000), default, out var entry).Error.ShouldBeNull();
            first.Apply(Encode(entry));
        }
        store.Landmark.ShouldBe(2UL);
        var next = new StreamReplica(Plain, store);
        (next.RememberedIds, store.Landmark).ShouldBe((1, 2UL));
        next.Propose(Message("a", "one", 1010), default, out _).Duplicate.ShouldBe(2UL);
        next.Propose(Message("a", "x", 1010, "Nats-Expected-Last-Msg-Id: one"), default, out _).Error.ShouldNotBeNull("the last message has none");
        store.Landmark = 1;
        new StreamReplica(Plain, store).RememberedIds.ShouldBe(0, "nothing behind it is read");
        store.Landmark = ulong.MaxValue;
        new StreamReplica(Plain, store).RememberedIds.ShouldBe(1, "it was not known: everything is read");
        store.Landmark.ShouldBe(2UL);
    }

    [Fact]
    public void TimeDoesNotRunBackwards()
    {
        var peer = new Peer(Plain);
        peer.Publish("a", "one", 1000);
        peer.Replica.Propose(Message("a", "two", 900), default, out var entry);
        entry.Timestamp.ShouldBe(1000);
    }

    [Fact]
    public void SequencesThatALeaderLeftOutAreLeftOut()
    {
        var peer = new Peer(Plain);
        peer.Apply(new StreamMessageEntry { LastSequence = 4, Timestamp = 1, Subject = "a"u8 });
        peer.Apply(new StreamMessageEntry { LastSequence = 5, Timestamp = 0 });
        peer.Apply(new StreamMessageEntry { LastSequence = 6, Timestamp = 2, Subject = "a"u8 });
        (peer.Replica.State.FirstSequence, peer.Replica.State.LastSequence, peer.Replica.State.Messages).ShouldBe((5UL, 7UL, 2UL));
    }

    /// <summary>Two batches that real servers committed.</summary>
    [Fact]
    public void RecordedBatchesAreThereAtOnce()
    {
        var peer = new Peer(Plain);
        var entries = File.ReadLines(Golden.PathOf("nrg", "stream-entries.jsonl")).Select(Golden.ParseText)
            .Where(line => line.GetProperty("decoded").TryGetProperty("batch_id", out _)).ToList();
        var first = entries[0].GetProperty("decoded").GetProperty("msg").GetProperty("lseq").GetUInt64();
        peer.Apply(new StreamMessageEntry { LastSequence = first - 1, Timestamp = 1, Subject = "before"u8 });
        var messages = 1UL;
        foreach (var line in entries)
        {
            peer.Replica.Apply(Convert.FromHexString(line.GetProperty("hex").GetString()!)).ShouldBeTrue();
            var decoded = line.GetProperty("decoded");
            var commits = decoded.GetProperty("op").GetInt32() == (int)EntryOperation.BatchCommitMessage;
            if (commits) messages += decoded.GetProperty("batch_seq").GetUInt64();
            (peer.Replica.State.Messages, peer.Replica.HasStagedBatch).ShouldBe((messages, !commits), line.ToString());
        }
        messages.ShouldBeGreaterThan(4UL);
    }

    [Theory]
    [InlineData("1 2 3!", 3)]
    [InlineData("1 3!", 0)]
    [InlineData("2!", 0)]
    [InlineData("1!", 1)]
    [InlineData("1 2 x 3!", 1)]
    [InlineData("1 2 other 3!", 0)]
    [InlineData("1 other!", 1)]
    [InlineData("x 1 2! x", 4)]
    [InlineData("1 2 1 2!", 2)]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishProposeOne")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishProposeMultiple")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishProposeOnePartialBatch")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishProposeMultiplePartialBatches")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishPartialBatchInSharedAppendEntry")]
    public void ABatchIsWholeOrNotAtAll(string entries, int stored)
    {
        var peer = new Peer(Plain);
        foreach (var entry in entries.Split(' '))
        {
            var last = peer.Replica.State.LastSequence;
            if (entry == "x") peer.Apply(new StreamMessageEntry { LastSequence = last, Timestamp = 1, Subject = "x"u8 });
            else peer.Apply(Batched(entry, last));
        }
        peer.Replica.State.Messages.ShouldBe((ulong)stored);
        peer.Replica.HasStagedBatch.ShouldBeFalse();

        static StreamMessageEntry Batched(string entry, ulong last)
        {
            var isOther = entry.StartsWith("other", StringComparison.Ordinal);
            var number = isOther ? 1UL : ulong.Parse(entry.TrimEnd('!'), System.Globalization.CultureInfo.InvariantCulture);
            return new StreamMessageEntry
            {
                LastSequence = last + number - 1,
                Timestamp = 1,
                Subject = "s"u8,
                BatchId = isOther ? "o"u8 : "b"u8,
                BatchSequence = number,
                CommitsBatch = entry.EndsWith('!'),
            };
        }
    }

    [Fact]
    public void UnknownAndDamagedEntriesChangeNothing()
    {
        var peer = new Peer(Plain);
        peer.Publish("a", "one", 1000);
        var before = peer.Describe();
        foreach (var entry in new byte[][] { [], [255], [4, 1, 2], [5, (byte)'{'], [6], [7, 1, 1, 1, 1] }) peer.Replica.Apply(entry).ShouldBeFalse();
        peer.Describe().ShouldBe(before);
    }

    private static StreamConfiguration Configure(Random random) => Plain with
    {
        MaxMessages = random.Next(2) == 0 ? -1 : 40,
        MaxBytes = random.Next(3) == 0 ? 2000 : -1,
        MaxMessagesPerSubject = random.Next(2) == 0 ? -1 : 3,
        Discard = random.Next(3) == 0 ? DiscardPolicy.New : DiscardPolicy.Old,
    };

    /// <summary>What a leader might append next; null: the message was refused.</summary>
    private static byte[]? Next(StreamReplica leader, Random random, long now, List<(ulong, string)> acknowledged)
    {
        var last = leader.State.LastSequence;
        switch (random.Next(20))
        {
            case 0:
                var request = new PurgeRequestEntry { Filter = random.Next(2) == 0 ? "s.*" : $"s.{random.Next(6)}", Keep = (ulong)random.Next(3) };
                return JsonEntry.Encode(EntryOperation.PurgeStream, new PurgeStreamEntry { Stream = "S", LastSequence = last, Request = request }, EntryJson.Default.PurgeStreamEntry);
            case 1:
                var delete = new DeleteMessageEntry { Stream = "S", Sequence = (ulong)random.NextInt64((long)last + 2), NoErase = random.Next(2) == 0 };
                return JsonEntry.Encode(EntryOperation.DeleteMessage, delete, EntryJson.Default.DeleteMessageEntry);
            default:
                var header = random.Next(10) switch { 0 => "Nats-Rollup: sub", 1 when random.Next(8) == 0 => "Nats-Rollup: all", _ => "" };
                var message = Message($"s.{random.Next(6)}", $"id{random.Next(60)}", now, header);
                var admission = leader.Propose(message, default, out var entry);
                if (admission.Error is not null || admission.Duplicate > 0) return null;
                acknowledged.Add((entry.LastSequence + 1, Encoding.ASCII.GetString(message.Payload)));
                return Encode(entry);
        }
    }

    private static StoredMessage Message(string subject, string id, long now, string header = "") => new()
    {
        Sequence = 0,
        Timestamp = now,
        Subject = Encoding.ASCII.GetBytes(subject),
        Headers = Encoding.ASCII.GetBytes($"NATS/1.0\r\nNats-Msg-Id: {id}\r\n{(header.Length == 0 ? "" : header + "\r\n")}\r\n"),
        Payload = Encoding.ASCII.GetBytes($"{subject} {id} at {now}"),
    };

    private static byte[] Encode(in StreamMessageEntry entry)
    {
        var target = new byte[entry.MaxLength];
        return target[..entry.Encode(target)];
    }

    /// <summary>A replica over a store that outlives it.</summary>
    private sealed class Peer(StreamConfiguration configuration)
    {
        private readonly MemoryMessageStore _store = new();
        private readonly MessageBuffer _buffer = new();
        private StreamReplica? _replica;

        public StreamReplica Replica => _replica ??= new StreamReplica(configuration, _store);

        public void Restart() => _replica = null;

        public void Publish(string subject, string id, long now)
        {
            Replica.Propose(Message(subject, id, now), default, out var entry).Error.ShouldBeNull();
            Apply(entry);
        }

        public void Apply(in StreamMessageEntry entry) => Replica.Apply(Encode(entry)).ShouldBeTrue();

        public bool Holds(ulong sequence) => _store.TryLoad(sequence, _buffer);

        /// <summary>The ids of stored messages that are not too old, each with its last sequence.</summary>
        public Dictionary<string, ulong> IdsWithin(long window)
        {
            var ids = new Dictionary<string, ulong>();
            for (var sequence = 0UL; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
            {
                if (_store.State.LastTimestamp - _buffer.Timestamp < window) ids[Encoding.ASCII.GetString(new PublishHeaders(_buffer.Headers).MessageId)] = _buffer.Sequence;
            }
            return ids;
        }

        public string Payload(ulong sequence)
        {
            _store.TryLoad(sequence, _buffer).ShouldBeTrue();
            return Encoding.ASCII.GetString(_buffer.Payload);
        }

        public string Describe()
        {
            var text = new StringBuilder().AppendLine(_store.State.ToString());
            for (var sequence = 0UL; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
            {
                text.AppendLine($"{_buffer.Sequence} {_buffer.Timestamp} {Encoding.ASCII.GetString(_buffer.Subject)} {Encoding.ASCII.GetString(_buffer.Payload)}");
            }
            return text.ToString();
        }
    }
}
