using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.BadInput;

/// <summary>Clusters that are unknown, servers that call themselves as others do, loops: refused, and no neighbour notices.</summary>
public sealed class FalseNameTests(LinkNeighbours shared) : IClassFixture<LinkNeighbours>
{
    private const string Leaf = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NSTRAY\",\"name\":\"stray\",\"remote_account\":\"A\",\"headers\":true,\"protocol\":3}\r\n";
    private const string DialledInfo = "INFO {\"server_id\":\"NE\",\"server_name\":\"e\",\"proto\":3,\"headers\":true,\"gateway\":\"E0\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";

    [Theory]
    [InlineData("gateway", "CONNECT {\"name\":\"NSTRAY\",\"gateway\":\"ELSE\"}\r\n", "-ERR 'Connection to gateway \"C\" rejected'\r\n")]
    [InlineData("route", "CONNECT {\"name\":\"NSTRAY\",\"cluster\":\"ELSE\"}\r\n", "-ERR 'Rejecting connection, cluster name \"ELSE\" does not match \"C\"'\r\n")]
    [InlineData("leaf", "CONNECT {\"name\":\"stray\",\"user\":\"a\",\"pass\":\"a\",\"cluster\":\"C\"}\r\n", "-ERR 'remote leafnode has same cluster name'\r\n")]
    [InlineData("leaf", "CONNECT {\"name\":\"stray\",\"user\":\"a\",\"pass\":\"a\",\"cluster\":\"a b\"}\r\n", "-ERR 'cluster name cannot contain spaces'\r\n")]
    [InlineData("leaf", "CONNECT {\"name\":\"stray\",\"user\":\"nobody\",\"pass\":\"a\"}\r\n", "-ERR 'Authorization Violation'\r\n")]
    public Task AClusterThatIsUnknownIsRefused(string port, string said, string answer) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync(port);
        await stray.SendAsync(said);
        (await stray.ReadToCloseAsync()).ShouldEndWith(answer);
    });

    [Theory]
    [InlineData("gateway", "CONNECT {\"name\":\"NSTRAY\",\"gateway\":\"D\"}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"middle\",\"gateway\":\"D\"}\r\n")]
    [InlineData("gateway", "CONNECT {\"name\":\"NSTRAY\",\"gateway\":\"D\"}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"peer\",\"gateway\":\"D\"}\r\n")]
    [InlineData("route", "CONNECT {\"name\":\"NSTRAY\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"middle\",\"cluster\":\"C\"}\r\n")]
    [InlineData("route", "CONNECT {\"name\":\"NSTRAY\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"stray\",\"cluster\":\"ELSE\"}\r\n")]
    public Task ANameThatIsTakenIsRefused(string port, string said) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync(port);
        await stray.SendAsync(said);
        await stray.ReadToCloseAsync();
    });

    [Fact]
    public Task AServerMayNotComeAsThisOne() => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync("route");
        await stray.SendAsync($"CONNECT {{\"name\":\"{shared.Server.Id}\",\"cluster\":\"C\"}}\r\nINFO {{\"server_id\":\"{shared.Server.Id}\",\"server_name\":\"middle\",\"cluster\":\"C\"}}\r\n");
        await stray.ReadToCloseAsync();
    });

    [Theory]
    [InlineData(1, "middle")]
    [InlineData(2, "peer")]
    public Task ADialledServerWithANameThatIsTakenIsRefused(int cluster, string name) => shared.UndisturbedAsync(async () =>
    {
        using var dialled = await shared.AnswerGatewayAsync(cluster, DialledInfo.Replace("E0", $"E{cluster}").Replace("\"server_name\":\"e\"", $"\"server_name\":\"{name}\""));
        (await dialled.ReadToCloseAsync()).ShouldNotContain("CONNECT");
        shared.Log.Contains($"Remote server has a duplicate name: \"{name}\"").ShouldBeTrue();
    });

    [Fact]
    public Task AClusterThatIsOnlyHeardOfIsNotDialled() => shared.UndisturbedAsync(async () =>
    {
        using var dialled = await shared.AnswerGatewayAsync(0, DialledInfo + "INFO {\"gateway\":\"ELSE\",\"gateway_cmd\":1,\"gateway_urls\":[\"127.0.0.1:9\"]}\r\nPING\r\n");
        while (await dialled.ReadLineAsync() is var line && line != "PONG") line.ShouldNotBe("", "it goes on");
        shared.Server.Gateways!.Remotes().Select(remote => remote.Name).Order().ShouldBe(["D", "E0", "E1", "E2"]);
    });

    [Fact]
    public Task ALeafThatComesTwiceTakesNobodyElsesPlace() => shared.UndisturbedAsync(async () =>
    {
        using var first = await shared.JoinAsync("leaf");
        await first.SendAsync(Leaf + "PING\r\n");
        await first.ReadThroughAsync("PONG\r\n");
        using var second = await shared.JoinAsync("leaf");
        await second.SendAsync(Leaf + "PING\r\n");
        await second.ReadThroughAsync("PONG\r\n");
        (await first.ReadToCloseAsync()).ShouldContain("-ERR 'Duplicate Remote LeafNode Connection'\r\n");
    });

    [Fact]
    public Task ALeafThatLeadsBackIsALoop() => shared.UndisturbedAsync(async () =>
    {
        using var stray = await shared.JoinAsync("leaf");
        await stray.SendAsync(Leaf + "PING\r\n");
        var own = (await stray.ReadThroughAsync("PONG\r\n")).Split("\r\n").First(line => line.StartsWith("LS+ $LDS.", StringComparison.Ordinal));
        await stray.SendAsync(own + "\r\n");
        (await stray.ReadToCloseAsync()).ShouldContain("-ERR 'Loop detected for leafnode account=\"A\". Delaying attempt to reconnect for 30s'\r\n");
    });
}
