using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Servers that are killed while the servers of a stream change: nothing that was acknowledged is lost.</summary>
public sealed class MemberChangeKillTests
{
    /// <summary>The server that holds the stream alone, or leads it, is killed right behind the request.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    public async Task AKillInTheMiddleLosesNothing(int from, int to)
    {
        await using var cluster = await ProcessCluster.StartAsync(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        await using (var client = await cluster.ConnectAsync(0)) await StreamCluster.CreateAsync(client, "S", from);
        var replicas = from;
        var last = 0UL;
        for (var round = 0; round < 3; round++)
        {
            var victim = -1;
            await Wait.Until("somebody leads", async () => (victim = await cluster.LeaderOfAsync("S")) >= 0, timeout: TimeSpan.FromSeconds(90));
            var other = (victim + 1) % 3;
            await using var client = await cluster.ConnectAsync(other);
            for (var i = 0; i < 20; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {last + 1}");
            replicas = replicas == from ? to : from;
            var seen = "";
            var request = $$"""{"name":"S","subjects":["S.>"],"num_replicas":{{replicas}},"storage":"file"}""";
            if (round > 0) await DecideAsync(client, replicas, request);
            else await client.PublishAsync("$JS.API.STREAM.UPDATE.S", request);
            await client.FlushAsync();
            await cluster.KillAsync(victim);
            await cluster.StartAsync(victim);
            await Wait.Until(
                $"{replicas} servers hold it",
                async () =>
                {
                    // What was decided by somebody who was killed may never have been.
                    var holders = await cluster.LookAsync("S");
                    seen = $"round {round}, {victim} was killed; " + string.Join("; ", holders.Select(one => $"{one.Server}: {one.Stream}"));
                    if (await InfoAsync(client) is not { } info) return false;
                    replicas = info.GetProperty("config").GetProperty("num_replicas").GetInt32();
                    return holders.Count == replicas && await cluster.LeaderOfAsync("S") >= 0;
                },
                () => seen,
                timeout: TimeSpan.FromSeconds(120));
            for (var sequence = 1UL; sequence <= last; sequence++)
            {
                var answer = await StreamCluster.AskAsync(client, "STREAM.MSG.GET.S", $"{{\"seq\":{sequence}}}");
                answer.TryGetProperty("message", out var message).ShouldBeTrue($"message {sequence} of {last}, {seen}: {answer}");
                System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"message {sequence}");
            }
        }
    }

    /// <summary>Asks until the answer to another question shows it: who decides may have been killed before.</summary>
    private static Task DecideAsync(TestClient client, int replicas, string request) => Wait.Until(
        "it has been decided",
        async () =>
        {
            await StreamCluster.PlaceAsync(client, "STREAM.UPDATE.S", request);
            return (await InfoAsync(client))?.GetProperty("config").GetProperty("num_replicas").GetInt32() == replicas;
        },
        timeout: TimeSpan.FromSeconds(60));

    private static async Task<JsonElement?> InfoAsync(TestClient client)
    {
        try
        {
            var answer = await client.RequestAsync("$JS.API.STREAM.INFO.S", "", timeout: TimeSpan.FromSeconds(2));
            using var json = JsonDocument.Parse(answer.Payload);
            return json.RootElement.TryGetProperty("config", out _) ? json.RootElement.Clone() : null;
        }
        catch (Exception error) when (error is TimeoutException or JsonException)
        {
            return null;
        }
    }
}
