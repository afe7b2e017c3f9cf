using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>A server killed without warning while it is published to: what it has acknowledged is there after its next start.</summary>
public sealed class KillRoundsTests : IDisposable
{
    private const int Rounds = 50;
    private const int Window = 500;
    private const int Kill = 9;

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-kill-");
    private readonly ConcurrentDictionary<long, ulong> _acknowledged = [];
    private long _next;
    private ulong _verified;

    [Fact]
    public async Task NothingAcknowledgedIsLost()
    {
        const int seed = 20261121;
        var random = new Random(seed);
        for (var round = 1; round <= Rounds; round++)
        {
            await using var server = await ServerProcess.StartAsync(Peers.OurServer(), null, "-js", "-sd", _store.FullName);
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint);
            if (round == 1) await CreateAsync(client);
            else await VerifyAsync(client, $"seed {seed}, round {round}");
            var publishing = PublishUntilClosedAsync(client);
            await Wait.Until("a first acknowledgement", () => publishing.IsCompleted || !_acknowledged.IsEmpty);
            using (var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(random.Next(1, 60)))) await pause.WaitForNextTickAsync();
            server.Signal(Kill);
            await publishing;
            await server.WaitForExitAsync();
        }
        _acknowledged.Count.ShouldBeGreaterThan(Rounds * 10);
        TestContext.Current.TestOutputHelper!.WriteLine($"{Rounds} rounds, {_acknowledged.Count} messages acknowledged, {_verified} stored.");
    }

    public void Dispose() => _store.Delete(recursive: true);

    private static async Task CreateAsync(TestClient client)
    {
        var created = await client.RequestAsync("$JS.API.STREAM.CREATE.LOAD", """{"name":"LOAD","subjects":["load.>"],"allow_direct":true,"storage":"file"}""");
        created.Text.ShouldContain("did_create");
    }

    private async Task PublishUntilClosedAsync(TestClient client)
    {
        var inbox = await client.SubscribeAsync("acks.*");
        using var window = new SemaphoreSlim(Window);
        var reading = ReadAcknowledgementsAsync(inbox, window);
        try
        {
            while (!client.Closed.IsCompleted)
            {
                if (!await window.WaitAsync(TimeSpan.FromMilliseconds(100))) continue;
                var number = _next++;
                await client.PublishAsync($"load.{number % 16}", number.ToString(CultureInfo.InvariantCulture), $"acks.{number}");
            }
        }
        catch (Exception ended) when (ended is System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            // The server is gone, which is what this is about.
        }
        await reading;
    }

    private async Task ReadAcknowledgementsAsync(TestSubscription inbox, SemaphoreSlim window)
    {
        await foreach (var message in inbox.Messages.ReadAllAsync())
        {
            var ack = JsonDocument.Parse(message.Payload).RootElement;
            ack.TryGetProperty("error", out _).ShouldBeFalse(message.Text);
            _acknowledged[long.Parse(message.Subject["acks.".Length..], CultureInfo.InvariantCulture)] = ack.GetProperty("seq").GetUInt64();
            window.Release();
        }
    }

    /// <summary>Reads what was stored since the last round: each acknowledged message stands where its acknowledgement says.</summary>
    private async Task VerifyAsync(TestClient client, string where)
    {
        var stored = new Dictionary<ulong, string>();
        var inbox = await client.SubscribeAsync("read");
        await client.PublishAsync("$JS.API.DIRECT.GET.LOAD", $$"""{"seq":{{_verified + 1}},"batch":10000000,"max_bytes":1000000000}""", "read");
        while (true)
        {
            var message = await inbox.NextAsync();
            if (message.Headers!.Status.Length > 0) break;
            stored[ulong.Parse(message.Headers["Nats-Sequence"]!, CultureInfo.InvariantCulture)] = message.Text;
        }
        foreach (var (number, sequence) in _acknowledged.Where(entry => entry.Value > _verified))
        {
            stored.TryGetValue(sequence, out var text).ShouldBeTrue($"{where}: message {number} was acknowledged as {sequence} and is not there");
            text.ShouldBe(number.ToString(CultureInfo.InvariantCulture), $"{where}: sequence {sequence}");
        }
        _verified = Math.Max(_verified, stored.Keys.DefaultIfEmpty().Max());
        await inbox.UnsubscribeAsync();
    }
}
