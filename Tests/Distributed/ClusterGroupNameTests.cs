using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Which Raft group an asset has that grows and shrinks.</summary>
public sealed class ClusterGroupNameTests
{
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamRaftGroupChangesWhenMovingToOrOffR1")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerRaftGroupChangesWhenMovingToOrOffR1")]
    public async Task AGroupIsNewAfterOneReplicaAndElseTheSame()
    {
        await using var servers = await StreamCluster.StartAsync(5);
        await using var client = await servers.ConnectAsync();
        await FollowAsync("S", replicas => StreamCluster.PlaceAsync(
            client,
            $"STREAM.{(replicas == 0 ? "CREATE" : "UPDATE")}.A",
            $$"""{"name":"A","subjects":["A.>"],"num_replicas":{{Math.Max(replicas, 1)}}}"""), "STREAM.INFO.A");
        await StreamCluster.CreateAsync(client, "B", 5);
        await FollowAsync("C", replicas => StreamCluster.PlaceAsync(
            client,
            "CONSUMER.DURABLE.CREATE.B.C",
            $$"""{"stream_name":"B","config":{"durable_name":"C","ack_policy":"explicit","num_replicas":{{Math.Max(replicas, 1)}}} }"""), "CONSUMER.INFO.B.C");

        // 0: it is made, of one replica.
        async Task FollowAsync(string kind, Func<int, Task<JsonElement>> change, string information)
        {
            var group = "";
            foreach (var (replicas, prefix) in new[] { (0, "R1F"), (3, "R3F"), (1, "R1F"), (5, "R5F"), (3, "R5F") })
            {
                var answer = await change(replicas);
                ErrorOf(answer).ShouldBe(0, answer.ToString());
                var (before, seen) = (group, "");
                await Wait.Until(
                    $"{kind} has {replicas} members, of {prefix}",
                    async () =>
                    {
                        var told = (await StreamCluster.AskAsync(client, information)).GetProperty("cluster");
                        group = AssignedGroup(servers, kind);
                        seen = $"{group}: {told}";
                        return group.StartsWith($"{kind}-{prefix}-", StringComparison.Ordinal)
                            && told.TryGetProperty("leader", out _)
                            && (told.TryGetProperty("replicas", out var others) ? others.GetArrayLength() + 1 : 1) == Math.Max(replicas, 1);
                    },
                    () => seen,
                    TimeSpan.FromSeconds(60));
                (group == before).ShouldBe(replicas == 3 && prefix == "R5F");
            }
        }
    }

    /// <summary>What the meta leader has assigned: of one replica nothing else tells the group.</summary>
    private static string AssignedGroup(StreamCluster servers, string kind)
    {
        var assignments = servers.Running.Select(server => server.JetStreamService!.Meta!).First(meta => meta.IsLeading).Assignments;
        return kind == "S" ? assignments.Find("$G", "A")!.Assignment.Group.Name : assignments.Find("$G", "B", "C")!.Assignment.Group.Name;
    }
}
