using System.Globalization;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What consumers of a cluster do with what clients tell them, also many at once.</summary>
public sealed class ClusterConsumerRuleTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterInvalidJSACKOverRoute")]
    public async Task NamesAndSubjectsWithAnAtSignAreAcknowledgedOverRoutes()
    {
        foreach (var (stream, consumer) in new[] { ("No", "No"), ("With@At", "No"), ("No", "With@At"), ("With@At", "With@At") })
        {
            var name = _name + stream;
            await cluster.DoAsync($"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{_name}}.>"],"num_replicas":3}""");
            var made = await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{name}.{consumer}", $$"""{"stream_name":"{{name}}","config":{"durable_name":"{{consumer}}","ack_policy":"explicit"} }""");
            var leader = made.GetProperty("cluster").GetProperty("leader").GetString();
            await using var client = await cluster.Servers.ConnectAsync(Array.FindIndex(cluster.Servers.Servers, server => server!.Name != leader));
            foreach (var subject in new[] { $"{_name}.no.at", $"{_name}.with@at" })
            {
                await StreamCluster.PublishAsync(client, subject, "x");
                await StreamCluster.HearOfAsync(client, name, consumer);
                var message = await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{name}.{consumer}");
                message.Subject.ShouldBe(subject);
                (await client.RequestAsync(message.Reply!, "+ACK")).IsNoResponders.ShouldBeFalse($"{name} {consumer} {subject}");
            }
            await cluster.DoAsync($"STREAM.DELETE.{name}");
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterAckPendingWithExpired")]
    public async Task WhatExpiresWaitsForNoAcknowledgement()
    {
        await CreateAsync(3, "\"max_age\":700000000");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("C", $"\"deliver_subject\":\"to.{_name}\"");
        await PublishAsync(20);
        await Wait.Until("all are delivered", () => reader.Count == 20, () => $"{reader.Count}");
        await cluster.WaitForMessagesAsync(_name, 0);
        await WaitForFigureAsync("C", "num_ack_pending", 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterAckPendingWithMaxRedelivered")]
    public async Task WhatIsGivenUpMakesRoomForTheNext()
    {
        await CreateAsync(3);
        await PublishAsync(100);
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("dlc", $"\"deliver_subject\":\"to.{_name}\",\"max_deliver\":2,\"ack_wait\":10000000,\"max_ack_pending\":50");
        await Wait.Until("all are delivered twice", () => reader.Count == 200, () => $"{reader.Count}");
        await WaitForFigureAsync("dlc", "num_ack_pending", 0);
        reader.Count.ShouldBe(200);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterCreateConcurrentDurableConsumers")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterParallelConsumerCreation")]
    public async Task AllWhoMakeTheSameConsumerAtOnceGetIt()
    {
        await CreateAsync(3);
        var before = Groups();
        await using var second = await cluster.Servers.ConnectAsync(1);
        await using var third = await cluster.Servers.ConnectAsync(2);
        TestClient[] clients = [cluster.Client, second, third];
        var request = Consumer("shared", $"\"durable_name\":\"shared\",\"num_replicas\":3,\"deliver_subject\":\"to.{_name}\",\"deliver_group\":\"wq\"");
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => StreamCluster.AskAsync(clients[number % 3], $"CONSUMER.DURABLE.CREATE.{_name}.shared", request)));
        answers.ShouldAllBe(answer => ErrorOf(answer) == 0);
        answers.Select(answer => answer.GetProperty("cluster").GetProperty("raft_group").GetString()).Distinct().Count().ShouldBe(1);
        Groups().Except(before).Count().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMaxConsumersMultipleConcurrentRequests")]
    public async Task OfManyRequestsAtOnceOneGetsTheOnlyPlace()
    {
        await CreateAsync(3, "\"max_consumers\":1", "memory");
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("config").GetProperty("max_consumers").GetInt32().ShouldBe(1);
        await using var second = await cluster.Servers.ConnectAsync(1);
        TestClient[] clients = [cluster.Client, second];
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(number => StreamCluster.AskAsync(clients[number % 2], $"CONSUMER.CREATE.{_name}", Consumer("", $"\"deliver_subject\":\"to.{_name}.{number}\""))));
        answers.Select(ErrorOf).Order().ShouldBe([0, .. Enumerable.Repeat(10026, 9)]);
        (await cluster.DoAsync($"CONSUMER.NAMES.{_name}")).GetProperty("consumers").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerActions")]
    public async Task AConsumerIsMadeOrChangedAsTheRequestSays()
    {
        await CreateAsync(1);
        ErrorOf(await AskAsync("CONSUMER", "create", "")).ShouldBe(0);
        ErrorOf(await AskAsync("CONSUMER", "create", "")).ShouldBe(0);
        ErrorOf(await AskAsync("CONSUMER", "create", "changed")).ShouldBe(10148);
        ErrorOf(await AskAsync("CONSUMER", "update", "changed again")).ShouldBe(0);
        ErrorOf(await AskAsync("NEW", "update", "")).ShouldBe(10149);

        Task<JsonElement> AskAsync(string consumer, string action, string description) => StreamCluster.AskAsync(
            cluster.Client,
            $"CONSUMER.CREATE.{_name}.{consumer}.{_name}.a",
            $$"""{"stream_name":"{{_name}}","action":"{{action}}","config":{"name":"{{consumer}}","deliver_policy":"last","filter_subject":"{{_name}}.a","ack_policy":"explicit","description":"{{description}}"} }""");
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerDefaultsFromStream")]
    public async Task ConsumersTakeTheLimitsOfTheirStream()
    {
        await CreateAsync(1, Limits(15, 1_000_000_000), "memory");
        var made = (await MakeAsync("inherits")).GetProperty("config");
        (made.GetProperty("max_ack_pending").GetInt32(), made.GetProperty("inactive_threshold").GetInt64()).ShouldBe((15, 1_000_000_000L));
        await cluster.RefusedAsync(10121, $"CONSUMER.DURABLE.CREATE.{_name}.more", Consumer("more", "\"durable_name\":\"more\",\"max_ack_pending\":30"));
        await cluster.RefusedAsync(10153, $"CONSUMER.DURABLE.CREATE.{_name}.longer", Consumer("longer", "\"durable_name\":\"longer\",\"inactive_threshold\":2000000000"));
        await MakeAsync("most", "\"max_ack_pending\":15,\"inactive_threshold\":1000000000");
        foreach (var limits in new[] { Limits(10, 0), Limits(0, 500_000_000) })
        {
            (await StreamCluster.AskAsync(cluster.Client, $"STREAM.UPDATE.{_name}", Stream(1, limits, "memory"))).TryGetProperty("error", out _).ShouldBeTrue(limits);
        }

        static string Limits(int pending, long threshold) => $$"""
            "consumer_limits":{"max_ack_pending":{{pending}},"inactive_threshold":{{threshold}}}
            """;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerUpdates")]
    public async Task AConsumerChangesInWhatMayChange(int replicas)
    {
        await CreateAsync(replicas);
        await PublishAsync(100);
        var before = Fields($"\"deliver_subject\":\"d.{_name}.first\"");
        await MakeAsync("dlc", before);
        var reader = await cluster.Client.SubscribeAsync($"d.{_name}.bar");
        var to = $"\"deliver_subject\":\"d.{_name}.bar\"";
        await MakeAsync("dlc", Fields(to));
        await MakeAsync("dlc", Fields(to, description: "New Description"));
        await Wait.Until("50 wait", () => reader.Count == 50, () => $"{reader.Count}");
        await MakeAsync("dlc", Fields(to, pending: 75));
        await Wait.Until("75 wait", () => reader.Count == 75, () => $"{reader.Count}");
        for (var i = 0; i < 100; i++)
        {
            var message = await reader.NextAsync();
            if (i >= 10) await cluster.AcknowledgeAsync(message);
        }
        reader.Count.ShouldBe(100);
        await MakeAsync("dlc", Fields(to, pending: 75, wait: 200_000_000));
        await Wait.Until("ten come again", () => reader.Count >= 110, () => $"{reader.Count}");
        await MakeAsync("dlc", Fields(to, pending: 75) + ",\"rate_limit_bps\":8192");
        await MakeAsync("dlc", Fields(to, pending: 75));
        foreach (var change in new[] { "\"deliver_policy\":\"last\"", "\"opt_start_seq\":22", "\"opt_start_time\":\"2026-01-01T00:00:00Z\"", "\"ack_policy\":\"all\"", "\"replay_policy\":\"original\"", "\"idle_heartbeat\":1000000000", "\"flow_control\":true" })
        {
            var answer = await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("dlc", $"\"durable_name\":\"dlc\",{Fields(to, pending: 75)},{change}"));
            answer.TryGetProperty("error", out _).ShouldBeTrue(change);
        }

        string Fields(string deliver, int pending = 50, long wait = 60_000_000_000, string description = "Update TEST") =>
            $"\"filter_subject\":\"{_name}.a\",{deliver},\"ack_wait\":{wait},\"max_deliver\":5,\"max_ack_pending\":{pending},\"description\":\"{description}\"";
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerLastActiveReporting")]
    public async Task AConsumerTellsWhenItWasActiveAlsoAfterAnotherLeads()
    {
        await CreateAsync(2);
        await MakeAsync("rip");
        await PublishAsync(1);
        var information = await InformationAsync();
        (information.GetProperty("delivered").TryGetProperty("last_active", out _), information.GetProperty("ack_floor").TryGetProperty("last_active", out _)).ShouldBe((false, false));
        var message = (await cluster.FetchAsync(_name, "rip", 1)).Single();
        ShouldBeNow((await InformationAsync()).GetProperty("delivered"));
        await cluster.AcknowledgeAsync(message);
        information = await InformationAsync();
        ShouldBeNow(information.GetProperty("ack_floor"));
        var leader = information.GetProperty("cluster").GetProperty("leader").GetString();
        await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.rip");
        await Wait.Until("another leads", () => Enumerable.Range(0, 3).Any(server => $"n{server + 1}" != leader && cluster.Servers.HostOf(server, _name)?.Consumers.All.Any(consumer => consumer.Leads) == true), timeout: TimeSpan.FromSeconds(30));
        var after = await InformationAsync();
        after.GetProperty("cluster").GetProperty("leader").GetString().ShouldNotBe(leader);
        foreach (var what in new[] { "delivered", "ack_floor" }) (TimeOf(after.GetProperty(what)) - TimeOf(information.GetProperty(what))).Duration().ShouldBeLessThan(TimeSpan.FromSeconds(5));

        async Task<JsonElement> InformationAsync() => await cluster.DoAsync($"CONSUMER.INFO.{_name}.rip");

        static DateTimeOffset TimeOf(JsonElement figures) => figures.GetProperty("last_active").GetDateTimeOffset();

        static void ShouldBeNow(JsonElement figures) => (TimeProvider.System.GetUtcNow() - TimeOf(figures)).Duration().ShouldBeLessThan(TimeSpan.FromSeconds(10));
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterRedeliverBackoffs")]
    public async Task EachAttemptWaitsAsLongAsItsPlaceInTheList()
    {
        await CreateAsync(2);
        const string Waits = "\"ack_wait\":30000000000,\"backoff\":[25000000,100000000,250000000]";
        var reader = await cluster.Client.SubscribeAsync($"x.{_name}");
        await cluster.RefusedAsync(10116, $"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("dlc", $"\"durable_name\":\"dlc\",\"deliver_subject\":\"x.{_name}\",\"max_deliver\":2,{Waits}"));
        var made = (await MakeAsync("dlc", $"\"deliver_subject\":\"x.{_name}\",\"max_deliver\":6,{Waits}")).GetProperty("config");
        (made.GetProperty("ack_wait").GetInt64(), made.GetProperty("max_deliver").GetInt32()).ShouldBe((25_000_000, 6));
        await PublishAsync(1);
        var times = new List<DateTimeOffset>();
        for (var attempt = 0; attempt < 6; attempt++)
        {
            await reader.NextAsync();
            times.Add(TimeProvider.System.GetUtcNow());
        }
        double[] expected = [25, 100, 250, 250, 250];
        for (var i = 0; i < expected.Length; i++) (times[i + 1] - times[0]).TotalMilliseconds.ShouldBeGreaterThanOrEqualTo(expected.Take(i + 1).Sum() - 40, $"attempt {i + 2}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterAckDeleted")]
    public async Task WhatTheStreamNoLongerHasMayBeAcknowledged(int replicas)
    {
        await CreateAsync(replicas, "\"max_msgs\":1");
        await MakeAsync("dlc", $"\"num_replicas\":{replicas},\"max_ack_pending\":10");
        var messages = new List<TestMessage>();
        for (var i = 1; i <= 10; i++)
        {
            (await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", i.ToString(CultureInfo.InvariantCulture)))).GetProperty("seq").GetInt32().ShouldBe(i);
            var message = (await cluster.FetchAsync(_name, "dlc", 1)).Single();
            (message.Headers!["Nats-Msg-Id"], message.Sequence()).ShouldBe(($"{i}", i));
            messages.Add(message);
        }
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
        await ExpectAsync(1, 9);
        foreach (var message in messages) await cluster.AcknowledgeAsync(message);
        await ExpectAsync(0, 10);

        async Task ExpectAsync(int pending, int floor)
        {
            await WaitForFigureAsync("dlc", "num_ack_pending", pending);
            var reached = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).GetProperty("ack_floor");
            (reached.GetProperty("stream_seq").GetInt32(), reached.GetProperty("consumer_seq").GetInt32()).ShouldBe((floor, floor));
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterPubAckSequenceDupeAsync")]
    public async Task OfTwoWithOneIdAtOnceOneIsTheDuplicate()
    {
        await CreateAsync(3, "\"duplicate_window\":60000000000");
        for (var sequence = 1; sequence < 10; sequence++)
        {
            var answers = await Task.WhenAll(PublishAsync(sequence), PublishAsync(sequence));
            answers.Select(answer => answer.GetProperty("seq").GetInt32()).ShouldBe([sequence, sequence]);
            answers.Count(answer => answer.TryGetProperty("duplicate", out _)).ShouldBe(1);
        }

        // The one that comes while the other is under way may be told so.
        async Task<JsonElement> PublishAsync(int id)
        {
            JsonElement answer = default;
            await Wait.Until("it is no conflict any more", async () => ErrorOf(answer = await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", $"id{id}"))) != 10158, () => answer.ToString());
            return answer;
        }
    }

    private HashSet<string> Groups() => [.. cluster.Servers.Running.SelectMany(server => server.JetStream!.Groups.Keys)];

    private Task<JsonElement> CreateAsync(int replicas, string more = "", string storage = "file") => cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more, storage));

    private string Stream(int replicas, string more, string storage) =>
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""";

    private Task<JsonElement> MakeAsync(string consumer, string more = "") =>
        cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", Consumer(consumer, $"\"durable_name\":\"{consumer}\"{(more.Length == 0 ? "" : "," + more)}"));

    private string Consumer(string consumer, string fields) =>
        $$"""{"stream_name":"{{_name}}","config":{{{(consumer.Length == 0 ? "" : $"\"name\":\"{consumer}\",")}}"ack_policy":"explicit",{{fields}}} }""";

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }

    private Task WaitForFigureAsync(string consumer, string figure, int expected)
    {
        var seen = "";
        return Wait.Until(
            $"{figure} of {consumer} is {expected}",
            async () =>
            {
                var information = await cluster.DoAsync($"CONSUMER.INFO.{_name}.{consumer}");
                seen = information.ToString();
                return information.GetProperty(figure).GetInt32() == expected;
            },
            () => seen,
            TimeSpan.FromSeconds(30));
    }
}
