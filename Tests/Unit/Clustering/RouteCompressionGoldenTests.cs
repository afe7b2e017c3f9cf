using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>
/// What a real 2.14.5 said on a compressed route, byte by byte its own S2 stream, said to this server, which has the
/// place of the other one: it understands all of it, and its own INFO lines are those of the recording.
/// </summary>
public sealed class RouteCompressionGoldenTests
{
    private static readonly string[] OfThisRun = ["server_id", "version", "go", "port", "nonce"];

    [Theory]
    [InlineData("route-s2-fast", "s2_fast", false)]
    [InlineData("route-s2-fast", "s2_fast", true)]
    [InlineData("route-s2-better", "s2_better", false)]
    [InlineData("route-s2-best", "s2_best", false)]
    [InlineData("route-s2-auto", "s2_uncompressed", false)]
    [InlineData("route-accept-vs-fast", "s2_fast", false)]
    public async Task ARecordedDiallerIsUnderstood(string capture, string level, bool byteByByte)
    {
        var recorded = Recording.Of(capture, ofSystemAccount: false);
        await using var server = await StartAsync(capture, "n2");
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo 1\r\nSUB foo.* 2\r\nSUB bar.> 3\r\n");
        await subscriber.FlushAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.ClusterEndPoint!.Port, TestContext.Current.CancellationToken);
        var peer = new Peer(socket);
        // All at once: the stream stands right behind the plain bytes. Or every byte alone.
        byte[] all = [.. Encoding.Latin1.GetBytes(recorded.PlainOfA), .. recorded.StreamOfA];
        foreach (var part in all.Chunk(byteByByte ? 1 : all.Length)) await peer.SendAsync(part);
        await subscriber.ExpectAsync(
            "MSG foo 1 3\r\none\r\nMSG foo.x 2 reply.to 3\r\ntwo\r\nMSG bar.y 3 0\r\n\r\nMSG bar.rep 3 reply.empty 0\r\n\r\n" +
            "HMSG foo 1 18 21\r\nNATS/1.0\r\nX: 1\r\n\r\nhdr\r\nHMSG foo.h 2 reply.h 24 28\r\nNATS/1.0\r\nX: 1\r\nY: 2\r\n\r\nhdrr\r\n" +
            "HMSG bar.he 3 18 18\r\nNATS/1.0\r\nZ: z\r\n\r\n\r\n" +
            $"MSG foo 1 10000\r\n{string.Concat(Enumerable.Repeat("abcdefghij", 1000))}\r\n");
        server.Routes!.Snapshot().Single().Compression.ShouldBe(level);
        Same(await peer.ReadLineAsync(), recorded.PlainOfB);
        peer.Decompress();
        Same(await peer.ReadLineAsync(), recorded.DecodedOfB);
        while (await peer.ReadLineAsync() is var line && line != "RS+ A bar.>") line.ShouldMatch("^(RS\\+ |PONG|PING)");
    }

    [Theory]
    [InlineData("route-s2-fast", "s2_fast")]
    [InlineData("route-s2-best", "s2_best")]
    [InlineData("route-s2-auto", "s2_uncompressed")]
    [InlineData("route-accept-vs-fast", "s2_fast")]
    public async Task ARecordedListenerIsUnderstood(string capture, string level)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await StartAsync(capture, "n1", ((IPEndPoint)listener.LocalEndpoint).Port);
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB _INBOX.> 1\r\n");
        await subscriber.FlushAsync();
        var answered = 0;
        while (answered != 3)
        {
            // A connection for the system account and one for the others, in any order.
            using var socket = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            var peer = new Peer(socket);
            var connect = await peer.ReadLineAsync();
            connect.ShouldStartWith("CONNECT ");
            await peer.SendAsync(Encoding.Latin1.GetBytes(Recording.Of(capture, ofSystemAccount: false).PlainOfB));
            var info = await peer.ReadLineAsync();
            var isOfSystem = info.Contains("\"route_account\":\"SYS\"", StringComparison.Ordinal);
            var recorded = Recording.Of(capture, isOfSystem);
            Same(info, recorded.PlainOfA[recorded.PlainOfA.IndexOf("INFO", StringComparison.Ordinal)..]);
            peer.Decompress();
            await peer.SendAsync(recorded.StreamOfB);
            Same(await peer.ReadLineAsync(), recorded.DecodedOfA);
            answered |= isOfSystem ? 1 : 2;
            if (isOfSystem) continue;
            await subscriber.ExpectMatchAsync("MSG _INBOX\\.[0-9a-f]+\\.1 1 4\r\nresp\r\n");
            // With s2_auto the level is the round trip's, which on a busy machine is longer than in the recording.
            var isLevel = (string found) => capture == "route-s2-auto" ? found.StartsWith("s2_", StringComparison.Ordinal) : found == level;
            server.Routes!.Snapshot().ShouldContain(route => route.PinnedAccount == null && isLevel(route.Compression));
            while (await peer.ReadLineAsync() != "RS+ A _INBOX.>")
            {
            }
        }
    }

    /// <summary>The server of a recording, on free ports, dialling none or this port.</summary>
    private static Task<NatsServer> StartAsync(string capture, string name, int seed = 0)
    {
        var text = Golden.Json("serverwire", capture + ".json").GetProperty("servers").GetProperty(name).GetString()!;
        text = System.Text.RegularExpressions.Regex.Replace(text, "routes: \\[.*?\\]", $"routes: [ {(seed == 0 ? "" : $"\"nats-route://127.0.0.1:{seed}\"")} ]");
        return TestServer.FromConfigAsync(System.Text.RegularExpressions.Regex.Replace(text, "listen: 127.0.0.1:\\d+", "listen: \"127.0.0.1:-1\""));
    }

    /// <summary>The same keys in the same order, and the same values but for what each run has its own of.</summary>
    private static void Same(string line, string recorded)
    {
        line.ShouldStartWith("INFO {");
        Pairs(line).ShouldBe(Pairs(recorded[..recorded.IndexOf("\r\n", StringComparison.Ordinal)]));

        static string[] Pairs(string info) =>
            [.. JsonDocument.Parse(info["INFO ".Length..]).RootElement.EnumerateObject().Select(pair => OfThisRun.Contains(pair.Name) ? pair.Name : pair.ToString())];
    }

    /// <summary>One connection of a capture: A dialled, B listened.</summary>
    private sealed record Recording(string PlainOfA, byte[] StreamOfA, string DecodedOfA, string PlainOfB, byte[] StreamOfB, string DecodedOfB)
    {
        public static Recording Of(string capture, bool ofSystemAccount)
        {
            var connections = Golden.Json("serverwire", capture + ".json").GetProperty("connections").EnumerateArray().Where(one => one.GetProperty("compressed").GetBoolean());
            var found = connections.First(one => Text(one, "A_plain_prefix").Contains("route_account", StringComparison.Ordinal) == ofSystemAccount);
            return new Recording(
                Text(found, "A_plain_prefix"), Convert.FromHexString(Text(found, "A_s2_hex")), Text(found, "A_s2_decoded"),
                Text(found, "B_plain_prefix"), Convert.FromHexString(Text(found, "B_s2_hex")), Text(found, "B_s2_decoded"));
        }

        private static string Text(JsonElement connection, string name) => connection.GetProperty(name).GetString()!;
    }

    /// <summary>The recorded server's end: reads lines, from a point on out of an S2 stream.</summary>
    private sealed class Peer(TcpClient socket)
    {
        private readonly byte[] _decoded = new byte[64 * 1024];
        private byte[] _received = [];
        private string _text = "";
        private S2Decoder? _decoder;

        public async Task SendAsync(byte[] bytes) => await socket.GetStream().WriteAsync(bytes, TestContext.Current.CancellationToken);

        /// <summary>Everything not read yet is compressed.</summary>
        public void Decompress()
        {
            _decoder = new S2Decoder();
            Take();
        }

        public async Task<string> ReadLineAsync()
        {
            var buffer = new byte[64 * 1024];
            while (true)
            {
                if (_decoder is null) TakeLine();
                if (_text.IndexOf("\r\n", StringComparison.Ordinal) is var end and >= 0)
                {
                    var line = _text[..end];
                    _text = _text[(end + 2)..];
                    return line;
                }
                var count = await Wait.For("bytes of the server", socket.GetStream().ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask());
                if (count == 0) Assert.Fail($"The server closed behind: {_text}");
                _received = [.. _received, .. buffer.AsSpan(0, count)];
                if (_decoder is not null) Take();
            }
        }

        /// <summary>Makes text of one plain line only: what is behind may be compressed.</summary>
        private void TakeLine()
        {
            var end = _received.AsSpan().IndexOf("\r\n"u8);
            if (end < 0) return;
            _text += Encoding.Latin1.GetString(_received, 0, end + 2);
            _received = _received[(end + 2)..];
        }

        private void Take()
        {
            while (!_received.AsSpan().IsEmpty || _decoder!.HasDecoded)
            {
                var count = _decoder!.Decode(_received, _decoded, out var consumed);
                _received = _received[consumed..];
                _text += Encoding.Latin1.GetString(_decoded, 0, count);
            }
        }
    }
}
