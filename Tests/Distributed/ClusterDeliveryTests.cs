using System.Globalization;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What consumers of a cluster deliver, and what publishers and readers see of its streams.</summary>
public sealed class ClusterDeliveryTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDelete")]
    public async Task WhatIsDeletedCountsNoLonger()
    {
        var before = (await cluster.DoAsync("INFO")).GetProperty("streams").GetInt32();
        await CreateAsync(2, ",\"max_msgs\":100");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("\"durable_name\":\"dlc\""));
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.dlc");
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
        await Wait.Until("it is not counted", async () => (await cluster.DoAsync("INFO")).GetProperty("streams").GetInt32() == before);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamUpdateSubjects")]
    public async Task OtherSubjectsAreTakenFromNowOn()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream("foo", "bar"));
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream("bar", "baz"));
        await Wait.Until("nobody takes what is left out", async () => (await cluster.Client.RequestAsync($"{_name}.foo", timeout: TimeSpan.FromSeconds(1))).IsNoResponders);
        ErrorOf(await cluster.PublishAsync($"{_name}.baz")).ShouldBe(0);

        string Stream(params string[] subjects) => $$"""{"name":"{{_name}}","num_replicas":3,"subjects":[{{string.Join(',', subjects.Select(subject => $"\"{_name}.{subject}\""))}}]}""";
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerRedeliveredInfo")]
    public async Task RedeliveredMessagesAreCounted()
    {
        await CreateAsync(1);
        await cluster.PublishAsync($"{_name}.a");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await reader.UnsubscribeAsync(max: 2);
        var consumer = (await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"deliver_subject\":\"to.{_name}\",\"ack_wait\":100000000"))).GetProperty("name").GetString();
        await Wait.Until("it comes twice", () => reader.Count == 2);
        (await cluster.DoAsync($"CONSUMER.INFO.{_name}.{consumer}")).GetProperty("num_redelivered").GetInt32().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterEphemeralConsumersNotReplicated")]
    public async Task AConsumerWithoutANameHasNoReplicas()
    {
        await CreateAsync(3);
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        var made = await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"deliver_subject\":\"to.{_name}\""));
        await cluster.PublishAsync($"{_name}.a");
        (await reader.NextAsync()).Subject.ShouldBe($"{_name}.a");
        var group = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.{made.GetProperty("name").GetString()}")).GetProperty("cluster");
        group.GetProperty("leader").GetString()!.ShouldStartWith("n");
        group.TryGetProperty("replicas", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterRespectConsumerStartSeq")]
    public async Task AConsumerStartsWhereItIsToldEvenAheadOfTheStream()
    {
        await CreateAsync(3);
        (await StartAtAsync(20)).ShouldBe(19);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", """{"seq":10}""");
        await cluster.Servers.WaitForEqualAsync(_name, 9);
        (await StartAtAsync(20)).ShouldBe(19);
        (await StartAtAsync(5)).ShouldBe(9);

        async Task<int> StartAtAsync(int sequence) =>
            (await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":{sequence}"))).GetProperty("delivered").GetProperty("stream_seq").GetInt32();
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerScaleUp")]
    public async Task AConsumerHasALeaderAfterItsStreamGrew()
    {
        await CreateAsync(1);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.DUR", Consumer("\"durable_name\":\"DUR\",\"num_replicas\":0"));
        for (var i = 0; i < 100; i++) await cluster.PublishAsync($"{_name}.a");
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"file","num_replicas":2}""");
        await Wait.Until(
            "two hold the consumer",
            async () => (await cluster.DoAsync($"CONSUMER.INFO.{_name}.DUR")).GetProperty("cluster").TryGetProperty("replicas", out var replicas) && replicas.EnumerateArray().All(replica => replica.GetProperty("current").GetBoolean()),
            timeout: TimeSpan.FromSeconds(30));
        (await cluster.FetchAsync(_name, "DUR", 100)).Count.ShouldBe(100);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerMaxDeliverUpdate")]
    public async Task MoreAttemptsMayBeAllowed()
    {
        await CreateAsync(3);
        for (var attempts = 2; attempts <= 3; attempts++)
        {
            await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.ard", Consumer($"\"durable_name\":\"ard\",\"filter_subject\":\"{_name}.{attempts}\",\"max_deliver\":{attempts}"));
            await cluster.PublishAsync($"{_name}.{attempts}");
            for (var attempt = 1; attempt <= attempts; attempt++)
            {
                var message = (await cluster.FetchAsync(_name, "ard", 1)).Single();
                message.Reply!.Split('.')[4].ShouldBe($"{attempt}");
                await cluster.Client.PublishAsync(message.Reply, "-NAK");
            }
            (await cluster.FetchAsync(_name, "ard", 1, TimeSpan.FromMilliseconds(300))).ShouldBeEmpty();
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerPendingBug")]
    public async Task WhatIsPublishedMeanwhileIsPending()
    {
        const int count = 10_000;
        await CreateAsync(3);
        await using var other = await cluster.Servers.ConnectAsync(1);
        Task? making = null;
        for (var i = 0; i < count; i++)
        {
            await cluster.Client.PublishAsync($"{_name}.a", "ok");
            if (i == 222) making = StreamCluster.AskAsync(other, $"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer($"\"durable_name\":\"dlc\",\"filter_subject\":\"{_name}.a\",\"deliver_subject\":\"x.{_name}\""));
        }
        await making!;
        await cluster.WaitForMessagesAsync(_name, count);
        var pending = 0;
        await Wait.Until("all are pending", async () => (pending = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).GetProperty("num_pending").GetInt32()) == count, () => $"{pending}");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterStreamRepublish")]
    public async Task WhatIsStoredIsPublishedAgain()
    {
        const int count = 100;
        var reader = await cluster.Client.SubscribeAsync($"RP.{_name}.>");
        await CreateAsync(3, $",\"republish\":{{\"src\":\">\",\"dest\":\"RP.>\"}}");
        string[] subjects = [$"{_name}.foo", $"{_name}.bar", $"{_name}.baz"];
        for (var i = 0; i < count; i++)
        {
            foreach (var subject in subjects) await cluster.PublishAsync(subject);
        }
        var last = subjects.ToDictionary(subject => subject, _ => 0);
        for (var i = 1; i <= count * subjects.Length; i++)
        {
            var message = await reader.NextAsync();
            var subject = message.Subject["RP.".Length..];
            message.Headers!["Nats-Stream"].ShouldBe(_name);
            message.Headers["Nats-Sequence"].ShouldBe($"{i}");
            message.Headers["Nats-Last-Sequence"].ShouldBe($"{last[subject]}");
            last[subject] = i;
        }
        var stored = (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", """{"seq":1}""")).GetProperty("message");
        DateTimeOffset.TryParse(stored.GetProperty("time").GetString(), CultureInfo.InvariantCulture, out _).ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterSignalPullConsumersOnDelete")]
    public async Task WhoWaitsHearsThatItsConsumerIsGone()
    {
        await CreateAsync(3);
        foreach (var consumer in new[] { "d1", "d2" }) await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", Consumer($"\"durable_name\":\"{consumer}\""));
        var first = await WaitingAsync("d1");
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.d1");
        (await first.NextAsync()).Headers!.Status.ShouldBe("409 Consumer Deleted");
        var second = await WaitingAsync("d2");
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
        (await second.NextAsync()).Headers!.Status.ShouldBe("409 Consumer Deleted");

        async Task<TestSubscription> WaitingAsync(string consumer)
        {
            var inbox = await cluster.PullAsync(_name, consumer, 1, TimeSpan.FromSeconds(60));
            await Wait.Until("it waits", async () => (await cluster.DoAsync($"CONSUMER.INFO.{_name}.{consumer}")).GetProperty("num_waiting").GetInt32() == 1);
            return inbox;
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMemoryStore")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterFullConsumerState")]
    public async Task AStreamInMemoryHasReplicas()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"memory","num_replicas":3}""");
        for (var i = 0; i < 100; i++) await cluster.PublishAsync($"{_name}.a");
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("cluster").GetProperty("replicas").GetArrayLength().ShouldBe(2);
        await cluster.WaitForMessagesAsync(_name, 100);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("\"durable_name\":\"dlc\""));
        (await cluster.FetchAsync(_name, "dlc", 100)).Count.ShouldBe(100);
        (await cluster.DoAsync($"STREAM.PURGE.{_name}")).GetProperty("purged").GetInt32().ShouldBe(100);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterCreateResponseAdvisoriesHaveSubject")]
    public async Task EachAnswerIsAnnouncedWithItsSubject()
    {
        var audits = await cluster.Client.SubscribeAsync("$JS.EVENT.ADVISORY.API");
        await cluster.Client.FlushAsync();
        await CreateAsync(2);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.DLC", Consumer("\"durable_name\":\"DLC\""));
        await cluster.DoAsync($"STREAM.PURGE.{_name}");
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
        var subjects = new HashSet<string?>();
        while (subjects.Count < 4)
        {
            var subject = System.Text.Json.JsonDocument.Parse((await audits.NextAsync()).Payload).RootElement.GetProperty("subject").GetString();
            subject.ShouldNotBeNullOrEmpty();
            if (subject.Contains(_name, StringComparison.Ordinal)) subjects.Add(subject);
        }
        subjects.ShouldBe([$"$JS.API.STREAM.CREATE.{_name}", $"$JS.API.CONSUMER.DURABLE.CREATE.{_name}.DLC", $"$JS.API.STREAM.PURGE.{_name}", $"$JS.API.STREAM.DELETE.{_name}"], ignoreOrder: true);
        await audits.UnsubscribeAsync();
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerMaxDeliveryRdcCleanedOnStreamPurge")]
    public async Task WhatWasDeliveredTooOftenIsForgottenWithItsMessages()
    {
        await CreateAsync(3, ",\"retention\":\"workqueue\"");
        for (var i = 0; i < 3; i++) await cluster.PublishAsync($"{_name}.a");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.C", Consumer("\"durable_name\":\"C\",\"max_deliver\":2,\"ack_wait\":200000000"));
        for (var round = 0; round < 2; round++) (await cluster.FetchAsync(_name, "C", 3)).Count.ShouldBe(3);
        await WaitForRedeliveredAsync(3);
        (await cluster.DoAsync($"STREAM.PURGE.{_name}")).GetProperty("purged").GetInt32().ShouldBe(3);
        await WaitForRedeliveredAsync(0);

        Task WaitForRedeliveredAsync(int count) => Wait.Until(
            $"every server counts {count}",
            () => Redelivered().All(redelivered => redelivered == count),
            () => string.Join(", ", Redelivered()));

        IEnumerable<int?> Redelivered() => Enumerable.Range(0, 3).Select(server => cluster.Servers.HostOf(server, _name)?.Consumers.Find("C"u8)?.Replica.Redelivered);
    }

    private Task CreateAsync(int replicas, string more = "") => StreamCluster.CreateAsync(cluster.Client, _name, replicas, more);

    private string Consumer(string fields) => $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"explicit",{{fields}}} }""";
}
