using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>
/// Mirrors and sources of streams whose messages go when they are acknowledged (ADR-60), on a server alone and in a cluster: the copy
/// has a durable consumer at the origin, which acknowledges what the copy holds.
/// </summary>
public sealed class AcknowledgedCopyTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _origin = NewName();
    private readonly string _copy = NewName();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamSourcesWQFwcExclusivity")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamSourcesMaxConsumers")]
    public Task TheConsumerOfACopyCountsAgainstNoLimit(bool isClustered) => RunAsync(isClustered, async servers =>
    {
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}\"", "\"max_consumers\":1"));
        await servers.DoAsync($"STREAM.CREATE.{_copy}", $$"""{"name":"{{_copy}}","mirror":{"name":"{{_origin}}"} }""");
        await servers.WaitForConsumersAsync(_origin, 1);
        await servers.DoAsync($"CONSUMER.CREATE.{_origin}.C", $$"""{"stream_name":"{{_origin}}","config":{"durable_name":"C","ack_policy":"explicit"} }""");
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamSourcesWQFilterExclusivity")]
    public Task ConsumersMayHaveTheFiltersOfACopy(bool isClustered) => RunAsync(isClustered, async servers =>
    {
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}.a\",\"{_origin}.b\""));
        await servers.DoAsync($"STREAM.CREATE.{_copy}", $$"""{"name":"{{_copy}}","mirror":{"name":"{{_origin}}","subject_transforms":[{"src":"{{_origin}}.a","dest":""},{"src":"{{_origin}}.b","dest":""}]} }""");
        await servers.WaitForConsumersAsync(_origin, 1);
        foreach (var subject in new[] { "a", "b" })
        {
            await servers.DoAsync($"CONSUMER.CREATE.{_origin}.{subject}.{_origin}.{subject}", $$"""{"stream_name":"{{_origin}}","config":{"durable_name":"{{subject}}","ack_policy":"explicit","filter_subject":"{{_origin}}.{{subject}}"} }""");
        }
    });

    [Theory]
    [InlineData(false, "workqueue")]
    [InlineData(true, "workqueue")]
    [InlineData(false, "interest")]
    [InlineData(true, "interest")]
    public Task WhatACopyHoldsIsAcknowledgedAndNothingIsLost(bool isClustered, string retention) => RunAsync(isClustered, async servers =>
    {
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}\"").Replace("workqueue", retention, StringComparison.Ordinal));
        await servers.DoAsync($"STREAM.CREATE.{_copy}", $$"""{"name":"{{_copy}}","num_replicas":{{servers.Replicas}},"sources":[{"name":"{{_origin}}"}]}""");
        await servers.WaitForConsumersAsync(_origin, 1);
        // Who leads a stream goes by the consumers he knows.
        if (isClustered) await Wait.Until("all know the consumer", () => Enumerable.Range(0, 3).All(server => cluster.Servers.HostOf(server, _origin)!.Consumers.Snapshot().Length == 1));
        for (var i = 1; i <= 20; i++)
        {
            await servers.PublishAsync(_origin, $"{i}");
            if (i == 10 && isClustered) await servers.DoAsync($"STREAM.LEADER.STEPDOWN.{_copy}");
        }
        await servers.WaitForMessagesAsync(_copy, 20);
        await servers.WaitForMessagesAsync(_origin, 0);
        for (var i = 1; i <= 20; i++)
        {
            var message = (await servers.DoAsync($"STREAM.MSG.GET.{_copy}", $$"""{"seq":{{i}}}""")).GetProperty("message");
            System.Text.Encoding.ASCII.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"{i}");
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamMirrorDeletesConsumerAfterMirrorRemoval")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamMirrorDeletesConsumerAfterStreamRemoval")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamSourceDeletesConsumerAfterStreamRemoval")]
    public Task TheConsumerOfACopyGoesWithIt(bool isClustered) => RunAsync(isClustered, async servers =>
    {
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}\""));
        var plain = $$"""{"name":"{{_copy}}","subjects":["{{_copy}}"]}""";
        foreach (var (from, end, last) in new[]
        {
            ($"\"mirror\":{{\"name\":\"{_origin}\"}}", $"STREAM.UPDATE.{_copy}", plain),
            ($"\"mirror\":{{\"name\":\"{_origin}\"}}", $"STREAM.DELETE.{_copy}", ""),
            ($"\"sources\":[{{\"name\":\"{_origin}\"}}]", $"STREAM.DELETE.{_copy}", ""),
        })
        {
            await servers.DoAsync($"STREAM.CREATE.{_copy}", $$"""{"name":"{{_copy}}",{{from}} }""");
            await servers.WaitForConsumersAsync(_origin, 1);
            await servers.DoAsync(end, last);
            await servers.WaitForConsumersAsync(_origin, 0);
            if (last.Length > 0) await servers.DoAsync($"STREAM.DELETE.{_copy}");
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamDurableStreamSourceDeletesConsumerAfterSourceUpdate")]
    public Task ConsumersOfSourcesGoAndComeWithThem(bool isClustered) => RunAsync(isClustered, async servers =>
    {
        var other = NewName();
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}.a\",\"{_origin}.b\""));
        await servers.DoAsync($"STREAM.CREATE.{other}", WorkQueue(servers, $"\"{other}\"").Replace(_origin, other, StringComparison.Ordinal));
        await servers.DoAsync($"STREAM.CREATE.{_copy}", Sourcing($"{{\"name\":\"{_origin}\"}}"));
        await servers.WaitForConsumersAsync(_origin, 1);
        // Twice the same origin: each needs one of its own.
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing($"{{\"name\":\"{_origin}\",\"filter_subject\":\"{_origin}.a\"}},{{\"name\":\"{_origin}\",\"filter_subject\":\"{_origin}.b\"}}"));
        await servers.WaitForConsumersAsync(_origin, 2);
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing(""));
        await servers.WaitForConsumersAsync(_origin, 0);
        // Two origins know the copy by the same name.
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing($"{{\"name\":\"{_origin}\"}},{{\"name\":\"{other}\"}}"));
        var name = (await servers.WaitForConsumersAsync(_origin, 1)).ShouldHaveSingleItem();
        (await servers.WaitForConsumersAsync(other, 1)).ShouldBe([name]);
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing($"{{\"name\":\"{other}\"}}"));
        await servers.WaitForConsumersAsync(_origin, 0);
        (await servers.WaitForConsumersAsync(other, 1)).ShouldBe([name]);
        // One that was made beforehand takes its place, and stays whatever comes.
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing($"{{\"name\":\"{_origin}\"}}"));
        await servers.WaitForConsumersAsync(_origin, 1);
        await servers.DoAsync($"CONSUMER.CREATE.{_origin}.MINE", $$"""{"stream_name":"{{_origin}}","config":{"durable_name":"MINE","ack_policy":"explicit","deliver_subject":"to.{{_origin}}"} }""");
        await servers.DoAsync($"STREAM.UPDATE.{_copy}", Sourcing($"{{\"name\":\"{_origin}\",\"consumer\":{{\"name\":\"MINE\",\"deliver_subject\":\"to.{_origin}\"}}}}"));
        (await servers.WaitForConsumersAsync(_origin, 1)).ShouldBe(["MINE"]);
        await servers.DoAsync($"STREAM.DELETE.{_copy}");
        (await servers.WaitForConsumersAsync(other, 0)).ShouldBeEmpty();
        (await servers.WaitForConsumersAsync(_origin, 1)).ShouldBe(["MINE"]);
    });

    /// <summary>A Go server that copies asks again when it has lost something, and counts from one: what it has not acknowledged comes again, as if for the first time.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task WhoAsksAgainGetsWhatItHasNotAcknowledged(bool isClustered) => RunAsync(isClustered, async servers =>
    {
        await servers.DoAsync($"STREAM.CREATE.{_origin}", WorkQueue(servers, $"\"{_origin}\""));
        for (var i = 1; i <= 3; i++) await servers.PublishAsync(_origin, $"{i}");
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var subject = $"to.{_origin}.{attempt}";
            var request = $$"""
                {"stream_name":"{{_origin}}","config":{"name":"JS_MIRROR_ABCDEFGH","deliver_subject":"{{subject}}","deliver_policy":"all","ack_policy":"none","ack_wait":79200000000000,
                "max_deliver":1,"idle_heartbeat":1000000000,"flow_control":true,"direct":true,"sourcing":true,"inactive_threshold":10000000000} }
                """;
            // Refused while the meta leader has not heard that nobody listens where it delivered before.
            JsonElement answer = default;
            await Wait.Until("the consumer is made", async () => ErrorOf(answer = await StreamCluster.PlaceAsync(servers.Client, $"CONSUMER.CREATE.{_origin}", request)) != 10013, () => answer.ToString());
            ErrorOf(answer).ShouldBe(0, answer.ToString());
            var inbox = await servers.Client.SubscribeAsync(subject);
            for (var i = 1; i <= 3;)
            {
                var message = await inbox.NextAsync();
                if (message.Headers is { Status.Length: > 0 }) continue;
                // $JS.ACK.stream.consumer.deliveries.stream sequence.consumer sequence. …
                message.Reply!.Split('.')[^5..^2].ShouldBe(["1", $"{i}", $"{i}"], $"attempt {attempt}: {message.Reply}");
                i++;
            }
            await inbox.UnsubscribeAsync();
        }
    });

    private string Sourcing(string sources) => $$"""{"name":"{{_copy}}","subjects":["{{_copy}}"],"sources":[{{sources}}]}""";

    private string WorkQueue(Servers servers, string subjects, string more = "\"max_msgs\":-1") =>
        $$"""{"name":"{{_origin}}","subjects":[{{subjects}}],"retention":"workqueue","num_replicas":{{servers.Replicas}},{{more}} }""";

    private async Task RunAsync(bool isClustered, Func<Servers, Task> test)
    {
        if (isClustered)
        {
            await test(new Servers(cluster.Client, 3));
            return;
        }
        await using var alone = await StreamServer.StartAsync();
        await test(new Servers(alone.Client, 1));
    }

    private sealed record Servers(TestClient Client, int Replicas)
    {
        public async Task<JsonElement> DoAsync(string operation, string request = "")
        {
            var answer = Replicas == 1 ? await StreamCluster.AskAsync(Client, operation, request) : await StreamCluster.PlaceAsync(Client, operation, request);
            ErrorOf(answer).ShouldBe(0, $"{operation} {request}: {answer}");
            return answer;
        }

        public async Task PublishAsync(string subject, string payload)
        {
            var answer = "";
            await Wait.Until(
                $"{payload} is published",
                async () =>
                {
                    var message = await Client.RequestAsync(subject, payload);
                    answer = message.Text;
                    return !message.IsNoResponders && answer.Contains("\"seq\"", StringComparison.Ordinal);
                },
                () => answer);
        }

        public async Task<string?[]> WaitForConsumersAsync(string stream, int count)
        {
            string?[] names = [];
            await Wait.Until(
                $"{stream} has {count} consumers",
                async () => (names = [.. (await DoAsync($"CONSUMER.NAMES.{stream}")).GetProperty("consumers").EnumerateArray().Select(name => name.GetString())]).Length == count,
                () => string.Join(", ", names));
            return names;
        }

        public async Task WaitForMessagesAsync(string stream, int count)
        {
            var state = "";
            await Wait.Until(
                $"{stream} holds {count}",
                async () =>
                {
                    var information = await DoAsync($"STREAM.INFO.{stream}");
                    state = $"{information.GetProperty("state")} {(information.TryGetProperty("sources", out var sources) ? sources : default)}";
                    return information.GetProperty("state").GetProperty("messages").GetInt32() == count;
                },
                () => state,
                TimeSpan.FromSeconds(20));
        }
    }
}
