using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Catchup;

/// <summary>The side of the replica that is behind.</summary>
public sealed class StreamCatchupTests
{
    private const long Second = 1_000_000_000;

    private static readonly byte[] Reply = "$JSC.ACK.x.9"u8.ToArray();

    /// <summary>Whatever it held before, and whatever gets lost on the way, it holds in the end what the leader holds.</summary>
    [Theory]
    [MemberData(nameof(Seeds), 24)]
    public void EndsWithWhatTheLeaderHolds(int seed)
    {
        var random = new Random(seed);
        var leader = new BehindReplica();
        var follower = new BehindReplica();
        var behindFrom = random.Next(0, 60);
        Fill(leader, random, 60 + random.Next(100), i => { if (i < behindFrom) return follower; return null; });
        leader.Replica.Failed = (ulong)random.Next(3);
        var snapshot = SnapshotOf(leader);
        // The leader goes on meanwhile.
        Fill(leader, random, 20, _ => null);
        var catchup = new StreamCatchup(follower.Replica, snapshot, 77, "P", new CatchupSlots());
        catchup.Begin(hasLeader: true, 0, follower);
        var loss = random.Next(3) == 0 ? 0.02 : 0;
        var now = 0L;
        for (var rounds = 0; !catchup.IsOver; rounds++)
        {
            rounds.ShouldBeLessThan(10, $"seed {seed}");
            Serve(leader, follower, catchup, follower.Requests[^1], random, rounds == 2 ? 0 : loss, ref now);
            while (catchup.State is not (CatchupState.Runs or CatchupState.Done or CatchupState.Failed)) Tick(catchup, follower, ref now);
        }
        if (catchup.State == CatchupState.Failed) catchup.Failure.ShouldBe(StreamCatchup.TooManyRetries, $"seed {seed}");
        else Describe(follower, snapshot).ShouldBe(Describe(leader, snapshot), $"seed {seed}");
        follower.Replica.Failed.ShouldBe(snapshot.Failed);
        if (loss == 0) catchup.State.ShouldBe(CatchupState.Done, $"seed {seed}");
    }

    /// <summary>What a real leader sent is taken, and acknowledged where it asks for that.</summary>
    [Fact]
    public void TakesWhatRealServersSend()
    {
        var follower = new BehindReplica();
        var lines = File.ReadLines(Golden.PathOf("nrg", "stream-catchups.jsonl")).Select(Golden.ParseText)
            .Where(line => line.GetProperty("kind").GetString() == "catchup_entry" && line.GetProperty("subject").GetString() == "$JSC.R.UgcCpoTQ").ToList();
        StreamSnapshot.TryDecode(Snapshot("23-follower-restart-empty-store.jsonl#2370"), out var snapshot).ShouldBeTrue();
        var catchup = new StreamCatchup(follower.Replica, snapshot!, 113, "BXScrY9i", new CatchupSlots());
        catchup.Begin(hasLeader: true, 0, follower);
        Encoding.UTF8.GetString(follower.Requests[0].Encode()).ShouldBe("""{"peer":"BXScrY9i","first_seq":1,"last_seq":238,"delete_ranges":true,"min_applied":113}""");
        foreach (var line in lines) catchup.Receive(Convert.FromHexString(line.GetProperty("hex").GetString()!), Encoding.ASCII.GetBytes(line.GetProperty("reply").GetString()!), 1, follower);
        follower.Said.ShouldBe(lines.Select(line => line.GetProperty("reply").GetString()!).Where(reply => reply.Length > 0));
        var last = follower.Store.State.LastSequence;
        last.ShouldBeGreaterThan(25UL);
        follower.Store.Deleted().ShouldBe(snapshot!.Deleted.Where(range => range.Last <= last));
    }

    [Fact]
    public void NothingIsAskedForThatIsThere()
    {
        var leader = new BehindReplica();
        var follower = new BehindReplica();
        Fill(leader, new Random(1), 50, _ => follower);
        leader.Store.Purge(SubjectFilter.All, 30, 0);
        leader.Store.Remove(40, erase: false);
        var catchup = Begin(follower, SnapshotOf(leader));
        (catchup.State, follower.Requests.Count).ShouldBe((CatchupState.Done, 0));
        Describe(follower, SnapshotOf(leader)).ShouldBe(Describe(leader, SnapshotOf(leader)));
    }

    [Fact]
    public void TriesThreeTimesAndNotTooOften()
    {
        var follower = new BehindReplica();
        var slots = new CatchupSlots(1);
        var catchup = new StreamCatchup(follower.Replica, SnapshotOf(Full(10)), 1, "P", slots);
        catchup.Begin(hasLeader: true, 0, follower);
        catchup.NextTick.ShouldBe(5 * Second);
        catchup.Tick(hasLeader: true, 5 * Second, follower);
        follower.Requests.Count.ShouldBe(2, "nobody has answered");
        catchup.Receive(default, default, 6 * Second, follower);
        (catchup.State, catchup.NextTick).ShouldBe((CatchupState.WaitsToRetry, 7 * Second), "the end came too early");
        slots.TryTake().ShouldBeTrue("others come first meanwhile");
        catchup.Tick(hasLeader: true, 7 * Second, follower);
        catchup.State.ShouldBe(CatchupState.WaitsForOthers);
        slots.GiveBack();
        catchup.Tick(hasLeader: true, 8 * Second, follower);
        follower.Requests.Count.ShouldBe(3);
        catchup.Receive(Message(1), Reply, 9 * Second, follower);
        catchup.NextTick.ShouldBe(39 * Second);
        catchup.Tick(hasLeader: true, 39 * Second, follower);
        follower.Said.ShouldBe(["$JSC.ACK.x.9", "$JSC.ACK.x.9: catchup stalled"]);
        (catchup.State, catchup.Failure, follower.Requests.Count).ShouldBe((CatchupState.Failed, StreamCatchup.TooManyRetries, 3));
        slots.TryTake().ShouldBeTrue();
    }

    [Fact]
    public void WaitsForALeaderOnce()
    {
        var follower = new BehindReplica();
        var catchup = new StreamCatchup(follower.Replica, SnapshotOf(Full(10)), 1, "P", new CatchupSlots());
        catchup.Begin(hasLeader: false, 0, follower);
        (catchup.State, catchup.NextTick).ShouldBe((CatchupState.WaitsForLeader, 5 * Second));
        catchup.Tick(hasLeader: true, 5 * Second, follower);
        catchup.State.ShouldBe(CatchupState.Runs);
        catchup.Tick(hasLeader: false, 10 * Second, follower);
        (catchup.State, catchup.Failure).ShouldBe((CatchupState.Failed, StreamCatchup.NoLeader));

        var lonely = new StreamCatchup(follower.Replica, SnapshotOf(Full(10)), 1, "P", new CatchupSlots());
        lonely.Begin(hasLeader: false, 0, follower);
        lonely.Tick(hasLeader: false, 5 * Second, follower);
        lonely.Failure.ShouldBe(StreamCatchup.NoLeader);
    }

    /// <summary>What does not follow is not taken, and the leader hears that no more need come.</summary>
    [Fact]
    public void WhatDoesNotFollowIsRefused()
    {
        foreach (var (wrong, what) in new (byte[], string)[]
        {
            (Message(2), "message 2 does not follow 0"),
            (Message(11), "message 11 does not follow 0"),
            (Range(2, 1), "wrong sequence for skipped msg"),
            (Range(1, 0), "bad catchup msg"),
            (Range(1, 11), "wrong sequence for skipped msg"),
            (Range(1, ulong.MaxValue), "wrong sequence for skipped msg"),
            ([(byte)EntryOperation.PurgeStream, (byte)'{', (byte)'}'], "bad catchup msg"),
            ([(byte)EntryOperation.StreamMessage, 1], "bad catchup msg"),
            ([(byte)EntryOperation.DeleteRange, (byte)'x'], "bad catchup msg"),
        })
        {
            var follower = new BehindReplica();
            var catchup = Begin(follower, SnapshotOf(Full(10)));
            catchup.Receive(wrong, Reply, 1, follower);
            follower.Said.ShouldBe([$"$JSC.ACK.x.9: {what}"]);
            (catchup.State, follower.Store.State.LastSequence).ShouldBe((CatchupState.WaitsToRetry, 0UL));
            catchup.Receive(Message(1), Reply, 2, follower);
            follower.Store.State.LastSequence.ShouldBe(0UL, "it is for a request that is over");
        }
    }

    [Fact]
    public void ALeaderHearsThatThereIsNoRoom()
    {
        var follower = new BehindReplica();
        var catchup = Begin(follower, SnapshotOf(Full(10)));
        catchup.Receive(Message(1), Reply, 1, follower);
        catchup.Abort("no space left on device", follower);
        follower.Said[^1].ShouldBe("$JSC.ACK.x.9: no space left on device");
        (catchup.State, catchup.Failure).ShouldBe((CatchupState.Failed, "no space left on device"));
    }

    /// <summary>Messages that this replica alone has lost are not brought back, so that must be seen.</summary>
    [Fact]
    public void WhatIsLackingIsCounted()
    {
        var leader = Full(100);
        var follower = Full(80);
        leader.Store.Remove(50, erase: false);
        leader.Store.Purge(SubjectFilter.All, 10, 0);
        var snapshot = SnapshotOf(leader);
        Begin(follower, snapshot);
        follower.Replica.CountLacking(snapshot).ShouldBe(0UL);
        follower.Store.Remove(60, erase: false);
        follower.Store.Remove(61, erase: false);
        follower.Replica.CountLacking(snapshot).ShouldBe(2UL);
        follower.Store.Purge(SubjectFilter.All, 20, 0);
        follower.Replica.CountLacking(snapshot).ShouldBe(12UL);
        Begin(new BehindReplica(), snapshot).State.ShouldBe(CatchupState.Runs);
    }

    [Fact]
    public void AnyBytesAreTakenOrRefused()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var follower = new BehindReplica();
            var bytes = Message(1);
            for (var i = 0; i < 1 + random.Next(4); i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(3) == 0) bytes = bytes[..random.Next(bytes.Length)];
            follower.Replica.TakeFetched(bytes, 100);
            follower.Store.State.LastSequence.ShouldBeLessThanOrEqualTo(1UL, $"seed {seed}");
        }
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(1, count)];

    private static StreamCatchup Begin(BehindReplica follower, StreamSnapshot snapshot)
    {
        var catchup = new StreamCatchup(follower.Replica, snapshot, 1, "P", new CatchupSlots());
        catchup.Begin(hasLeader: true, 0, follower);
        return catchup;
    }

    private static void Serve(
        BehindReplica leader, BehindReplica follower, StreamCatchup catchup, StreamSyncRequest request, Random random, double loss, ref long now)
    {
        var sent = new SentMessages();
        using var sender = new CatchupSender(leader.Store, request, new CatchupWindow(random.Next(1, 3000)), now);
        for (var read = 0; catchup.State == CatchupState.Runs && sender.End == CatchupEnd.None; now += Second / 100)
        {
            sender.Send(now, sent);
            for (; read < sent.All.Count; read++)
            {
                if (random.NextDouble() < loss) continue;
                var (message, tracked) = sent.All[read];
                var said = follower.Said.Count;
                catchup.Receive(message, tracked > 0 ? Encoding.ASCII.GetBytes($"a.{tracked}") : default, now, follower);
                if (follower.Said.Count == said) continue;
                var reason = follower.Said[^1].Split(": ").ElementAtOrDefault(1) ?? "";
                sender.Acknowledged(tracked, Encoding.ASCII.GetBytes(reason), now);
            }
            if (catchup.State == CatchupState.Runs && now > catchup.NextTick) Tick(catchup, follower, ref now);
        }
    }

    private static void Tick(StreamCatchup catchup, BehindReplica follower, ref long now)
    {
        now = Math.Max(now, catchup.NextTick);
        catchup.Tick(hasLeader: true, now, follower);
    }

    /// <summary>Messages and removals, as the log of both has them.</summary>
    private static void Fill(BehindReplica leader, Random random, int steps, Func<int, BehindReplica?> follows)
    {
        for (var i = 0; i < steps; i++)
        {
            var state = leader.Store.State;
            var kind = random.Next(10);
            var sequence = (ulong)random.NextInt64((long)state.FirstSequence, (long)state.LastSequence + 2);
            foreach (var one in new[] { leader, follows(i) }.OfType<BehindReplica>())
            {
                if (kind == 0) one.Store.Purge(SubjectFilter.All, sequence, (ulong)random.Next(1));
                else if (kind < 4) one.Store.Remove(sequence, erase: false);
                else if (kind == 4) one.Store.Skip(3, state.LastTimestamp);
                else one.Store.Append(new StoredMessage { Sequence = state.LastSequence + 1, Timestamp = (long)state.LastSequence + 1, Subject = "a"u8, Payload = new byte[i] });
            }
        }
    }

    private static BehindReplica Full(int messages) => new(CatchupSenderTests.Store(messages));

    private static StreamSnapshot SnapshotOf(BehindReplica one)
    {
        StreamSnapshot.TryDecode(one.Replica.TakeSnapshot(), out var snapshot).ShouldBeTrue();
        return snapshot!;
    }

    private static byte[] Snapshot(string from) => Convert.FromHexString(File.ReadLines(Golden.PathOf("nrg", "stream-snapshots.jsonl")).Select(Golden.ParseText)
        .Single(line => line.GetProperty("from").GetString() == from).GetProperty("hex").GetString()!);

    private static byte[] Message(ulong sequence)
    {
        var entry = new StreamMessageEntry { LastSequence = sequence, Timestamp = 1, Subject = "a"u8, Payload = "p"u8 };
        var room = new byte[entry.MaxLength];
        return room[..entry.Encode(room)];
    }

    private static byte[] Range(ulong first, ulong count) =>
        JsonEntry.Encode(EntryOperation.DeleteRange, new DeleteRangeEntry { First = first, Count = count }, EntryJson.Default.DeleteRangeEntry);

    /// <summary>The messages up to a snapshot's last one.</summary>
    private static string Describe(BehindReplica one, StreamSnapshot snapshot)
    {
        var text = new StringBuilder();
        var buffer = new MessageBuffer();
        for (var sequence = 0UL; one.Store.TryLoadNext(SubjectFilter.All, sequence, buffer) && buffer.Sequence <= snapshot.LastSequence; sequence = buffer.Sequence + 1)
        {
            // What has left the leader since leaves the replica with the log's next entries.
            text.Append(buffer.Sequence).Append(':').Append(buffer.Timestamp).Append(':').Append(buffer.Payload.Length).Append(' ');
        }
        return text.ToString();
    }
}
