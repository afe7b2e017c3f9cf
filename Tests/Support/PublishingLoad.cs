using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>Clients that publish to a stream, through whichever server lets them, and remember what was acknowledged.</summary>
public sealed class PublishingLoad : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<Uri> _servers;
    private readonly string _stream;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<ulong, string> _acknowledged = new();
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly Task _running;

    private PublishingLoad(IReadOnlyList<Uri> servers, string stream, int publishers)
    {
        (_servers, _stream) = (servers, stream);
        _running = Task.WhenAll(Enumerable.Range(0, publishers).Select(PublishAsync));
    }

    /// <summary>Messages acknowledged so far.</summary>
    public int Acknowledged => _acknowledged.Count;

    /// <summary>The highest sequence that was acknowledged.</summary>
    public ulong LastSequence => _acknowledged.Keys.DefaultIfEmpty().Max();

    /// <summary>Begins to publish to the subject STREAM.a.</summary>
    /// <param name="servers">Where; each client goes on to the next when one fails.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="publishers">How many.</param>
    public static PublishingLoad Start(IReadOnlyList<Uri> servers, string stream, int publishers = 2) => new(servers, stream, publishers);

    /// <summary>Waits until so many more messages are acknowledged.</summary>
    public async Task GoOnAsync(string when, int more)
    {
        var before = Acknowledged;
        await Wait.Until($"publishing to {_stream} goes on {when}", () => Acknowledged >= before + more, () => $"{Acknowledged - before} acknowledged", TimeSpan.FromSeconds(120));
    }

    /// <summary>Ends publishing.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Looks whether the stream holds, as it was acknowledged, each message that was. Call it when publishing has ended.</summary>
    public async Task VerifyAsync(TestClient client)
    {
        _running.IsCompleted.ShouldBeTrue("it still publishes");
        _broken.ShouldBeEmpty();
        var stored = await ReadAllAsync(client, _stream);
        foreach (var (sequence, payload) in _acknowledged) stored.GetValueOrDefault(sequence).ShouldBe(payload, $"message {sequence}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    /// <summary>Does something again and again, through another server whenever it fails.</summary>
    internal static async Task RoveAsync(IReadOnlyList<Uri> servers, int first, Func<TestClient, Task> act, CancellationToken stop)
    {
        TestClient? client = null;
        for (var server = first; !stop.IsCancellationRequested;)
        {
            try
            {
                client ??= await TestClient.ConnectAsync(servers[server++ % servers.Count]);
                await act(client);
            }
            catch (Exception error) when (error is TimeoutException or IOException or SocketException or ObjectDisposedException or InvalidOperationException or JsonException or Xunit.Sdk.FailException)
            {
                // Its server is gone or does not answer, or nobody leads for now.
                if (client is not null) await client.DisposeAsync();
                client = null;
            }
        }
        if (client is not null) await client.DisposeAsync();
    }

    /// <summary>All messages of a stream, as a consumer delivers them, by their sequences.</summary>
    internal static async Task<Dictionary<ulong, string>> ReadAllAsync(TestClient client, string stream)
    {
        var inbox = await client.SubscribeAsync($"all.of.{stream}");
        var info = await StreamCluster.AskAsync(client, $"STREAM.INFO.{stream}");
        var count = info.GetProperty("state").GetProperty("messages").GetInt32();
        var reader = $$"""{"stream_name":"{{stream}}","config":{"name":"READER","ack_policy":"none","deliver_subject":"{{inbox.Subject}}","num_replicas":1,"mem_storage":true,"inactive_threshold":60000000000} }""";
        (await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.{stream}.READER", reader)).TryGetProperty("error", out _).ShouldBeFalse();
        var stored = new Dictionary<ulong, string>(count);
        while (stored.Count < count)
        {
            var message = await inbox.NextAsync(TimeSpan.FromSeconds(20));
            stored[ulong.Parse(message.Reply!.Split('.')[5], CultureInfo.InvariantCulture)] = Encoding.UTF8.GetString(message.Payload);
        }
        return stored;
    }

    private Task PublishAsync(int number)
    {
        var i = 0;
        return RoveAsync(_servers, number, async client =>
        {
            var payload = $"{number}-{i++}";
            var answer = await client.RequestAsync($"{_stream}.a", payload, timeout: Patience);
            if (answer.IsNoResponders) return;
            using var json = JsonDocument.Parse(answer.Payload);
            if (json.RootElement.TryGetProperty("error", out _)) return;
            var sequence = json.RootElement.GetProperty("seq").GetUInt64();
            if (!_acknowledged.TryAdd(sequence, payload)) _broken.Enqueue($"{sequence} was promised to {payload} and to {_acknowledged[sequence]}");
        }, _stop.Token);
    }
}
