using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>Fast batches whose messages are agreed upon later.</summary>
public sealed class ReplicatedFastBatchTests
{
    private const int Begin = 0;
    private const int Append = 1;
    private const int AppendAndCommit = 2;
    private const int CommitOnly = 3;
    private const int Ping = 4;

    [Fact]
    public void WhatIsAcknowledgedIsAgreedUpon()
    {
        using var group = Group();
        Send(group, 1, Begin).ShouldBe("""{"type":"ack","seq":0,"msgs":2}""", "the batch has begun");
        for (var number = 2; number <= 5; number++) Send(group, number, Append).ShouldBeNull();
        group.Commit(1);
        Answers(group).ShouldBeNull();
        group.Commit(1);
        Answers(group).ShouldBe("""{"type":"ack","seq":2,"msgs":2}""");
        group.Commit();
        Answers(group).ShouldBe("""{"type":"ack","seq":4,"msgs":2}""");
        Send(group, 6, AppendAndCommit).ShouldBeNull();
        group.Commit();
        Answers(group).ShouldBe("""{"stream":"S","seq":6,"batch":"b","count":6}""");
        group.Leader.FastBatches.ShouldBe(0);
        group.ShouldBeAlike();
    }

    [Theory]
    [InlineData(CommitOnly, 4, """{"stream":"S","seq":3,"batch":"b","count":3}""")]
    [InlineData(Append, 6, """{"stream":"S","seq":3,"batch":"b","count":3}""")]
    public void TheEndWaitsForWhatIsUnderWay(int operation, int number, string end)
    {
        using var group = Group();
        Send(group, 1, Begin, flow: 100);
        Send(group, 2, Append, flow: 100);
        Send(group, 3, Append, flow: 100);
        Send(group, number, operation, flow: 100);
        Send(group, 9, Append, flow: 100).ShouldBeNull("it takes no more");
        group.Commit(2);
        (Answers(group) ?? "").ShouldNotContain("count");
        group.Commit();
        Answers(group).ShouldNotBeNull().ShouldEndWith(end);
        group.Store.State.LastSequence.ShouldBe(3UL);
        group.Leader.FastBatches.ShouldBe(0);
    }

    /// <summary>Those of a batch that are there already are counted when what is under way is agreed upon.</summary>
    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishDuplicatesCluster")]
    public void DuplicatesAreCountedWithWhatIsUnderWay()
    {
        using var group = Group();
        Send(group, 1, Begin, flow: 4, headers: "Nats-Msg-Id: id").ShouldBe("""{"type":"ack","seq":0,"msgs":4}""");
        group.Commit();
        Send(group, 2, Append, flow: 4).ShouldBeNull();
        for (var number = 3; number <= 8; number++) Send(group, number, Append, flow: 4, headers: "Nats-Msg-Id: id").ShouldBeNull();
        group.Commit();
        Answers(group).ShouldBe("""{"type":"ack","seq":8,"msgs":4}""");
        Send(group, 9, AppendAndCommit, flow: 4, headers: "Nats-Msg-Id: id").ShouldBe("""{"stream":"S","seq":2,"batch":"b","count":9}""");
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishFlowControlOnLeaderChange")]
    public void ANewLeaderGoesOnWithThem()
    {
        using var group = Group();
        Send(group, 1, Begin).ShouldBe("""{"type":"ack","seq":0,"msgs":2}""");
        Send(group, 2, Append);
        Send(group, 3, Append);
        group.Commit();
        Answers(group).ShouldBe("""{"type":"ack","seq":2,"msgs":2}""");
        group.FailOver(1, 0);
        Answers(group).ShouldBe("""{"type":"ack","seq":3,"msgs":2}""", "its publisher learns how far it is");
        Send(group, 4, Append);
        Send(group, 5, Append);
        group.Commit();
        Answers(group).ShouldBe("""{"type":"ack","seq":5,"msgs":2}""");
        Send(group, 6, AppendAndCommit);
        group.Commit();
        Answers(group).ShouldBe("""{"stream":"S","seq":6,"batch":"b","count":6}""");
        group.FailOver(2, 0);
        (group.Leader.FastBatches, Answers(group)).ShouldBe((0, null), "it is over everywhere");
        group.ShouldBeAlike();
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishFlowControlOnLeaderChangeAfterFailedCommitProposal")]
    public void ACommitThatIsLostIsForgotten()
    {
        using var group = Group();
        Send(group, 1, Begin, flow: 0).ShouldBe("""{"type":"ack","seq":0,"msgs":10}""");
        Send(group, 2, Append, flow: 0);
        Send(group, 3, Append, flow: 0);
        group.Commit();
        Send(group, 4, AppendAndCommit, flow: 0).ShouldBeNull();
        group.FailOver(1, 0);
        group.FailOver(0, 0);
        group.Leader.FastBatches.ShouldBe(1);
        Answers(group);
        Send(group, 4, AppendAndCommit, flow: 0).ShouldBeNull();
        group.Commit();
        Answers(group).ShouldBe("""{"stream":"S","seq":4,"batch":"b","count":4}""");
    }

    [Fact]
    public void OldBatchesAreNotGoneOnWith()
    {
        var totals = new BatchTotals();
        using var group = new StreamGroup(LedStream.Plain with { AllowBatchPublish = true }, options: new StreamLeaderOptions { BatchTotals = totals });
        Send(group, 1, Begin);
        group.Commit();
        group.Now += 11 * LedStream.Second;
        group.FailOver(1, 0);
        (group.Leader.FastBatches, totals.Fast).ShouldBe((0, 0L));
        // More batches than are kept on replicas: the oldest are forgotten.
        for (var i = 0; i < 1001; i++)
        {
            Send(group, 1, Begin, id: $"b{i}");
            group.Commit();
            group.Now += 11 * LedStream.Second / 1000;
            group.Leader.Tick(group.Now, group);
        }
        group.FailOver(2, 0);
        group.Leader.FastBatches.ShouldBeInRange(900, 1000);
        totals.Fast.ShouldBe(group.Leader.FastBatches);
    }

    [Fact]
    public void APingTellsWhatIsAgreedUpon()
    {
        using var group = Group();
        Send(group, 1, Begin, flow: 100, gaps: "ok");
        Send(group, 2, Append, flow: 100, gaps: "ok");
        Send(group, 2, Ping, flow: 100, gaps: "ok").ShouldBe("""{"type":"ack","seq":0,"msgs":100}""", "what was sent before is not agreed upon");
        group.Commit();
        Answers(group).ShouldBeNull();
        Send(group, 7, Ping, flow: 100, gaps: "ok").ShouldBe("""{"type":"gap","last_seq":3,"seq":8} {"type":"ack","seq":0,"msgs":100}""");
    }

    private static StreamGroup Group() => new(LedStream.Plain with { AllowBatchPublish = true });

    /// <summary>Sends a message of a batch, and tells what was answered at once.</summary>
    private static string? Send(StreamGroup group, int number, int operation, int flow = 2, string headers = "", string gaps = "fail", string id = "b")
    {
        group.Publish($"s.{number}", headers, "", $"inbox.{id}.{flow}.{gaps}.{number}.{operation}.$FI");
        return Answers(group);
    }

    private static string? Answers(StreamGroup group)
    {
        var answers = group.Published.Where(one => one.Subject.StartsWith("inbox.", StringComparison.Ordinal)).Select(one => one.Payload).ToList();
        group.Published.Clear();
        return answers.Count == 0 ? null : string.Join(" ", answers);
    }
}
