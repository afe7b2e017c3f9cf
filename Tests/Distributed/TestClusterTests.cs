using System.Runtime.CompilerServices;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Clusters as users' tests run them: what the fixture says it does, it does.</summary>
public sealed class TestClusterTests
{
    [Fact]
    public async Task TheSampleOfTheReadmeRuns()
    {
        // <sample>
        await using var super = await NatsTopology.SuperCluster(clusters: 2, servers: 3).WithLeaf("edge", hub: "west").StartAsync();
        await super.CreateAsync(new StreamSpec { Name = "orders", In = "west", Subjects = ["orders.>"], Replicas = 3 });
        await PublishAsync(super.ConnectionString("east"), "orders.1");     // your code, with your client
        await super.KillAsync(await super.WaitForStreamLeaderAsync("orders"));
        var leader = await super.WaitForStreamLeaderAsync("orders");        // another one
        await super.CutAsync("west", "east");                               // every gateway between them
        await super.HealAsync();
        await super.WaitForGatewaysAsync();
        await PublishAsync(super.ConnectionString("edge"), "orders.2");
        // </sample>
        leader.ShouldStartWith("west-");
        super.Running.Count.ShouldBe(6);
        var readme = await File.ReadAllTextAsync(Path.Combine(Peers.RepositoryRoot, "README.md"), TestContext.Current.CancellationToken);
        readme.ShouldContain(Sample());
    }

    [Fact]
    public async Task AServerThatWasStoppedHasItsPortsAndStoreAgain()
    {
        await using var cluster = await NatsTopology.Cluster(servers: 1).WithStream(new StreamSpec { Name = "S", In = "nats", Subjects = ["s"] }).StartAsync();
        await PublishAsync(cluster.ConnectionString(), "s");
        await cluster.StopAsync("nats-1");
        cluster.Running.ShouldBeEmpty();
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(() => TestClient.ConnectAsync(cluster.UrlsOf()[0]));
        await cluster.StartAsync("nats-1");
        (await cluster.WaitForStreamLeaderAsync("S")).ShouldBe("nats-1");
        await PublishAsync(cluster.ConnectionString(), "s", 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhoIsCutOffDoesNotCountUntilHeIsHealed(bool silently)
    {
        await using var cluster = await NatsTopology.Cluster(servers: 3).WithLeaf("edge").StartAsync();
        var leader = await cluster.WaitForMetaLeaderAsync();
        await cluster.IsolateAsync(leader, silently);
        var other = await cluster.WaitForMetaLeaderAsync(cluster.Running.First(server => server != leader));
        other.ShouldNotBe(leader);
        await cluster.IsolateAsync("edge", silently);
        await using (var hub = await TestClient.ConnectAsync(cluster.UrlsOf(other)[0]))
        await using (var edge = await TestClient.ConnectAsync(cluster.UrlsOf("edge")[0]))
        {
            var inbox = await hub.SubscribeAsync("across");
            await hub.FlushAsync();
            await edge.PublishAsync("across", "lost or late");
            await edge.FlushAsync();
            await Should.ThrowAsync<TimeoutException>(() => inbox.NextAsync(TimeSpan.FromMilliseconds(300)));
        }
        await cluster.HealAsync();
        await cluster.WaitUntilReadyAsync();
        await cluster.WaitForLeafsAsync();
        await using var here = await TestClient.ConnectAsync(cluster.UrlsOf(leader)[0]);
        await using var there = await TestClient.ConnectAsync(cluster.UrlsOf("edge")[0]);
        await SuperCluster.ReachAsync(there, await here.SubscribeAsync("again"), "again");
    }

    [Fact]
    public async Task ProcessesAreKilledAndPaused()
    {
        await using var cluster = await NatsTopology.Cluster(servers: 3).AsProcesses().StartAsync();
        var first = await cluster.WaitForMetaLeaderAsync();
        cluster.Pause(first);
        (await cluster.WaitForMetaLeaderAsync()).ShouldNotBe(first);
        cluster.Continue(first);
        await cluster.WaitUntilReadyAsync();
        await cluster.KillAsync("nats-2");
        await cluster.WaitUntilReadyAsync();
        cluster.Running.ShouldBe(["nats-1", "nats-3"]);
        await cluster.StartAsync("nats-2");
        await cluster.WaitUntilReadyAsync();
    }

    [Fact]
    public async Task AWaitInVainTellsTheState()
    {
        await using var cluster = await NatsTopology.Cluster(servers: 1).WithoutLinks().StartAsync();
        var told = await Should.ThrowAsync<TimeoutException>(() => cluster.WaitForStreamLeaderAsync("NONE", patience: TimeSpan.Zero));
        told.Message.ShouldContain("NONE has a leader");
        told.Message.ShouldContain("no server holds it");
        told.Message.ShouldContain("nats-1: ready");
        told.Message.ShouldContain("Server is ready");
        await Should.ThrowAsync<InvalidOperationException>(() => cluster.HealAsync());
        Should.Throw<NotSupportedException>(() => cluster.Pause("nats"));
        Should.Throw<TopologyException>(() => cluster.ConnectionString("elsewhere")).Message.ShouldContain("nats-1");
    }

    private static async Task PublishAsync(string servers, string subject, ulong? sequence = null)
    {
        await using var client = await TestClient.ConnectAsync(new Uri(servers.Split(',')[0]));
        var got = await StreamCluster.PublishAsync(client, subject, "hello");
        if (sequence is { } wanted) got.ShouldBe(wanted);
    }

    /// <summary>The lines between the marks above, as the README has them.</summary>
    private static string Sample([CallerFilePath] string path = "")
    {
        var lines = File.ReadAllLines(path).SkipWhile(line => line.Trim() != "// <sample>").Skip(1).TakeWhile(line => line.Trim() != "// </sample>");
        return string.Join('\n', lines.Select(line => line[8..]));
    }
}
