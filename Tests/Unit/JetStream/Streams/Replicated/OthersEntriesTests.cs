using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>Entries as Go leaders make them: judged when they are applied, and alike everywhere.</summary>
public sealed class OthersEntriesTests
{
    private readonly StreamReplica _replica = new(LedStream.Plain, new MemoryMessageStore()) { IsReplicated = true };

    /// <summary>What is refused when it is applied uses its sequence up in the log, not in the stream.</summary>
    [Fact]
    public void RefusedEntriesAreCounted()
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.Append(Message(0, headers: "Nats-Msg-Id: one"));
        group.Append(Message(1, headers: "Nats-Expected-Last-Msg-Id: other", reply: "r1"));
        group.Append(Message(2, reply: "r2"));
        group.Append(Message(3, headers: "Nats-Expected-Last-Msg-Id: one", reply: "r3"));
        group.Append(Message(4, reply: "r4"));
        group.Commit();
        group.Take("r1").ShouldNotBeNull().ShouldContain("10070");
        group.Take("r2").ShouldBe("""{"stream":"S","seq":2}""");
        group.Take("r3").ShouldNotBeNull().ShouldContain("10070", customMessage: "the last message has no id");
        group.Take("r4").ShouldBe("""{"stream":"S","seq":3}""");
        group.ShouldBeAlike();
        group.Replica(2).Failed.ShouldBe(2UL);
        // Ours goes on from there.
        group.FailOver(1, 0);
        group.Publish("a", "Nats-Expected-Last-Sequence: 3", "", "r5");
        group.Commit();
        group.Take("r5").ShouldBe("""{"stream":"S","seq":4}""");
        StreamMessageEntry.TryDecode(group.Log.Last(), new(), out var entry).ShouldBeTrue();
        entry.LastSequence.ShouldBe(5UL);
    }

    /// <summary>Replicas may remember other ids after a start, so what our leader has judged is not judged again.</summary>
    [Fact]
    public void WhatOurLeaderHasJudgedIsNotJudgedAgain()
    {
        Apply(Message(0, headers: "Nats-Msg-Id: one")).ShouldBe(EntryOutcome.Applied);
        var judged = new StreamMessageEntry { LastSequence = 1, Timestamp = 1, Subject = "a"u8, Headers = "NATS/1.0\r\nNats-Expected-Last-Msg-Id: gone\r\n\r\n"u8, IsJudged = true };
        Apply(Bytes(judged)).ShouldBe(EntryOutcome.Applied);
        StreamMessageEntry.TryDecode(Bytes(judged), new(), out var again).ShouldBeTrue();
        (again.IsJudged, again.IsSourced).ShouldBe((true, false));
        _replica.State.LastSequence.ShouldBe(2UL);
    }

    [Fact]
    public void EntriesFollowEachOther()
    {
        Apply(Message(0)).ShouldBe(EntryOutcome.Applied);
        Apply(Message(0)).ShouldBe(EntryOutcome.Passed, "it was applied before");
        Apply(Message(2)).ShouldBe(EntryOutcome.Gap);
        Apply(Range(4, 2)).ShouldBe(EntryOutcome.Gap);
        _replica.State.LastSequence.ShouldBe(1UL);
        _replica.Apply([99], null).ShouldBe(EntryOutcome.Unknown);
        _replica.Apply([], null).ShouldBe(EntryOutcome.Unknown);
        // Where nothing is left, the leader may know no more than that what was there is gone.
        _replica.Store.Purge(SubjectFilter.All, 0, 0);
        Apply(Message(7)).ShouldBe(EntryOutcome.Applied);
        (_replica.State.FirstSequence, _replica.State.LastSequence).ShouldBe((8UL, 8UL));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterApplyDeleteRangeOpIdempotent")]
    public void RangesThatAreThereAlreadyAreCutOff()
    {
        Apply(Range(1, 5)).ShouldBe(EntryOutcome.Applied);
        Apply(Message(5)).ShouldBe(EntryOutcome.Applied);
        Apply(Range(1, 5)).ShouldBe(EntryOutcome.Passed);
        Apply(Range(4, 6)).ShouldBe(EntryOutcome.Applied, "the rest of it is new");
        Apply(Range(10, 0)).ShouldBe(EntryOutcome.Passed);
        Apply(Range(ulong.MaxValue, 9)).ShouldBe(EntryOutcome.Passed);
        (_replica.State.FirstSequence, _replica.State.LastSequence, _replica.State.Messages).ShouldBe((6UL, 9UL, 1UL));
    }

    /// <summary>Time does not run backwards in a stream, though the clocks of its leaders may differ.</summary>
    [Fact]
    public void ClocksOfLeadersMayDiffer()
    {
        Apply(Bytes(new StreamMessageEntry { LastSequence = 0, Timestamp = 1000, Subject = "a"u8 }));
        Apply(Bytes(new StreamMessageEntry { LastSequence = 1, Timestamp = 900, Subject = "a"u8 }));
        Apply(Bytes(new StreamMessageEntry { LastSequence = 2, Timestamp = 0 }));
        (_replica.State.LastTimestamp, _replica.State.LastSequence).ShouldBe((1000L, 3UL));
    }

    /// <summary>A Go leader lets each replica decide whether anybody wants a message.</summary>
    [Fact]
    public void WhatNobodyWantsIsLeftOut()
    {
        _replica.Wants = subject => subject.SequenceEqual("wanted"u8);
        var heard = new Heard();
        _replica.Apply(Message(0, "a"), heard).ShouldBe(EntryOutcome.Applied);
        _replica.Apply(Message(1, "wanted"), heard).ShouldBe(EntryOutcome.Applied);
        _replica.Apply(Message(2, "a", "Nats-Msg-Id: x"), heard).ShouldBe(EntryOutcome.Applied);
        heard.What.ShouldBe(["stored 1", "storing 2", "stored 2", "stored 3"]);
        (_replica.State.Messages, _replica.State.LastSequence, _replica.RememberedIds).ShouldBe((1UL, 3UL, 1));
    }

    [Fact]
    public void FlowControlThroughTheLogIsAnsweredByTheLeader()
    {
        using var group = new StreamGroup(LedStream.Plain);
        var request = "NATS/1.0 100 FlowControl Request\r\nNats-Last-Consumer: 7\r\nNats-Last-Stream: 9\r\n\r\n"u8.ToArray();
        group.Append(new StreamMessageEntry { Reply = "$JS.FC.O.C.x"u8, Headers = request });
        group.Append(new StreamMessageEntry { Reply = "$JS.FC.O.C.y"u8, Headers = "NATS/1.0 100 FlowControl Request\r\n\r\n"u8 });
        group.Commit();
        group.ShouldBeAlike();
        group.Store.State.LastSequence.ShouldBe(0UL);
        group.Published.ShouldBe([("$JS.FC.O.C.x", "NATS/1.0\r\nNats-Last-Consumer: 7\r\nNats-Last-Stream: 9\r\n\r\n", ""), ("$JS.FC.O.C.y", "", "")]);
    }

    /// <summary>What a client says like an origin is a message, and is stored without the status.</summary>
    [Fact]
    public void WhatLooksLikeFlowControlIsAMessage()
    {
        using var group = new StreamGroup(LedStream.Plain);
        foreach (var (headers, stored) in new[] { (" 100 FlowControl Request\r\n", ""), (" 503\r\na: b\r\n", "NATS/1.0|a: b||") })
        {
            group.Leader.Publish(new StoredMessage { Sequence = 0, Timestamp = group.Now, Subject = "a"u8, Headers = Encoding.ASCII.GetBytes($"NATS/1.0{headers}\r\n") }, "r"u8, group).ShouldBeTrue();
            group.Publish("a");
            group.Commit();
            group.Published.ShouldAllBe(answer => answer.Payload.Contains("seq"));
            var buffer = new MessageBuffer();
            group.Store.TryLoad(group.Store.State.LastSequence - 1, buffer).ShouldBeTrue();
            Encoding.ASCII.GetString(buffer.Headers).Replace("\r\n", "|").ShouldBe(stored);
        }
        group.Store.State.Messages.ShouldBe(4UL);
        group.ShouldBeAlike();
    }

    /// <summary>Each part: id, number, whether it commits; <c>|</c>: something else in the log.</summary>
    [Theory]
    [InlineData("a1 a2 a3! ", 3, 0)]
    [InlineData("a1 a2 |", 0, 2)]
    [InlineData("a1 a2 x", 1, 2)]
    [InlineData("a1 a3! x", 1, 2)]
    [InlineData("a2 x", 1, 1)]
    [InlineData("a2! x", 1, 1)]
    [InlineData("a1 b1 b2! x", 3, 1)]
    [InlineData("a1 a1 a2! x", 3, 1)]
    [InlineData("a1 a2 b5! x", 1, 3)]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishPartiallyAppliedBatchOnRecovery")]
    public void PartsOfBatchesAreCounted(string log, int stored, int failed)
    {
        var position = 0UL;
        foreach (var part in log.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "|") _replica.EndBatch();
            else if (part == "x") Apply(Message(position++)).ShouldBe(EntryOutcome.Applied);
            else Apply(Part(part, position++)).ShouldNotBe(EntryOutcome.Unknown);
        }
        (_replica.State.Messages, _replica.Failed, _replica.LogSequence).ShouldBe(((ulong)stored, (ulong)failed, position));
        // A start sees the last entries again: what it has is passed over, and nothing is counted twice.
        foreach (var (part, index) in log.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "|").Select((part, index) => (part, index)))
        {
            if (part.EndsWith('!') && part.Contains('1', StringComparison.Ordinal)) Apply(Part(part, (ulong)index)).ShouldBe(EntryOutcome.Passed);
        }
    }

    /// <summary>A batch whose beginning is below a snapshot was whole: its rest is passed over when it comes again.</summary>
    [Fact]
    public void TheRestOfABatchThatIsThereIsPassedOver()
    {
        Apply(Part("a1", 0));
        Apply(Part("a2", 1));
        Apply(Part("a3!", 2));
        Apply(Part("a2", 1)).ShouldBe(EntryOutcome.Passed);
        Apply(Part("a3!", 2)).ShouldBe(EntryOutcome.Passed);
        (_replica.State.Messages, _replica.Failed).ShouldBe((3UL, 0UL));
    }

    /// <summary>Replicas that go by a snapshot and what comes behind it are like those that have seen the whole log.</summary>
    [Fact]
    public void ASnapshotStandsForTheLogBeforeIt()
    {
        using var group = new StreamGroup(LedStream.Plain with { AllowAtomicPublish = true });
        group.Append(Message(0));
        group.Append(Message(1, headers: "Nats-Expected-Last-Msg-Id: other"));
        group.Append(Part("a1", 2));
        group.Append(Message(3));
        group.Commit();
        group.Delete(1);
        group.Commit();
        StreamSnapshot.TryDecode(group.LeaderReplica.TakeSnapshot(), out var snapshot).ShouldBeTrue();
        group.Replica(1).Install(snapshot!);
        group.Replica(1).TakeFetched(Message(2), snapshot!.LastSequence).ShouldBeNull();
        (group.Replica(1).Failed, group.Replica(1).State.LastSequence).ShouldBe((2UL, 2UL));
        group.Replica(1).Apply(Message(4), null).ShouldBe(EntryOutcome.Applied);
    }

    private EntryOutcome Apply(byte[] entry) => _replica.Apply(entry, null);

    private static byte[] Message(ulong last, string subject = "a", string headers = "", string reply = "") => Bytes(new StreamMessageEntry
    {
        LastSequence = last,
        Timestamp = (long)last + 1,
        Subject = Encoding.ASCII.GetBytes(subject),
        Headers = headers.Length == 0 ? default : Encoding.ASCII.GetBytes($"NATS/1.0\r\n{headers}\r\n\r\n"),
        Reply = Encoding.ASCII.GetBytes(reply),
    });

    private static byte[] Part(string part, ulong last) => Bytes(new StreamMessageEntry
    {
        LastSequence = last,
        Timestamp = 1,
        Subject = "a"u8,
        BatchId = Encoding.ASCII.GetBytes(part[..1]),
        BatchSequence = (ulong)(part[1] - '0'),
        CommitsBatch = part.EndsWith('!'),
    });

    private static byte[] Range(ulong first, ulong count) =>
        JsonEntry.Encode(EntryOperation.DeleteRange, new DeleteRangeEntry { First = first, Count = count }, EntryJson.Default.DeleteRangeEntry);

    private static byte[] Bytes(in StreamMessageEntry entry)
    {
        var room = new byte[entry.MaxLength];
        return room[..entry.Encode(room)];
    }

    private sealed class Heard : IStreamObserver
    {
        public List<string> What { get; } = [];

        public void Storing(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject) => What.Add($"storing {sequence}");

        public void Stored(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject) => What.Add($"stored {sequence}");

        public void Refused(in StreamMessageEntry entry) => What.Add("refused");

        public void FlowControlled(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers) => What.Add("flow");

        public void Purged(PurgeStreamEntry entry, ulong count) => What.Add($"purged {count}");

        public void Deleted(DeleteMessageEntry entry, bool wasThere) => What.Add($"deleted {entry.Sequence} {wasThere}");
    }
}
