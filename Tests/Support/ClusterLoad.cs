using System.Collections.Concurrent;

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
    private readonly HashSet<ulong> _confirmed = [];
    private readonly ConcurrentQueue<string> _broken = new();
    private readonly PublishingLoad _publishing;
    private readonly Task _consuming;
    private long _confirmations;

    private ClusterLoad(ProcessCluster cluster, string stream)
    {
        (_cluster, _stream) = (cluster, stream);
        _publishing = PublishingLoad.Start(cluster.Urls, stream, Publishers);
        _consuming = ConsumeAsync();
    }

    /// <summary>Messages acknowledged so far.</summary>
    public int Acknowledged => _publishing.Acknowledged;

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
        await _publishing.StopAsync();
        await _consuming;
        _broken.ShouldBeEmpty();
        await _cluster.WaitForEqualAsync(_stream, _publishing.LastSequence);
        await using var client = await _cluster.ConnectAsync(1);
        await _publishing.VerifyAsync(client);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _publishing.DisposeAsync();
        await _consuming;
        _stop.Dispose();
    }

    private Task ConsumeAsync() => PublishingLoad.RoveAsync(_cluster.Urls, Publishers, async client =>
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
    }, _stop.Token);
}
