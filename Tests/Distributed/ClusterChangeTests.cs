using System.Globalization;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams of a cluster that are changed, copied and republished, and consumers that are paused and filtered anew.</summary>
public sealed class ClusterChangeTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterRePublishUpdateSupported")]
    public async Task RepublishingIsSwitchedOnAndOff(int replicas)
    {
        await CreateAsync(replicas, storage: "memory");
        var reader = await cluster.Client.SubscribeAsync($"again.{_name}.>");
        await PublishAsync("a");
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(replicas, $$"""
            "republish":{"src":"{{_name}}.>","dest":"again.{{_name}}.>"}
            """, "memory"));
        await PublishAsync("b");
        (await reader.NextAsync()).Subject.ShouldBe($"again.{_name}.b");
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(replicas, "", "memory"));
        await PublishAsync("c");
        // What comes behind it on the same way would have brought it.
        await cluster.DoAsync($"STREAM.INFO.{_name}");
        reader.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterPushConsumerQueueGroup")]
    public async Task OnlyItsQueueGroupIsDeliveredTo()
    {
        await CreateAsync(3);
        await PublishAsync("a");
        await MakeAsync("dlc", $"\"deliver_subject\":\"in.{_name}\",\"deliver_group\":\"22\",\"ack_policy\":\"none\"");
        var alone = await cluster.Client.SubscribeAsync($"in.{_name}");
        await WaitForFigureAsync("dlc", "num_pending", 1);
        alone.Count.ShouldBe(0);
        await alone.UnsubscribeAsync();
        var queue = await cluster.Client.SubscribeAsync($"in.{_name}", "22");
        await queue.NextAsync();
        await PublishAsync("a");
        await queue.NextAsync();
        await queue.UnsubscribeAsync();
        var next = await cluster.Client.SubscribeAsync($"in.{_name}", "22");
        await PublishAsync("a");
        await next.NextAsync();
        alone = await cluster.Client.SubscribeAsync($"in.{_name}");
        await next.UnsubscribeAsync();
        await Wait.Until("nobody is bound", async () => !(await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).TryGetProperty("push_bound", out var isBound) || !isBound.GetBoolean());
        await PublishAsync("a");
        await WaitForFigureAsync("dlc", "num_pending", 1);
        alone.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMirrorIgnoresUpstreamDuplicateMsgIds")]
    public async Task AMirrorTakesWhatItsOriginTookTwice()
    {
        await CreateAsync(3, "\"duplicate_window\":100000000");
        (await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "X"))).GetProperty("seq").GetInt32().ShouldBe(1);
        JsonElement answer = default;
        await Wait.Until("it is no duplicate any more", async () => !(answer = await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "X"))).TryGetProperty("duplicate", out _), () => answer.ToString());
        answer.GetProperty("seq").GetInt32().ShouldBe(2);
        var mirror = NewName();
        await cluster.DoAsync($"STREAM.CREATE.{mirror}", $$"""{"name":"{{mirror}}","num_replicas":3,"mirror":{"name":"{{_name}}"},"duplicate_window":120000000000}""");
        await cluster.WaitForMessagesAsync(mirror, 2);
        (await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "Y"))).GetProperty("seq").GetInt32().ShouldBe(3);
        await cluster.WaitForMessagesAsync(mirror, 3);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterFilteredMirrors")]
    public async Task AMirrorOfSomeSubjectsKeepsTheirSequences()
    {
        await CreateAsync(1);
        for (var i = 0; i < 100; i++) await PublishAsync("foo", "bar", "baz");
        var mirror = NewName();
        await cluster.DoAsync($"STREAM.CREATE.{mirror}", $$"""{"name":"{{mirror}}","mirror":{"name":"{{_name}}","filter_subject":"{{_name}}.foo"} }""");
        await cluster.WaitForMessagesAsync(mirror, 100);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{mirror}.d", $$"""{"stream_name":"{{mirror}}","config":{"durable_name":"d","ack_policy":"explicit","filter_subject":"{{_name}}.foo"} }""");
        var messages = await cluster.FetchAsync(mirror, "d", 100);
        messages.Select(message => (message.Subject, message.Delivery(), message.Sequence())).ShouldBe(Enumerable.Range(0, 100).Select(number => ($"{_name}.foo", number + 1L, (3L * number) + 1)));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestStreamWithConsumerFilterUpdate")]
    public async Task OtherFiltersLetOtherMessagesBeKept()
    {
        await CreateAsync(3, "\"retention\":\"interest\"");
        await MakeAsync("CONSUMER", Filters("a", "c"));
        await TakeAsync("a", 1);
        await MakeAsync("CONSUMER", Filters("b", "c"));
        await Wait.Until(
            "all members know",
            () => Enumerable.Range(0, 3).All(server => cluster.Servers.HostOf(server, _name)?.Consumers.All.SingleOrDefault()?.Configuration.FilterSubjects.Contains($"{_name}.b") == true));
        await TakeAsync("b", 2);
        await cluster.WaitForMessagesAsync(_name, 0);
        await cluster.Servers.WaitForEqualAsync(_name, 2);
        cluster.Servers.HostOf(0, _name)!.State.FirstSequence.ShouldBe(3UL);

        string Filters(string one, string other) => $"\"filter_subjects\":[\"{_name}.{one}\",\"{_name}.{other}\"]";

        async Task TakeAsync(string subject, ulong sequence)
        {
            await PublishAsync(subject);
            await cluster.WaitForMessagesAsync(_name, 1);
            await cluster.Servers.WaitForEqualAsync(_name, sequence);
            var message = (await cluster.FetchAsync(_name, "CONSUMER", 1)).Single();
            message.Subject.ShouldBe($"{_name}.{subject}");
            await cluster.AcknowledgeAsync(message);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusteredStreamCreateIdempotentWithSources")]
    public async Task WhatHasSourcesMayBeMadeAgainByWhoLeadsBoth()
    {
        await CreateAsync(3);
        var copy = NewName();
        var request = $$"""{"name":"{{copy}}","subjects":["{{copy}}.>"],"num_replicas":3,"sources":[{"name":"{{_name}}","filter_subject":"{{_name}}.>"}]}""";
        await cluster.DoAsync($"STREAM.CREATE.{copy}", request);
        var leader = cluster.Servers.Running.Single(server => server.JetStreamService!.Meta!.IsLeading).Name;
        await Wait.Until(
            "the meta leader leads it",
            async () =>
            {
                if (cluster.Servers.Servers[await cluster.Servers.LeaderOfAsync(copy)]!.Name == leader) return true;
                await StreamCluster.AskAsync(cluster.Client, $"STREAM.LEADER.STEPDOWN.{copy}", $$$"""{"placement":{"preferred":"{{{leader}}}"}}""");
                return false;
            },
            timeout: TimeSpan.FromSeconds(30));
        await cluster.DoAsync($"STREAM.CREATE.{copy}", request);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSourceWorkingQueueWithLimit")]
    public async Task AWorkQueueThatIsFullTakesTheRestOfItsSourceLater()
    {
        const int Total = 90, Most = 30;
        await CreateAsync(3);
        for (var i = 0; i < Total; i++) await StreamCluster.PublishAsync(cluster.Client, $"{_name}.a", i.ToString("D100", CultureInfo.InvariantCulture));
        foreach (var (limit, figure) in new[] { ($"\"max_msgs\":{Most}", "messages"), ($"\"max_bytes\":{Most * 100}", "bytes") })
        {
            var most = figure == "bytes" ? Most * 100 : Most;
            var queue = NewName();
            await cluster.DoAsync($"STREAM.CREATE.{queue}", $$"""{"name":"{{queue}}","num_replicas":3,"retention":"workqueue","discard":"new",{{limit}},"sources":[{"name":"{{_name}}"}]}""");
            await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{queue}.wqc", $$"""{"stream_name":"{{queue}}","config":{"durable_name":"wqc","ack_policy":"explicit"} }""");
            if (figure == "messages") await cluster.WaitForMessagesAsync(queue, Most);
            for (var next = 0; next < Total;)
            {
                var messages = await cluster.FetchAsync(queue, "wqc", 10);
                messages.ShouldNotBeEmpty($"{figure}: behind {next} nothing comes");
                foreach (var message in messages)
                {
                    int.Parse(message.Text, CultureInfo.InvariantCulture).ShouldBe(next++);
                    await cluster.AcknowledgeAsync(message);
                }
                (await cluster.DoAsync($"STREAM.INFO.{queue}")).GetProperty("state").GetProperty(figure).GetInt32().ShouldBeLessThanOrEqualTo(most);
            }
            await cluster.WaitForMessagesAsync(queue, 0);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseResumeViaEndpoint")]
    public async Task APauseIsEndedAndBothAreTold()
    {
        await CreateAsync(3);
        await MakeAsync("CONSUMER", "\"num_replicas\":3");
        (await cluster.DoAsync($"CONSUMER.INFO.{_name}.CONSUMER")).TryGetProperty("paused", out _).ShouldBeFalse();
        var told = await cluster.Client.SubscribeAsync($"$JS.EVENT.ADVISORY.CONSUMER.PAUSE.{_name}.CONSUMER");
        var deadline = TimeProvider.System.GetUtcNow().AddSeconds(30);
        var paused = await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.CONSUMER", $$"""{"pause_until":"{{deadline:O}}"}""");
        (paused.GetProperty("pause_until").GetDateTimeOffset() - deadline).Duration().ShouldBeLessThan(TimeSpan.FromMilliseconds(1));
        await told.NextAsync();
        (await cluster.DoAsync($"CONSUMER.INFO.{_name}.CONSUMER")).GetProperty("paused").GetBoolean().ShouldBeTrue();
        await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.CONSUMER");
        await told.NextAsync();
        (await cluster.DoAsync($"CONSUMER.INFO.{_name}.CONSUMER")).TryGetProperty("paused", out _).ShouldBeFalse();
        told.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "file")]
    [InlineData(1, "memory")]
    [InlineData(3, "memory")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledRearmHeaderRejectedFromClient")]
    public async Task AClientDoesNotPutOffASchedule(int replicas, string storage)
    {
        await CreateAsync(replicas, "\"allow_msg_schedules\":true", storage);
        var at = TimeProvider.System.GetUtcNow().AddMilliseconds(500).ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
        ErrorOf(await cluster.PublishAsync($"{_name}.schedule", ("Nats-Schedule", $"@at {at}"), ("Nats-Schedule-Target", $"{_name}.msg"))).ShouldBe(0);
        ErrorOf(await cluster.PublishAsync($"{_name}.attacker", ("Nats-Schedule-Next", "2126-01-01T00:00:00Z"), ("Nats-Scheduler", $"{_name}.schedule"))).ShouldBe(10212);
        ErrorOf(await cluster.PublishAsync($"{_name}.attacker", ("Nats-Scheduler", $"{_name}.schedule"))).ShouldBe(10212);
        await Wait.Until("the message comes in its time", async () => ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"STREAM.MSG.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.msg"}""")) == 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterEphemeralConsumerNoImmediateInterest")]
    public async Task AConsumerThatNobodyListensToGoes()
    {
        await CreateAsync(3);
        var consumer = (await cluster.DoAsync($"CONSUMER.CREATE.{_name}", $$"""{"stream_name":"{{_name}}","config":{"deliver_subject":"r.{{_name}}","inactive_threshold":500000000} }""")).GetProperty("name").GetString();
        await Wait.Until("it is gone", async () => ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.{consumer}")) == 10014);
        (await cluster.DoAsync($"CONSUMER.NAMES.{_name}")).GetProperty("total").GetInt32().ShouldBe(0);
    }

    private Task<JsonElement> CreateAsync(int replicas, string more = "", string storage = "file") => cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more, storage));

    private string Stream(int replicas, string more, string storage) =>
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""";

    private Task<JsonElement> MakeAsync(string consumer, string more)
    {
        var policy = more.Contains("ack_policy", StringComparison.Ordinal) ? "" : "\"ack_policy\":\"explicit\",";
        return cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}",{{policy}}{{more}}} }""");
    }

    private async Task PublishAsync(params string[] subjects)
    {
        foreach (var subject in subjects) ErrorOf(await cluster.PublishAsync($"{_name}.{subject}")).ShouldBe(0);
    }

    private Task WaitForFigureAsync(string consumer, string figure, int expected)
    {
        var seen = "";
        return Wait.Until(
            $"{figure} of {consumer} is {expected}",
            async () => (seen = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.{consumer}")).ToString()).Contains($"\"{figure}\":{expected},", StringComparison.Ordinal),
            () => seen);
    }
}
