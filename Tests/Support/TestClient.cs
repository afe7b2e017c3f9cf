using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Tests.Support;

/// <summary>What a <see cref="TestClient"/> says in its CONNECT.</summary>
public sealed record TestClientOptions
{
    public string? Name { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public string? Token { get; init; }

    public bool Verbose { get; init; }

    public bool Pedantic { get; init; }

    public bool Echo { get; init; } = true;

    public bool Headers { get; init; } = true;

    public bool NoResponders { get; init; } = true;

    public int Protocol { get; init; } = 1;

    internal string ToJson()
    {
        var connect = new JsonObject
        {
            ["verbose"] = Verbose,
            ["pedantic"] = Pedantic,
            ["echo"] = Echo,
            ["headers"] = Headers,
            ["no_responders"] = NoResponders,
            ["protocol"] = Protocol,
            ["lang"] = "csharp-test",
            ["version"] = "1.0.0",
        };
        foreach (var (key, value) in new[] { ("name", Name), ("user", User), ("pass", Password), ("auth_token", Token) })
        {
            if (value is not null) connect[key] = value;
        }
        return connect.ToJsonString();
    }
}

/// <summary>
/// A small NATS client for tests of what servers deliver. It reads in the background, answers PING, and never
/// reconnects: the end of a connection is something tests want to see.
/// </summary>
public sealed class TestClient : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly ConcurrentDictionary<int, TestSubscription> _subscriptions = new();
    private readonly ConcurrentQueue<TaskCompletionSource> _pongs = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TestProtocolReader _reader;
    private Task _reading = Task.CompletedTask;
    private int _lastSid;
    private int _oks;

    private TestClient(Socket socket)
    {
        _socket = socket;
        _reader = new TestProtocolReader(new NetworkStream(socket));
    }

    /// <summary>The INFO read last.</summary>
    public JsonElement Info => Infos.Last();

    /// <summary>Every INFO in order; the first greets, later ones tell of changes.</summary>
    public ConcurrentQueue<JsonElement> Infos { get; } = new();

    /// <summary>Every -ERR in order, without its quotes.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>Number of +OK.</summary>
    public int Oks => Volatile.Read(ref _oks);

    /// <summary>Ends when the connection does.</summary>
    public Task Closed => _reading;

    /// <summary>Connects and proves by PING and PONG that the server took it.</summary>
    public static async Task<TestClient> ConnectAsync(IPEndPoint server, TestClientOptions? options = null)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        var client = new TestClient(socket);
        try
        {
            var info = await Wait.For("INFO", client._reader.ReadAsync()) ?? throw new IOException("The server closed the connection before its INFO.");
            client.Infos.Enqueue(info.Json);
            client._reading = client.ReadLoopAsync();
            await client.SendAsync($"CONNECT {(options ?? new TestClientOptions()).ToJson()}\r\n");
            await client.FlushAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects to the host and port of a nats:// URL with an address in it.</summary>
    public static Task<TestClient> ConnectAsync(Uri url, TestClientOptions? options = null)
    {
        if (options is null && url.UserInfo.Split(':') is [var user, var password])
        {
            options = new TestClientOptions { User = Uri.UnescapeDataString(user), Password = Uri.UnescapeDataString(password) };
        }
        return ConnectAsync(new IPEndPoint(IPAddress.Parse(url.Host), url.Port), options);
    }

    /// <summary>Sends protocol text as it is.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _writing.WaitAsync();
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes)..];
        }
        finally
        {
            _writing.Release();
        }
    }

    public Task PublishAsync(string subject, string payload = "", string? reply = null, TestHeaders? headers = null) =>
        PublishAsync(subject, Encoding.UTF8.GetBytes(payload), reply, headers);

    public Task PublishAsync(string subject, byte[] payload, string? reply = null, TestHeaders? headers = null)
    {
        var to = reply is null ? subject : $"{subject} {reply}";
        var block = headers?.ToBytes() ?? [];
        var line = headers is null ? $"PUB {to} {payload.Length}\r\n" : $"HPUB {to} {block.Length} {block.Length + payload.Length}\r\n";
        return SendAsync((byte[])[.. Encoding.Latin1.GetBytes(line), .. block, .. payload, .. "\r\n"u8]);
    }

    /// <summary>SUB; it has taken effect after <see cref="FlushAsync"/> (on this server: others of a cluster hear later).</summary>
    public async Task<TestSubscription> SubscribeAsync(string subject, string? queue = null)
    {
        var subscription = new TestSubscription(this, Interlocked.Increment(ref _lastSid), subject);
        _subscriptions[subscription.Sid] = subscription;
        await SendAsync(queue is null ? $"SUB {subject} {subscription.Sid}\r\n" : $"SUB {subject} {queue} {subscription.Sid}\r\n");
        return subscription;
    }

    /// <summary>Publishes with a fresh inbox and returns the first answer, the 503 of no responders included.</summary>
    public async Task<TestMessage> RequestAsync(string subject, string payload = "", TestHeaders? headers = null, TimeSpan? timeout = null)
    {
        var inbox = await SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        await inbox.UnsubscribeAsync(max: 1);
        await PublishAsync(subject, payload, inbox.Subject, headers);
        return await inbox.NextAsync(timeout);
    }

    /// <summary>PING, and waits for the PONG: the server has handled everything sent before.</summary>
    public async Task FlushAsync()
    {
        var pong = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _pongs.Enqueue(pong);
        await SendAsync("PING\r\n");
        var ended = await Task.WhenAny(pong.Task, _reading, Task.Delay(Wait.Default));
        if (ended != pong.Task && !pong.Task.IsCompleted)
            throw new InvalidOperationException($"{(ended == _reading ? "The server closed" : "No PONG")}. {Describe()}");
    }

    /// <summary>Waits for an -ERR that holds this text.</summary>
    public Task WaitForErrorAsync(string text) =>
        Wait.Until($"-ERR with '{text}'", () => Errors.Any(error => error.Contains(text, StringComparison.Ordinal)), Describe);

    /// <summary>What this client saw, for failures.</summary>
    public string Describe() =>
        $"closed: {_reading.IsCompleted}, errors: [{string.Join("; ", Errors)}], messages: {string.Join(", ", _subscriptions.Values.Select(s => $"{s.Subject} {s.Count}"))}";

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading;
        _writing.Dispose();
    }

    private async Task ReadLoopAsync()
    {
        try
        {
            while (await _reader.ReadAsync() is { } operation) await HandleAsync(operation);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The connection ended the hard way, as a server that closes with unread input makes it.
        }
        finally
        {
            foreach (var subscription in _subscriptions.Values) subscription.End();
        }
    }

    private async Task HandleAsync(TestOperation operation)
    {
        switch (operation.Name)
        {
            case "MSG" or "HMSG":
                if (_subscriptions.TryGetValue(operation.Sid, out var subscription)) subscription.Add(operation.Message!);
                else Errors.Enqueue($"a message for the unknown sid {operation.Sid}");
                break;
            case "PING":
                await SendAsync("PONG\r\n");
                break;
            case "PONG":
                if (_pongs.TryDequeue(out var pong)) pong.TrySetResult();
                break;
            case "INFO":
                Infos.Enqueue(operation.Json);
                break;
            case "-ERR":
                Errors.Enqueue(operation.Arguments.Trim('\''));
                break;
            case "+OK":
                Interlocked.Increment(ref _oks);
                break;
            default:
                Errors.Enqueue($"unknown operation {operation.Name} {operation.Arguments}");
                break;
        }
    }
}
