using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>
/// What a few messages and requests lead to happens on the threads that read them, when nothing else is due: many clients
/// at once see no difference.
/// </summary>
public sealed class ShortTurnTests
{
    private const int Clients = 6;
    private const int Messages = 150;

    [Theory]
    [InlineData("memory", "")]
    [InlineData("file", "")]
    [InlineData("file", "sync_interval: 1h")]
    public async Task WhoHasAnAnswerReadsWhatHeHasWritten(string storage, string jetStream)
    {
        await using var server = await StreamServer.StartAsync(jetStream);
        await server.CreateAsync($$"""{"name":"S","subjects":["s.>"],"storage":"{{storage}}","allow_direct":true}""");
        await server.ConsumerAsync("S", """{"durable_name":"C","deliver_subject":"to","ack_policy":"none"}""");
        var listener = await server.Client.SubscribeAsync("to");
        var sequences = await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => Task.Run(() => WriteAndReadAsync(server, number))));
        sequences.SelectMany(one => one).Order().ShouldBe(Enumerable.Range(1, Clients * Messages).Select(sequence => (ulong)sequence));
        (await server.EndsAsync("S")).ShouldBe(((ulong)(Clients * Messages), 1UL, (ulong)(Clients * Messages)));
        for (var sequence = 1; sequence <= Clients * Messages; sequence++) (await listener.NextAsync()).Sequence().ShouldBe(sequence);
        if (storage == "memory") return;
        await server.RestartAsync();
        (await server.EndsAsync("S")).ShouldBe(((ulong)(Clients * Messages), 1UL, (ulong)(Clients * Messages)));
    }

    private static async Task<List<ulong>> WriteAndReadAsync(StreamServer server, int number)
    {
        await using var client = await TestClient.ConnectAsync(server.Server.ClientEndPoint!);
        var sequences = new List<ulong>();
        for (var i = 0; i < Messages; i++)
        {
            var payload = $"{number} {i}";
            // With headers, and large ones, go another way.
            var headers = i % 10 == 5 ? TestHeaders.Of(("Nats-Msg-Id", payload)) : null;
            if (i % 10 == 7) payload += new string('x', 20_000);
            var ack = System.Text.Json.JsonDocument.Parse((await client.RequestAsync($"s.{number}", payload, headers)).Payload).RootElement;
            var sequence = ack.GetProperty("seq").GetUInt64();
            sequences.Add(sequence);
            (await client.RequestAsync($"$JS.API.DIRECT.GET.S.s.{number}")).Text.ShouldBe(payload);
            (await client.RequestAsync("$JS.API.DIRECT.GET.S", $$"""{"seq":{{sequence}}}""")).Text.ShouldBe(payload);
        }
        return sequences;
    }
}
