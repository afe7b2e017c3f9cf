using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>The official client for node drives our server.</summary>
public sealed class NodeClientTests
{
    [Fact]
    public async Task TheOfficialClientFindsEverythingInPlace()
    {
        var folder = Peers.NodeClients();
        await using var server = await TestServer.StartAsync();
        await using var node = RunningProcess.Start("node", Path.Combine(folder, "core.mjs"), server.ClientUrl.ToString());
        (await node.WaitForExitAsync(TimeSpan.FromSeconds(60))).ShouldBe(0, node.Output);
        node.Output.ShouldContain("ok drain the connection");
        node.Output.ShouldNotContain("not ok");
    }

    [Theory]
    [InlineData("streams.mjs")]
    [InlineData("consumers.mjs")]
    [InlineData("buckets.mjs")]
    [InlineData("groups.mjs")]
    public async Task TheOfficialClientsUseStreamsConsumersAndBuckets(string script)
    {
        var folder = Peers.NodeClients();
        var store = Directory.CreateTempSubdirectory("natsaspire-node-");
        try
        {
            await using var server = await TestServer.StartAsync(options => options with
            {
                StoreDirectory = store.FullName,
                JetStream = new Server.Configuration.JetStreamOptions { Enabled = true },
            });
            await using var node = RunningProcess.Start("node", Path.Combine(folder, script), server.ClientUrl.ToString());
            (await node.WaitForExitAsync(TimeSpan.FromSeconds(60))).ShouldBe(0, node.Output);
            node.Output.ShouldContain("ok drain");
            node.Output.ShouldNotContain("not ok");
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task ItReconnectsToAnotherServerOfTheCluster()
    {
        var folder = Peers.NodeClients();
        await using var cluster = await TestServer.ClusterAsync(3);
        var urls = string.Join(',', cluster.Servers.Select(server => server.ClientUrl));
        await using var node = RunningProcess.Start("node", Path.Combine(folder, "reconnect.mjs"), urls);
        await node.WaitForOutputAsync("connected ");
        var port = int.Parse(node.Output.Split("connected ")[1].Split('\n')[0].Trim());
        await cluster.Servers.Single(server => server.ClientEndPoint!.Port == port).DisposeAsync();
        node.WriteLine("killed");
        await node.WaitForExitAsync(TimeSpan.FromSeconds(60));
        node.Output.ShouldContain("ok reconnected");
    }
}
