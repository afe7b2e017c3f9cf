using System.Net;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>Clusters of Go's servers and of ours, joined by gateways.</summary>
public sealed class MixedGatewayTests
{
    private const string Accounts =
        """
        accounts {
          SYS: { users: [{user: sys, password: sys}] }
          A: { users: [{user: a, password: a}], exports: [{service: "svc.*"}] }
          B: { users: [{user: b, password: b}], imports: [{service: {account: A, subject: "svc.one"}}] }
        }
        system_account: SYS
        no_auth_user: a
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ClustersOfBothKindsAreOneSystem(bool oursDials)
    {
        var path = Peers.GoServer();
        var ports = new NatsAspire.Hosting.FreePorts().Take(6);
        var (ourGateway, theirs) = (ports[0], ports.Skip(1).ToArray());
        using var folder = new TestFolder();
        // Two Go servers in one cluster, so that answers may have to take the route there.
        string Go(int index) =>
            $$"""
            server_name: go{{index}}
            listen: "127.0.0.1:{{theirs[index]}}"
            cluster { name: G, listen: "127.0.0.1:{{(index == 0 ? theirs[2] : -1)}}", routes: [ {{(index == 0 ? "" : $"\"nats://127.0.0.1:{theirs[2]}\"")}} ] }
            gateway { name: G, listen: "127.0.0.1:{{(index == 0 ? theirs[3] : theirs[4])}}", gateways: [ {{(oursDials ? "" : $"{{ name: O, urls: [\"nats://127.0.0.1:{ourGateway}\"] }}")}} ] }
            {{Accounts}}
            """;
        await using var ours = await TestServer.FromConfigAsync(
            $$"""
            server_name: ours
            gateway { name: O, listen: "127.0.0.1:{{ourGateway}}", gateways: [ {{(oursDials ? $"{{ name: G, urls: [\"nats://127.0.0.1:{theirs[3]}\"] }}" : "")}} ] }
            {{Accounts}}
            """);
        await using var go0 = RunningProcess.Start(path, "-c", folder.Write("go0.conf", Go(0)));
        await using var go1 = RunningProcess.Start(path, "-c", folder.Write("go1.conf", Go(1)));
        await Wait.Until("the clusters are connected", () => ours is { OutboundGatewayCount: 1, InboundGatewayCount: 2 }, () => $"{ours.OutboundGatewayCount} out, {ours.InboundGatewayCount} in\n{go0.Output}", TimeSpan.FromSeconds(30));
        await using var here = await TestClient.ConnectAsync(ours.ClientEndPoint!);
        await using var there0 = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, theirs[0]));
        await using var there1 = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, theirs[1]));
        foreach (var there in new[] { there0, there1 })
        {
            await ExchangeAsync(here, there);
            await ExchangeAsync(there, here);
        }
        await QueueAsync(here, there1);
        await QueueAsync(there1, here);
        await AskAsync(here, from: () => TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, theirs[0])), other: () => TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, theirs[1])));
        await AskAsync(there1, from: () => TestClient.ConnectAsync(ours.ClientEndPoint!), other: () => TestClient.ConnectAsync(ours.ClientEndPoint!));
        await ImportAsync(here, new IPEndPoint(IPAddress.Loopback, theirs[0]));
        await ImportAsync(there1, ours.ClientEndPoint!);
        go0.Output.ShouldNotContain("[ERR]");
    }

    /// <summary>One stream after the other is made through the cluster of the other kind.</summary>
    [Fact]
    public async Task StreamsOfOneClusterAreMadeThroughTheOther()
    {
        var path = Peers.JetStreamPeer();
        var ports = new NatsAspire.Hosting.FreePorts();
        var (clients, routes, gateways) = (ports.Take(2), ports.Take(2), ports.Take(2));
        using var folder = new TestFolder();
        await using var super = SuperCluster.Prepare(2, new Dictionary<string, int[]> { ["G"] = [.. gateways] }, jetStream: "");
        string Go(int index) =>
            $$"""
            server_name: G{{index + 1}}
            listen: "127.0.0.1:{{clients[index]}}"
            jetstream { store_dir: "{{folder.PathOf($"g{index}")}}" }
            cluster { name: G, listen: "127.0.0.1:{{routes[index]}}", routes: [ {{string.Join(", ", routes.Select(port => $"\"nats://127.0.0.1:{port}\""))}} ] }
            gateway { name: G, listen: "127.0.0.1:{{gateways[index]}}", gateways: [ { name: A, urls: [ {{string.Join(", ", super.GatewayPorts["A"].Select(port => $"\"nats://127.0.0.1:{port}\""))}} ] } ] }
            """;
        await using var go0 = RunningProcess.Start(path, "-c", folder.Write("g0.conf", Go(0)));
        await using var go1 = RunningProcess.Start(path, "-c", folder.Write("g1.conf", Go(1)));
        await super.StartAllAsync(moreClusters: 1, moreServers: 2);
        await super.WaitForMetaLeaderAsync(others: 2);
        await using var here = await super.ConnectAsync("A1");
        await using var there = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, clients[0]));
        foreach (var (client, other, cluster) in new[] { (here, there, "G"), (there, here, "A") })
        {
            var name = $"IN{cluster}";
            var answer = await StreamCluster.PlaceAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":2,"placement":{"cluster":"{{cluster}}"} }""");
            answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
            for (var i = 1; i <= 10; i++) (await StreamCluster.PublishAsync(i % 2 == 0 ? client : other, $"{name}.x", $"{i}")).ShouldBe((ulong)i);
            foreach (var asking in new[] { client, other })
            {
                var info = await StreamCluster.AskAsync(asking, $"STREAM.INFO.{name}");
                info.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(10);
                info.GetProperty("cluster").GetProperty("name").GetString().ShouldBe(cluster);
            }
            (await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.{name}.D", $$"""{"stream_name":"{{name}}","config":{"durable_name":"D","ack_policy":"explicit"} }""")).TryGetProperty("error", out _).ShouldBeFalse();
            await StreamCluster.HearOfAsync(client, name, "D");
            var inbox = await client.SubscribeAsync($"pull.{name}");
            await client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.{name}.D", """{"batch":5,"expires":10000000000}""", $"pull.{name}");
            for (var i = 1; i <= 5; i++)
            {
                var message = await inbox.NextAsync();
                message.Text.ShouldBe($"{i}");
                message.Subject.ShouldBe($"{name}.x");
                (await client.RequestAsync(message.Reply!, "+ACK")).Payload.ShouldBeEmpty();
            }
        }
        super.HoldersOf("INA").Count.ShouldBe(2);
        super.HoldersOf("ING").ShouldBeEmpty();
    }

    private static async Task ExchangeAsync(TestClient from, TestClient to)
    {
        var wanted = await to.SubscribeAsync("x.*");
        await SuperCluster.ReachAsync(from, wanted, "x.ready");
        await from.PublishAsync("x.head", "body", "re.ply", TestHeaders.Of(("K", "v")));
        await from.PublishAsync("x.empty");
        var message = await wanted.NextAsync();
        message.Subject.ShouldBe("x.head");
        message.Text.ShouldBe("body");
        message.Reply.ShouldBe("re.ply");
        message.Headers!["K"].ShouldBe("v");
        (await wanted.NextAsync()).Subject.ShouldBe("x.empty");
        await wanted.UnsubscribeAsync();
        await to.FlushAsync();
        await SuperCluster.WaitForSilenceAsync(from, "x.head");
    }

    private static async Task QueueAsync(TestClient from, TestClient to)
    {
        var far = await to.SubscribeAsync("q", "g");
        await SuperCluster.ReachAsync(from, far, "q");
        var near = await from.SubscribeAsync("q", "g");
        await from.FlushAsync();
        for (var i = 0; i < 20; i++) await from.PublishAsync("q", $"{i}");
        for (var i = 0; i < 20; i++) (await near.NextAsync()).Text.ShouldBe($"{i}");
        far.TryTake().ShouldBeNull();
        await near.UnsubscribeAsync();
        await far.UnsubscribeAsync();
        await to.FlushAsync();
    }

    /// <summary>Clients that have just come ask a service of the other cluster.</summary>
    private static async Task AskAsync(TestClient service, Func<Task<TestClient>> from, Func<Task<TestClient>> other)
    {
        var requests = await service.SubscribeAsync("ask");
        await using (var first = await from()) await SuperCluster.ReachAsync(first, requests, "ask");
        for (var i = 0; i < 10; i++)
        {
            await using var client = await (i % 2 == 0 ? from() : other());
            var inbox = await client.SubscribeAsync($"answers.{i}");
            await client.PublishAsync("ask", $"{i}", $"answers.{i}");
            var request = await requests.NextAsync();
            request.Reply.ShouldBe($"answers.{i}");
            await service.PublishAsync(request.Reply!, $"answer {i}");
            (await inbox.NextAsync()).Text.ShouldBe($"answer {i}");
        }
        await requests.UnsubscribeAsync();
        await service.FlushAsync();
    }

    /// <summary>A service of another account, in another cluster.</summary>
    private static async Task ImportAsync(TestClient service, IPEndPoint asked)
    {
        var requests = await service.SubscribeAsync("svc.one");
        await service.FlushAsync();
        await using var client = await TestClient.ConnectAsync(asked, new TestClientOptions { User = "b", Password = "b" });
        var answering = AnswerAsync();
        await Wait.Until("the service answers", async () =>
        {
            if ((await client.RequestAsync("svc.one", "?")).IsNoResponders) return false;
            await answering;
            return true;
        });
        await requests.UnsubscribeAsync();
        await service.FlushAsync();

        async Task AnswerAsync()
        {
            var request = await requests.NextAsync();
            await service.PublishAsync(request.Reply!, "yes");
        }
    }

    /// <summary>A folder that goes with its test.</summary>
    private sealed class TestFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-gateway-");

        public string PathOf(string name) => Path.Combine(_folder.FullName, name);

        public string Write(string name, string text)
        {
            File.WriteAllText(PathOf(name), text);
            return PathOf(name);
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
