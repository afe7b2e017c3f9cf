using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.BadInput;

/// <summary>INFO before its time, twice, or of somebody else: taken as upstream takes it, and no neighbour notices.</summary>
public sealed class SecondInfoTests(LinkNeighbours shared) : IClassFixture<LinkNeighbours>
{
    private const string Violation = "-ERR 'Authorization Violation'\r\n";
    private const string Route = "CONNECT {\"name\":\"NSTRAY\",\"cluster\":\"C\",\"headers\":true}\r\n";
    private const string RouteInfo = "INFO {\"server_id\":\"NSTRAY\",\"server_name\":\"stray\",\"proto\":3,\"headers\":true,\"cluster\":\"C\"}\r\n";
    private const string Gateway = "CONNECT {\"name\":\"NSTRAY\",\"gateway\":\"D\"}\r\n";
    private const string GatewayInfo = "INFO {\"server_id\":\"NSTRAY\",\"server_name\":\"stray\",\"proto\":3,\"headers\":true,\"gateway\":\"D\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";
    private const string Leaf = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NSTRAY\",\"name\":\"stray\",\"headers\":true,\"protocol\":3}\r\n";
    private const string DialledInfo = "INFO {\"server_id\":\"NE\",\"server_name\":\"e\",\"proto\":3,\"headers\":true,\"gateway\":\"E0\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";
    private const string HubInfo = "INFO {\"server_id\":\"NHUB\",\"server_name\":\"far\",\"proto\":3,\"headers\":true,\"client_id\":7,\"leafnode_urls\":[\"127.0.0.1:9\"],\"connect_info\":true}\r\n";

    [Theory]
    [InlineData("route", RouteInfo + RouteInfo, Violation)]
    [InlineData("gateway", GatewayInfo + GatewayInfo, Violation)]
    [InlineData("leaf", "INFO {}\r\nINFO {\"remote_account\":\"attacker\"}\r\n", Violation)]
    [InlineData("leaf", "INFO {}\r\nINFO {\"connect_info\":true}\r\n", Violation)]
    [InlineData("route", Route + RouteInfo + "INFO {\"server_id\":\"NSTRAY\",\"cluster\":\"OTHER\"}\r\n", "")]
    [InlineData("route", Route + RouteInfo + "INFO {broken\r\n", "")]
    [InlineData("gateway", Gateway + GatewayInfo + "INFO {broken\r\n", "")]
    [InlineData("leaf", Leaf + "INFO {broken\r\n", "")]
    [Upstream("leafnode_test.go", "TestLeafNodeSecondInfoBeforeConnectDoesNotPanic")]
    public Task WhatMayNotBeSaidEndsTheConnection(string port, string said, string answer) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync(port);
        await stray.SendAsync(said);
        var rest = await stray.ReadToCloseAsync();
        if (answer.Length > 0) rest.ShouldEndWith(answer);
        else rest.ShouldNotContain("-ERR");
    });

    [Theory]
    [InlineData("route", Route + RouteInfo + RouteInfo + "INFO {\"server_id\":\"NELSE\",\"server_name\":\"else\",\"cluster\":\"C\",\"ip\":\"nats-route://127.0.0.1:9/\"}\r\n")]
    [InlineData("route", Route + RouteInfo + "INFO {\"server_id\":\"NELSE\",\"cluster\":\"C\",\"ip\":\"no address\"}\r\n")]
    [InlineData("gateway", Gateway + GatewayInfo + GatewayInfo + "INFO {\"gateway\":\"ELSE\"}\r\nINFO {\"gateway\":\"D\",\"gateway_cmd\":77}\r\nINFO {}\r\n")]
    [InlineData("leaf", Leaf + "INFO {\"server_id\":\"NSTRAY\",\"import\":{\"allow\":[\">\"]},\"export\":{\"allow\":[\">\"]}}\r\nINFO {\"cluster\":\"C\",\"remote_account\":\"SYS\",\"connect_info\":true}\r\n")]
    public Task WhatIsSaidAgainChangesNothing(string port, string said) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync(port);
        await stray.SendAsync(said + "PING\r\n");
        (await stray.ReadThroughAsync("PONG\r\n")).ShouldNotContain("-ERR");
        shared.Server.Accounts.Find("SYS")!.Subscriptions.HasInterest("in"u8).ShouldBeFalse();
    });

    [Theory]
    [InlineData(0, "INFO {\"server_id\":\"NE\",\"server_name\":\"e\"}\r\n", "-ERR 'Attempt to connect to gateway \"E0\" using wrong port'")]
    [InlineData(1, "INFO {\"server_id\":\"NE\",\"server_name\":\"e\",\"gateway\":\"D\"}\r\n", "-ERR 'Connection from \"C\" rejected, wanted to connect to \"E1\", this is \"D\"'")]
    [InlineData(2, "INFO {broken\r\n", "")]
    public Task AClusterThatWasDialledMayNotBecomeAnother(int cluster, string second, string answer) => shared.UndisturbedAsync(async () =>
    {
        var info = DialledInfo.Replace("E0", $"E{cluster}");
        using var dialled = await shared.AnswerGatewayAsync(cluster, info + info + second);
        var said = await dialled.ReadToCloseAsync();
        if (answer.Length > 0) said.ShouldContain(answer);
        else said.ShouldNotContain("-ERR");
        said.Split("CONNECT {").Length.ShouldBe(2, "one CONNECT");
    });

    [Theory]
    [InlineData(HubInfo + HubInfo)]
    [InlineData(HubInfo + "INFO {\"remote_account\":\"SYS\"}\r\n" + HubInfo)]
    public Task AHubThatSaysItTwiceIsJoinedOnce(string said) => shared.UndisturbedAsync(async () =>
    {
        using var hub = await shared.AnswerLeafAsync(said + "PING\r\n");
        var connects = 0;
        while (await hub.ReadLineAsync() is var line && line != "PONG")
        {
            line.ShouldNotBe("", "it goes on");
            if (line.StartsWith("CONNECT ", StringComparison.Ordinal)) connects++;
        }
        connects.ShouldBe(1);
        shared.Server.Leafz().Leafs.Count.ShouldBe(2);
    });
}
