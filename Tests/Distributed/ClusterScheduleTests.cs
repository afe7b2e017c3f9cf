using System.Globalization;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams of a cluster that publish what was scheduled.</summary>
public sealed class ClusterScheduleTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private const string LongAgo = "@at 1970-01-01T00:00:00Z";

    private readonly string _name = NewName();

    public static TheoryData<int, string> Kinds => new() { { 1, "file" }, { 3, "file" }, { 1, "memory" }, { 3, "memory" } };

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledDelayedMessage")]
    public async Task WhatIsScheduledComesAtItsTimeAndGoesAtItsEnd(int replicas, string storage)
    {
        await RefuseWhatIsNotAllowedAsync(replicas, storage);
        await CreateAsync(replicas, storage, "\"allow_msg_ttl\":true");
        await RefuseWhatIsWrongAsync();
        (string, string)[] schedule = [("Nats-Schedule-Target", $"{_name}.publish"), ("Nats-Schedule-TTL", "1s")];
        (await PublishAsync("schedule", "", [("Nats-Schedule", In(TimeSpan.FromHours(1))), ("Nats-Rollup", "sub"), .. schedule])).ShouldBe(1);
        // The next takes the place of the one before.
        (await PublishAsync("schedule", "hello", [
            ("Nats-Schedule", In(TimeSpan.FromSeconds(1))), .. schedule, ("Nats-Expected-Stream", _name), ("Nats-Expected-Last-Sequence", "1"),
            ("Nats-Expected-Last-Subject-Sequence", "1"), ("Nats-Msg-Id", "X"), ("Nats-TTL", "60s"), ("Header", "Value")])).ShouldBe(2);
        await WaitForAsync(2, 1);
        await WaitForAsync(3, 1);
        await ExpectPublishedAsync(3, "hello", ("Nats-TTL", "1s"), ("Header", "Value"));
        await WaitForAsync(3, 0);
        await EqualAsync(3);
        await cluster.RefusedAsync(10052, $"STREAM.UPDATE.{_name}", Stream(_name, $"{_name}.*", replicas, storage, "\"allow_msg_ttl\":true"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledMessageSubjectSourcing")]
    public async Task AScheduleMaySendWhatAnotherSubjectHoldsLast(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "\"allow_msg_ttl\":true");
        (await PublishAsync("data", "data", ("Header", "Value"))).ShouldBe(1);
        foreach (var source in new[] { $"{_name}.schedule", $"{_name}.publish", $"{_name}.*", $"{_name}.>", "bar" })
        {
            await RefusedAsync(10203, ("Nats-Schedule", LongAgo), ("Nats-Schedule-Target", $"{_name}.publish"), ("Nats-Schedule-Source", source));
        }
        (await PublishAsync("schedule", "", ("Nats-Schedule", LongAgo), ("Nats-Schedule-Target", $"{_name}.publish"), ("Nats-Schedule-Source", $"{_name}.data"))).ShouldBe(2);
        await WaitForAsync(3, 2);
        await ExpectPublishedAsync(3, "data", ("Header", "Value"));
        await EqualAsync(3);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledMessageSubjectSourcingFallback")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledDelayedMessageReversedHeaderOrder")]
    public async Task AScheduleWhoseSourceIsEmptySendsItsOwn(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "\"allow_msg_ttl\":true");
        // The target stands before the schedule, whose name is the beginning of its own.
        (await PublishAsync(
            "schedule",
            "fallback",
            ("Nats-Schedule-Target", $"{_name}.publish"),
            ("Nats-Schedule-Source", $"{_name}.data"),
            ("Nats-Schedule", LongAgo),
            ("Header", "Fallback"))).ShouldBe(1);
        await WaitForAsync(2, 1);
        await ExpectPublishedAsync(2, "fallback", ("Header", "Fallback"));
        await EqualAsync(2);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledDelayedMessageRollup")]
    public async Task WhatIsScheduledMayReplaceWhatItsTargetHolds(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "");
        (await PublishAsync("one", "one")).ShouldBe(1);
        (await PublishAsync("publish", "previous")).ShouldBe(2);
        (string, string)[] schedule = [("Nats-Schedule", In(TimeSpan.FromSeconds(1))), ("Nats-Schedule-Target", $"{_name}.publish"), ("Nats-Schedule-Source", $"{_name}.one")];
        await RefusedAsync(10192, [.. schedule, ("Nats-Schedule-Rollup", "invalid")]);
        (await PublishAsync("schedule", "", [.. schedule, ("Nats-Schedule-Rollup", "sub")])).ShouldBe(3);
        await WaitForAsync(3, 3);
        await WaitForAsync(4, 2);
        await ExpectPublishedAsync(4, "one", ("Nats-Rollup", "sub"));
        await EqualAsync(4);
    }

    private async Task RefuseWhatIsNotAllowedAsync(int replicas, string storage)
    {
        foreach (var (suffix, more, error) in new[] { ("-off", "", 10188), ("-short", "\"allow_msg_schedules\":true", 10166) })
        {
            var name = _name + suffix;
            await cluster.DoAsync($"STREAM.CREATE.{name}", Stream(name, name, replicas, storage, more));
            (string, string)[] headers = suffix == "-off" ? [("Nats-Schedule", LongAgo)] : [("Nats-Schedule", LongAgo), ("Nats-Schedule-TTL", "1s")];
            ErrorOf(await cluster.PublishAsync(name, headers)).ShouldBe(error, suffix);
            if (suffix == "-off") ErrorOf(await cluster.PublishAsync(name, ("Nats-Schedule", "disabled"))).ShouldBe(error);
        }
    }

    private async Task RefuseWhatIsWrongAsync()
    {
        (string, string) at = ("Nats-Schedule", LongAgo);
        (string, string) target = ("Nats-Schedule-Target", $"{_name}.publish");
        await RefusedAsync(10189, ("Nats-Schedule", "invalid"));
        foreach (var zone in new[] { "Not/A/Zone", "" }) await RefusedAsync(10223, ("Nats-Schedule", "0 * * * * *"), ("Nats-Schedule-Time-Zone", zone));
        await RefusedAsync(10189, ("Nats-Schedule", "invalid"), ("Nats-Schedule-Time-Zone", "UTC"));
        foreach (var wrong in new[] { "not.matching", $"{_name}.*", $"{_name}.schedule" }) await RefusedAsync(10190, at, ("Nats-Schedule-Target", wrong));
        await RefusedAsync(10191, at, target, ("Nats-Schedule-TTL", "invalid"));
        await RefusedAsync(10192, at, target, ("Nats-Schedule-TTL", "1s"), ("Nats-Rollup", "all"));
    }

    private static string In(TimeSpan time) => $"@at {(TimeProvider.System.GetUtcNow() + time).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture)}";

    private static string Stream(string name, string subject, int replicas, string storage, string more) =>
        $$"""{"name":"{{name}}","subjects":["{{subject}}"],"storage":"{{storage}}","num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""";

    private Task<JsonElement> CreateAsync(int replicas, string storage, string more) =>
        cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(_name, $"{_name}.*", replicas, storage, $"\"allow_msg_schedules\":true{(more.Length == 0 ? "" : "," + more)}"));

    private async Task RefusedAsync(int error, params (string Name, string Value)[] headers)
    {
        var answer = await cluster.PublishAsync($"{_name}.schedule", headers);
        ErrorOf(answer).ShouldBe(error, $"{string.Join(", ", headers)}: {answer}");
    }

    private async Task<int> PublishAsync(string subject, string payload, params (string Name, string Value)[] headers)
    {
        JsonElement answer = default;
        await Wait.Until("the stream is heard of", async () =>
        {
            var message = await cluster.Client.RequestAsync($"{_name}.{subject}", payload, headers.Length == 0 ? null : TestHeaders.Of(headers));
            if (message.IsNoResponders) return false;
            answer = JsonDocument.Parse(message.Payload).RootElement;
            return true;
        });
        ErrorOf(answer).ShouldBe(0, answer.ToString());
        return answer.GetProperty("seq").GetInt32();
    }

    private async Task WaitForAsync(int last, int messages)
    {
        var state = "";
        await Wait.Until(
            $"{messages} messages, the last {last}",
            async () =>
            {
                var seen = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state");
                state = seen.ToString();
                return (seen.GetProperty("last_seq").GetInt32(), seen.GetProperty("messages").GetInt32()) == (last, messages);
            },
            () => state);
    }

    private async Task ExpectPublishedAsync(int sequence, string payload, params (string Name, string Value)[] headers)
    {
        var message = (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.publish"}""")).GetProperty("message");
        (message.GetProperty("seq").GetInt32(), Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64())).ShouldBe((sequence, payload));
        TestHeaders.Parse(message.GetProperty("hdrs").GetBytesFromBase64()).Entries.Select(entry => (entry.Key, entry.Value)).Order()
            .ShouldBe(new[] { ("Nats-Scheduler", $"{_name}.schedule"), ("Nats-Schedule-Next", "purge") }.Concat(headers).Order());
    }

    private Task EqualAsync(int last) => Wait.Until(
        "all members hold the same",
        () => Enumerable.Range(0, 3).Select(server => cluster.Servers.HostOf(server, _name)).OfType<StreamHost>()
            .Select(host => (host.State.FirstSequence, host.State.LastSequence, host.State.Messages, host.State.Bytes)).Distinct().ToList() is [var only] && only.LastSequence == (ulong)last);
}
