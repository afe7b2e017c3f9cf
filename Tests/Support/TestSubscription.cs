using System.Text;
using System.Threading.Channels;

namespace NatsAspire.Tests.Support;

/// <summary>A message a <see cref="TestClient"/> received.</summary>
/// <param name="Subject">As the server sent it.</param>
/// <param name="Reply">Null: none.</param>
/// <param name="Payload">Without the headers.</param>
/// <param name="Headers">Null: it came as MSG.</param>
public sealed record TestMessage(string Subject, string? Reply, byte[] Payload, TestHeaders? Headers)
{
    /// <summary>The payload as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>Nobody listens on the subject of a request.</summary>
    public bool IsNoResponders => Headers is { Status: "503" } && Payload.Length == 0;
}

/// <summary>Interest of a <see cref="TestClient"/>, and what came for it.</summary>
public sealed class TestSubscription
{
    private readonly TestClient _client;
    private readonly Channel<TestMessage> _messages = Channel.CreateUnbounded<TestMessage>();
    private int _count;

    internal TestSubscription(TestClient client, int sid, string subject)
    {
        _client = client;
        Sid = sid;
        Subject = subject;
    }

    public int Sid { get; }

    public string Subject { get; }

    /// <summary>Messages received so far, taken or not.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The messages; ends with the connection.</summary>
    public ChannelReader<TestMessage> Messages => _messages.Reader;

    /// <summary>The next message, or a failure that says what came instead.</summary>
    public async Task<TestMessage> NextAsync(TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? Wait.Default);
        try
        {
            return await _messages.Reader.ReadAsync(limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"No message on {Subject}; {Count} came before. {_client.Describe()}", e);
        }
    }

    /// <summary>A message that is there already; null: none. After a flush: whether one was delivered at all.</summary>
    public TestMessage? TryTake() => _messages.Reader.TryRead(out var message) ? message : null;

    /// <summary>UNSUB, at once or after so many messages in all.</summary>
    public Task UnsubscribeAsync(int? max = null) => _client.SendAsync(max is null ? $"UNSUB {Sid}\r\n" : $"UNSUB {Sid} {max}\r\n");

    internal void Add(TestMessage message)
    {
        Interlocked.Increment(ref _count);
        _messages.Writer.TryWrite(message);
    }

    internal void End() => _messages.Writer.TryComplete();
}
