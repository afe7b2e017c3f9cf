using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Where consumers begin, and what they choose.</summary>
public sealed class ConsumerFilterTests
{
    private const string Tests = "jetstream_consumer_test.go";

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMultipleSubjectsBasic")]
    [Upstream("jetstream_test.go", "TestJetStreamBothFiltersSet")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjects")]
    [Upstream(Tests, "TestJetStreamConsumerOverlappingSubjects")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjectsWithEmpty")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleFiltersSequence")]
    [Upstream(Tests, "TestJetStreamConsumerSingleFilterSubjectInFilterSubjects")]
    public async Task SeveralFiltersChooseTogether()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 40; i++) await server.Client.PublishAsync($"s.{i % 4}.x", $"{i}");
        await server.PublishAsync("s.4.x", "40");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subjects":["s.1.*","s.3.>"]}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(20);
        var messages = await server.FetchAsync("S", "C", 50);
        messages.Select(message => message.Text).ShouldBe(Enumerable.Range(0, 40).Where(i => i % 2 == 1).Select(i => $"{i}"), "in the stream's order");
        messages.Select(message => message.Behind()).ShouldBe(Enumerable.Range(0, 20).Select(i => 19L - i));
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","filter_subject":"s.1.x","filter_subjects":["s.2.x"]}""")).ShouldBe(10136);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","filter_subjects":["s.1.*","s.1.x"]}""")).ShouldBe(10138);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","filter_subjects":["s.1.x","s.1.x"]}""")).ShouldBe(10138);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","filter_subjects":["s.1.x",""]}""")).ShouldBe(10139);
        var single = await server.ConsumerAsync("S", """{"durable_name":"SINGLE","ack_policy":"none","filter_subjects":["s.4.x"]}""");
        single.GetProperty("num_pending").GetInt32().ShouldBe(1);
        (await server.FetchAsync("S", "SINGLE", 5)).Single().Text.ShouldBe("40");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMultipleSubjectsPushBasic")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleConsumersSingleFilter")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleConsumersMultipleFilters")]
    [Upstream(Tests, "TestJetStreamConsumerThreeFilters")]
    public async Task ManyConsumersChooseEachItsOwn()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 10; i++) await server.ConsumerAsync("S", $$"""{"durable_name":"C{{i}}","deliver_subject":"to.{{i}}","ack_policy":"none","filter_subjects":["s.{{i}}.a","s.{{i}}.b","s.all.>"]}""");
        var listeners = new List<TestSubscription>();
        for (var i = 0; i < 10; i++) listeners.Add(await server.Client.SubscribeAsync($"to.{i}"));
        await server.Client.FlushAsync();
        for (var i = 0; i < 10; i++) foreach (var tail in new[] { "a", "b", "c" }) await server.PublishAsync($"s.{i}.{tail}");
        await server.PublishAsync("s.all.x");
        for (var i = 0; i < 10; i++)
        {
            foreach (var subject in new[] { $"s.{i}.a", $"s.{i}.b", "s.all.x" }) (await listeners[i].NextAsync()).Subject.ShouldBe(subject);
            (await server.FigureAsync("S", $"C{i}", "delivered.consumer_seq")).ShouldBe(3);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamDeliverLastPerSubject")]
    [Upstream("jetstream_test.go", "TestJetStreamDeliverLastPerSubjectNumPending")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjectsLastPerSubject")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleFiltersLastPerSubject")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleSubjectsLast")]
    [Upstream(Tests, "TestJetStreamConsumerPullLastPerSubjectRedeliveries")]
    public async Task TheLastOfEachSubjectComesFirst()
    {
        await using var server = await StartAsync();
        foreach (var subject in new[] { "s.1", "s.2", "s.1", "s.3", "s.2", "s.4" }) await server.PublishAsync(subject);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","deliver_policy":"last_per_subject","filter_subject":"s.*","ack_wait":200000000}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(4);
        var messages = await server.FetchAsync("S", "C", 10);
        messages.Select(message => message.Sequence()).ShouldBe([3, 4, 5, 6]);
        messages.Select(message => message.Behind()).ShouldBe([3, 2, 1, 0]);
        await server.PublishAsync("s.1");
        var inbox = await server.PullAsync("S", "C", "5");
        var seen = new List<long>();
        for (var i = 0; i < 5; i++) seen.Add((await inbox.NextAsync()).Sequence());
        seen.Order().ToArray().ShouldBe([3, 4, 5, 6, 7], "what comes later, and what was not acknowledged, is delivered as ever");
        await server.ConsumerAsync("S", """{"durable_name":"SOME","ack_policy":"none","deliver_policy":"last_per_subject","filter_subjects":["s.1","s.3"]}""");
        (await server.FetchAsync("S", "SOME", 10)).Select(message => message.Sequence()).ShouldBe([4, 7]);
        await server.ConsumerAsync("S", """{"durable_name":"LAST","ack_policy":"none","deliver_policy":"last","filter_subjects":["s.2","s.3"]}""");
        (await server.FetchAsync("S", "LAST", 10)).Select(message => message.Sequence()).ShouldBe([5]);
        (await server.TryConsumerAsync("S", """{"durable_name":"X","ack_policy":"none","deliver_policy":"last_per_subject"}""")).ShouldNotBe(0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerWithStartTime")]
    [Upstream(Tests, "TestJetStreamConsumerWithMultipleStartOptions")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleFitersWithStartDate")]
    public async Task AConsumerBeginsWhereItIsTold()
    {
        await using var server = await StartAsync();
        await server.PublishManyAsync("s.1", 10);
        await Wait.Until("the clock to go on", async () => DateTimeOffset.Parse((await server.StateAsync("S")).GetProperty("last_ts").GetString()!) < TimeProvider.System.GetUtcNow().AddMilliseconds(-20));
        var time = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < 10; i++) await server.PublishAsync($"s.{i % 2}");
        var at = time.UtcDateTime.ToString("o");
        await BeginsAsync("T", $"\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"{at}\"", 11, 10);
        await BeginsAsync("Q", "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":15", 15, 6);
        await BeginsAsync("F", $"\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"{at}\",\"filter_subjects\":[\"s.1\",\"s.9\"]", 12, 5);
        await BeginsAsync("L", "\"deliver_policy\":\"last\"", 20, 1);
        await BeginsAsync("N", "\"deliver_policy\":\"new\"", 0, 0);
        foreach (var wrong in new[]
        {
            "\"deliver_policy\":\"all\",\"opt_start_seq\":1", "\"deliver_policy\":\"last\",\"opt_start_seq\":1", "\"deliver_policy\":\"new\",\"opt_start_seq\":1",
            "\"deliver_policy\":\"by_start_sequence\"", "\"deliver_policy\":\"by_start_time\"", $"\"deliver_policy\":\"all\",\"opt_start_time\":\"{at}\"",
            $"\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":1,\"opt_start_time\":\"{at}\"",
        })
        {
            (await server.TryConsumerAsync("S", $$"""{"durable_name":"X","ack_policy":"none",{{wrong}}}""")).ShouldBe(10094, wrong);
        }

        async Task BeginsAsync(string name, string policy, long first, int count)
        {
            var made = await server.ConsumerAsync("S", $$"""{"durable_name":"{{name}}","ack_policy":"none",{{policy}}}""");
            made.GetProperty("num_pending").GetInt32().ShouldBe(count, name);
            var messages = await server.FetchAsync("S", name, 50);
            messages.Count.ShouldBe(count, name);
            if (count > 0) messages[0].Sequence().ShouldBe(first, name);
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamConsumerUpdateFilterSubject")]
    [Upstream(Tests, "TestJetStreamConsumerUpdateFilterSubjects")]
    [Upstream(Tests, "TestJetStreamConsumerMultipleFiltersRemoveFilters")]
    [Upstream(Tests, "TestJetStreamConsumerFilterUpdate")]
    public async Task AnotherFilterHoldsForWhatIsStillToCome()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 9; i++) await server.PublishAsync($"s.{i % 3}");
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subject":"s.0"}""");
        (await server.FetchAsync("S", "C", 2)).Select(message => message.Sequence()).ShouldBe([1, 4]);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit","filter_subjects":["s.1","s.2"]}""");
        (await server.FigureAsync("S", "C", "num_pending")).ShouldBe(4);
        (await server.FetchAsync("S", "C", 3)).Select(message => message.Sequence()).ShouldBe([5, 6, 8]);
        await server.ConsumerAsync("S", """{"durable_name":"C","ack_policy":"explicit"}""");
        (await server.ConsumerInfoAsync("S", "C")).GetProperty("config").TryGetProperty("filter_subjects", out _).ShouldBeFalse();
        (await server.FetchAsync("S", "C", 5)).Select(message => message.Sequence()).ShouldBe([9]);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPerSubjectPending")]
    [Upstream(Tests, "TestJetStreamConsumerPendingForKV")]
    [Upstream(Tests, "TestJetStreamConsumerNumPendingWithMaxPerSubjectGreaterThanOne")]
    public async Task WhatIsReplacedIsNotPending()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"KV","subjects":["kv.>"],"max_msgs_per_subject":1}""");
        await server.CreateAsync("""{"name":"H","subjects":["h.>"],"max_msgs_per_subject":2}""");
        foreach (var stream in new[] { "KV", "H" })
        {
            await server.ConsumerAsync(stream, """{"durable_name":"BEFORE","ack_policy":"none"}""");
            for (var i = 0; i < 12; i++) await server.PublishAsync($"{stream.ToLowerInvariant()}.{i % 3}");
            await server.ConsumerAsync(stream, """{"durable_name":"AFTER","ack_policy":"none","deliver_policy":"last_per_subject","filter_subject":">"}""");
        }
        (await server.FigureAsync("KV", "BEFORE", "num_pending")).ShouldBe(3);
        (await server.FigureAsync("KV", "AFTER", "num_pending")).ShouldBe(3);
        (await server.FigureAsync("H", "BEFORE", "num_pending")).ShouldBe(6);
        (await server.FigureAsync("H", "AFTER", "num_pending")).ShouldBe(3);
        (await server.FetchAsync("H", "BEFORE", 20)).Select(message => message.Sequence()).ShouldBe([7, 8, 9, 10, 11, 12]);
        (await server.FetchAsync("KV", "AFTER", 20)).Select(message => message.Behind()).ShouldBe([2, 1, 0]);
        await server.PublishAsync("h.x.y.z");
        await server.PublishAsync("h.1");
        await server.ConsumerAsync("H", """{"durable_name":"DEEP","ack_policy":"none","deliver_policy":"last_per_subject","filter_subject":"h.x.>"}""");
        (await server.FetchAsync("H", "DEEP", 5)).Single().Behind().ShouldBe(0);
    }

    private static async Task<StreamServer> StartAsync()
    {
        var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["s.>"]}""");
        return server;
    }
}
