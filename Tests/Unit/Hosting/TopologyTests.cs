using NatsAspire.Hosting;
using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Tests.Unit.Hosting;

public sealed class TopologyTests
{
    [Fact]
    public void AClusterHasNamesPortsAndAConnectionString()
    {
        var topology = NatsTopology.Cluster("west", 3, 4222);
        topology.Servers.Select(server => server.Name).ShouldBe(["west-1", "west-2", "west-3"]);
        topology.ConnectionString.ShouldBe("nats://127.0.0.1:4222,nats://127.0.0.1:4223,nats://127.0.0.1:4224");
        topology.Servers.SelectMany(server => new[] { server.ClientPort, server.RoutePort, server.MonitorPort, server.Ports.Gateway, server.Ports.Leaf }).Distinct().Count().ShouldBe(15);
    }

    [Fact]
    public void PortsOfAnEarlierRunAreKept()
    {
        var first = NatsTopology.Build(BuiltInTopologies.SuperCluster(2));
        var known = first.Servers.ToDictionary(server => server.Name, server => server.Ports);
        var second = NatsTopology.Build(BuiltInTopologies.SuperCluster(3), known: known);
        second.Servers.Where(server => known.ContainsKey(server.Name)).Select(server => server.Ports).ShouldBe(first.Servers.Select(server => server.Ports));
    }

    [Theory]
    [InlineData("", 3, null)]
    [InlineData("two words", 3, null)]
    [InlineData("1st", 3, null)]
    [InlineData("c-", 3, null)]
    [InlineData("c", 0, null)]
    [InlineData("c", 65, null)]
    [InlineData("c", 3, 0)]
    [InlineData("c", 3, 65534)]
    public void WhatCannotBeIsRefused(string name, int servers, int? port) =>
        Should.Throw<TopologyException>(() => NatsTopology.Cluster(name, servers, port));

    /// <summary>Each is refused before anything starts, with the place and the remedy.</summary>
    [Theory]
    [InlineData("""{}""", "clusters: there is none. Add at least one")]
    [InlineData("""{"clusters":[{"name":"a"},{"name":"A"}]}""", "clusters[1].name: \"A\" is the name of clusters[0] already. Give each cluster and leaf node its own.")]
    [InlineData("""{"clusters":[{"name":"a-1"},{"name":"a"}]}""", "clusters[1].name: its server \"a-1\" has the name of clusters[0]. Rename one of them.")]
    [InlineData("""{"clusters":[{"name":"a","port":4222},{"name":"b","port":4224}]}""", "clusters[1].port: b-1 and a-3 would both listen on 4224. Begin at 4225, or leave the port out.")]
    [InlineData("""{"clusters":[{"name":"a","gateways":["a"]}]}""", "clusters[0].gateways[0]: \"a\" is this cluster itself. Name another one, or take it out.")]
    [InlineData("""{"clusters":[{"name":"a","gateways":["b"]}]}""", "clusters[0].gateways[0]: there is no cluster \"b\". Known: a.")]
    [InlineData("""{"clusters":[{"name":"a","gateways":["e"]}],"leafNodes":[{"name":"e","hub":"a"}]}""", "clusters[0].gateways[0]: \"e\" is a leaf node; gateways join clusters. Name its hub \"a\" instead.")]
    [InlineData("""{"clusters":[{"name":"a"}],"leafNodes":[{"name":"e"}]}""", "leafNodes[0].hub: a leaf node needs the name of its hub. Known: a.")]
    [InlineData("""{"clusters":[{"name":"a"}],"leafNodes":[{"name":"e","hub":"f"},{"name":"f","hub":"e"}]}""", "leafNodes[0].hub: leaf nodes go round in a circle: e → f → e. Let one of them have a cluster as its hub.")]
    [InlineData("""{"clusters":[{"name":"a"}],"leafNodes":[{"name":"e","hub":"e"}]}""", "leafNodes[0].hub: leaf nodes go round in a circle: e → e.")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":{}}],"leafNodes":[{"name":"e","hub":"a","jetStream":{}}]}""", "leafNodes[0].jetStream.domain: a leaf node's streams need a domain that is not that of \"a\". Write \"domain\": \"e\".")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":{"domain":"x"},"gateways":["b"]},{"name":"b","jetStream":{}}]}""", "clusters[1].jetStream.domain: \"a\" is joined by gateways and has the domain \"x\": one super-cluster is one domain. Make them equal.")]
    [InlineData("""{"clusters":[{"name":"a","servers":2,"jetStream":{}}],"streams":[{"name":"s","in":"a","subjects":["s"],"replicas":3}]}""", "streams[0].replicas: 3 replicas need as many servers, and \"a\" has 2. Lower the replicas, or raise its servers to 3.")]
    [InlineData("""{"clusters":[{"name":"a"}],"keyValues":[{"name":"k","in":"a"}]}""", "keyValues[0].in: \"a\" has no JetStream. Add \"jetStream\": {} there.")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":{}}],"streams":[{"name":"s","in":"a","subjects":["x.*"]},{"name":"t","in":"a","subjects":["x.y"]}]}""", "streams[1].subjects[0]: \"x.y\" and \"x.*\" of stream \"s\" overlap")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":{"maxFile":"lots"}}]}""", "clusters[0].jetStream.maxFile: \"lots\" is no size. Write it as \"512Mi\" or \"10Gi\".")]
    [InlineData("""{"clusters":[{"name":"a"}],"accounts":[{"name":"X"}]}""", "accounts[0].users: nobody could connect. Add a user")]
    [InlineData("""{"clusters":[{"name":"a"}],"accounts":[{"name":"X","users":[{"name":"u"}]},{"name":"Y","users":[{"name":"u"}]}]}""", "accounts[1].users[0].name: \"u\" is the name of accounts[0].users[0] already")]
    [InlineData("""{"clusters":[{"name":"a"}],"accounts":[{"name":"X","users":[{"name":"natsaspire-system"}]}]}""", "accounts[0].users[0].name: names that begin with \"natsaspire-\" are the runner's own.")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":{}}],"objectStores":[{"name":"o","in":"a","account":"X"}]}""", "objectStores[0].account: there is no account \"X\". Add it to accounts, or take it out.")]
    [InlineData("""{"clusters":[{"name":"a","tls":{"certFile":"/nope.pem","keyFile":"/nope.key"}}]}""", "clusters[0].tls.certFile: there is no file /nope.pem.")]
    [InlineData("""{"clusters":[{"name":"a","hub":"b"}]}""", "clusters[0].hub: a cluster has no hub. Move it to leafNodes, or take the hub out.")]
    public void EachMistakeIsNamedWithItsRemedy(string json, string message) =>
        Should.Throw<TopologyException>(() => NatsTopology.Build(TopologyFile.Parse(json))).Message.ShouldContain(message);

    [Fact]
    public void AllMistakesAreToldAtOnce()
    {
        var error = Should.Throw<TopologyException>(() => NatsTopology.Build(TopologyFile.Parse(
            """{"clusters":[{"name":"a","port":4222,"gateways":["a"]},{"name":"b","port":4222}]}""")));
        error.Message.Split('\n').Length.ShouldBe(3);
    }

    [Fact]
    public void WhatNamesNoAccountIsInTheOnlyOne()
    {
        const string text = """{"clusters":[{"name":"a","jetStream":{}}],"leafNodes":[{"name":"l","hub":"a"}],"accounts":[{"name":"X","users":[{"name":"u"}]}],"streams":[{"name":"S","in":"a","subjects":["s"]}],"keyValues":[{"name":"k","in":"a"}],"objectStores":[{"name":"o","in":"a"}]}""";
        var spec = NatsTopology.Build(TopologyFile.Parse(text)).Spec;
        new[] { spec.LeafNodes[0].Account, spec.Streams[0].Account, spec.KeyValues[0].Account, spec.ObjectStores[0].Account }.ShouldAllBe(account => account == "X");
        var two = text.Replace("[{\"name\":\"X\"", "[{\"name\":\"Y\",\"users\":[{\"name\":\"v\"}]},{\"name\":\"X\"", StringComparison.Ordinal);
        var refused = Should.Throw<TopologyException>(() => NatsTopology.Build(TopologyFile.Parse(two))).Message;
        foreach (var place in new[] { "leafNodes[0]", "streams[0]", "keyValues[0]", "objectStores[0]" }) refused.ShouldContain($"{place}.account: there are accounts");
    }

    [Fact]
    public void TheServerReadsWhatTheWriterWrites()
    {
        var topology = NatsTopology.Cluster("c", 3, 4222);
        var passwords = TopologySecrets.Resolve(topology);
        var text = ServerConfigWriter.Write(topology, topology.Servers[1], new LocalSite("/some where", passwords));
        var options = ConfigLoader.LoadText(text, CommandLine.Checks).Options;
        (options.ServerName, options.Host, options.Port).ShouldBe(("c-2", "127.0.0.1", 4223));
        (options.JetStream.Enabled, options.StoreDirectory).ShouldBe((true, "/some where/c-2"));
        options.Cluster.Name.ShouldBe("c");
        options.Cluster.Port.ShouldBe(topology.Servers[1].RoutePort);
        options.Cluster.Routes.Select(route => route.Port).ShouldBe(topology.Servers.Select(server => server.RoutePort), "itself among them");
        options.Monitoring.HttpPort.ShouldBe(topology.Servers[1].MonitorPort);
    }

    [Fact]
    public void AServerAloneHasNoCluster()
    {
        var topology = NatsTopology.Cluster("c", 1);
        ServerConfigWriter.Write(topology, topology.Servers[0], new LocalSite("/s", TopologySecrets.Resolve(topology))).ShouldNotContain("cluster");
    }

    [Fact]
    public void EverybodyIsReachedByGatewaysWhoIsReachedBySomebody()
    {
        var topology = NatsTopology.Build(TopologyFile.Parse("""{"clusters":[{"name":"a","gateways":["b"]},{"name":"b"},{"name":"c","gateways":["b"]},{"name":"d"}]}"""));
        topology["a"].Gateways.Select(other => other.Name).ShouldBe(["b", "c"], ignoreOrder: true);
        topology["d"].Gateways.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("1", 1L)]
    [InlineData("512Mi", 512L << 20)]
    [InlineData("10GiB", 10L << 30)]
    [InlineData("1G", 1_000_000_000L)]
    [InlineData("0", null)]
    [InlineData("-1", null)]
    [InlineData("1.5Gi", null)]
    [InlineData("9999999999Ti", null)]
    [InlineData("", null)]
    public void SizesAreRead(string text, long? bytes) => ByteSize.Parse(text).ShouldBe(bytes);
}
