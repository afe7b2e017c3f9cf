using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.BadInput;

/// <summary>Who comes to a port that is not his: told what upstream tells, closed, and no neighbour notices.</summary>
public sealed class WrongPortTests(LinkNeighbours shared) : IClassFixture<LinkNeighbours>
{
    private const string Client = "CONNECT {\"lang\":\"go\",\"verbose\":false,\"user\":\"a\",\"pass\":\"a\"}\r\n";
    private const string Route = "CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"a\",\"pass\":\"a\",\"name\":\"NSTRAY\",\"cluster\":\"C\",\"lnoc\":true}\r\n";
    private const string Gateway = "CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"a\",\"pass\":\"a\",\"name\":\"NSTRAY\",\"gateway\":\"D\"}\r\n";
    private const string Leaf = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NSTRAY\",\"name\":\"stray\",\"cluster\":\"L\",\"headers\":true,\"compress_mode\":\"off\",\"remote_account\":\"A\",\"protocol\":3}\r\n";
    private const string Unknown = "-ERR 'Unknown Protocol Operation'\r\n";

    [Theory]
    [InlineData("route", Client, "-ERR 'attempted to connect to route port'\r\n")]
    [InlineData("route", Gateway, "-ERR 'Rejecting connection from gateway \"D\" on the Route port'\r\n")]
    [InlineData("route", Leaf, "-ERR 'Rejecting connection, cluster name \"L\" does not match \"C\"'\r\n")]
    [InlineData("gateway", Client, "-ERR 'attempted to connect to gateway port'\r\n")]
    [InlineData("gateway", Route, "-ERR 'attempted to connect to gateway port'\r\n")]
    [InlineData("gateway", Leaf, "-ERR 'attempted to connect to gateway port'\r\n")]
    [InlineData("leaf", Client, "-ERR 'attempted to connect to leaf node port'\r\n")]
    [InlineData("leaf", Route, "-ERR 'remote leafnode has same cluster name'\r\n")]
    [InlineData("leaf", Gateway, "-ERR 'Rejecting connection from gateway \"D\" on the leafnode port'\r\n")]
    [InlineData("client", Route + "PING\r\nRS+ A out.peer\r\n", "PONG\r\n" + Unknown)]
    [InlineData("client", Gateway + "PING\r\nA+ A\r\n", "PONG\r\n" + Unknown)]
    [InlineData("client", Leaf + "PING\r\nLS+ out.leaf\r\n", "-ERR 'invalid client protocol'\r\n")]
    [InlineData("client", Route + "RMSG A in 4\r\nevil\r\n", Unknown)]
    [InlineData("client", Client + "LMSG in 4\r\nevil\r\n", Unknown)]
    public Task WhoDialsIsToldAndClosed(string port, string said, string answer) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await RawClient.ConnectAsync(PortOf(port));
        await stray.ReadInfoAsync();
        await stray.SendAsync(said);
        (await stray.ReadToCloseAsync()).ShouldEndWith(answer);
    });

    [Theory]
    [InlineData("route", "client", null)]
    [InlineData("route", "gateway", "attempted to connect to gateway port")]
    [InlineData("route", "leaf", null)]
    [InlineData("gateway", "client", "Attempt to connect to gateway \"D\" using wrong port")]
    [InlineData("gateway", "route", "Attempt to connect to gateway \"D\" using wrong port")]
    [InlineData("gateway", "leaf", "Attempt to connect to gateway \"D\" using wrong port")]
    [InlineData("leaf", "client", "attempted to connect to wrong port")]
    [InlineData("leaf", "route", "attempted to connect to wrong port")]
    [InlineData("leaf", "gateway", "attempted to connect to wrong port")]
    public Task AServerThatDialsItHasNoLink(string kind, string port, string? complaint) => shared.UndisturbedAsync(async () =>
    {
        var url = $"nats://a:a@127.0.0.1:{PortOf(port).Port}";
        var link = kind switch
        {
            "route" => $"cluster {{ name: C, listen: \"127.0.0.1:-1\", pool_size: -1, routes: [ \"{url}\" ] }}",
            "gateway" => $"gateway {{ name: E, listen: \"127.0.0.1:-1\", gateways: [ {{ name: D, urls: [\"{url}\"] }} ] }}",
            _ => $"leafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"{url}\", account: A }} ] }}",
        };
        using var log = new CapturedLog();
        await using var stray = await NatsServer.StartAsync(TestServer.Parse($"server_name: stray\n{link}\n{LeafPair.Accounts}"), log);
        await Wait.Until(
            "it has come and gone",
            () => complaint is null ? log.Lines.Count(line => line.Contains("closed: ", StringComparison.Ordinal)) > 0 : log.Contains(complaint),
            () => string.Join('\n', log.Lines.TakeLast(20)));
        stray.LeafNodeCount.ShouldBe(0);
        stray.OutboundGatewayCount.ShouldBe(0);
    });

    private IPEndPoint PortOf(string kind) => kind switch
    {
        "client" => shared.Server.ClientEndPoint!,
        "route" => shared.Server.ClusterEndPoint!,
        "gateway" => shared.Server.GatewayEndPoint!,
        _ => shared.Server.LeafNodeEndPoint!,
    };
}
