using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Batches;

/// <summary>Atomic batches (ADR-50): all or nothing.</summary>
public sealed class AtomicBatchTests
{
    private static readonly StreamConfiguration Atomic = LedStream.Plain with { AllowAtomicPublish = true };

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublish")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishEmptyAck")]
    public void ABatchIsThereWhenItIsCommitted()
    {
        using var stream = new LedStream(Atomic);
        stream.Publish("before");
        Send(stream, 1).ShouldBe("", "it has come");
        Send(stream, 2, reply: "").ShouldBeNull();
        stream.Held.ShouldBe("1:before");
        stream.Publish("between");
        Send(stream, 3, "Nats-Batch-Commit: 1").ShouldBe("""{"stream":"S","seq":5,"batch":"b","count":3}""");
        stream.Held.ShouldBe("1:before 2:between 3:s.1 4:s.2 5:s.3");
        stream.Messages[^1].Headers.ShouldBe("Nats-Batch-Id: b|Nats-Batch-Sequence: 3|Nats-Batch-Commit: 1");
        stream.Leader.AtomicBatches.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishCommitEob")]
    public void TheEndMayBeNoMessage()
    {
        using var stream = new LedStream(Atomic);
        Send(stream, 1);
        Send(stream, 2);
        Send(stream, 3, "Nats-Batch-Commit: eob").ShouldBe("""{"stream":"S","seq":2,"batch":"b","count":2}""");
        stream.Messages.Select(message => message.Headers)
            .ShouldBe(["Nats-Batch-Id: b|Nats-Batch-Sequence: 1", "Nats-Batch-Id: b|Nats-Batch-Sequence: 2|Nats-Batch-Commit: 1"]);
        Send(stream, 1, "Nats-Batch-Commit: eob")!.ShouldContain("10176");
    }

    /// <summary>Numbers and commits of one batch after another: answers as error codes, "" or sequences; and why it was given up.</summary>
    [Theory]
    [InlineData("1 3", " 10176", BatchAbandonReason.Incomplete)]
    [InlineData("1 1", " 10176", BatchAbandonReason.Incomplete)]
    [InlineData("2", "10176", null)]
    [InlineData("5", "10199", null)]
    [InlineData("1 2 3 4", "   10199", BatchAbandonReason.Large)]
    [InlineData("1 2 3 4eob", "   3", null)]
    [InlineData("1 2x", " 10200", null)]
    [InlineData("1 2level", " 10185", BatchAbandonReason.Unsupported)]
    [InlineData("1commit", "1", null)]
    [InlineData("none", "10175", null)]
    [InlineData("1 2last", " 10177", null)]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishAdvisories")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishCommitEobMaxBatchSize")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishCommitUnsupported")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishDenyHeaders")]
    public void WhatDoesNotFollowEndsTheBatch(string sent, string answers, string? reason)
    {
        using var stream = new LedStream(Atomic, new StreamLeaderOptions { Account = "A", Batches = new BatchLimits { Size = 3 } });
        var got = sent.Split(' ').Select(one =>
        {
            var answer = one switch
            {
                "none" => stream.Publish("s.1", "Nats-Batch-Id: b"),
                _ when one.EndsWith("commit") => Send(stream, one[0] - '0', "Nats-Batch-Commit: 1"),
                _ when one.EndsWith("eob") => Send(stream, one[0] - '0', "Nats-Batch-Commit: eob"),
                _ when one.EndsWith('x') => Send(stream, one[0] - '0', "Nats-Batch-Commit: x"),
                _ when one.EndsWith("level") => Send(stream, one[0] - '0', "Nats-Required-Api-Level: 99"),
                _ when one.EndsWith("last") => Send(stream, one[0] - '0', "Nats-Batch-Commit: 1\r\nNats-Expected-Last-Msg-Id: x"),
                _ => Send(stream, one[0] - '0'),
            };
            return answer!.Length == 0 ? "" : Answers.CodeOrSequence(answer);
        });
        string.Join(" ", got).ShouldBe(answers);
        stream.Advisories.Select(one => (one.Subject, (one.Advisory as BatchAbandonedAdvisory)?.Account, (one.Advisory as BatchAbandonedAdvisory)?.BatchId, (one.Advisory as BatchAbandonedAdvisory)?.Reason))
            .ShouldBe(reason is null ? [] : [("$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.S", "A", "b", reason)]);
        stream.Leader.AtomicBatches.ShouldBe(0);
    }

    [Fact]
    public void AStreamThatAllowsNoneRefusesThem()
    {
        using var stream = new LedStream(LedStream.Plain);
        Send(stream, 1)!.ShouldContain("10174");
        using var other = new LedStream(Atomic);
        other.Publish("s", $"Nats-Batch-Id: {new string('x', 65)}\r\nNats-Batch-Sequence: 1")!.ShouldContain("10179");
    }

    /// <summary>Messages of one batch, judged together: what the last is answered.</summary>
    [Theory]
    [InlineData("", "", "5")]
    [InlineData("Nats-Msg-Id: new", "Nats-Msg-Id: other", "5")]
    [InlineData("Nats-Msg-Id: new", "Nats-Msg-Id: new", "10201")]
    [InlineData("Nats-Msg-Id: id", "", "10201")]
    [InlineData("Nats-Expected-Last-Sequence: 3", "", "5")]
    [InlineData("Nats-Expected-Last-Sequence: 2", "", "10071")]
    [InlineData("", "Nats-Expected-Last-Sequence: 4", "10164")]
    [InlineData("", "Nats-Expected-Last-Sequence: 3", "10071")]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 3", "", "5")]
    [InlineData("", "Nats-Expected-Last-Subject-Sequence: 3", "10164")]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 3", "Nats-Expected-Last-Subject-Sequence: 3", "10164")]
    [InlineData("", "Nats-Expected-Last-Subject-Sequence: 2\r\nNats-Expected-Last-Subject-Sequence-Subject: y", "5")]
    [InlineData("", "Nats-Expected-Last-Subject-Sequence: 1\r\nNats-Expected-Last-Subject-Sequence-Subject: y", "10071")]
    [InlineData("Nats-Expected-Last-Subject-Sequence-Subject: y", "", "10193")]
    [InlineData("Nats-Rollup: sub", "", "5")]
    [InlineData("", "Nats-Rollup: sub", "10111")]
    [InlineData("Nats-Rollup: all", "", "5")]
    [InlineData("", "Nats-Rollup: all", "10111")]
    [InlineData("Nats-TTL: 5", "", "10166")]
    [InlineData("Nats-Incr: 5", "", "10168")]
    [InlineData("Nats-Expected-Stream: T", "", "10060")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishStageAndCommit")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishDedupeNotAllowed")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishExpectedSeq")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishExpectedLastSubjectSequence")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishExpectedPerSubject")]
    public void ABatchIsJudgedAsAWhole(string first, string second, string answer)
    {
        using var stream = new LedStream(Atomic);
        stream.Publish("x", "Nats-Msg-Id: id");
        stream.Publish("y");
        stream.Publish("x");
        Send(stream, 1, first, subject: "x").ShouldBe("");
        var last = Send(stream, 2, $"Nats-Batch-Commit: 1{(second.Length == 0 ? "" : "\r\n")}{second}", subject: "x")!;
        Answers.CodeOrSequence(last).ShouldBe(answer, last);
        stream.State.LastSequence.ShouldBe(answer == "5" ? 5UL : 3UL, "all or nothing");
        stream.Replica.RememberedIds.ShouldBe(answer == "5" && first.StartsWith("Nats-Msg-Id") ? 3 : 1);
        stream.Leader.AtomicBatches.ShouldBe(0);
        stream.Advisories.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(4, -1, -1, false, "4")]
    [InlineData(3, -1, -1, false, "10077")]
    [InlineData(-1, 2, -1, false, "10077")]
    [InlineData(-1, -1, 2, true, "10077")]
    [InlineData(-1, -1, 3, true, "4")]
    public void LimitsCountTheWholeBatch(int messages, int sizes, int perSubject, bool perSubjectToo, string answer)
    {
        using var stream = new LedStream(Atomic with
        {
            Discard = DiscardPolicy.New,
            MaxMessages = messages,
            MaxBytes = sizes < 0 ? -1 : 150,
            MaxMessagesPerSubject = perSubject,
            DiscardNewPerSubject = perSubjectToo,
        });
        stream.Publish("a");
        stream.Publish("x");
        Send(stream, 1, subject: "x");
        var last = Send(stream, 2, "Nats-Batch-Commit: 1", subject: "x")!;
        Answers.CodeOrSequence(last).ShouldBe(answer, last);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishCounterSingleServer")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamCounterStagingDoesNotCorruptCommittedTotal")]
    public void CountersAddUpWithinABatch()
    {
        using var stream = new LedStream(Atomic with { AllowMessageCounter = true });
        stream.Publish("c", "Nats-Incr: 5");
        Send(stream, 1, "Nats-Incr: 1", subject: "c");
        Send(stream, 2, "Nats-Incr: 2\r\nNats-Batch-Commit: 1", subject: "c").ShouldBe("""{"stream":"S","seq":3,"batch":"b","count":2}""");
        stream.Messages.Select(message => message.Payload).ShouldBe(["""{"val":"5"}""", """{"val":"6"}""", """{"val":"8"}"""]);
        Send(stream, 1, "Nats-Incr: 1", subject: "c");
        Send(stream, 2, "Nats-Batch-Commit: 1", subject: "c")!.ShouldContain("10169");
        stream.Publish("c", "Nats-Incr: 1")!.ShouldContain("\"val\":\"9\"");
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishLimits")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishCleanup")]
    public void BatchesUnderWayAreLimitedAndTimeOut()
    {
        var totals = new BatchTotals();
        var options = new StreamLeaderOptions { Batches = new BatchLimits { AtomicPerStream = 2, AtomicTotal = 3, StagedBytes = 1000 }, BatchTotals = totals };
        using var stream = new LedStream(Atomic, options);
        using var other = new LedStream(Atomic, options);
        Send(stream, 1, id: "one").ShouldBe("");
        Send(stream, 1, id: "two").ShouldBe("");
        Send(stream, 1, id: "three")!.ShouldContain("10210");
        Send(other, 1, id: "one").ShouldBe("");
        Send(other, 1, id: "two")!.ShouldContain("10210", customMessage: "all streams together");
        stream.Pass(5);
        Send(stream, 2, id: "two").ShouldBe("");
        stream.Pass(5);
        stream.Leader.AtomicBatches.ShouldBe(1);
        ((BatchAbandonedAdvisory)stream.Advisories.ShouldHaveSingleItem().Advisory).Reason.ShouldBe(BatchAbandonReason.Timeout);
        Send(other, 2, id: "one", payload: new string('x', 1000))!.ShouldContain("10023", customMessage: "no memory for it");
        stream.Pass(10);
        stream.Leader.NextTick.ShouldBeNull();
        (totals.Atomic, totals.StagedBytes).ShouldBe((0L, 0L));
        Send(stream, 3, id: "two")!.ShouldContain("10176");
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishConfigOpts")]
    public void AnUpdateOrTheEndOfTheLeaderGivesThemUp()
    {
        var options = new StreamLeaderOptions();
        using var stream = new LedStream(Atomic, options);
        Send(stream, 1);
        stream.Update(configuration => configuration with { Description = "same" });
        Send(stream, 2).ShouldBe("");
        stream.Update(configuration => configuration with { AllowAtomicPublish = false });
        Send(stream, 3)!.ShouldContain("10174");
        options.BatchTotals.Atomic.ShouldBe(0);
        stream.Update(configuration => configuration with { AllowAtomicPublish = true });
        Send(stream, 1);
        stream.Leader.Dispose();
        (options.BatchTotals.Atomic, options.BatchTotals.StagedBytes).ShouldBe((0L, 0L));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("18446744073709551616")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicPublishGetBatchSequence")]
    public void WhatIsNoNumberIsNoSequence(string number)
    {
        using var stream = new LedStream(Atomic);
        stream.Publish("s", $"Nats-Batch-Id: b\r\nNats-Batch-Sequence: {number}\r\nNats-Batch-Commit: 1")!.ShouldContain("10175");
    }

    /// <summary>Each message speaks of its own entity, under which another message of the batch lies too.</summary>
    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishExpectedLastSubjectSequenceOwnership")]
    public void ExpectationsMayBeOfAWildcard()
    {
        using var stream = new LedStream(Atomic);
        for (var i = 1; i <= 19; i++) stream.Publish(i switch { 11 => "e.day.A.balance", 18 => "e.diary.B.balance", 19 => "e.day.C.balance", _ => $"e.seed.{i}.balance" });
        var number = 0;
        foreach (var (entity, expected) in new[] { ("diary.B", 18), ("day.C", 19), ("day.A", 11), ("mutation.D", 0) })
        {
            number++;
            var answer = Send(
                stream, number, $"Nats-Expected-Last-Subject-Sequence-Subject: e.{entity}.*\r\nNats-Expected-Last-Subject-Sequence: {expected}{(number == 4 ? "\r\nNats-Batch-Commit: 1" : "")}",
                subject: $"e.{entity}.balance");
            if (number == 4) Answers.CodeOrSequence(answer!).ShouldBe("23", answer);
        }
    }

    /// <summary>An id need not be text, nor headers short: the stream says so and goes on.</summary>
    [Fact]
    public void StrangeInputIsAnswered()
    {
        using var stream = new LedStream(Atomic with { AllowMessageSchedules = true });
        var headers = new byte[][] { [.. "NATS/1.0\r\nNats-Batch-Id: "u8, 0xFF, 0xFE, .. "\r\nNats-Batch-Sequence: 1\r\nNats-Batch-Commit: 1\r\n\r\n"u8] };
        stream.Leader.Publish(new() { Sequence = 0, Timestamp = stream.Nanoseconds, Subject = "s"u8, Headers = headers[0] }, "r"u8, stream);
        stream.State.Messages.ShouldBe(1UL);
        var schedule = $"Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t\r\nX: ";
        var full = new string('x', 65_535 - "NATS/1.0\r\n\r\n\r\n".Length - schedule.Length);
        stream.Publish("s", schedule + full)!.ShouldContain("10097");
        Send(stream, 1);
        Send(stream, 2, id: "b", headers: "X: " + new string('x', 65_400));
        Send(stream, 3, "Nats-Batch-Commit: eob")!.ShouldContain("\"count\":2");
    }

    private static string? Send(LedStream stream, int number, string headers = "", string? subject = null, string id = "b", string reply = "r", string payload = "") =>
        stream.Publish(subject ?? $"s.{number}", $"Nats-Batch-Id: {id}\r\nNats-Batch-Sequence: {number}{(headers.Length == 0 ? "" : "\r\n")}{headers}", payload, reply);
}
