using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>A server whose disk is full takes no part in streams until it is started again with room; the others go on.</summary>
public sealed class DiskFullTests
{
    private const int Some = 200;
    private const int Large = 1 << 18;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhoHasNoRoomIsDoneWithout(bool leads)
    {
        await using var cluster = ProcessCluster.Prepare(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        using var disk = SmallDisk.Mount(cluster.FolderOf(0), mebibytes: 512);
        await cluster.StartAllAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        await LeadAsync(cluster, "S", leader => leader == 0 == leads, preferred: leads ? 0 : 1);
        await using (var publisher = await cluster.ConnectAsync(1))
        {
            await StreamCluster.CreateAsync(publisher, "BULK", 3);
            disk.Fill();
            await PublishUntilFullAsync(cluster, publisher);
        }
        await load.GoOnAsync("without room on n1", Some);
        (await cluster.AilmentOfAsync(cluster.Servers[0]!)).ShouldNotBeNull();
        await RoundTripAsync(cluster);
        disk.Free();
        await cluster.StopAsync(0);
        await cluster.StartAsync(0);
        await cluster.WaitForHealthAsync(TimeSpan.FromSeconds(60));
        await load.GoOnAsync("with room again", Some);
        await load.VerifyAsync();
    }

    /// <summary>Publishes large messages until the server without room says that it is.</summary>
    private static async Task PublishUntilFullAsync(ProcessCluster cluster, TestClient publisher)
    {
        var payload = new string('x', Large);
        await Wait.Until(
            "n1 says that its disk is full",
            async () =>
            {
                await publisher.RequestAsync("BULK.a", payload);
                return cluster.Servers[0]!.Output.Contains("No space left", StringComparison.Ordinal);
            },
            () => cluster.Servers[0]!.Output,
            TimeSpan.FromSeconds(60));
    }

    /// <summary>What has nothing to do with streams goes on.</summary>
    private static async Task RoundTripAsync(ProcessCluster cluster)
    {
        await using var here = await cluster.ConnectAsync(0);
        await using var there = await cluster.ConnectAsync(1);
        var heard = await here.SubscribeAsync("core.>");
        await here.FlushAsync();
        await Wait.Until("the other server knows of the subscription", async () =>
        {
            await there.PublishAsync("core.a", "hello");
            await there.FlushAsync();
            return heard.Count > 0;
        });
    }

    private static async Task LeadAsync(ProcessCluster cluster, string stream, Func<int, bool> isRight, int preferred)
    {
        await using var client = await cluster.ConnectAsync(2);
        await Wait.Until(
            "the right server leads",
            async () =>
            {
                var leader = await cluster.LeaderOfAsync(stream);
                if (leader >= 0 && isRight(leader)) return true;
                await StreamCluster.AskAsync(client, $"STREAM.LEADER.STEPDOWN.{stream}", $$"""{"placement":{"preferred":"n{{preferred + 1}}"} }""");
                return false;
            },
            timeout: TimeSpan.FromSeconds(60));
    }
}
