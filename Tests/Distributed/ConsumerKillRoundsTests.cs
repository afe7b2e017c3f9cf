using System.Collections.Concurrent;
using System.Globalization;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>A server killed without warning while its consumers are pulled from: no confirmed acknowledgement comes again, everything else does.</summary>
public sealed class ConsumerKillRoundsTests : IDisposable
{
    private const int Rounds = 50;
    private const int Kill = 9;

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-kill-");
    private readonly ConcurrentDictionary<long, bool> _published = [];
    private readonly ConcurrentDictionary<long, bool> _confirmed = [];
    private readonly ConcurrentDictionary<long, bool> _tried = [];
    private long _next;

    [Fact]
    public async Task NoConfirmedAcknowledgementComesAgainAndNothingElseIsLost()
    {
        const int seed = 20261121;
        var random = new Random(seed);
        for (var round = 1; round <= Rounds; round++)
        {
            await using var server = await ServerProcess.StartAsync(Peers.OurServer(), null, "-js", "-sd", _store.FullName);
            await using var publisher = await TestClient.ConnectAsync(server.ClientEndPoint);
            await using var worker = await TestClient.ConnectAsync(server.ClientEndPoint);
            if (round == 1) await CreateAsync(publisher);
            var (before, where) = (_confirmed.Count, $"seed {seed}, round {round}");
            var work = Task.WhenAll(PublishAsync(publisher), WorkAsync(worker, where));
            await Wait.Until("a confirmed acknowledgement", () => work.IsCompleted || _confirmed.Count > before);
            using (var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(random.Next(1, 60)))) await pause.WaitForNextTickAsync();
            server.Signal(Kill);
            await work;
            await server.WaitForExitAsync();
        }
        await DrainAsync();
        TestContext.Current.TestOutputHelper!.WriteLine($"{Rounds} rounds, {_published.Count} messages acknowledged to publishers, {_confirmed.Count} acknowledgements confirmed to workers.");
    }

    public void Dispose() => _store.Delete(recursive: true);

    private static async Task CreateAsync(TestClient client)
    {
        (await client.RequestAsync("$JS.API.STREAM.CREATE.Q", """{"name":"Q","subjects":["q"],"retention":"workqueue"}""")).Text.ShouldContain("did_create");
        (await client.RequestAsync("$JS.API.CONSUMER.CREATE.Q.C", """{"stream_name":"Q","config":{"durable_name":"C","name":"C","ack_policy":"explicit","ack_wait":1000000000}}"""))
            .Text.ShouldContain("consumer_create_response");
    }

    private async Task PublishAsync(TestClient client)
    {
        try
        {
            while (!client.Closed.IsCompleted)
            {
                var number = _next++;
                var answer = await client.RequestAsync("q", number.ToString(CultureInfo.InvariantCulture));
                if (answer.Text.Contains("\"seq\"", StringComparison.Ordinal)) _published[number] = true;
            }
        }
        catch (Exception ended) when (IsEnd(ended))
        {
            // The server is gone, which is what this is about.
        }
    }

    /// <summary>Takes messages, and has each acknowledgement confirmed.</summary>
    private async Task WorkAsync(TestClient client, string where)
    {
        try
        {
            var inbox = await client.SubscribeAsync("work");
            while (!client.Closed.IsCompleted)
            {
                await client.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.Q.C", """{"batch":1,"expires":2000000000}""", "work");
                var message = await inbox.NextAsync();
                if (message.Headers?.Status is { Length: > 0 }) continue;
                await TakeAsync(client, message, where);
            }
        }
        catch (Exception ended) when (IsEnd(ended))
        {
            // The server is gone, which is what this is about.
        }
    }

    private async Task TakeAsync(TestClient client, TestMessage message, string where)
    {
        var number = long.Parse(message.Text, CultureInfo.InvariantCulture);
        _confirmed.ContainsKey(number).ShouldBeFalse($"{where}: message {number} comes again, and its acknowledgement was confirmed");
        _tried[number] = true;
        await client.RequestAsync(message.Reply!, "+ACK");
        _confirmed[number] = true;
    }

    /// <summary>Takes what is left: with what was tried before, that is everything that publishers were told is stored.</summary>
    private async Task DrainAsync()
    {
        await using var server = await ServerProcess.StartAsync(Peers.OurServer(), null, "-js", "-sd", _store.FullName);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint);
        var inbox = await client.SubscribeAsync("work");
        for (var quiet = 0; quiet < 2;)
        {
            await client.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.Q.C", """{"batch":1,"expires":1500000000}""", "work");
            var message = await inbox.NextAsync();
            if (message.Headers?.Status is { Length: > 0 }) quiet++;
            else await TakeAsync(client, message, "at the end");
        }
        _published.Keys.Where(number => !_tried.ContainsKey(number)).ShouldBeEmpty();
        (await client.RequestAsync("$JS.API.STREAM.INFO.Q")).Text.ShouldContain("\"messages\":0");
    }

    private static bool IsEnd(Exception ended) => ended is System.Net.Sockets.SocketException or ObjectDisposedException or TimeoutException or System.Threading.Channels.ChannelClosedException or IOException;
}
