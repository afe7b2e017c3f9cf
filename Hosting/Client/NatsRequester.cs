using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>A server did not take a request, or said no.</summary>
public sealed class NatsRequestException(string message) : Exception(message);

/// <summary>A message that came as an answer.</summary>
/// <param name="Subject">Where it was sent.</param>
/// <param name="Status">Of its headers, as 503 for nobody who listens; 0: none.</param>
/// <param name="Payload">UTF-8.</param>
public sealed record NatsReply(string Subject, int Status, string Payload);

/// <summary>
/// A client for a few requests: connects, asks, waits for the answer, goes. It is what commands and the making of streams
/// need, so that this library needs no client package.
/// </summary>
public sealed class NatsRequester : IAsyncDisposable
{
    /// <summary>Longest line of the protocol, and largest payload, that are taken.</summary>
    private const int MaxLine = 64 * 1024, MaxPayload = 8 * 1024 * 1024;

    private readonly TcpClient _socket;
    private Stream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _begin, _end;

    private NatsRequester(TcpClient socket)
    {
        _socket = socket;
        _stream = socket.GetStream();
    }

    /// <summary>Connects to a server on this machine, whose certificate, if it has one, is taken as it is.</summary>
    /// <param name="server">Which one.</param>
    /// <param name="user">Null: without credentials.</param>
    /// <param name="password">The user's.</param>
    /// <exception cref="NatsRequestException">It refuses.</exception>
    /// <exception cref="IOException">It does not answer.</exception>
    public static async Task<NatsRequester> ConnectAsync(NatsServerSpec server, string? user, string? password, CancellationToken cancellation)
    {
        var socket = new TcpClient { NoDelay = true };
        NatsRequester? greeted = null;
        try
        {
            await socket.ConnectAsync(NatsServerSpec.Host, server.ClientPort, cancellation);
            var client = new NatsRequester(socket);
            await client.GreetAsync(server, user, password, cancellation);
            return greeted = client;
        }
        catch (SocketException error)
        {
            throw new IOException($"{server.Name} does not answer on {server.ClientUrl}: {error.Message}", error);
        }
        catch (AuthenticationException error)
        {
            throw new NatsRequestException($"{server.Name} and this client do not agree on TLS: {error.Message}");
        }
        catch (JsonException error)
        {
            throw new NatsRequestException($"{server.Name} greets with something that cannot be read: {error.Message}");
        }
        finally
        {
            if (greeted is null) socket.Dispose();
        }
    }

    /// <summary>Asks and waits for one answer.</summary>
    /// <exception cref="NatsRequestException">Nobody listens there, or the server says no.</exception>
    public async Task<string> RequestAsync(string subject, string payload, CancellationToken cancellation)
    {
        var inbox = "_INBOX." + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));
        await SendAsync($"SUB {inbox} 1\r\nUNSUB 1 1\r\nPUB {subject} {inbox} {Encoding.UTF8.GetByteCount(payload)}\r\n{payload}\r\n", cancellation);
        var reply = await NextAsync(cancellation);
        return reply.Status is 503 ? throw new NatsRequestException($"Nobody answers on {subject}.") : reply.Payload;
    }

    /// <summary>Sends a message with headers, and gives what comes to another subject until that is all, or nothing has come for some time.</summary>
    public async Task<IReadOnlyList<NatsReply>> PublishAndListenAsync(
        string subject, IEnumerable<(string Name, string Value)> headers, string payload, string listen, TimeSpan quiet,
        Predicate<IReadOnlyList<NatsReply>> isAll, CancellationToken cancellation)
    {
        var block = new StringBuilder("NATS/1.0\r\n");
        foreach (var (name, value) in headers) block.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        block.Append("\r\n");
        var head = Encoding.UTF8.GetByteCount(block.ToString());
        await SendAsync($"SUB {listen} 1\r\nPING\r\nHPUB {subject} {head} {head + Encoding.UTF8.GetByteCount(payload)}\r\n{block}{payload}\r\n", cancellation);
        var replies = new List<NatsReply>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            do
            {
                end.CancelAfter(quiet);
                replies.Add(await NextAsync(end.Token));
            }
            while (!isAll(replies));
            return replies;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return replies;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private async Task GreetAsync(NatsServerSpec server, string? user, string? password, CancellationToken cancellation)
    {
        var info = await LineAsync(cancellation);
        if (!info.StartsWith("INFO ", StringComparison.Ordinal)) throw new NatsRequestException($"{server.Name} does not greet as a NATS server does.");
        using (var document = JsonDocument.Parse(info.AsMemory(5)))
        {
            if (document.RootElement.TryGetProperty("tls_required", out var required) && required.GetBoolean()) await SecureAsync(server, cancellation);
        }
        var credentials = user is null ? "" : $",\"user\":\"{JsonEncodedText.Encode(user)}\",\"pass\":\"{JsonEncodedText.Encode(password ?? "")}\"";
        await SendAsync($"CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"lang\":\"csharp\",\"version\":\"1\",\"name\":\"natsaspire-runner\"{credentials}}}\r\nPING\r\n", cancellation);
        while (await LineAsync(cancellation) is var line && line != "PONG") Refused(line);
    }

    private async Task SecureAsync(NatsServerSpec server, CancellationToken cancellation)
    {
        // Loopback, and a server we started ourselves: its certificate names other hosts.
        var secured = new SslStream(_stream, leaveInnerStreamOpen: false, (_, _, _, _) => true);
        _stream = secured;
        await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = NatsServerSpec.Host }, cancellation);
        if (server.Cluster.Spec.Tls is null) throw new NatsRequestException($"{server.Name} wants TLS, which the topology does not say.");
    }

    private async Task SendAsync(string text, CancellationToken cancellation) => await _stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);

    private async Task<NatsReply> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var line = await LineAsync(cancellation);
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["MSG", _, _, ..]) return new NatsReply(words[1], 0, Encoding.UTF8.GetString(await BytesAsync(Length(words[^1]), cancellation)));
            if (words is ["HMSG", _, _, .., var head, var total])
            {
                var (headers, all) = (Length(head), await BytesAsync(Length(total), cancellation));
                if (headers > all.Length) throw new NatsRequestException("The server sent headers longer than their message.");
                var first = Encoding.ASCII.GetString(all, 0, headers).Split("\r\n")[0].Split(' ');
                return new NatsReply(words[1], first.Length > 1 && int.TryParse(first[1], out var status) ? status : 0, Encoding.UTF8.GetString(all, headers, all.Length - headers));
            }
            if (line == "PING") await SendAsync("PONG\r\n", cancellation);
            else Refused(line);
        }
    }

    private static void Refused(string line)
    {
        if (line.StartsWith("-ERR", StringComparison.Ordinal)) throw new NatsRequestException($"The server says: {line[4..].Trim(' ', '\'')}.");
    }

    private static int Length(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) && length <= MaxPayload
            ? length
            : throw new NatsRequestException($"The server announces a message of {text} bytes; at most {MaxPayload} are taken.");

    private async Task<string> LineAsync(CancellationToken cancellation)
    {
        var line = new List<byte>(256);
        while (line.Count < MaxLine)
        {
            if (_begin == _end) await FillAsync(cancellation);
            var next = _buffer[_begin++];
            if (next == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            line.Add(next);
        }
        throw new NatsRequestException($"The server sent a line of more than {MaxLine} bytes.");
    }

    private async Task<byte[]> BytesAsync(int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        for (var have = 0; have < length;)
        {
            if (_begin == _end) await FillAsync(cancellation);
            var take = Math.Min(length - have, _end - _begin);
            _buffer.AsSpan(_begin, take).CopyTo(bytes.AsSpan(have));
            (_begin, have) = (_begin + take, have + take);
        }
        await LineAsync(cancellation);
        return bytes;
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        _begin = 0;
        _end = await _stream.ReadAsync(_buffer, cancellation);
        if (_end == 0) throw new IOException("The server closed the connection.");
    }
}
