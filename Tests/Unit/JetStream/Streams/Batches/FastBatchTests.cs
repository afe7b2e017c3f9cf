using System.Text.Json;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Batches;

/// <summary>Fast batches (ADR-50): stored as they come, acknowledged now and then.</summary>
public sealed class FastBatchTests
{
    private const int Begin = 0;
    private const int Append = 1;
    private const int AppendAndCommit = 2;
    private const int Commit = 3;
    private const int Ping = 4;

    private static readonly StreamConfiguration Fast = LedStream.Plain with { AllowBatchPublish = true };

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublish")]
    public void MessagesAreStoredAsTheyCome()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin).ShouldBe("""{"type":"ack","seq":0,"msgs":2}""");
        Send(stream, 2, Append).ShouldBe("""{"type":"ack","seq":2,"msgs":2}""");
        Send(stream, 3, Append).ShouldBeNull();
        stream.Held.ShouldBe("1:s.1 2:s.2 3:s.3");
        stream.Publish("between");
        Send(stream, 4, AppendAndCommit).ShouldBe("""{"stream":"S","seq":5,"batch":"b","count":4}""");
        stream.Leader.FastBatches.ShouldBe(0);
        stream.Messages[^1].Headers.ShouldBe("");
        Send(stream, 1, AppendAndCommit, id: "one").ShouldBe("""{"stream":"S","seq":6,"batch":"one","count":1}""");
        Send(stream, 1, Begin, id: "two");
        Send(stream, 2, Commit, id: "two").ShouldBe("""{"stream":"S","seq":7,"batch":"two","count":1}""");
        stream.State.Messages.ShouldBe(7UL);
    }

    [Theory]
    [InlineData("x.b.2.ok.1.0.$FI", null)]
    [InlineData("x.b.2.ok.2.0.$FI", 10206)]
    [InlineData("x.b.2.ok.1.1.$FI", 10206)]
    [InlineData("x.b.2.ok.1.3.$FI", 10206)]
    [InlineData("x.b.2.ok.1.5.$FI", 10206)]
    [InlineData("x.b.2.ok.1.-1.$FI", 10206)]
    [InlineData("x.b.2.ok.0.0.$FI", 10206)]
    [InlineData("x.b.2.ok.18446744073709551615.4.$FI", 10206)]
    [InlineData("x.b.2.maybe.1.0.$FI", 10206)]
    [InlineData("b.2.ok.1.0.$FI", 10206)]
    [InlineData("x.$FI", 10206)]
    [InlineData(".$FI", 10206)]
    [InlineData("x.b.none.ok.1.0.$FI", null)]
    [InlineData("x.b.2.ok.2.1.$FI", 10208)]
    [InlineData("x.0123456789012345678901234567890123456789012345678901234567890123456789.2.ok.1.0.$FI", 10207)]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishMaxUint64SequenceRejected")]
    public void TheReplySubjectSaysWhatIsMeant(string reply, int? error)
    {
        using var stream = new LedStream(Fast);
        var answer = stream.Publish("s", reply: reply)!;
        if (error is { } code) Answers.CodeOrSequence(answer).ShouldBe($"{code}");
        else answer.ShouldStartWith("""{"type":"ack","seq":0,"msgs":""");
        stream.State.Messages.ShouldBe(error is null ? 1UL : 0UL);
        using var other = new LedStream(LedStream.Plain);
        other.Publish("s", reply: reply)!.ShouldContain("10205");
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishGapDetection")]
    public void AGapEndsTheBatchUnlessItIsFine()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin);
        Send(stream, 4, Append).ShouldBe("""{"type":"gap","last_seq":2,"seq":4} {"stream":"S","seq":1,"batch":"b","count":1}""");
        stream.Leader.FastBatches.ShouldBe(0);
        Send(stream, 5, Append)!.ShouldContain("10208");

        Send(stream, 1, Begin, gaps: "ok");
        Send(stream, 4, Append, gaps: "ok").ShouldBe("""{"type":"gap","last_seq":2,"seq":4} {"type":"ack","seq":4,"msgs":2}""");
        Send(stream, 6, Commit, gaps: "ok").ShouldBe("""{"type":"gap","last_seq":5,"seq":6} {"stream":"S","seq":3,"batch":"b","count":5}""");
        stream.State.Messages.ShouldBe(3UL);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishGapOkBackwardSeq")]
    public void ANumberThatWasThereEndsTheBatchInAnyCase()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin, gaps: "ok");
        Send(stream, 2, Append, gaps: "ok");
        Send(stream, 2, Append, gaps: "ok").ShouldBe("""{"stream":"S","seq":2,"batch":"b","count":2}""");
        stream.State.Messages.ShouldBe(2UL);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishPing")]
    public void APingTellsHowFarItIs()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin);
        Send(stream, 1, Ping).ShouldBe("""{"type":"ack","seq":0,"msgs":2}""");
        Send(stream, 2, Append);
        Send(stream, 3, Append);
        Send(stream, 3, Ping).ShouldBe("""{"type":"ack","seq":2,"msgs":2}""");
        Send(stream, 5, Ping).ShouldBe("""{"type":"gap","last_seq":4,"seq":6} {"stream":"S","seq":3,"batch":"b","count":3}""");

        Send(stream, 1, Begin, gaps: "ok");
        Send(stream, 4, Ping, gaps: "ok").ShouldBe("""{"type":"gap","last_seq":2,"seq":5} {"type":"ack","seq":4,"msgs":2}""");
        Send(stream, 5, Append, gaps: "ok").ShouldBeNull();
        stream.State.Messages.ShouldBe(5UL);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishHeaderCheckError")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishHeaderCheckErrorOnCommit")]
    public void ARefusedMessageIsAGap()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin, headers: "Nats-Expected-Stream: T").ShouldBe(
            """{"type":"ack","seq":0,"msgs":2} {"error":{"code":400,"err_code":10060,"description":"expected stream does not match"},"stream":"S","seq":0}""");
        stream.Leader.FastBatches.ShouldBe(0);
        Send(stream, 1, Begin);
        Send(stream, 2, Append, headers: "Nats-Expected-Stream: T").ShouldBe(
            """{"type":"err","seq":2,"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}} {"stream":"S","seq":1,"batch":"b","count":1}""");
        Send(stream, 1, Begin, gaps: "ok");
        Send(stream, 2, Append, gaps: "ok", headers: "Nats-Expected-Stream: T")!.ShouldStartWith("""{"type":"err","seq":2""");
        Send(stream, 3, AppendAndCommit, gaps: "ok", headers: "Nats-Expected-Stream: T")!.ShouldEndWith("""{"stream":"S","seq":2,"batch":"b","count":2}""");
        stream.State.Messages.ShouldBe(2UL);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishDuplicates")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchSequentialDuplicateAndErrorPubAck")]
    public void DuplicatesAreLeftOut()
    {
        using var stream = new LedStream(Fast);
        stream.Publish("s", "Nats-Msg-Id: 1");
        Send(stream, 1, Begin, headers: "Nats-Msg-Id: 2");
        Send(stream, 2, Append, headers: "Nats-Msg-Id: 1").ShouldBe("""{"type":"ack","seq":2,"msgs":2}""");
        Send(stream, 3, AppendAndCommit, headers: "Nats-Msg-Id: 2").ShouldBe("""{"stream":"S","seq":2,"batch":"b","count":3}""");
        stream.State.Messages.ShouldBe(2UL);
        Send(stream, 1, AppendAndCommit, headers: "Nats-Msg-Id: 2").ShouldBe("""{"stream":"S","seq":2,"duplicate": true,"batch":"b","count":1}""");
        stream.Leader.FastBatches.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishDuplicatesEobCommit")]
    public void ADuplicateAtTheEndIsCounted()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin, headers: "Nats-Msg-Id: msgId");
        Send(stream, 2, Append, headers: "Nats-Msg-Id: msgId");
        Send(stream, 3, Commit, headers: "Nats-Msg-Id: msgId").ShouldBe("""{"stream":"S","seq":1,"batch":"b","count":2}""");
        stream.State.Messages.ShouldBe(1UL);
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishFlowControl")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchInitAckMessages")]
    public void MoreBatchesAreToldMoreOften()
    {
        using var stream = new LedStream(Fast);
        Send(stream, 1, Begin, flow: 1000).ShouldBe("""{"type":"ack","seq":0,"msgs":500}""");
        Send(stream, 1, Begin, flow: 4, id: "c").ShouldBe("""{"type":"ack","seq":0,"msgs":1} {"type":"ack","seq":1,"msgs":2}""");
        Send(stream, 2, Append, flow: 4, id: "c").ShouldBeNull();
        Send(stream, 3, Append, flow: 4, id: "c").ShouldBe("""{"type":"ack","seq":3,"msgs":4}""");
        for (var i = 2; i < 500; i++) Send(stream, i, Append, flow: 1000).ShouldBeNull();
        Send(stream, 500, Append, flow: 1000).ShouldBe("""{"type":"ack","seq":500,"msgs":250}""", "there are two now");
    }

    [Fact]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishLimits")]
    public void BatchesUnderWayAreLimitedAndTimeOut()
    {
        var totals = new BatchTotals();
        using var stream = new LedStream(Fast, new StreamLeaderOptions { Batches = new BatchLimits { FastPerStream = 2, FastTotal = 1000 }, BatchTotals = totals });
        Send(stream, 1, Begin, id: "1");
        Send(stream, 1, Begin, id: "2");
        Send(stream, 1, Begin, id: "3")!.ShouldContain("10211");
        stream.Pass(6);
        Send(stream, 2, Append, id: "1");
        stream.Pass(6);
        (stream.Leader.FastBatches, totals.Fast).ShouldBe((1, 1L));
        Send(stream, 2, Append, id: "2")!.ShouldContain("10208");
        Send(stream, 3, Append, id: "1", headers: "Nats-Required-Api-Level: 99")!.ShouldContain("10185");
        (stream.Leader.FastBatches, totals.Fast).ShouldBe((0, 0L));
        stream.Pass(10);
        stream.Leader.NextTick.ShouldBeNull();
    }

    /// <summary>What 2.14.5 answered, by reply subject.</summary>
    [Fact]
    public void AnswersAreAsRecorded()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.PathOf("jsapi", "single.calls.json")));
        var calls = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement : document.RootElement.GetProperty("calls");
        var recorded = calls.EnumerateArray().Single(call => call.GetProperty("label").GetString()!.StartsWith("fast batch publish: replies"));
        using var stream = new LedStream(Fast with { Name = "Q" }, new StreamLeaderOptions { Domain = "hub" });
        for (var i = 0; i < 11; i++) stream.Publish("before");
        var answers = new Dictionary<string, string>();
        foreach (var sent in recorded.GetProperty("sent").EnumerateArray().Select(sent => sent.GetString()!).Where(sent => sent.EndsWith("$FI")))
        {
            if (stream.Publish("q.f", reply: sent) is { } answer) answers.Add(sent, answer);
        }
        var compared = 0;
        foreach (var response in recorded.GetProperty("responses").EnumerateArray())
        {
            var subject = response.GetProperty("subject").GetString()!;
            if (!subject.Contains(".u1.") && !subject.Contains(".u2.") && !subject.Contains(".u3.")) continue;
            answers.ShouldContainKeyAndValue(subject, response.GetProperty("data").GetString()!);
            compared++;
        }
        (compared, answers.Count).ShouldBe((5, 5));
    }

    /// <summary>Several publishers with losses and repeats: what is acknowledged is stored, and replicas hold the same.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhatIsAcknowledgedIsStored(int seed)
    {
        var random = new Random(seed);
        using var stream = new LedStream(Fast with { AllowAtomicPublish = true });
        var next = new ulong[5];
        for (var i = 0; i < 2000; i++)
        {
            var publisher = random.Next(next.Length);
            var number = next[publisher] + (random.Next(40) == 0 ? 2UL : 1UL);
            var operation = number == 1 ? Begin : random.Next(20) == 0 ? AppendAndCommit : Append;
            var answers = Send(stream, (int)number, operation, id: $"p{publisher}", subject: $"p{publisher}") ?? "";
            next[publisher] = answers.Contains("count") || answers.Contains("error") ? 0 : number;
            if (answers.Contains("count"))
            {
                var told = Answers.CodeOrSequence(answers[answers.IndexOf("{\"stream", StringComparison.Ordinal)..]);
                stream.Held.Split(' ').ShouldContain($"{told}:p{publisher}", $"seed {seed}");
            }
            if (random.Next(10) == 0) stream.Publish("a", $"Nats-Batch-Id: {i}\r\nNats-Batch-Sequence: 1\r\nNats-Batch-Commit: 1");
        }
        using var follower = new LedStream(Fast);
        foreach (var entry in stream.Log) follower.Replica.Apply(entry).ShouldBeTrue();
        follower.Describe().ShouldBe(stream.Describe(), $"seed {seed}");
    }

    private static string? Send(
        LedStream stream, int number, int operation, string headers = "", string gaps = "fail", int flow = 2, string id = "b", string? subject = null) =>
        stream.Publish(subject ?? $"s.{number}", headers, reply: $"_INBOX.x.{id}.{flow}.{gaps}.{number}.{operation}.$FI");
}
