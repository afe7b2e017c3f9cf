using System.Globalization;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Consumers of a cluster that rest until a time: what they hold back, when they go on, what is told of it.</summary>
public sealed class ClusterPauseTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseViaEndpoint")]
    public async Task WhoPullsGetsNothingUntilThePauseIsOver()
    {
        await CreateAsync();
        await MakeAsync("");
        await PublishAsync(10);
        (await cluster.FetchAsync(_name, "C", 10)).Count.ShouldBe(10);
        var deadline = await PauseAsync(TimeSpan.FromSeconds(1));
        await PublishAsync(10);
        var expires = TimeSpan.FromMilliseconds(Math.Max(1, (deadline - Now).TotalMilliseconds / 2));
        (await cluster.FetchAsync(_name, "C", 10, expires)).ShouldBeEmpty();
        (await cluster.FetchAsync(_name, "C", 10)).Count.ShouldBe(10);
        Now.ShouldBeGreaterThan(deadline);
        await PublishAsync(10);
        (await cluster.FetchAsync(_name, "C", 10)).Count.ShouldBe(10);
        // Of an hour's pause nothing is left when it is taken back.
        await PauseAsync(TimeSpan.FromHours(1));
        await ResumeAsync();
        await PublishAsync(10);
        (await cluster.FetchAsync(_name, "C", 10)).Count.ShouldBe(10);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseViaEndpoint")]
    public async Task WhoIsSentMessagesGetsNoneUntilThePauseIsOver()
    {
        await CreateAsync();
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync($"\"deliver_subject\":\"to.{_name}\"");
        await PublishAsync(10);
        await TakeAsync();
        var deadline = await PauseAsync(TimeSpan.FromSeconds(1));
        await PublishAsync(10);
        await reader.NextAsync();
        Now.ShouldBeGreaterThan(deadline);
        for (var i = 1; i < 10; i++) await reader.NextAsync();
        await PublishAsync(10);
        await TakeAsync();
        await PauseAsync(TimeSpan.FromHours(1));
        await ResumeAsync();
        await PublishAsync(10);
        await TakeAsync();

        async Task TakeAsync()
        {
            for (var i = 0; i < 10; i++) await reader.NextAsync();
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseViaConfig")]
    public async Task WhoTakesTheLeadKeepsThePause()
    {
        await CreateAsync();
        await MakeAsync("");
        await TakeAsync();
        var deadline = await PauseAsync(TimeSpan.FromSeconds(1));
        await TakeAsync();
        Now.ShouldBeGreaterThan(deadline);
        await TakeAsync();
        // Behind its end a pause is nothing to the next leader; before it, it is his.
        await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.C");
        await TakeAsync();
        deadline = await PauseAsync(TimeSpan.FromSeconds(3));
        await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.C");
        await TakeAsync();
        Now.ShouldBeGreaterThan(deadline);
        await TakeAsync();

        async Task TakeAsync()
        {
            await PublishAsync(5);
            (await cluster.FetchAsync(_name, "C", 5, TimeSpan.FromSeconds(9))).Count.ShouldBe(5);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseHeartbeats")]
    public async Task WhoRestsGivesSignsOfLife()
    {
        await CreateAsync();
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        var deadline = Now.AddHours(1);
        var made = await MakeAsync($"\"deliver_subject\":\"to.{_name}\",\"idle_heartbeat\":100000000,{Until(deadline)}");
        made.GetProperty("config").GetProperty("pause_until").GetDateTimeOffset().ShouldBe(deadline);
        await PublishAsync(1);
        for (var i = 0; i < 10; i++) (await reader.NextAsync()).Headers!.Status.ShouldBe("100 Idle Heartbeat");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseAdvisories")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseTimerFollowsLeader")]
    public async Task WhoTakesTheLeadTellsNothingAgain()
    {
        await CreateAsync();
        var told = await cluster.Client.SubscribeAsync($"$JS.EVENT.ADVISORY.CONSUMER.*.{_name}.C");
        var deadline = Now.AddSeconds(1);
        await MakeAsync(Until(deadline));
        var seen = new List<string>();
        await ExpectAsync("CREATED", "PAUSE of C: True", "PAUSE of C: False");
        Now.ShouldBeGreaterThan(deadline);
        await PauseAsync(TimeSpan.FromHours(1));
        await ExpectAsync("PAUSE of C: True");
        var leader = -1;
        for (var i = 0; i < 4; i++)
        {
            leader = await WaitForAnotherToWatchTheTimeAsync(leader);
            (await cluster.DoAsync($"CONSUMER.INFO.{_name}.C")).GetProperty("paused").GetBoolean().ShouldBeTrue();
            await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.C");
        }
        await WaitForAnotherToWatchTheTimeAsync(leader);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.C");
        await ExpectAsync("DELETED");

        // It is the leader, and nobody besides.
        async Task<int> WaitForAnotherToWatchTheTimeAsync(int former)
        {
            int[] watchers = [];
            await Wait.Until(
                $"one watches the time who is not {former}",
                () => (watchers = [.. Enumerable.Range(0, 3).Where(server => cluster.Servers.HostOf(server, _name)!.Consumers.Find("C"u8)!.Leader?.NextTick <= ApiTime.From(Now.AddHours(1)).UnixNanoseconds)]).Length == 1 && watchers[0] != former,
                () => string.Join(", ", watchers));
            return watchers[0];
        }

        // In this order, and nothing besides but who leads.
        async Task ExpectAsync(params string[] expected)
        {
            seen.Clear();
            while (seen.Count < expected.Length)
            {
                var message = await told.NextAsync();
                var what = message.Subject.Split('.')[4];
                if (what == "LEADER_ELECTED") continue;
                var advisory = JsonDocument.Parse(message.Payload).RootElement;
                seen.Add(what != "PAUSE" ? what : $"PAUSE of {advisory.GetProperty("consumer")}: {advisory.GetProperty("paused")}");
            }
            seen.ShouldBe(expected);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseMetadataRace")]
    public async Task PausesByManyAtOnceAreAllAnswered()
    {
        await CreateAsync();
        await MakeAsync("");
        var deadline = Now.AddMinutes(1);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            for (var i = 0; i < 10; i++) (await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.C", $"{{{Until(deadline)}}}")).GetProperty("paused").GetBoolean().ShouldBeTrue();
        }));
        await WaitForPauseAsync(deadline);
    }

    private static string Until(DateTimeOffset time) => $"\"pause_until\":\"{time.ToString("O", CultureInfo.InvariantCulture)}\"";

    private Task<JsonElement> CreateAsync() => cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"num_replicas":3}""");

    private Task<JsonElement> MakeAsync(string more) => cluster.DoAsync(
        $"CONSUMER.CREATE.{_name}.C",
        $$"""{"stream_name":"{{_name}}","config":{"name":"C","durable_name":"C","ack_policy":"none","num_replicas":3{{(more.Length == 0 ? "" : "," + more)}}} }""");

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }

    private async Task<DateTimeOffset> PauseAsync(TimeSpan time)
    {
        var deadline = Now + time;
        var answer = await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.C", $"{{{Until(deadline)}}}");
        (answer.GetProperty("paused").GetBoolean(), answer.GetProperty("pause_until").GetDateTimeOffset()).ShouldBe((true, deadline));
        await WaitForPauseAsync(deadline);
        return deadline;
    }

    private async Task ResumeAsync()
    {
        (await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.C")).GetProperty("paused").GetBoolean().ShouldBeFalse();
        await WaitForPauseAsync(null);
    }

    /// <summary>As upstream, the meta leader answers before those who hold the consumer have heard of it.</summary>
    private Task WaitForPauseAsync(DateTimeOffset? until)
    {
        return Wait.Until(
            $"all know of the pause until {until:O}",
            () => Enumerable.Range(0, 3).All(server => PauseAt(server)?.UnixNanoseconds == (until is { } time ? ApiTime.From(time).UnixNanoseconds : null)),
            () => string.Join(", ", Enumerable.Range(0, 3).Select(PauseAt)));

        ApiTime? PauseAt(int server) => cluster.Servers.HostOf(server, _name)?.Consumers.Find("C"u8)?.Configuration.PauseUntil;
    }
}
