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
        topology.Servers.SelectMany(server => new[] { server.ClientPort, server.RoutePort, server.MonitorPort }).Distinct().Count().ShouldBe(9);
    }

    [Theory]
    [InlineData("", 3, null)]
    [InlineData("two words", 3, null)]
    [InlineData("1st", 3, null)]
    [InlineData("c", 0, null)]
    [InlineData("c", 65, null)]
    [InlineData("c", 3, 0)]
    [InlineData("c", 3, 65534)]
    public void WhatCannotBeIsRefused(string name, int servers, int? port) =>
        Should.Throw<TopologyException>(() => NatsTopology.Cluster(name, servers, port));

    [Fact]
    public void TheServerReadsWhatTheWriterWrites()
    {
        var topology = NatsTopology.Cluster("c", 3, 4222);
        var text = ServerConfigWriter.Write(topology, topology.Servers[1], "/some where/c-2");
        var options = ConfigLoader.LoadText(text, CommandLine.Checks).Options;
        (options.ServerName, options.Host, options.Port).ShouldBe(("c-2", "127.0.0.1", 4223));
        (options.JetStream.Enabled, options.StoreDirectory).ShouldBe((true, "/some where/c-2"));
        options.Cluster.Name.ShouldBe("c");
        options.Cluster.Port.ShouldBe(topology.Servers[1].RoutePort);
        options.Cluster.Routes.Select(route => route.Port).ShouldBe([topology.Servers[0].RoutePort, topology.Servers[2].RoutePort]);
        options.Monitoring.HttpPort.ShouldBe(topology.Servers[1].MonitorPort);
    }

    [Fact]
    public void AServerAloneHasNoCluster()
    {
        var topology = NatsTopology.Cluster("c", 1);
        ServerConfigWriter.Write(topology, topology.Servers[0]).ShouldNotContain("cluster");
    }
}
