using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>The connections an account may have are those of the whole cluster.</summary>
public sealed class ConnectionLimitTests
{
    private const string Excess = "-ERR 'maximum account active connections exceeded'\r\n";
    private const string Connect = "CONNECT {\"verbose\":false,\"user\":\"a\",\"pass\":\"a\"}\r\n";

    [Fact]
    [Upstream("events_test.go", "TestSystemAccountConnectionLimits")]
    [Upstream("events_test.go", "TestSystemAccountConnectionLimitsServerShutdownGraceful")]
    public async Task ConnectionsOnOtherServersCount()
    {
        await using var first = await TestServer.FromConfigAsync(Config("s1", 0));
        using var one = await RawClient.OpenAsync(first.ClientEndPoint!, Connect);
        await using (var second = await TestServer.FromConfigAsync(Config("s2", first.ClusterEndPoint!.Port)))
        {
            await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
            using var two = await RawClient.OpenAsync(second.ClientEndPoint!, Connect);
            await Wait.Until("each server knows of the other's", () => Elsewhere(first) == 1 && Elsewhere(second) == 1, () => $"{Elsewhere(first)}, {Elsewhere(second)}");
            await RefusedAsync(first);
            await RefusedAsync(second);
            await one.FlushAsync();
            await two.FlushAsync();
        }
        await Wait.Until("the second server is forgotten", () => Elsewhere(first) == 0);
        using var three = await RawClient.OpenAsync(first.ClientEndPoint!, Connect);
        await RefusedAsync(first);
    }

    /// <summary>Servers that meet with too many between them close the newest of either, whichever hears of the other first.</summary>
    [Fact]
    [Upstream("events_test.go", "TestSystemAccountConnectionLimitsServersStaggered")]
    public async Task WhoIsTooManyIsClosedWhenTheServersMeet()
    {
        await using var first = await TestServer.FromConfigAsync(Config("s1", 0));
        using var one = await RawClient.OpenAsync(first.ClientEndPoint!, Connect);
        using var two = await RawClient.OpenAsync(first.ClientEndPoint!, Connect);
        await using var second = await TestServer.FromConfigAsync(Config("s2", first.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        using var newcomer = await RawClient.ConnectAsync(second.ClientEndPoint!);
        await newcomer.SendAsync(Connect + "PING\r\n");
        await Wait.Until(
            "one too many is closed",
            () => first.Clients.Closed.ToList().Concat(second.Clients.Closed.ToList()).Any(client => client.Reason == CloseReason.MaxAccountConnectionsExceeded),
            () => $"{first.ClientCount} and {second.ClientCount} clients, {Elsewhere(first)} and {Elsewhere(second)} elsewhere");
        await one.FlushAsync();
    }

    private static int Elsewhere(NatsServer server) => server.Accounts.Find("A")!.Elsewhere.Total;

    private static async Task RefusedAsync(NatsServer server)
    {
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.SendAsync(Connect + "PING\r\n");
        (await client.ReadToCloseAsync()).ShouldEndWith(Excess);
    }

    private static string Config(string name, int seed) =>
        $$"""
        server_name: {{name}}
        cluster { name: C, listen: "127.0.0.1:-1", routes: [ {{(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")}} ] }
        accounts { A { limits: { max_connections: 2 }, users: [ { user: a, password: a } ] }, SYS { } }
        system_account: SYS
        """;
}
