using System.Collections.Concurrent;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Servers that are killed while messages come: what was acknowledged is there, on every server the same.</summary>
public sealed class ReplicaKillTests
{
    [Fact]
    public async Task WhatWasAcknowledgedOutlivesWhoeverIsKilled()
    {
        await using var cluster = await ProcessCluster.StartAsync(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        await using (var client = await cluster.ConnectAsync(0)) await StreamCluster.CreateAsync(client, "S", 3);
        var acknowledged = new ConcurrentDictionary<ulong, string>();
        using var stop = new CancellationTokenSource();
        var publishers = Enumerable.Range(0, 4).Select(number => PublishAsync(cluster, number, acknowledged, stop.Token)).ToArray();
        await Wait.Until("messages are acknowledged", () => acknowledged.Count > 500, () => $"{acknowledged.Count}", TimeSpan.FromSeconds(60));
        foreach (var victim in new[] { true, false })
        {
            var leader = -1;
            await Wait.Until("somebody leads", async () => (leader = await cluster.LeaderOfAsync("S")) >= 0, timeout: TimeSpan.FromSeconds(60));
            var killed = victim ? leader : (leader + 1) % 3;
            await cluster.KillAsync(killed);
            var before = acknowledged.Count;
            await Wait.Until("messages are acknowledged without it", () => acknowledged.Count > before + 500, () => $"{acknowledged.Count - before}", TimeSpan.FromSeconds(60));
            await cluster.StartAsync(killed);
        }
        await stop.CancelAsync();
        await Task.WhenAll(publishers);
        await cluster.WaitForEqualAsync("S", acknowledged.Keys.Max());
        await using var reader = await cluster.ConnectAsync(1);
        foreach (var (sequence, payload) in acknowledged.OrderBy(one => one.Key).Where((_, index) => index % 7 == 0))
        {
            var message = (await StreamCluster.AskAsync(reader, "STREAM.MSG.GET.S", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe(payload, $"message {sequence}");
        }
    }

    /// <summary>Publishes one after the other, through whichever server takes it.</summary>
    private static async Task PublishAsync(ProcessCluster cluster, int number, ConcurrentDictionary<ulong, string> acknowledged, CancellationToken stop)
    {
        TestClient? client = null;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var payload = $"{number}-{i}";
            try
            {
                client ??= await cluster.ConnectAsync((number + i) % 3);
                var answer = await client.RequestAsync("S.a", payload, timeout: TimeSpan.FromSeconds(1));
                if (answer.IsNoResponders) continue;
                using var json = System.Text.Json.JsonDocument.Parse(answer.Payload);
                if (json.RootElement.TryGetProperty("error", out _)) continue;
                acknowledged.TryAdd(json.RootElement.GetProperty("seq").GetUInt64(), payload).ShouldBeTrue($"the sequence of {payload} was given twice");
            }
            catch (Exception error) when (error is TimeoutException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Its server was killed, or nobody leads for now: the next message goes elsewhere.
                if (client is not null) await client.DisposeAsync();
                client = null;
            }
        }
        if (client is not null) await client.DisposeAsync();
    }
}
