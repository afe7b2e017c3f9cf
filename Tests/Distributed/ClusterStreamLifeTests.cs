using System.Diagnostics;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams of a cluster that begin, grow, fill up and go.</summary>
public sealed class ClusterStreamLifeTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDirectGetStreamUpgrade")]
    public async Task WhatMayBeReadDirectlyFromNowOnIs()
    {
        const string Bucket = "\"discard\":\"new\",\"max_msgs_per_subject\":1,\"deny_delete\":true";
        await CreateAsync(3, Bucket);
        ErrorOf(await cluster.PublishAsync($"{_name}.name")).ShouldBe(0);
        (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.name"}""")).GetProperty("message").GetProperty("seq").GetInt32().ShouldBe(1);
        (await cluster.Client.RequestAsync($"$JS.API.DIRECT.GET.{_name}.{_name}.name")).IsNoResponders.ShouldBeTrue();
        await UpdateAsync(3, Bucket + ",\"allow_direct\":true");
        TestMessage? answer = null;
        await Wait.Until("it is read directly", async () => !(answer = await cluster.Client.RequestAsync($"$JS.API.DIRECT.GET.{_name}.{_name}.name")).IsNoResponders);
        (answer!.Text, answer.Headers!["Nats-Sequence"]).ShouldBe(("x", "1"));
    }

    [Theory]
    [InlineData("file", false)]
    [InlineData("memory", false)]
    [InlineData("file", true)]
    [InlineData("memory", true)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamMaxAgeScaleUp")]
    public async Task MessagesAreAsOldAfterTheStreamHasGrown(string storage, bool isPurged)
    {
        var more = $"\"storage\":\"{storage}\",\"max_age\":1500000000,\"duplicate_window\":1000000000";
        await CreateAsync(1, more);
        await PublishAsync(10);
        if (isPurged)
        {
            await cluster.DoAsync($"STREAM.PURGE.{_name}");
            await PublishAsync(10);
        }
        var since = Stopwatch.StartNew();
        (await UpdateAsync(3, more)).GetProperty("config").GetProperty("num_replicas").GetInt32().ShouldBe(3);
        var held = await MessagesAsync();
        if (since.Elapsed < TimeSpan.FromSeconds(1)) held.ShouldBe(10);
        await cluster.WaitForMessagesAsync(_name, 0);
        since.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(1.3), TimeSpan.FromSeconds(15));
        await cluster.DoAsync($"STREAM.LEADER.STEPDOWN.{_name}");
        (await MessagesAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamRestoreNameMismatch")]
    public async Task ARestoreIsOfTheStreamItSaysAndThatIsNotThere(int replicas)
    {
        await CreateAsync(replicas, "");
        await cluster.RefusedAsync(10130, $"STREAM.RESTORE.{_name}", """{"config":{}}""");
        await cluster.RefusedAsync(10056, $"STREAM.RESTORE.{NewName()}", """{"config":{"name":"RANDOM"}}""");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterRemoveStatusHeaderOnStreamInbound")]
    public async Task AStatusIsNotStored(int replicas)
    {
        await CreateAsync(replicas, "");
        ErrorOf(await cluster.PublishAsync($"{_name}.heard")).ShouldBe(0);
        await cluster.Client.RequestAsync($"{_name}.a", "", new TestHeaders("100 Description", []));
        var message = (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", """{"seq":2}""")).GetProperty("message");
        message.TryGetProperty("hdrs", out _).ShouldBeFalse(message.ToString());
        (await cluster.PublishAsync($"{_name}.b")).GetProperty("seq").GetInt32().ShouldBe(3);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterNoPanicOnStreamInfoWhenNoLeaderYet")]
    public async Task WhoAsksForAStreamThatIsBeingMadeHarmsNothing()
    {
        await using var other = await cluster.Servers.ConnectAsync(1);
        var isMade = false;
        var asked = 0;
        var asking = AskAsync();
        await CreateAsync(3, "");
        Volatile.Write(ref isMade, true);
        await Wait.For("the last answer", asking);
        asked.ShouldBeGreaterThan(0, "it was asked for meanwhile");
        ErrorOf(await StreamCluster.AskAsync(other, $"STREAM.INFO.{_name}")).ShouldBe(0);

        async Task<bool> AskAsync()
        {
            for (; !Volatile.Read(ref isMade); asked++)
            {
                try
                {
                    await other.RequestAsync($"$JS.API.STREAM.INFO.{_name}", timeout: TimeSpan.FromMilliseconds(200));
                }
                catch (TimeoutException)
                {
                    // Nobody leads it yet.
                }
            }
            return true;
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerNRGCleanup")]
    public async Task NothingIsLeftOfGroupsThatAreGone()
    {
        await CreateAsync(3, "\"storage\":\"memory\",\"retention\":\"workqueue\"");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"dlc","ack_policy":"explicit"} }""");
        string[] groups =
        [
            (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("cluster").GetProperty("raft_group").GetString()!,
            (await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).GetProperty("cluster").GetProperty("raft_group").GetString()!,
        ];
        await Wait.Until("all take part", () => cluster.Servers.Running.All(server => groups.All(server.JetStream!.Groups.ContainsKey)));
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.dlc");
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
        string[] left = [];
        await Wait.Until(
            "nothing is left of them",
            () => (left = [.. Enumerable.Range(0, 3).SelectMany(server => Directory.EnumerateFileSystemEntries(cluster.Servers.FolderOf(server), "*", SearchOption.AllDirectories)).Where(path => groups.Any(path.Contains))]).Length == 0
                && !cluster.Servers.Running.Any(server => groups.Any(server.JetStream!.Groups.ContainsKey)),
            () => string.Join(", ", left));
    }

    /// <summary>Who is to lead at first need not wait for an election.</summary>
    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterCreateStreamPerf")]
    public async Task AReplicatedStreamIsThereSoon()
    {
        var since = Stopwatch.StartNew();
        for (var i = 0; i < 10; i++) await cluster.DoAsync($"STREAM.CREATE.{_name}-{i}", $$"""{"name":"{{_name}}-{{i}}","subjects":["{{_name}}.{{i}}"],"num_replicas":3}""");
        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10), "elections by time-out take four seconds each");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterInvalidR1Config")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMultiLeaderR3Config")]
    public async Task OfTwoWhoMakeAStreamDifferentlyOneIsRight()
    {
        await using var other = await cluster.Servers.ConnectAsync(2);
        await Task.WhenAll(CreateAllAsync(cluster.Client, 3), CreateAllAsync(other, 1));
        for (var i = 0; i < 5; i++)
        {
            var information = await cluster.DoAsync($"STREAM.INFO.{_name}:{i}");
            var replicas = information.GetProperty("config").GetProperty("num_replicas").GetInt32();
            var told = information.GetProperty("cluster");
            (told.TryGetProperty("replicas", out var others) ? others.GetArrayLength() + 1 : 1).ShouldBe(replicas);
            Enumerable.Range(0, 3).Count(server => cluster.Servers.HostOf(server, $"{_name}:{i}") is { Leads: true }).ShouldBe(1);
            // One replica may become more, but not more than the stream's.
            await MakeAsync(cluster.Client, i, "test", 1);
            ErrorOf(await MakeAsync(cluster.Client, i, "test", 3)).ShouldBe(replicas == 3 ? 0 : 10126);
        }

        async Task CreateAllAsync(TestClient client, int replicas)
        {
            for (var i = 0; i < 5; i++)
            {
                var subjects = $"{_name}.{i}.>";
                await StreamCluster.AskAsync(client, $"STREAM.CREATE.{_name}:{i}", $$"""{"name":"{{_name}}:{{i}}","subjects":["{{subjects}}"],"max_msgs_per_subject":5,"num_replicas":{{replicas}}}""");
                await MakeAsync(client, i, "own", 0);
                await client.PublishAsync($"{_name}.{i}.foo", "one");
            }
        }

        Task<JsonElement> MakeAsync(TestClient client, int stream, string consumer, int replicas) => StreamCluster.AskAsync(
            client,
            $"CONSUMER.DURABLE.CREATE.{_name}:{stream}.{consumer}",
            $$"""{"stream_name":"{{_name}}:{{stream}}","config":{"durable_name":"{{consumer}}","ack_policy":"explicit","num_replicas":{{replicas}}} }""");
    }

    /// <summary>What is refused as a duplicate holds nothing up; what is refused as too much holds up what follows.</summary>
    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSourcingIntoDiscardNewPerSubject")]
    public async Task ASourceWaitsForRoomAndPassesOverDuplicates()
    {
        var copy = NewName();
        await CreateAsync(3, "\"duplicate_window\":100000000");
        await cluster.DoAsync($"STREAM.CREATE.{copy}", $$"""{"name":"{{copy}}","storage":"memory","num_replicas":3,"sources":[{"name":"{{_name}}"}],"max_msgs_per_subject":1,"discard":"new","discard_new_per_subject":true,"duplicate_window":10000000000}""");
        for (var i = 0; i < 2; i++) ErrorOf(await cluster.PublishAsync($"{_name}.1")).ShouldBe(0);
        await cluster.WaitForMessagesAsync(copy, 1);
        (await SourceOfAsync(1)).ShouldBe(("1", "1"));
        await cluster.DoAsync($"STREAM.PURGE.{copy}");
        await cluster.WaitForMessagesAsync(copy, 1);
        (await SourceOfAsync(2)).ShouldBe(("1", "2"));
        ErrorOf(await cluster.PublishAsync($"{_name}.2", ("Nats-Msg-Id", "dup1"))).ShouldBe(0);
        await cluster.WaitForMessagesAsync(copy, 2);
        (await SourceOfAsync(3)).ShouldBe(("2", "3"));
        // The origin forgets ids sooner.
        await Wait.Until("the origin takes it", async () => !(await cluster.PublishAsync($"{_name}.3", ("Nats-Msg-Id", "dup1"))).TryGetProperty("duplicate", out _));
        ErrorOf(await cluster.PublishAsync($"{_name}.4")).ShouldBe(0);
        await cluster.WaitForMessagesAsync(copy, 3);
        (await SourceOfAsync(4)).ShouldBe(("4", "5"));

        async Task<(string Subject, string Sequence)> SourceOfAsync(int sequence)
        {
            var message = (await cluster.DoAsync($"STREAM.MSG.GET.{copy}", $$"""{"seq":{{sequence}}}""")).GetProperty("message");
            var source = TestHeaders.Parse(message.GetProperty("hdrs").GetBytesFromBase64())["Nats-Stream-Source"]!;
            return (message.GetProperty("subject").GetString()!.Split('.')[1], source.Split(' ')[1]);
        }
    }

    private Task<JsonElement> CreateAsync(int replicas, string more) => cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more));

    private Task<JsonElement> UpdateAsync(int replicas, string more) => cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(replicas, more));

    private string Stream(int replicas, string more) => $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""";

    private async Task<int> MessagesAsync() => (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("messages").GetInt32();

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }
}
