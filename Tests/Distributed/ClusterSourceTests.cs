using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Copies whose origins change, in a cluster that is stopped and started as a whole.</summary>
public sealed class ClusterSourceTests
{
    private const string Tests = "jetstream_cluster_1_test.go";
    private const int Batch = 20;

    [Fact]
    [Upstream(Tests, "TestJetStreamClusterSourcesFilteringAndUpdating")]
    public async Task SourcesGoOnWhereTheyWereAndNewOnesBeginAtTheBeginning()
    {
        await using var cluster = await StreamCluster.StartAsync();
        var client = await cluster.ConnectAsync();
        await DoAsync(client, "STREAM.CREATE.TEST", """{"name":"TEST","subjects":["foo","bar"],"num_replicas":2}""");
        await DoAsync(client, "STREAM.CREATE.M", Sourcing("foo"));
        await PublishAsync(client, "bar");
        await HoldAsync(client, Batch, 0);
        await PublishAsync(client, "foo");
        await HoldAsync(client, 2 * Batch, Batch);
        await DoAsync(client, "STREAM.UPDATE.M", Sourcing("bar"));
        await HoldAsync(client, 2 * Batch, 2 * Batch);
        await PublishAsync(client, "foo");
        await PublishAsync(client, "bar");
        await HoldAsync(client, 4 * Batch, 3 * Batch);
        // What came while it was no source is fetched when it is one again.
        await DoAsync(client, "STREAM.UPDATE.M", Sourcing("bar", "foo"));
        await HoldAsync(client, 4 * Batch, 4 * Batch);
        client = await RestartAsync(cluster, client);
        await HoldAsync(client, 4 * Batch, 4 * Batch);
        foreach (var subject in new[] { "bar", "foo" }) await PublishAsync(client, subject);
        await HoldAsync(client, 6 * Batch, 6 * Batch);
        // Purged is not forgotten.
        await DoAsync(client, "STREAM.PURGE.M");
        client = await RestartAsync(cluster, client);
        await PublishAsync(client, "foo");
        await HoldAsync(client, 7 * Batch, Batch);
        await client.DisposeAsync();

        static string Sourcing(params string[] subjects) =>
            $$"""{"name":"M","num_replicas":2,"sources":[{{string.Join(",", subjects.Select(subject => $"{{\"name\":\"TEST\",\"filter_subject\":\"{subject}\"}}"))}}]}""";
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamClusterSourcesUpdateOriginError")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMirrorDeDupWindow")]
    public async Task AnOriginThatNoLongerHasTheSubjectIsNoFault()
    {
        await using var cluster = await StreamCluster.StartAsync();
        var client = await cluster.ConnectAsync();
        await DoAsync(client, "STREAM.CREATE.TEST", """{"name":"TEST","subjects":["foo"],"num_replicas":2}""");
        await DoAsync(client, "STREAM.CREATE.M", """{"name":"M","num_replicas":2,"sources":[{"name":"TEST","filter_subject":"foo"}]}""");
        await DoAsync(client, "STREAM.CREATE.COPY", """{"name":"COPY","num_replicas":3,"mirror":{"name":"TEST"} }""");
        await PublishAsync(client, "foo");
        await HoldAsync(client, Batch, Batch);
        await DoAsync(client, "STREAM.UPDATE.TEST", """{"name":"TEST","subjects":["bar"],"num_replicas":2}""");
        await Wait.Until("nobody takes it", async () => (await client.RequestAsync("foo")).IsNoResponders);
        await PublishAsync(client, "bar");
        await HoldAsync(client, 2 * Batch, Batch);
        client = await RestartAsync(cluster, client);
        (await client.RequestAsync("foo")).IsNoResponders.ShouldBeTrue();
        await PublishAsync(client, "bar");
        await HoldAsync(client, 3 * Batch, Batch);
        await HoldAsync(client, 3 * Batch, 3 * Batch, "COPY");
        var group = (await DoAsync(client, "STREAM.INFO.COPY")).GetProperty("cluster");
        group.GetProperty("replicas").GetArrayLength().ShouldBe(2);
        await client.DisposeAsync();
    }

    private static async Task<TestClient> RestartAsync(StreamCluster cluster, TestClient client)
    {
        await client.DisposeAsync();
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
        return await cluster.ConnectAsync();
    }

    private static async Task PublishAsync(TestClient client, string subject)
    {
        for (var i = 0; i < Batch; i++)
        {
            await Wait.Until($"{subject} is taken", async () => (await client.RequestAsync(subject, "OK")) is { IsNoResponders: false } answer && answer.Text.Contains("\"seq\"", StringComparison.Ordinal), timeout: TimeSpan.FromSeconds(30));
        }
    }

    private static Task HoldAsync(TestClient client, int origin, int copy, string name = "M")
    {
        var seen = (0, 0);
        return Wait.Until(
            $"TEST holds {origin} and {name} {copy}",
            async () => (seen = (await CountAsync(client, "TEST"), await CountAsync(client, name))) == (origin, copy),
            () => $"{seen}",
            TimeSpan.FromSeconds(40));
    }

    private static async Task<int> CountAsync(TestClient client, string stream) => (await DoAsync(client, $"STREAM.INFO.{stream}")).GetProperty("state").GetProperty("messages").GetInt32();

    private static async Task<System.Text.Json.JsonElement> DoAsync(TestClient client, string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        ErrorOf(answer).ShouldBe(0, $"{operation}: {answer}");
        return answer;
    }
}
