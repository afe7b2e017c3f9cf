using System.Globalization;
using System.Text.Json;
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
        (await cluster.FetchAsync(_name, "C", 10, (deadline - Now) / 2)).ShouldBeEmpty();
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
        return deadline;
    }

    private async Task ResumeAsync() => (await cluster.DoAsync($"CONSUMER.PAUSE.{_name}.C")).GetProperty("paused").GetBoolean().ShouldBeFalse();
}
