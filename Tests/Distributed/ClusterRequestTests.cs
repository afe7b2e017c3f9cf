using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What a cluster answers to requests about streams, right and wrong ones.</summary>
public sealed class ClusterRequestTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterBadStreamUpdate")]
    public async Task ABadUpdateLeavesTheStream()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "foo", "bar"));
        for (var i = 1; i <= 50; i++) (await cluster.PublishAsync($"{_name}.foo")).GetProperty("seq").GetInt32().ShouldBe(i);
        await cluster.RefusedAsync(10052, $"STREAM.UPDATE.{_name}", Stream(3, "foo..bar"));
        var information = await cluster.DoAsync($"STREAM.INFO.{_name}");
        Subjects(information).ShouldBe([$"{_name}.foo", $"{_name}.bar"]);
        information.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(50);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMaxBytesForStream")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamLimitWithAccountDefaults")]
    public async Task AStreamFitsOnItsServers()
    {
        (await cluster.DoAsync("INFO")).GetProperty("limits").GetProperty("max_storage").GetInt64().ShouldBe(-1);
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(2, "\"max_bytes\":2000000000", "a"));
        var other = NewName();
        var answer = await StreamCluster.AskAsync(cluster.Client, $"STREAM.CREATE.{other}", $$"""{"name":"{{other}}","num_replicas":2,"max_bytes":4294967296}""");
        ErrorOf(answer).ShouldBe(10005);
        answer.GetProperty("error").GetProperty("description").GetString()!.ShouldSatisfyAllConditions(text => text.ShouldContain("no suitable peers for placement"), text => text.ShouldContain("insufficient storage"));
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamOverlapSubjects")]
    public async Task SubjectsOfTwoStreamsDoNotOverlap()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(1, "foo"));
        var other = NewName();
        await cluster.RefusedAsync(10065, $"STREAM.CREATE.{other}", Stream(1, "foo").Replace($"\"name\":\"{_name}\"", $"\"name\":\"{other}\"", StringComparison.Ordinal));
        var names = (await cluster.DoAsync("STREAM.NAMES")).GetProperty("streams").EnumerateArray().Select(name => name.GetString()).ToList();
        names.ShouldContain(_name);
        names.ShouldNotContain(other);
        var listed = (await cluster.DoAsync("STREAM.LIST", $$"""{"subject":"{{_name}}.foo"}""")).GetProperty("streams").EnumerateArray();
        listed.Select(stream => stream.GetProperty("config").GetProperty("name").GetString()).ShouldBe([_name]);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamExtendedUpdates")]
    public async Task SubjectsChangeAndAMirrorDoesNot()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "foo"));
        Subjects(await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(3, "bar", "baz"))).ShouldBe([$"{_name}.bar", $"{_name}.baz"]);
        await cluster.RefusedAsync(10055, $"STREAM.UPDATE.{_name}", $$"""{"name":"{{_name}}","num_replicas":3,"mirror":{"name":"ORDERS"} }""");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDoubleAdd")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusteredStreamCreateIdempotent")]
    public async Task WhatIsThereMayBeMadeAgain()
    {
        var stream = $$"""{"name":"{{_name}}","subjects":["{{_name}}"],"num_replicas":3,"storage":"memory","deny_delete":true,"deny_purge":true}""";
        var consumer = $$"""{"stream_name":"{{_name}}","config":{"durable_name":"dlc","ack_policy":"explicit"} }""";
        for (var attempt = 0; attempt < 2; attempt++) await cluster.DoAsync($"STREAM.CREATE.{_name}", stream);
        for (var attempt = 0; attempt < 2; attempt++) (await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", consumer)).GetProperty("config").GetProperty("max_ack_pending").GetInt32().ShouldBe(1000);
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("consumer_count").GetInt32().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDeleteMsg")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamGetMsg")]
    public async Task AStreamOfOneReplicaIsServedFromWhereItIs()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(1, "a"));
        for (var i = 1; i <= 10; i++) (await cluster.PublishAsync($"{_name}.a")).GetProperty("seq").GetInt32().ShouldBe(i);
        (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", """{"seq":1}""")).GetProperty("message").GetProperty("subject").GetString().ShouldBe($"{_name}.a");
        (await cluster.DoAsync($"STREAM.MSG.DELETE.{_name}", """{"seq":1}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await cluster.RefusedAsync(10037, $"STREAM.MSG.GET.{_name}", """{"seq":1}""");
        (await cluster.DoAsync($"STREAM.PURGE.{_name}")).GetProperty("purged").GetInt32().ShouldBe(9);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledPurgeHeadersRequiresSchedulingEnabled")]
    public async Task HeadersOfSchedulesNeedThemAllowed(int replicas)
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, "*"));
        ErrorOf(await cluster.PublishAsync($"{_name}.victim")).ShouldBe(0);
        ErrorOf(await cluster.PublishAsync($"{_name}.attacker", ("Nats-Schedule-Next", "purge"), ("Nats-Scheduler", $"{_name}.victim"))).ShouldBe(10188);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterUnsetEmptyPlacement")]
    public async Task AnEmptyPlacementIsNone()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(1, "\"placement\":{}", "a"));
        HasPlacement(await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(1, "\"placement\":{}", "a"))).ShouldBeFalse();
        HasPlacement(await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(1, "\"placement\":{\"cluster\":\"C\"}", "a"))).ShouldBeTrue();
        HasPlacement(await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(1, "\"placement\":{}", "a"))).ShouldBeFalse();

        static bool HasPlacement(JsonElement answer) => answer.GetProperty("config").TryGetProperty("placement", out _);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterPersistModeAsync")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterRollupsRequirePurge")]
    public async Task WhatDoesNotGoTogetherIsRefused()
    {
        (await cluster.RefusedAsync(10052, $"STREAM.CREATE.{_name}", Stream(3, "\"persist_mode\":\"async\"", "a"))).ShouldBe("async persist mode is not supported on replicated streams");
        (await cluster.RefusedAsync(10052, $"STREAM.CREATE.{_name}", Stream(2, "\"allow_rollup_hdrs\":true,\"deny_purge\":true", "a"))).ShouldBe("roll-ups require the purge permission");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterUpdateStreamToExisting")]
    public async Task AnUpdateDoesNotTakeSubjectsOfAnother()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "foo"));
        var other = NewName();
        await cluster.DoAsync($"STREAM.CREATE.{other}", $$"""{"name":"{{other}}","subjects":["{{other}}"],"num_replicas":3}""");
        await cluster.RefusedAsync(10065, $"STREAM.UPDATE.{other}", $$"""{"name":"{{other}}","subjects":["{{_name}}.foo"],"num_replicas":3}""");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterListFilter")]
    public async Task AListIsFilteredBySubject()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "one.>"));
        var other = NewName();
        await cluster.DoAsync($"STREAM.CREATE.{other}", $$"""{"name":"{{other}}","subjects":["{{other}}.two.>"],"num_replicas":3}""");
        Names(await cluster.DoAsync("STREAM.LIST", "{}")).ShouldBeSubsetOf(Names(await cluster.DoAsync("STREAM.LIST")));
        Names(await cluster.DoAsync("STREAM.LIST", "{}")).ShouldContain(other);
        Names(await cluster.DoAsync("STREAM.LIST", $$"""{"subject":"{{other}}.two.x"}""")).ShouldBe([other]);

        static List<string?> Names(JsonElement answer) => [.. answer.GetProperty("streams").EnumerateArray().Select(stream => stream.GetProperty("config").GetProperty("name").GetString())];
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMirrorSourceLoop")]
    public async Task SourcesDoNotFormACircle()
    {
        string[] names = [_name, NewName(), NewName(), NewName()];
        await cluster.DoAsync($"STREAM.CREATE.{names[0]}", Copy(names[0], names[1], names[2]));
        await cluster.DoAsync($"STREAM.CREATE.{names[1]}", Copy(names[1], "NOTTHERE"));
        await cluster.DoAsync($"STREAM.CREATE.{names[2]}", Copy(names[2], names[3]));
        (await cluster.RefusedAsync(10052, $"STREAM.CREATE.{names[3]}", Copy(names[3], names[0]))).ShouldBe("detected cycle");

        static string Copy(string name, params string[] origins) =>
            $$"""{"name":"{{name}}","subjects":["{{name}}"],"num_replicas":2,"sources":[{{string.Join(',', origins.Select(origin => $"{{\"name\":\"{origin}\"}}"))}}]}""";
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterNegativeReplicas")]
    public async Task ReplicasAreNotNegative()
    {
        await cluster.RefusedAsync(10133, $"STREAM.CREATE.{_name}", Stream(-1, "a"));
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(1, "a"));
        await cluster.RefusedAsync(10133, $"STREAM.UPDATE.{_name}", Stream(-11, "a"));
        await cluster.RefusedAsync(10133, $"CONSUMER.DURABLE.CREATE.{_name}.dur", Consumer(-1));
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dur", Consumer(1));
        await cluster.RefusedAsync(10133, $"CONSUMER.DURABLE.CREATE.{_name}.dur", Consumer(-11));

        string Consumer(int replicas) => $$"""{"stream_name":"{{_name}}","config":{"durable_name":"dur","ack_policy":"explicit","num_replicas":{{replicas}}} }""";
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamUpdateCombinedScaleUpWithSubjectsChange")]
    public async Task ReplicasAndSubjectsChangeAtOnce()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(1, "a"));
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(3, "a", "b"));
        (await StreamCluster.PublishAsync(cluster.Client, $"{_name}.b", "x")).ShouldBe(2UL);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterTTLAndDedupe")]
    public async Task ARefusedMessageIsNoDuplicate()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "a"));
        for (var attempt = 0; attempt < 2; attempt++) ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "id"), ("Nats-TTL", "10s"))).ShouldBe(10166);
        var stored = await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "id"));
        (ErrorOf(stored), stored.TryGetProperty("duplicate", out _)).ShouldBe((0, false));
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterInvalidTTLAndDedupe")]
    public async Task AMessageWithABadTimeToLiveIsNoDuplicate()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(3, "\"allow_msg_ttl\":true", "a"));
        foreach (var bad in new[] { "invalid!", "-10s" }) ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "id"), ("Nats-TTL", bad))).ShouldBe(10165);
        var stored = await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", "id"), ("Nats-TTL", "10s"));
        (ErrorOf(stored), stored.TryGetProperty("duplicate", out _)).ShouldBe((0, false));
    }

    private string Stream(int replicas, params string[] subjects) => Stream(replicas, null, subjects);

    /// <param name="replicas">How many.</param>
    /// <param name="more">More fields, if they begin with a quotation mark; else a subject.</param>
    /// <param name="subjects">Behind the name.</param>
    private string Stream(int replicas, string? more, params string[] subjects)
    {
        if (more is not null && !more.StartsWith('"')) (subjects, more) = ([more, .. subjects], null);
        var list = string.Join(',', subjects.Select(subject => $"\"{_name}.{subject}\""));
        return $$"""{"name":"{{_name}}","subjects":[{{list}}],"storage":"file","num_replicas":{{replicas}}{{(more is null ? "" : "," + more)}}}""";
    }

    private static IEnumerable<string?> Subjects(JsonElement answer) => answer.GetProperty("config").GetProperty("subjects").EnumerateArray().Select(subject => subject.GetString());
}
