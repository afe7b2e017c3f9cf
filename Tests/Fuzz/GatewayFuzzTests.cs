using System.Net;
using System.Net.Sockets;
using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Another cluster may say anything: its connection ends or goes on, all others are served.</summary>
public sealed class GatewayFuzzTests
{
    private const string Connect = "CONNECT {\"name\":\"NX\",\"gateway\":\"X\"}\r\n";
    private const string Info = "INFO {\"server_id\":\"NX\",\"server_name\":\"x\",\"headers\":true,\"gateway\":\"X\",\"gateway_urls\":[\"127.0.0.1:9\"],\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";

    private static readonly string[] Lines =
    [
        Connect, Info, "RS+ $G a.*\r\n", "RS+ $G a.* q 1\r\n", "RS- $G a.*\r\n", "RS- $G a.* q\r\n", "A+ $G\r\n", "A- $G\r\n", "PING\r\n", "PONG\r\n", "-ERR 'x'\r\n",
        "RMSG $G a.b 2\r\nhi\r\n", "RMSG $G a.b + _GR_.abcdef.abcdef.reply q 2\r\nhi\r\n", "RMSG $G _GR_.F2cAWZ.muVFig.in.box 2\r\nhi\r\n", "HMSG $G a.b $GR.1234.r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        "INFO {\"gateway\":\"X\",\"gateway_cmd\":2,\"gateway_cmd_payload\":\"JEc=\"}\r\n", "INFO {\"gateway\":\"X\",\"gateway_cmd\":3,\"gateway_cmd_payload\":\"JEc=\"}\r\n",
        "INFO {\"gateway\":\"Y\",\"gateway_cmd\":1,\"gateway_urls\":[\"127.0.0.1:9\",\"[::1\",\"\"]}\r\n",
    ];

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public async Task AServerOutlivesWhateverAnotherClusterSays(int seed)
    {
        var random = new Random(seed);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: s1\nmax_control_line: 1024\ngateway {{ name: S, listen: \"127.0.0.1:-1\", gateways: [ {{ name: X, urls: [\"nats://{listener.LocalEndpoint}\"] }} ] }}");
        using var witness = await RawClient.OpenAsync(server.ClientEndPoint!);
        await witness.SendAsync("SUB a.b q 1\r\nSUB in.box 2\r\n");
        for (var round = 0; round < 120; round++)
        {
            using var attacker = await RawClient.ConnectAsync(server.GatewayEndPoint!);
            await AttackAsync(random, bytes => attacker.SendAsync(bytes), Connect + Info);
        }
        // And where it is dialled.
        using (var dialled = await GatewayPeer.AcceptAsync(listener))
        {
            await AttackAsync(random, bytes => dialled.SendAsync(Encoding.Latin1.GetString(bytes)), Info);
        }
        await witness.SendAsync("PUB a.c 2\r\nok\r\nPING\r\n");
        await witness.ReadThroughAsync("PONG\r\n");
        await Wait.Until("only the witness is left", () => server is { ClientCount: 1, InboundGatewayCount: 0 }, () => $"seed {seed}: {server.InboundGatewayCount} inbound");
    }

    private static async Task AttackAsync(Random random, Func<byte[], Task> send, string greeting)
    {
        try
        {
            if (random.Next(4) > 0) await send(Encoding.Latin1.GetBytes(greeting));
            for (var i = 0; i < 5; i++) await send(Mutation.Of(random, Lines, mostInserted: 40_000));
        }
        catch (Exception refused) when (refused is SocketException or IOException)
        {
            // Closed already, which is what such senders get.
            refused.Message.ShouldNotBeEmpty();
        }
    }
}
