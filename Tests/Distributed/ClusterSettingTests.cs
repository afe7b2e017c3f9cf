using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What servers of a cluster are configured to allow, and what the system account hears.</summary>
public sealed class ClusterSettingTests
{
    private const string System = "$SYS { users: [ { user: s, password: s } ] }";

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDomainAdvisory")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterAPIAccessViaSystemAccount")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterAccountInfoForSystemAccount")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMetaStepdownFromNonSysAccount")]
    public async Task TheSystemAccountHearsWhoLeadsAndHasNoStreams()
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: "domain: NGS", more: $"accounts {{ {System} }}");
        await using var alone = await StreamServer.StartAsync("", $"accounts {{ {System} }}", "s");
        (await alone.TryCreateAsync("""{"name":"T"}""")).ShouldBe(10039);
        await using var system = await cluster.ConnectAsync(0, "s");
        ErrorOf(JsonDocument.Parse((await system.RequestAsync("$JS.API.STREAM.CREATE.T", """{"name":"T"}""")).Payload).RootElement).ShouldBe(10039);
        ErrorOf(JsonDocument.Parse((await system.RequestAsync("$JS.API.INFO")).Payload).RootElement).ShouldBe(10039);
        await Wait.Until("all know each other", () => cluster.Running.All(server => server.JetStreamService!.Meta!.Registry.Peers.Count == 3));
        // Who leads is the system account's to say: nobody else is answered.
        await using var stranger = await cluster.ConnectAsync();
        var before = cluster.Running.Single(server => server.JetStreamService!.Meta!.IsLeading).Name;
        (await stranger.RequestAsync("$JS.API.META.LEADER.STEPDOWN")).IsNoResponders.ShouldBeTrue();
        cluster.Running.Single(server => server.JetStreamService!.Meta!.IsLeading).Name.ShouldBe(before);
        var heard = await system.SubscribeAsync("$JS.EVENT.ADVISORY.DOMAIN.LEADER_ELECTED");
        await system.FlushAsync();
        await Wait.Until("all servers know who listens", () => cluster.Running.All(server => server.Accounts.System!.Subscriptions.HasInterest("$JS.EVENT.ADVISORY.DOMAIN.LEADER_ELECTED"u8)));
        ErrorOf(await StreamCluster.AskAsync(system, "META.LEADER.STEPDOWN")).ShouldBe(0);
        var advisory = JsonDocument.Parse((await heard.NextAsync()).Payload).RootElement;
        await cluster.WaitForMetaLeaderAsync();
        var leader = cluster.Running.Single(server => server.JetStreamService!.Meta!.IsLeading);
        (Text("leader"), Text("domain"), Text("cluster"), Text("type")).ShouldBe((leader.JetStreamService!.Meta!.Id, "NGS", "C", "io.nats.jetstream.advisory.v1.domain_leader_elected"));
        advisory.GetProperty("replicas").EnumerateArray().Select(peer => peer.GetProperty("name").GetString()).ShouldBe(["n1", "n2", "n3"]);

        string? Text(string name) => advisory.GetProperty(name).GetString();
    }

    /// <summary>The system account is told whose streams and consumers they are; the account itself knows.</summary>
    [Theory]
    [InlineData("STREAM.LEADER_ELECTED.T", "STREAM.LEADER.STEPDOWN.T")]
    [InlineData("CONSUMER.LEADER_ELECTED.T.C", "CONSUMER.LEADER.STEPDOWN.T.C")]
    public async Task TheAccountAndTheSystemAccountHearWhoLeadsAnAsset(string told, string asked)
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: "domain: NGS", more: $"accounts {{ {System} }}");
        await using var client = await cluster.ConnectAsync();
        await using var system = await cluster.ConnectAsync(0, "s");
        await StreamCluster.CreateAsync(client, "T", 3);
        ErrorOf(await StreamCluster.AskAsync(client, "CONSUMER.CREATE.T.C", """{"stream_name":"T","config":{"durable_name":"C","ack_policy":"explicit","num_replicas":3}}""")).ShouldBe(0);
        var subject = "$JS.EVENT.ADVISORY." + told;
        var (inAccount, inSystem) = (await client.SubscribeAsync(subject), await system.SubscribeAsync(subject));
        var wanted = Encoding.UTF8.GetBytes(subject);
        await Wait.Until("all know who listens", () => Enumerable.Range(0, 3).All(server =>
            cluster.HostOf(server, "T")!.Account.Subscriptions.HasInterest(wanted) && cluster.Servers[server]!.Accounts.System!.Subscriptions.HasInterest(wanted)));
        ErrorOf(await StreamCluster.AskAsync(client, asked)).ShouldBe(0);
        foreach (var (heard, account) in new[] { (inAccount, null), (inSystem, "$G") })
        {
            var elected = JsonDocument.Parse((await heard.NextAsync()).Payload).RootElement;
            elected.GetProperty("replicas").EnumerateArray().Select(peer => peer.GetProperty("name").GetString()).ShouldBe(["n1", "n2", "n3"]);
            elected.GetProperty("leader").GetString().ShouldBeOneOf("n1", "n2", "n3");
            elected.GetProperty("domain").GetString().ShouldBe("NGS");
            (elected.TryGetProperty("account", out var named) ? named.GetString() : null).ShouldBe(account);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterAPILimitAdvisory")]
    public async Task TheSystemAccountHearsOfRequestsThatWereDropped()
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: "request_queue_limit: 1", more: $"accounts {{ {System} }}");
        var other = Array.FindIndex(cluster.Servers, server => !server!.JetStreamService!.Meta!.IsLeading);
        await using var client = await cluster.ConnectAsync(other);
        await using var system = await cluster.ConnectAsync((other + 1) % 3, "s");
        var heard = await system.SubscribeAsync("$JS.EVENT.ADVISORY.API.LIMIT_REACHED");
        await system.FlushAsync();
        await Wait.Until("all servers know who listens", () => cluster.Running.All(server => server.Accounts.System!.Subscriptions.HasInterest("$JS.EVENT.ADVISORY.API.LIMIT_REACHED"u8)));
        var requests = string.Concat(Enumerable.Repeat("PUB $JS.API.CONSUMER.LIST.TEST nobody 0\r\n\r\n", 1000));
        await client.SendAsync(requests);
        var advisory = JsonDocument.Parse((await heard.NextAsync()).Payload).RootElement;
        advisory.GetProperty("dropped").GetInt64().ShouldBeGreaterThanOrEqualTo(1);
        advisory.TryGetProperty("domain", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterTieredReservationOverflow")]
    public async Task WhatIsReservedCountsForEachReplica()
    {
        await using var cluster = await StreamCluster.StartAsync(
            jetStream: "max_file_store: 9223372036854775807",
            more: $$"""
            accounts {
              {{System}}
              MOST { jetstream: { max_file: 9223372036854775807 }, users: [ { user: most, password: most } ] }
              FEW { jetstream: { max_file: 31 }, users: [ { user: few, password: few } ] }
            }
            """);
        await using var most = await cluster.ConnectAsync(0, "most");
        ErrorOf(await CreateAsync(most, "S1", 3, 4_000_000_000_000_000_000)).ShouldBe(0);
        ErrorOf(await CreateAsync(most, "S2", 3, 1)).ShouldBe(10047);
        // 10 bytes on three servers and 1 on one are 31.
        await using var few = await cluster.ConnectAsync(1, "few");
        ErrorOf(await CreateAsync(few, "S1", 1, 1)).ShouldBe(0);
        ErrorOf(await CreateAsync(few, "S2", 3, 10)).ShouldBe(0);
        ErrorOf(await CreateAsync(few, "S3", 1, 1)).ShouldBe(10047);

        static Task<JsonElement> CreateAsync(TestClient client, string name, int replicas, long bytes) =>
            StreamCluster.PlaceAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","num_replicas":{{replicas}},"max_bytes":{{bytes}},"storage":"file"}""");
    }

    /// <summary>What an origin has not is left out in the mirror: one after the other, or all at once.</summary>
    [Theory]
    [InlineData("", 50_000)]
    [InlineData("feature_flags { js_raft_delete_range: true }", 100_000_000)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterSkipMsgsRaftDeleteRange")]
    public async Task AMirrorPassesOverAGreatGap(string more, ulong gap)
    {
        await using var cluster = await StreamCluster.StartAsync(more: more);
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "O", 3);
        await StreamCluster.PublishAsync(client, "O.a", "x");
        ErrorOf(await StreamCluster.PlaceAsync(client, "STREAM.CREATE.M", """{"name":"M","num_replicas":3,"mirror":{"name":"O"}}""")).ShouldBe(0);
        await cluster.WaitForEqualAsync("M", 1);
        ErrorOf(await StreamCluster.AskAsync(client, "STREAM.PURGE.O", $$"""{"seq":{{gap}}}""")).ShouldBe(0);
        (await StreamCluster.PublishAsync(client, "O.a", "x")).ShouldBe(gap);
        await cluster.WaitForEqualAsync("M", gap).WaitAsync(TimeSpan.FromSeconds(20));
        cluster.HostOf(0, "M")!.State.Messages.ShouldBe(2UL);
    }
}
