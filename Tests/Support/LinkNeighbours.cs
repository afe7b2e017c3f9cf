using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>
/// A server with every kind of port, and a neighbour at each kind of link: another of its cluster, one of another cluster,
/// a leaf node. What strangers do to that server must not disturb them, which <see cref="UndisturbedAsync"/> watches.
/// It also dials clusters E0, E1, E2 and a hub, which a test may play (<see cref="AnswerGatewayAsync"/>, <see cref="AnswerLeafAsync"/>).
/// </summary>
public sealed class LinkNeighbours : IAsyncLifetime
{
    private static readonly string[] Names = ["peer", "beyond", "leaf"];
    private readonly List<NatsServer> _neighbours = [];
    private readonly List<TestClient> _clients = [];
    private readonly List<TestSubscription> _heardByNeighbours = [];
    private readonly TcpListener[] _gateways = [new(IPAddress.Loopback, 0), new(IPAddress.Loopback, 0), new(IPAddress.Loopback, 0)];
    private readonly TcpListener _hub = new(IPAddress.Loopback, 0);
    private TestSubscription _heardHere = null!;
    private int _round;

    /// <summary>The one in the middle.</summary>
    public NatsServer Server { get; private set; } = null!;

    /// <summary>What it said.</summary>
    public CapturedLog Log { get; } = new(Microsoft.Extensions.Logging.LogLevel.Information);

    public async ValueTask InitializeAsync()
    {
        foreach (var listener in _gateways) listener.Start();
        _hub.Start();
        var gateway = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        Server = await NatsServer.StartAsync(
            TestServer.Parse(
                $$"""
                server_name: middle
                max_control_line: 1024
                cluster { name: C, listen: "127.0.0.1:-1", pool_size: -1, compression: s2_fast }
                gateway { name: C, listen: "127.0.0.1:-1", reject_unknown_cluster: true,
                  gateways: [ { name: D, urls: ["nats://127.0.0.1:{{gateway}}"] }, {{string.Join(", ", _gateways.Select((listener, index) => $"{{ name: E{index}, urls: [\"nats://{listener.LocalEndpoint}\"] }}"))}} ] }
                leafnodes { listen: "127.0.0.1:-1", compression: s2_fast, reconnect: "50ms", remotes: [ { url: "nats-leaf://a:a@{{_hub.LocalEndpoint}}", account: B, compression: s2_fast } ] }
                {{LeafPair.Accounts}}
                """),
            Log);
        _neighbours.Add(await TestServer.FromConfigAsync(
            $"server_name: peer\ncluster {{ name: C, listen: \"127.0.0.1:-1\", pool_size: -1, compression: s2_fast, routes: [ \"nats://127.0.0.1:{Server.ClusterEndPoint!.Port}\" ] }}\n{LeafPair.Accounts}"));
        _neighbours.Add(await TestServer.FromConfigAsync(
            $"server_name: beyond\ngateway {{ name: D, reject_unknown_cluster: true, listen: \"127.0.0.1:{gateway}\", gateways: [ {{ name: C, urls: [\"nats://127.0.0.1:{Server.GatewayEndPoint!.Port}\"] }} ] }}\n{LeafPair.Accounts}"));
        _neighbours.Add(await LeafPair.LeafAsync("leaf", Server));
        await Wait.Until("all links stand", () => Server is { PeerCount: 1, LeafNodeCount: 1, OutboundGatewayCount: 1, InboundGatewayCount: 1 });
        _clients.Add(await LeafPair.ClientAsync(Server));
        _heardHere = await _clients[0].SubscribeAsync("in");
        foreach (var neighbour in _neighbours)
        {
            var client = await LeafPair.ClientAsync(neighbour);
            _clients.Add(client);
            _heardByNeighbours.Add(await client.SubscribeAsync($"out.{neighbour.Name}"));
            await client.FlushAsync();
            await LeafPair.HasInterestAsync(Server, $"out.{neighbour.Name}");
            await LeafPair.HasInterestAsync(neighbour, "in");
        }
    }

    /// <summary>The server dials a cluster: it is answered so.</summary>
    public Task<GatewayPeer> AnswerGatewayAsync(int cluster, string info) => AnswerAsync(_gateways[cluster], info);

    /// <summary>The server dials a hub, as a leaf node of it: it is answered so.</summary>
    public Task<GatewayPeer> AnswerLeafAsync(string info) => AnswerAsync(_hub, info);

    /// <summary>Its attempts wait for an answer one after the other; those it has given up are passed over.</summary>
    private static async Task<GatewayPeer> AnswerAsync(TcpListener listener, string info)
    {
        while (true)
        {
            var peer = await GatewayPeer.AcceptAsync(listener);
            if (!listener.Pending() && await peer.TrySendAsync(info)) return peer;
            peer.Dispose();
        }
    }

    /// <summary>A stranger at a port for links, who has read the greeting.</summary>
    /// <param name="port">route, gateway or leaf.</param>
    public async Task<RawClient> JoinAsync(string port)
    {
        var stray = await RawClient.ConnectAsync(port switch
        {
            "route" => Server.ClusterEndPoint!,
            "gateway" => Server.GatewayEndPoint!,
            _ => Server.LeafNodeEndPoint!,
        });
        await stray.ReadInfoAsync();
        return stray;
    }

    /// <summary>Does something to the server, while messages cross all its links both ways: none is lost, doubled or late, no link is another afterwards, and nothing is left behind.</summary>
    public async Task UndisturbedAsync(Func<Task> disturb)
    {
        var (before, interest) = (Links(), Interest());
        await ExchangeAsync();
        using var over = new CancellationTokenSource();
        var meanwhile = Task.Run(async () =>
        {
            do await ExchangeAsync();
            while (!over.IsCancellationRequested);
        });
        try
        {
            await disturb();
        }
        finally
        {
            await over.CancelAsync();
            await meanwhile.WaitAsync(Wait.Default);
        }
        await Wait.Until("only the neighbours are left", () => Links() == before && Interest() == interest, () => $"{before}, interest {interest}; now {Links()}, interest {Interest()}");
        await ExchangeAsync();
    }

    /// <summary>One message to each neighbour, and one from each.</summary>
    private async Task ExchangeAsync()
    {
        var text = $"{++_round}";
        foreach (var name in Names) await _clients[0].PublishAsync($"out.{name}", text);
        for (var i = 0; i < Names.Length; i++) (await _heardByNeighbours[i].NextAsync()).Text.ShouldBe(text, $"what {Names[i]} hears");
        foreach (var client in _clients.Skip(1)) await client.PublishAsync("in", text);
        foreach (var _ in Names) (await _heardHere.NextAsync()).Text.ShouldBe(text, "what the neighbours say");
        _heardHere.TryTake().ShouldBeNull();
    }

    private string Links()
    {
        var gateways = Server.Gatewayz();
        var routes = Server.Routez().Routes.Select(route => $"route {route.Id}");
        var outbound = gateways.Outbound!.Select(pair => $"to {pair.Key} {pair.Value.Connection!.Id}");
        var inbound = gateways.Inbound.SelectMany(pair => pair.Value.Select(one => $"from {pair.Key} {one.Connection!.Id}"));
        return string.Join(", ", [.. routes, .. outbound, .. inbound, .. Server.Leafz().Leafs.Select(leaf => $"leaf {leaf.Id}"), $"{Server.ClientCount} client"]);
    }

    private int Interest() => Server.Accounts.All.Sum(account => account.Name == "SYS" ? 0 : (int)account.Subscriptions.Count);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
        foreach (var neighbour in _neighbours) await neighbour.DisposeAsync();
        await Server.DisposeAsync();
        foreach (var listener in _gateways) listener.Dispose();
        _hub.Dispose();
    }
}
