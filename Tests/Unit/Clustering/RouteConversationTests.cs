using System.Net;
using System.Net.Sockets;
using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Dialling, slow peers that recover, and how little a cluster says when nobody speaks.</summary>
public sealed class RouteConversationTests
{
    [Fact]
    [Upstream("test/routes_test.go", "TestSendRouteSolicit")]
    public async Task WhoDialsSaysConnectAndInfoAtOnce()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await TestServer.FromConfigAsync(
            $"no_sys_acc: true\ncluster {{ name: xyz, listen: \"127.0.0.1:-1\", pool_size: -1, compression: off, authorization {{ user: route_user, password: top_secret }}, routes: [ \"nats-route://foo:bar@{listener.LocalEndpoint}\" ] }}");
        using var accepted = await Wait.For("the connection", listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask());
        using var reader = new StreamReader(accepted.GetStream(), Encoding.Latin1);
        var connect = await Wait.For("CONNECT", reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask());
        connect!.ShouldMatch("""^CONNECT \{.*"user":"foo","pass":"bar".*\}$""");
        var info = await Wait.For("INFO", reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask());
        info!.ShouldStartWith($"INFO {{\"server_id\":\"{server.Id}\"");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteSlowConsumerRecover")]
    public async Task ASlowPeerThatReadsOnIsKeptAndRecovers()
    {
        using var log = new CapturedLog(Microsoft.Extensions.Logging.LogLevel.Information);
        await using var server = await NatsServer.StartAsync(
            TestServer.Parse("server_name: A\ncluster { name: C, listen: \"127.0.0.1:-1\", write_deadline: \"3s\", pool_size: -1, compression: off }"), log);
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync("CONNECT {\"name\":\"P\",\"cluster\":\"C\",\"headers\":true}\r\nINFO {\"server_id\":\"P\",\"server_name\":\"P\",\"cluster\":\"C\",\"headers\":true}\r\nRS+ $G flood\r\n");
        await Wait.Until("interest", () => server.Accounts.Global.Subscriptions.HasInterest("flood"u8));
        await using var publisher = await server.ConnectAsync();
        var taken = await SlowReader.IsFoundSlowAsync(peer.Socket, publisher, log);
        server.Routes!.SlowConsumers.ShouldBe(1);
        await peer.SkipAsync((int)(SlowReader.Messages * SlowReader.MessageSize - taken));
        await Wait.Until("it has recovered", () => log.Contains("Slow Consumer Recovered"), () => string.Join('\n', log.Lines.TakeLast(4)));
        (server.RouteConnectionCount, server.Routes!.SlowConsumers).ShouldBe((1, 1));
    }

    [Fact]
    [Upstream("events_test.go", "TestClusterSetupMsgs")]
    public async Task MakingAClusterTakesFewMessages()
    {
        const int servers = 10;
        await using var cluster = await TestServer.ClusterAsync(servers);
        await Wait.Until("what is to be said has been said", async () =>
        {
            var before = cluster.Servers.Sum(server => server.Varz().OutMessages);
            foreach (var server in cluster.Servers)
            {
                await using var client = await server.ConnectAsync();
                await client.FlushAsync();
            }
            return cluster.Servers.Sum(server => server.Varz().OutMessages) - before < servers;
        });
        cluster.Servers.Sum(server => server.Varz().OutMessages).ShouldBeLessThan(servers * servers);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountMaxConnectionsDuringLameDuckMode")]
    public async Task ALeavingServerLetsGoThoughItsAccountIsFull()
    {
        const string config =
            """
            accounts { TEST { users = [ {user: user, password: user} ], limits { max_connections: 3 } } }
            no_auth_user: user
            lame_duck_grace_period: 50ms
            lame_duck_duration: 31s

            """;
        static string Cluster(string name, NatsServer? seed = null) =>
            $"server_name: {name}\ncluster {{ name: abc, listen: \"127.0.0.1:-1\", routes: [ {(seed is null ? "" : $"\"nats://127.0.0.1:{seed.ClusterEndPoint!.Port}\"")} ] }}\n";
        var parsed = TestServer.Parse(config + Cluster("A")) with { LameDuckDuration = TimeSpan.FromSeconds(1) };
        await using var first = await NatsServer.StartAsync(parsed, cancellation: TestContext.Current.CancellationToken);
        await using var second = await TestServer.FromConfigAsync(config + Cluster("B", first));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        var clients = new List<TestClient>();
        for (var i = 0; i < 3; i++) clients.Add(await first.ConnectAsync());
        var leaving = first.EnterLameDuckAsync();
        foreach (var client in clients)
        {
            await client.Closed.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
            client.Errors.ShouldBeEmpty();
            await client.DisposeAsync();
        }
        await leaving.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        await using var again = await second.ConnectAsync();
    }
}
