using System.Text;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Frames and requests of anybody: a split changes nothing, nothing throws, a server serves the rest.</summary>
public sealed class WebSocketFuzzTests
{
    private static readonly WebSocketMode Mode = new() { Compression = true, MessageLimit = 50_000 };

    private static readonly byte[][] Frames =
    [
        TestFrames.Of("PUB a 2\r\nhi\r\n"), TestFrames.Of("PI", final: false), TestFrames.Of("NG\r\n", TestFrames.Continuation), TestFrames.Of("", TestFrames.Continuation),
        TestFrames.Of(TestFrames.Deflate("PUB a 5\r\nhello\r\n"), compressed: true), TestFrames.Of("p", TestFrames.Ping), TestFrames.Of("", TestFrames.Pong),
        TestFrames.OfClose(1000, "bye"), TestFrames.Of(new string('x', 300)), TestFrames.Of(TestFrames.Deflate(new string('y', 3000)), compressed: true),
        TestFrames.Of(TestFrames.Deflate(new string('z', 30))[..4], compressed: true, final: false), TestFrames.Of("SUB > 1\r\n", TestFrames.Text),
    ];

    [Theory]
    [InlineData(51)]
    [InlineData(52)]
    public void SplitsChangeNothing(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 10_000; round++)
        {
            var input = Mutate(random);
            var split = random.Next(input.Length + 1);
            try
            {
                var whole = Read([input], 4096);
                var parts = Read([input[..split], input[split..]], random.Next(1, 200));
                // How much comes out of a damaged message before that shows is the inflater's affair.
                if (whole.Fault is not null && whole.Fault.StartsWith("flate", StringComparison.Ordinal)) parts.Fault.ShouldNotBeNull();
                else parts.ShouldBe(whole);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}, split {split}: {Convert.ToHexString(input)}: {error}");
            }
        }
    }

    [Theory]
    [InlineData(61)]
    public void RequestsNeverThrow(int seed)
    {
        var random = new Random(seed);
        var rules = new UpgradeRules(new NatsAspire.Server.Configuration.ServerOptions
        {
            WebSocket = new NatsAspire.Server.Configuration.WebSocketOptions
            {
                SameOrigin = true,
                AllowedOrigins = ["http://localhost"],
                Compression = true,
                JwtCookie = "j",
                UsernameCookie = "u",
            },
        });
        var good = WebSocketRawClient.Request($"{WebSocketRawClient.Deflate}Origin: http://localhost\r\nCookie: u=a; j=\"b\"\r\nX-Forwarded-For: ::1\r\nUser-Agent: Mozilla/5.0\r\n");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Encoding.Latin1.GetBytes(good).ToList();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var at = random.Next(bytes.Count);
                if (random.Next(3) == 0) bytes.RemoveAt(at);
                else if (random.Next(2) == 0) bytes[at] = (byte)random.Next(256);
                else bytes.Insert(at, "\r\n:;=, \"[]@/"u8[random.Next(12)]);
            }
            try
            {
                if (HttpRequestHead.Read(bytes.ToArray(), out _, out var head) != HttpHeadOutcome.Head) continue;
                var answer = rules.Judge(head!, isTls: false);
                // Nothing of a request may get into the answer as a line of its own.
                Encoding.Latin1.GetString(answer.Response).Split("\r\n\r\n").Length.ShouldBe(2);
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}: {Encoding.Latin1.GetString([.. bytes])}: {error}");
            }
        }
    }

    [Fact]
    public async Task AServerOutlivesWhateverIsSent()
    {
        const int seed = 71;
        var random = new Random(seed);
        await using var server = await TestServer.FromConfigAsync("max_payload: 65536\nwebsocket { listen: \"127.0.0.1:-1\", no_tls: true, compression: true }");
        using var witness = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await witness.HelloAsync();
        for (var round = 0; round < 150; round++)
        {
            using var attacker = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!, WebSocketRawClient.Deflate);
            try
            {
                for (var i = 0; i < 5; i++) await attacker.SendBytesAsync(Mutate(random));
            }
            catch (IOException)
            {
                // Refused already, which is what such senders get.
                continue;
            }
        }
        await witness.SendAsync("PING\r\n");
        await witness.ReadThroughAsync("PONG\r\n");
        await Wait.Until("only the witness is left", () => server.ClientCount == 1, () => $"seed {seed}: {server.ClientCount} clients");
    }

    private static (string Text, string? Fault, bool Ended) Read(byte[][] pieces, int bufferSize)
    {
        using var below = new ScriptedChannel();
        using var channel = new WebSocketChannel(below, Mode);
        below.Give([.. pieces.Where(piece => piece.Length > 0).Select(piece => piece.ToArray())]);
        var (bytes, last) = ScriptedChannel.Drain(channel, bufferSize);
        return (Encoding.Latin1.GetString(bytes), channel.Fault, last == 0);
    }

    private static byte[] Mutate(Random random)
    {
        var bytes = new List<byte>();
        for (var i = random.Next(1, 6); i > 0; i--) bytes.AddRange(Frames[random.Next(Frames.Length)]);
        for (var change = random.Next(4); change > 0; change--)
        {
            var at = random.Next(bytes.Count);
            if (random.Next(3) == 0 && bytes.Count > 1) bytes.RemoveAt(at);
            else if (random.Next(2) == 0) bytes[at] = (byte)random.Next(256);
            else bytes.Insert(at, (byte)random.Next(256));
        }
        return [.. bytes];
    }
}
