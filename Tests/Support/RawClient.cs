using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>A TCP client that sends and expects exact bytes; text is latin-1, one character a byte.</summary>
public sealed class RawClient : IDisposable
{
    /// <summary>A CONNECT as most tests want it.</summary>
    public const string Quiet = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"test\",\"version\":\"1\",\"protocol\":0,\"headers\":true,\"no_responders\":true}\r\n";

    private readonly Socket _socket;
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    private RawClient(Socket socket) => _socket = socket;

    /// <summary>True once the server has closed.</summary>
    public bool IsClosed { get; private set; }

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
        while (_received.Length < text.Length && await ReadMoreAsync(Wait.Default))
        {
        }
        var got = Take(Math.Min(text.Length, _received.Length));
        got.ShouldBe(text, $"more pending: {Pending}, closed: {IsClosed}");
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

    public void Dispose() => _socket.Dispose();

    private string Take(int count)
    {
        var text = _received.ToString(0, count);
        _received.Remove(0, count);
        return text;
    }
}
