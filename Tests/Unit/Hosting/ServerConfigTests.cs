using System.Diagnostics;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Configurations of whole topologies, as a Go server reads them.</summary>
public sealed class ServerConfigTests
{
    public static TheoryData<string> Topologies() => [.. BuiltInTopologies.Names, "everything"];

    [Theory]
    [MemberData(nameof(Topologies))]
    public async Task AGoServerTakesEveryConfiguration(string name)
    {
        var go = Peers.GoServer();
        var topology = NatsTopology.Build(name == "everything" ? TopologyFile.Parse(TopologyFileTests.Everything) : BuiltInTopologies.Find(name, 3, null)!);
        var folder = Directory.CreateTempSubdirectory("natsaspire-config-").FullName;
        try
        {
            var site = new LocalSite(folder, TopologySecrets.Resolve(topology));
            foreach (var server in topology.Servers)
            {
                var file = Path.Combine(folder, server.Name + ".conf");
                await File.WriteAllTextAsync(file, ServerConfigWriter.Write(topology, server, site), TestContext.Current.CancellationToken);
                await using var check = RunningProcess.Start(go, "-t", "-c", file);
                (await check.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0, $"{check.Output}\n{await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void ALeafNodeKnowsItsHubAndTheHubItsLeafNode()
    {
        var topology = NatsTopology.Build(TopologyFile.Parse(TopologyFileTests.Everything));
        var passwords = TopologySecrets.Resolve(topology);
        var site = new LocalSite("/d", passwords);
        var edge = ServerConfigWriter.Write(topology, topology["edge"].Servers[0], site);
        var west = ServerConfigWriter.Write(topology, topology["west"].Servers[0], site);
        foreach (var hub in topology["west"].Servers) edge.ShouldContain($"nats-leaf://natsaspire-leaf-edge:{passwords["natsaspire-leaf-edge"]}@127.0.0.1:{hub.Ports.Leaf}");
        edge.ShouldContain("account: \"SHOP\"");
        edge.ShouldContain("domain: \"edge\"");
        west.ShouldContain($"user: \"natsaspire-leaf-edge\", password: \"{passwords["natsaspire-leaf-edge"]}\", account: \"SHOP\"");
        west.ShouldContain($"listen: \"127.0.0.1:{topology["west"].Servers[0].Ports.Leaf}\"");
        ServerConfigWriter.Write(topology, topology["east"].Servers[0], site).ShouldNotContain("leafnodes");
    }

    [Fact]
    public void APasswordWithQuotesStaysOne()
    {
        var topology = NatsTopology.Build(TopologyFile.Parse(TopologyFileTests.Everything));
        var text = ServerConfigWriter.Write(topology, topology.Servers[0], new LocalSite("/d", TopologySecrets.Resolve(topology)));
        text.ShouldContain("""user: "shop", password: "s3cr3t \"quoted\" $x\\" """.TrimEnd());
    }
}
