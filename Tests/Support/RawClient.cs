using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Support;

/// <summary>A TCP client that sends and expects exact bytes; text is latin-1, one character a byte.</summary>
public sealed class RawClient : IDisposable
{
    /// <summary>A CONNECT as most tests want it.</summary>
    public const string Quiet = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"test\",\"version\":\"1\",\"protocol\":0,\"headers\":true,\"no_responders\":true}\r\n";

    private const string ServerPing = "PING\r\n";

    private readonly Socket _socket;
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    private RawClient(Socket socket) => _socket = socket;

    /// <summary>True once the server has closed.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>
    /// A server pings by itself, first two seconds after a connect. Unless an expectation names it, such a PING is
    /// dropped where an operation may begin, so that a slow machine does not make a test red.
    /// </summary>
    public bool SkipsServerPings { get; set; } = true;

    /// <summary>What it reads from, for who reads otherwise.</summary>
    public Socket Socket => _socket;

    /// <summary>Everything received and not consumed by an expectation.</summary>
    public string Pending => _received.ToString();

    public static async Task<RawClient> ConnectAsync(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Address.Equals(IPAddress.IPv6Any) || address.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, address.Port) : address);
        return new RawClient(socket);
    }

    /// <summary>Connects, reads INFO, sends CONNECT and waits for the PONG behind it.</summary>
    public static async Task<RawClient> OpenAsync(IPEndPoint address, string connect = Quiet)
    {
        var client = await ConnectAsync(address);
        await client.ReadInfoAsync();
        await client.SendAsync(connect + "PING\r\n");
        await client.ExpectAsync("PONG\r\n");
        return client;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    /// <summary>Sends in segments of one byte, so that the server meets every split.</summary>
    public async Task SendByteByByteAsync(string text)
    {
        foreach (var one in Encoding.Latin1.GetBytes(text)) await SendAsync(new[] { one });
    }

    /// <summary>Reads once more into <see cref="Pending"/>.</summary>
    /// <returns>False when nothing came in time or the server closed.</returns>
    public async Task<bool> ReadMoreAsync(TimeSpan timeout)
    {
        if (IsClosed) return false;
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            var count = await _socket.ReceiveAsync(_buffer.AsMemory(), limit.Token);
            IsClosed = count == 0;
            _received.Append(Encoding.Latin1.GetString(_buffer, 0, count));
            return count > 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (SocketException)
        {
            IsClosed = true;
            return false;
        }
    }

    /// <summary>Expects exactly this text next, and consumes it.</summary>
    public async Task ExpectAsync(string text)
    {
        DropPingsBetween(text);
        while (_received.Length < text.Length && await ReadMoreAsync(Wait.Default)) DropPingsBetween(text);
        var got = Take(Math.Min(text.Length, _received.Length));
        got.ShouldBe(text, $"more pending: {Pending}, closed: {IsClosed}");
    }

    /// <summary>Expects text that matches from its first byte on, and consumes the match.</summary>
    public async Task<Match> ExpectMatchAsync(string pattern)
    {
        var regex = new Regex(@"\G(?:" + pattern + ")", RegexOptions.Singleline);
        while (true)
        {
            if (!regex.IsMatch(ServerPing)) DropPingsBetween("");
            var match = regex.Match(Pending);
            if (match.Success)
            {
                Take(match.Length);
                return match;
            }
            if (!await ReadMoreAsync(Wait.Default)) Assert.Fail($"Nothing that matches {pattern} came; got: '{Pending}', closed: {IsClosed}");
        }
    }

    /// <summary>Reads a line; without its end.</summary>
    public async Task<string> ReadLineAsync() => (await ReadThroughAsync("\r\n"))[..^2];

    /// <summary>
    /// Takes what comes until nothing came for a while. Only to see that nothing follows, and only where a PING
    /// and its PONG cannot show that.
    /// </summary>
    public async Task<string> ReadUntilSilentAsync(TimeSpan? quiet = null)
    {
        while (await ReadMoreAsync(quiet ?? TimeSpan.FromMilliseconds(150)))
        {
        }
        return Take(_received.Length);
    }

    /// <summary>Reads up to and with this text, and consumes it all.</summary>
    public async Task<string> ReadThroughAsync(string text)
    {
        while (!Pending.Contains(text, StringComparison.Ordinal))
        {
            if (!await ReadMoreAsync(Wait.Default)) Assert.Fail($"'{text}' did not come; got: '{Pending}', closed: {IsClosed}");
        }
        return Take(Pending.IndexOf(text, StringComparison.Ordinal) + text.Length);
    }

    /// <summary>Reads this many bytes and forgets them, without making text of them.</summary>
    public async Task SkipAsync(int count)
    {
        while (count > 0)
        {
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(0, Math.Min(count, _buffer.Length)));
            if (read == 0) Assert.Fail("The server closed.");
            count -= read;
        }
    }

    public async Task<JsonElement> ReadInfoAsync()
    {
        var line = await ReadThroughAsync("\r\n");
        line.ShouldStartWith("INFO {");
        return JsonDocument.Parse(line["INFO ".Length..]).RootElement;
    }

    /// <summary>Sends PING and expects PONG and nothing before it.</summary>
    public async Task FlushAsync()
    {
        await SendAsync("PING\r\n");
        await ExpectAsync("PONG\r\n");
    }

    /// <summary>Waits for the server to close; returns what it said before.</summary>
    public async Task<string> ReadToCloseAsync()
    {
        while (!IsClosed)
        {
            if (!await ReadMoreAsync(Wait.Default) && !IsClosed) Assert.Fail($"The server did not close; got: '{Pending}'");
        }
        return Take(_received.Length);
    }

    /// <summary>Expects the server to close without another word.</summary>
    public async Task ExpectClosedAsync()
    {
        var rest = await ReadToCloseAsync();
        (SkipsServerPings ? rest.Replace(ServerPing, "", StringComparison.Ordinal) : rest).ShouldBe("");
    }

    /// <summary>Sends FIN; reading goes on.</summary>
    public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection with RST, as the kernel of a program that died may.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Removes PINGs that stand where the expected text begins an operation that is none.</summary>
    private void DropPingsBetween(string expected)
    {
        if (!SkipsServerPings) return;
        var at = 0;
        while (at < Math.Max(1, expected.Length) && at <= _received.Length - ServerPing.Length)
        {
            var here = _received.ToString(at, ServerPing.Length);
            var wanted = string.CompareOrdinal(expected, at, ServerPing, 0, ServerPing.Length) == 0;
            if (here == ServerPing && !wanted) _received.Remove(at, ServerPing.Length);
            else if (expected.IndexOf('\n', Math.Min(at, expected.Length)) is var end and >= 0 && Agrees(expected, at, end + 1)) at = end + 1;
            else return;
        }
    }

    private bool Agrees(string expected, int from, int to) =>
        to <= _received.Length && _received.ToString(from, to - from) == expected[from..to];

    private string Take(int count)
    {
        var text = _received.ToString(0, count);
        _received.Remove(0, count);
        return text;
    }
}
