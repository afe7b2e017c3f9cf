using System.Globalization;
using System.Net.Sockets;
using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>A message as it came.</summary>
/// <param name="Subject">Its subject.</param>
/// <param name="Sid">The subscription it came for.</param>
/// <param name="Reply">Its reply subject, or null.</param>
/// <param name="Headers">Its header block; empty: none.</param>
/// <param name="Payload">The rest.</param>
internal sealed record MatrixMessage(string Subject, string Sid, string? Reply, string Headers, string Payload);

/// <summary>A client for many messages: it reads in the background and keeps what it gets.</summary>
internal sealed class MatrixClient : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _pongs = new();
    private List<MatrixMessage> _messages = [];
    private List<string> _errors = [];
    private byte[] _buffer = new byte[64 * 1024];
    private int _filled;

    private MatrixClient(Stream stream) => _stream = stream;

    public static async Task<MatrixClient> OpenAsync(NatsServer server, string user, bool inProcess, bool echo)
    {
        var client = new MatrixClient(inProcess ? server.ConnectInProcess() : await DialAsync(server));
        _ = client.ReadAsync();
        var echoText = echo ? "true" : "false";
        await client.SendAsync(
            $$"""CONNECT {"verbose":false,"pedantic":false,"user":"{{user}}","pass":"pw","echo":{{echoText}},"headers":true,"no_responders":true}""" + "\r\n");
        await client.FlushAsync();
        return client;
    }

    public Task SendAsync(string text) => _stream.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask();

    /// <summary>All that was sent before is done, and what it led to has come.</summary>
    public async Task FlushAsync()
    {
        var pong = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock) _pongs.Enqueue(pong);
        await SendAsync("PING\r\n");
        await pong.Task.WaitAsync(Wait.Default);
    }

    /// <summary>What came since the last time.</summary>
    public (List<MatrixMessage> Messages, List<string> Errors) Take()
    {
        lock (_lock)
        {
            var taken = (_messages, _errors);
            (_messages, _errors) = ([], []);
            return taken;
        }
    }

    public bool HasGot(string payload)
    {
        lock (_lock) return _messages.Exists(message => message.Payload == payload);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<Stream> DialAsync(NatsServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.ClientEndPoint!);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private async Task ReadAsync()
    {
        try
        {
            int count;
            while ((count = await _stream.ReadAsync(_buffer.AsMemory(_filled))) > 0)
            {
                _filled += count;
                lock (_lock) Parse();
                if (_filled == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
            }
        }
        catch (Exception ended) when (ended is IOException or ObjectDisposedException or SocketException)
        {
            // Disposed by the test, or cut off: whoever waits is told below.
        }
        lock (_lock)
        {
            while (_pongs.TryDequeue(out var pong)) pong.TrySetException(new IOException("The server has closed."));
        }
    }

    private void Parse()
    {
        var rest = _buffer.AsSpan(0, _filled);
        while (rest.IndexOf("\r\n"u8) is var end and >= 0)
        {
            var line = Encoding.Latin1.GetString(rest[..end]);
            var size = SizeBehind(line);
            var whole = end + 2 + (size < 0 ? 0 : size + 2);
            if (rest.Length < whole) break;
            if (size >= 0) Add(line, Encoding.Latin1.GetString(rest.Slice(end + 2, size)));
            else if (line.StartsWith("-ERR", StringComparison.Ordinal)) _errors.Add(line);
            else if (line == "PONG" && _pongs.TryDequeue(out var pong)) pong.TrySetResult();
            rest = rest[whole..];
        }
        var left = rest.Length;
        rest.CopyTo(_buffer);
        _filled = left;
    }

    private static int SizeBehind(string line) =>
        line.StartsWith("MSG ", StringComparison.Ordinal) || line.StartsWith("HMSG ", StringComparison.Ordinal)
            ? int.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture)
            : -1;

    private void Add(string line, string body)
    {
        var parts = line.Split(' ');
        var sizes = parts[0] == "HMSG" ? 2 : 1;
        var headers = sizes == 2 ? int.Parse(parts[^2], CultureInfo.InvariantCulture) : 0;
        var reply = parts.Length == 3 + sizes + 1 ? parts[3] : null;
        _messages.Add(new MatrixMessage(parts[1], parts[2], reply, body[..headers], body[headers..]));
    }
}
