using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams of a cluster that change the subjects of what they store, and batches.</summary>
public sealed class ClusterTransformTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterSubjectTransformWithExpectedSubjectSequenceHeader")]
    public async Task WhatIsExpectedIsOfTheSubjectThatIsStored(int replicas)
    {
        await CreateAsync(replicas, $"\"{_name}.foo\",\"{_name}.bar\"", $"{_name}.foo", $"{_name}.bar");
        ErrorOf(await cluster.PublishAsync($"{_name}.foo")).ShouldBe(0);
        (await SubjectAsync(1)).ShouldBe($"{_name}.bar");
        foreach (var subject in new[] { $"{_name}.bar", $"{_name}.foo" })
        {
            ExpectRefused(await cluster.PublishAsync(subject, Expected));
            ExpectRefused(await FastAsync(subject, TestHeaders.Of(Expected)));
            ExpectRefused(await cluster.PublishAsync(subject, [Expected, .. Atomic]));
        }
        ErrorOf(await FastAsync($"{_name}.foo", null)).ShouldBe(0);
        (await SubjectAsync(2)).ShouldBe($"{_name}.bar");

        static void ExpectRefused(JsonElement answer)
        {
            ErrorOf(answer).ShouldBe(10071, answer.ToString());
            answer.GetProperty("error").GetProperty("description").GetString().ShouldBe("wrong last sequence: 1");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterSubjectTransformDoesntCycle")]
    public async Task ASubjectIsChangedOnce(int replicas)
    {
        await CreateAsync(replicas, $"\"{_name}.foo\"", ">", "dst.>");
        ErrorOf(await cluster.PublishAsync($"{_name}.foo")).ShouldBe(0);
        ErrorOf(await FastAsync($"{_name}.foo", null)).ShouldBe(0);
        ErrorOf(await cluster.PublishAsync($"{_name}.foo", Atomic)).ShouldBe(0);
        ErrorOf(await FastAsync($"{_name}.foo", null)).ShouldBe(0);
        for (var sequence = 1; sequence <= 4; sequence++) (await SubjectAsync(sequence)).ShouldBe($"dst.{_name}.foo");
    }

    private static (string, string) Expected => ("Nats-Expected-Last-Subject-Sequence", "0");

    private static (string, string)[] Atomic => [("Nats-Batch-Id", "uuid"), ("Nats-Batch-Sequence", "1"), ("Nats-Batch-Commit", "1")];

    private Task<JsonElement> CreateAsync(int replicas, string subjects, string source, string destination) => cluster.DoAsync(
        $"STREAM.CREATE.{_name}",
        $$$"""{"name":"{{{_name}}}","subjects":[{{{subjects}}}],"num_replicas":{{{replicas}}},"allow_atomic":true,"allow_batched":true,"subject_transform":{"src":"{{{source}}}","dest":"{{{destination}}}"} }""");

    private async Task<string> SubjectAsync(int sequence) =>
        (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", $$"""{"seq":{{sequence}}}""")).GetProperty("message").GetProperty("subject").GetString()!;

    /// <summary>A fast batch of one message, committed at once.</summary>
    private async Task<JsonElement> FastAsync(string subject, TestHeaders? headers)
    {
        var inbox = $"_INBOX.{Guid.NewGuid():N}";
        var answers = await cluster.Client.SubscribeAsync($"{inbox}.>");
        await cluster.Client.PublishAsync(subject, "x", $"{inbox}.uuid.0.fail.1.2.$FI", headers);
        var answer = JsonDocument.Parse((await answers.NextAsync()).Payload).RootElement;
        await answers.UnsubscribeAsync();
        return answer;
    }
}
