using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Clients of a cluster that publish to a stream and acknowledge what a consumer delivers, through whichever server lets
/// them, and remember what they were promised.
/// </summary>
public sealed class ClusterLoad : IAsyncDisposable
{
    private const int Publishers = 2;
    private const int Batch = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ProcessCluster _cluster;
    private readonly string _stream;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<ulong, string> _acknowledged = new();
    private readonly HashSet<ulong> _confirmed = [];
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly Task _running;
    private long _confirmations;

    private ClusterLoad(ProcessCluster cluster, string stream)
    {
        (_cluster, _stream) = (cluster, stream);
        _running = Task.WhenAll(Enumerable.Range(0, Publishers).Select(PublishAsync).Append(ConsumeAsync()));
    }

    /// <summary>Promises that were not kept.</summary>
    public IReadOnlyCollection<string> Broken => _broken;

    /// <summary>Messages acknowledged so far.</summary>
    public int Acknowledged => _acknowledged.Count;

    /// <summary>Acknowledgements to the consumer that were confirmed so far.</summary>
    public long Confirmed => Interlocked.Read(ref _confirmations);

    /// <summary>Makes the stream and its consumer, and begins.</summary>
    public static async Task<ClusterLoad> StartAsync(ProcessCluster cluster, string stream)
    {
        await using var client = await cluster.ConnectAsync(0);
        await StreamCluster.CreateAsync(client, stream, 3);
        var consumer = $$"""{"stream_name":"{{stream}}","config":{"durable_name":"C","name":"C","ack_policy":"explicit","ack_wait":5000000000,"max_ack_pending":1000} }""";
        (await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.{stream}.C", consumer)).TryGetProperty("error", out _).ShouldBeFalse();
        return new ClusterLoad(cluster, stream);
    }

    /// <summary>Waits until so many more messages are acknowledged, and as many deliveries confirmed.</summary>
    public async Task GoOnAsync(string when, int more)
    {
        var (acknowledged, confirmed) = (Acknowledged, Confirmed);
        await Wait.Until(
            $"clients go on {when}",
            () => Acknowledged >= acknowledged + more && Confirmed >= confirmed + more,
            () => $"{Acknowledged - acknowledged} acknowledged, {Confirmed - confirmed} confirmed",
            TimeSpan.FromSeconds(120));
    }

    /// <summary>Ends, and looks whether every promise was kept on every server.</summary>
    public async Task VerifyAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _broken.ShouldBeEmpty();
        await _cluster.WaitForEqualAsync(_stream, _acknowledged.Keys.Max());
        await using var client = await _cluster.ConnectAsync(1);
        var stored = await ReadAllAsync(client);
        foreach (var (sequence, payload) in _acknowledged) stored.GetValueOrDefault(sequence).ShouldBe(payload, $"message {sequence}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task PublishAsync(int number)
    {
        var i = 0;
        await WithClientsAsync(number, async client =>
        {
            var payload = $"{number}-{i++}";
            var answer = await client.RequestAsync($"{_stream}.a", payload, timeout: Patience);
            if (answer.IsNoResponders) return;
            using var json = JsonDocument.Parse(answer.Payload);
            if (json.RootElement.TryGetProperty("error", out _)) return;
            var sequence = json.RootElement.GetProperty("seq").GetUInt64();
            if (!_acknowledged.TryAdd(sequence, payload)) _broken.Enqueue($"{sequence} was promised to {payload} and to {_acknowledged[sequence]}");
        });
    }

    private Task ConsumeAsync() => WithClientsAsync(Publishers, async client =>
    {
        var inbox = await client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        await client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.{_stream}.C", $$"""{"batch":{{Batch}},"expires":800000000}""", inbox.Subject);
        for (var i = 0; i < Batch; i++)
        {
            var message = await inbox.NextAsync(Patience);
            // A status: nothing more comes of this request.
            if (message.Headers?.Status is not null) break;
            var sequence = ulong.Parse(message.Reply!.Split('.')[5], System.Globalization.CultureInfo.InvariantCulture);
            // What this request is answered with was sent after every confirmation before it.
            if (_confirmed.Contains(sequence)) _broken.Enqueue($"{sequence} was delivered again after its acknowledgement was confirmed: {message.Reply}");
            var answer = await client.RequestAsync(message.Reply, "+ACK", timeout: Patience);
            if (answer.IsNoResponders) continue;
            _confirmed.Add(sequence);
            Interlocked.Increment(ref _confirmations);
        }
        await inbox.UnsubscribeAsync();
    });

    /// <summary>Does something again and again, through another server whenever it fails.</summary>
    private async Task WithClientsAsync(int number, Func<TestClient, Task> act)
    {
        TestClient? client = null;
        for (var server = number; !_stop.IsCancellationRequested;)
        {
            try
            {
                client ??= await _cluster.ConnectAsync(server++ % _cluster.Servers.Length);
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

    private async Task<Dictionary<ulong, string>> ReadAllAsync(TestClient client)
    {
        var inbox = await client.SubscribeAsync("all.of.it");
        var info = await StreamCluster.AskAsync(client, $"STREAM.INFO.{_stream}");
        var count = info.GetProperty("state").GetProperty("messages").GetInt32();
        var reader = $$"""{"stream_name":"{{_stream}}","config":{"name":"READER","ack_policy":"none","deliver_subject":"all.of.it","num_replicas":1,"mem_storage":true,"inactive_threshold":60000000000} }""";
        (await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.{_stream}.READER", reader)).TryGetProperty("error", out _).ShouldBeFalse();
        var stored = new Dictionary<ulong, string>(count);
        while (stored.Count < count)
        {
            var message = await inbox.NextAsync(TimeSpan.FromSeconds(20));
            stored[ulong.Parse(message.Reply!.Split('.')[5], System.Globalization.CultureInfo.InvariantCulture)] = Encoding.UTF8.GetString(message.Payload);
        }
        return stored;
    }
}
