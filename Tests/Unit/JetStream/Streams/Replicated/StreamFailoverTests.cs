using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>Leaders come and go: what was acknowledged stays, what was not leaves nothing behind.</summary>
public sealed class StreamFailoverTests
{
    /// <summary>
    /// A retry of what was not answered is stored once, whether it had been stored or not; batches are whole or not there;
    /// all replicas are alike.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void NothingAcknowledgedIsLostAndNothingIsStoredTwice(int seed)
    {
        var random = new Random(seed);
        var totals = new BatchTotals();
        using var group = new StreamGroup(LedStream.Plain with { AllowAtomicPublish = true, MaxMessages = -1 }, random.Next(1, 4), new StreamLeaderOptions { BatchTotals = totals });
        var (acknowledged, unanswered) = (new Dictionary<string, ulong>(), new List<string>());
        for (var step = 0; step < 200; step++)
        {
            group.Now += LedStream.Second / 100;
            switch (random.Next(10))
            {
                case 0:
                    FailOver(group, random);
                    break;
                case 1:
                    Batch(group, $"batch{step}", random);
                    break;
                case 2 or 3:
                    group.Commit(random.Next(8));
                    break;
                case 4:
                    group.Catch(random.Next(group.Members));
                    break;
                default:
                    // Half of them were sent before.
                    var id = unanswered.Count > 0 && random.Next(2) == 0 ? unanswered[random.Next(unanswered.Count)] : $"id{step}";
                    if (!unanswered.Contains(id)) unanswered.Add(id);
                    group.Publish($"s.{random.Next(3)}", $"Nats-Msg-Id: {id}", id, id);
                    break;
            }
            Collect(group, acknowledged, unanswered);
        }
        FailOver(group, random);
        group.Commit();
        Collect(group, acknowledged, unanswered);
        foreach (var id in unanswered.ToList()) group.Publish("s.0", $"Nats-Msg-Id: {id}", id, id);
        group.Commit();
        Collect(group, acknowledged, unanswered);
        unanswered.ShouldBeEmpty($"seed {seed}");
        Check(group, acknowledged, $"seed {seed}");
        totals.Atomic.ShouldBe(group.Leader.AtomicBatches);
    }

    /// <summary>What a leader has only proposed is not a duplicate for the one that follows it.</summary>
    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterPubAckSequenceDupeResetAfterLeaderChange")]
    public void AnIdThatWasOnlyProposedIsForgotten()
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.Publish("a", "Nats-Msg-Id: one", "first", "r1");
        group.Publish("a", "Nats-Msg-Id: one", "again", "r2");
        group.FailOver(1, 0);
        group.Publish("a", "Nats-Msg-Id: one", "second", "r3");
        group.Publish("a", "Nats-Msg-Id: one", "third", "r4");
        group.Commit();
        (group.Take("r1"), group.Take("r2")).ShouldBe((null, null));
        group.Take("r3").ShouldBe("""{"stream":"S","seq":1}""");
        group.Take("r4").ShouldBe("""{"stream":"S","seq":1,"duplicate": true}""");
        group.FailOver(0, 0);
        group.Publish("a", "Nats-Msg-Id: one", "fourth", "r5");
        group.Take("r5").ShouldBe("""{"stream":"S","seq":1,"duplicate": true}""");
        group.ShouldBeAlike();
    }

    /// <summary>Who was not answered by the leader that took his message is answered by the next one, when it is agreed upon.</summary>
    [Fact]
    public void TheNextLeaderAnswersForTheOneBefore()
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.Publish("a", "", "1", "r1");
        group.Publish("a", "", "2", "r2");
        group.FailOver(1, 1);
        (group.Take("r1"), group.Take("r2")).ShouldBe(("""{"stream":"S","seq":1}""", null));
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishRejectPartialBatchOnLeaderChange")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishContinuousBatchesStillMoveAppliedUp")]
    public void ABatchThatALeaderCouldNotFinishComesToNothing()
    {
        using var group = new StreamGroup(LedStream.Plain with { AllowAtomicPublish = true });
        group.Publish("a", "", "before", "");
        for (var i = 1; i <= 10; i++) group.Publish("foo", $"Nats-Batch-Id: b\r\nNats-Batch-Sequence: {i}{(i == 10 ? "\r\nNats-Batch-Commit: 1" : "")}", "x", "batch");
        group.Commit(4);
        group.CatchAll();
        group.LeaderReplica.HasStagedBatch.ShouldBeTrue();
        Should.Throw<InvalidOperationException>(() => group.LeaderReplica.TakeSnapshot());
        group.FailOver(1, 5);
        group.CatchAll();
        for (var i = 0; i < 3; i++) (group.Replica(i).Failed, group.Replica(i).HasStagedBatch).ShouldBe((8UL, false));
        group.Publish("a", "", "after", "r");
        group.Commit();
        group.Take("r").ShouldBe("""{"stream":"S","seq":2}""");
        group.Store.State.Messages.ShouldBe(2UL);
        group.ShouldBeAlike();
    }

    /// <summary>Before its log is applied a new leader knows less than was agreed upon.</summary>
    [Fact]
    public void ALeaderTakesNothingBeforeItsLogIsApplied()
    {
        using var store = new MemoryMessageStore();
        var replica = new StreamReplica(LedStream.Plain, store);
        using var leader = new StreamLeader(replica, new StreamLeaderOptions { IsReplicated = true });
        using var effects = new LedStream(LedStream.Plain);
        leader.Publish(new StoredMessage { Sequence = 0, Timestamp = 1, Subject = "a"u8 }, "r"u8, effects).ShouldBeFalse();
        leader.TakeSourced(new StoredMessage { Sequence = 0, Timestamp = 1, Subject = "a"u8 }, effects).ShouldBeFalse();
        leader.NextTick.ShouldBeNull();
        leader.Start(1, effects);
        leader.Publish(new StoredMessage { Sequence = 0, Timestamp = 1, Subject = "a"u8 }, "r"u8, effects).ShouldBeTrue();
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(1, count)];

    private static void FailOver(StreamGroup group, Random random)
    {
        group.FailOver(random.Next(group.Members), random.Next(group.Uncommitted + 1));
        group.Leader.InFlightMessages.ShouldBe(0UL);
        group.Leader.AtomicBatches.ShouldBe(0);
    }

    private static void Batch(StreamGroup group, string id, Random random)
    {
        var size = random.Next(1, 6);
        for (var i = 1; i <= size; i++) group.Publish("batch", $"Nats-Batch-Id: {id}\r\nNats-Batch-Sequence: {i}{(i == size ? "\r\nNats-Batch-Commit: 1" : "")}", $"{id} {size}", $"reply-{id}");
    }

    private static void Collect(StreamGroup group, Dictionary<string, ulong> acknowledged, List<string> unanswered)
    {
        foreach (var (subject, _, payload) in group.Published)
        {
            if (payload.Length == 0) continue;
            using var answer = JsonDocument.Parse(payload);
            answer.RootElement.TryGetProperty("error", out _).ShouldBeFalse(payload);
            var sequence = answer.RootElement.GetProperty("seq").GetUInt64();
            if (acknowledged.TryGetValue(subject, out var before)) before.ShouldBe(sequence, subject);
            acknowledged[subject] = sequence;
            unanswered.Remove(subject);
        }
        group.Published.Clear();
    }

    private static void Check(StreamGroup group, Dictionary<string, ulong> acknowledged, string because)
    {
        var buffer = new MessageBuffer();
        foreach (var (reply, sequence) in acknowledged)
        {
            group.Store.TryLoad(sequence, buffer).ShouldBeTrue(because);
            var payload = Encoding.UTF8.GetString(buffer.Payload);
            payload.ShouldStartWith(reply.Replace("reply-", ""), Case.Sensitive, because);
        }
        var stored = new List<string>();
        for (var sequence = 0UL; group.Store.TryLoadNext(SubjectFilter.All, sequence, buffer); sequence = buffer.Sequence + 1) stored.Add(Encoding.UTF8.GetString(buffer.Payload));
        foreach (var copies in stored.GroupBy(payload => payload))
        {
            var parts = copies.Key.Split(' ');
            copies.Count().ShouldBe(parts.Length == 2 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1, $"{because}: {copies.Key}");
        }
        group.ShouldBeAlike(because);
    }
}
