using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Protocol;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Anything may arrive on a socket: the parsers stop or go on, never throw; a server drops the sender and serves the rest.</summary>
public sealed class ProtocolFuzzTests
{
    private static readonly string[] Client =
    [
        "CONNECT {\"verbose\":false}\r\n", "PING\r\n", "SUB a.* q 1\r\n", "UNSUB 1 3\r\n", "PUB a.b reply 5\r\nhello\r\n", "HPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "+OK\r\n", "-ERR 'x'\r\n",
    ];

    private static readonly string[] Route =
    [
        "INFO {\"server_id\":\"N\",\"cluster\":\"C\"}\r\n", "RS+ $G a.* q 3\r\n", "RS- $G a.* q\r\n", "LS+ LC A x\r\n", "RMSG $G a.b + r q1 q2 2\r\nhi\r\n", "HMSG $G a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "LMSG LC A a 0 2\r\nhi\r\n", "PONG\r\n",
    ];

    private static readonly string[] Leaf =
    [
        "INFO {\"server_id\":\"N\",\"cluster\":\"C\"}\r\n", "CONNECT {\"name\":\"l\"}\r\n", "LS+ a.* q 3\r\n", "LS- a.* q\r\n", "LMSG a.b + r q1 q2 2\r\nhi\r\n", "HMSG a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "LMSG a | q 2\r\nhi\r\n", "PONG\r\n",
    ];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void ParsersNeverThrow(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 20_000; round++)
        {
            var (lines, parse) = (round % 3) switch
            {
                0 => (Client, static pieces => RecordingProtocol.ParseClient(pieces, 256)),
                1 => (Route, static pieces => RecordingProtocol.ParseRoute(pieces)),
                _ => (Leaf, (Func<byte[][], List<string>>)(static pieces => RecordingProtocol.ParseRoute(pieces, pinned: true, isLeaf: true))),
            };
            var input = Mutation.Of(random, lines, mostInserted: 400);
            var split = random.Next(input.Length + 1);
            try
            {
                var whole = parse([input]);
                var parts = parse([input[..split], input[split..]]);
                parts.ShouldBe(whole, ignoreOrder: false, "a split changes nothing");
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}, split {split}: {Convert.ToHexString(input)}: {error}");
            }
        }
    }

    [Fact]
    public async Task AServerOutlivesWhateverIsSent()
    {
        const int seed = 21;
        var random = new Random(seed);
        var options = TestServer.Member("s1");
        await using var server = await NatsAspire.Server.Hosting.NatsServer.StartAsync(options with
        {
            Limits = new LimitOptions { MaxPayload = 64 * 1024 },
            LeafNode = new LeafNodeOptions { Host = "127.0.0.1", Port = Defaults.RandomPort },
        });
        using var witness = await RawClient.OpenAsync(server.ClientEndPoint!);
        for (var round = 0; round < 150; round++)
        {
            var (lines, target) = (round % 3) switch
            {
                0 => (Client, server.ClientEndPoint!),
                1 => (Route, server.ClusterEndPoint!),
                _ => (Leaf, server.LeafNodeEndPoint!),
            };
            using var attacker = await RawClient.ConnectAsync(target);
            try
            {
                for (var i = 0; i < 5; i++) await attacker.SendAsync(Mutation.Of(random, lines, mostInserted: 400));
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Refused already, which is what such senders get.
                continue;
            }
        }
        await witness.FlushAsync();
        await Wait.Until("only the witness is left", () => server.ClientCount == 1, () => $"seed {seed}: {server.ClientCount} clients");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"user\":5}")]
    [InlineData("{\"name\":\"\\ud800\"}")]
    [InlineData("{\"verbose\":\"yes\"}")]
    [InlineData("null")]
    [InlineData("DEEP")]
    public async Task ABrokenConnectClosesItsSenderOnly(string json)
    {
        if (json == "DEEP") json = string.Concat(Enumerable.Repeat("{\"a\":", 500));
        await using var server = await TestServer.StartAsync();
        using var witness = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var sender = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await sender.SendAsync($"CONNECT {json}\r\nPING\r\n");
        while (!sender.IsClosed && !sender.Pending.Contains("PONG\r\n", StringComparison.Ordinal)) await sender.ReadMoreAsync(Wait.Default);
        await witness.FlushAsync();
    }
}
