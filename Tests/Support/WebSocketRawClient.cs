using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>A WebSocket client that sends and reads exact frames.</summary>
public sealed class WebSocketRawClient : IDisposable
{
    public const string Deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    private readonly Socket _socket;
    private readonly List<byte> _received = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly StringBuilder _text = new();
    private Stream _stream;

    private WebSocketRawClient(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: false);
    }

    /// <summary>Head of the answer to the upgrade.</summary>
    public string Response { get; private set; } = "";

    /// <summary>What the server showed; null without TLS.</summary>
    public X509Certificate? ServerCertificate => (_stream as SslStream)?.RemoteCertificate;

    /// <summary>Own frames are masked.</summary>
    public bool Masks { get; set; } = true;

    /// <summary>Connects only; see <see cref="RequestAsync"/>.</summary>
    public static async Task<WebSocketRawClient> ConnectAsync(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
        return new WebSocketRawClient(socket);
    }

    /// <summary>Connects, upgrades and reads INFO.</summary>
    public static async Task<WebSocketRawClient> OpenAsync(
        IPEndPoint address, string headers = "", string path = "/", bool tls = false, X509Certificate2? certificate = null)
    {
        var client = await ConnectAsync(address);
        if (tls) await client.StartTlsAsync(certificate);
        await client.RequestAsync(Request(headers, path));
        client.Response.ShouldStartWith("HTTP/1.1 101 ");
        return client;
    }

    /// <summary>A good request, with the sample key of RFC 6455.</summary>
    public static string Request(string headers = "", string path = "/") =>
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
        $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n";

    public async Task StartTlsAsync(X509Certificate2? certificate = null)
    {
        var ssl = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = ssl;
        await ssl.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ClientCertificates = certificate is null ? null : [certificate],
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            },
            TestContext.Current.CancellationToken).WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a request and reads the head of the answer into <see cref="Response"/>.</summary>
    public async Task RequestAsync(string request)
    {
        await SendBytesAsync(Encoding.Latin1.GetBytes(request));
        int end;
        while ((end = Encoding.Latin1.GetString([.. _received]).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            if (!await ReadMoreAsync()) Assert.Fail($"No answer came, but the end, after: {Encoding.Latin1.GetString([.. _received])}");
        }
        Response = Encoding.Latin1.GetString([.. _received], 0, end + 4);
        _received.RemoveRange(0, end + 4);
    }

    public async Task SendBytesAsync(byte[] bytes)
    {
        await _stream.WriteAsync(bytes, TestContext.Current.CancellationToken);
        await _stream.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Sends protocol text as one message.</summary>
    public Task SendAsync(string text, bool compressed = false) => SendBytesAsync(compressed
        ? TestFrames.Of(TestFrames.Deflate(text), compressed: true, masked: Masks)
        : TestFrames.Of(text, masked: Masks));

    /// <summary>Sends CONNECT and PING and waits for PONG; INFO is read before.</summary>
    public async Task<string> HelloAsync(string connect = "{\"verbose\":false,\"protocol\":1}")
    {
        var info = await ReadThroughAsync("\r\n");
        info.ShouldStartWith("INFO {");
        await SendAsync($"CONNECT {connect}\r\nPING\r\n");
        await ReadThroughAsync("PONG\r\n");
        return info;
    }

    /// <summary>The next frame; null: the connection ended.</summary>
    public async Task<TestFrame?> ReadFrameAsync()
    {
        while (true)
        {
            if (TestFrames.Read(_received.ToArray(), out var consumed) is { } frame)
            {
                _received.RemoveRange(0, consumed);
                return frame;
            }
            if (!await ReadMoreAsync()) return null;
        }
    }

    /// <summary>The next message, put together and decompressed; control frames that come before are dropped.</summary>
    public async Task<string?> ReadMessageAsync()
    {
        var payload = new List<byte>();
        var compressed = false;
        while (await ReadFrameAsync() is { } frame)
        {
            if (frame.Opcode == TestFrames.Close) return null;
            if (frame.Opcode > TestFrames.Close) continue;
            frame.Masked.ShouldBeFalse();
            if (frame.Opcode != TestFrames.Continuation) compressed = frame.Compressed;
            payload.AddRange(frame.Payload);
            if (frame.Final) return Encoding.Latin1.GetString(compressed ? TestFrames.Inflate([.. payload]) : [.. payload]);
        }
        return null;
    }

    /// <summary>Protocol text up to and with this; frames do not matter.</summary>
    public async Task<string> ReadThroughAsync(string text)
    {
        while (true)
        {
            var all = _text.ToString();
            var at = all.IndexOf(text, StringComparison.Ordinal);
            if (at >= 0)
            {
                _text.Remove(0, at + text.Length);
                return all[..(at + text.Length)];
            }
            var message = await ReadMessageAsync();
            if (message is null) Assert.Fail($"The connection ended before \"{text}\"; received \"{all}\".");
            _text.Append(message);
        }
    }

    /// <summary>Reads to the close frame.</summary>
    public async Task<TestFrame> ReadCloseAsync()
    {
        while (await ReadFrameAsync() is { } frame)
        {
            if (frame.Opcode == TestFrames.Close) return frame;
        }
        throw new EndOfStreamException("The connection ended without a close frame.");
    }

    /// <summary>Waits for the end of the stream; returns the bytes before it.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await ReadMoreAsync())
        {
        }
        return Encoding.Latin1.GetString([.. _received]);
    }

    /// <summary>The body of an answer that was no upgrade.</summary>
    public async Task<string> ReadBodyAsync(int length)
    {
        while (_received.Count < length && await ReadMoreAsync())
        {
        }
        return Encoding.Latin1.GetString([.. _received]);
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task<bool> ReadMoreAsync()
    {
        try
        {
            var count = await Wait.For("more bytes or the end", _stream.ReadAsync(_buffer, TestContext.Current.CancellationToken).AsTask());
            _received.AddRange(_buffer.AsSpan(0, count));
            return count > 0;
        }
        catch (IOException)
        {
            // A reset is an end as well.
            return false;
        }
    }
}
