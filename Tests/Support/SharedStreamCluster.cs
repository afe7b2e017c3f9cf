using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>One cluster of three for all tests of a class that only ask and publish; each uses names of its own.</summary>
public sealed class SharedStreamCluster : IAsyncLifetime
{
    private static int _names;

    /// <summary>The servers.</summary>
    public StreamCluster Servers { get; private set; } = null!;

    /// <summary>A client of the first server.</summary>
    public TestClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Servers = await StreamCluster.StartAsync(jetStream: "max_file_store: 2GB");
        Client = await Servers.ConnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Servers.DisposeAsync();
    }

    /// <summary>A name nobody else has.</summary>
    public static string NewName() => $"S{Interlocked.Increment(ref _names)}";

    /// <summary>Asks for something that must succeed.</summary>
    public async Task<JsonElement> DoAsync(string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(Client, operation, request);
        ErrorOf(answer).ShouldBe(0, answer.ToString());
        return answer;
    }

    /// <summary>Asks for something that must be refused.</summary>
    /// <returns>What the error says.</returns>
    public async Task<string> RefusedAsync(int error, string operation, string request = "")
    {
        var answer = await StreamCluster.AskAsync(Client, operation, request);
        ErrorOf(answer).ShouldBe(error, answer.ToString());
        return answer.GetProperty("error").GetProperty("description").GetString()!;
    }

    /// <summary>Publishes once; the acknowledgement or the refusal.</summary>
    public async Task<JsonElement> PublishAsync(string subject, params (string Name, string Value)[] headers)
    {
        // Until the client's server has heard who listens there is no answer.
        JsonElement answer = default;
        await Wait.Until(
            $"an answer to {subject}",
            async () =>
            {
                var message = await Client.RequestAsync(subject, "x", headers.Length == 0 ? null : TestHeaders.Of(headers));
                if (message.IsNoResponders) return false;
                answer = JsonDocument.Parse(message.Payload).RootElement;
                return true;
            });
        return answer;
    }

    /// <summary>Asks a consumer for messages until there are as many, or time is over; as clients do, again when the leader has changed.</summary>
    public async Task<List<TestMessage>> FetchAsync(string stream, string consumer, int count, TimeSpan? time = null)
    {
        var patience = time ?? TimeSpan.FromSeconds(5);
        var messages = new List<TestMessage>();
        var isOver = false;
        for (var attempt = 0; attempt < 4 && !isOver && messages.Count < count; attempt++)
        {
            var inbox = await PullAsync(stream, consumer, count - messages.Count, patience);
            isOver = !await TakeAsync(inbox, messages, count, patience + TimeSpan.FromSeconds(5));
            await inbox.UnsubscribeAsync();
        }
        return messages;
    }

    /// <returns>Whether to ask again: a request may get lost with a leader that makes way.</returns>
    private static async Task<bool> TakeAsync(TestSubscription inbox, List<TestMessage> messages, int count, TimeSpan patience)
    {
        while (messages.Count < count)
        {
            TestMessage message;
            try
            {
                message = await inbox.NextAsync(patience);
            }
            catch (TimeoutException)
            {
                return true;
            }
            if (message.Headers is { Status.Length: > 0 } headers) return headers.Status.StartsWith("409 Leadership Change", StringComparison.Ordinal);
            messages.Add(message);
        }
        return false;
    }

    /// <summary>Asks a consumer for messages; they come to the subscription, or why there are none.</summary>
    public async Task<TestSubscription> PullAsync(string stream, string consumer, int count, TimeSpan time)
    {
        await StreamCluster.HearOfAsync(Client, stream, consumer);
        var inbox = await Client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        await Client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", $$"""{"batch":{{count}},"expires":{{time.Ticks * 100}}}""", inbox.Subject);
        return inbox;
    }

    /// <summary>Waits until a stream holds so many messages.</summary>
    public async Task WaitForMessagesAsync(string stream, int count)
    {
        var state = "";
        await Wait.Until(
            $"{stream} holds {count}",
            async () =>
            {
                var seen = (await DoAsync($"STREAM.INFO.{stream}")).GetProperty("state");
                state = seen.ToString();
                return seen.GetProperty("messages").GetInt32() == count;
            },
            () => state,
            TimeSpan.FromSeconds(30));
    }

    /// <summary>Acknowledges, and waits for the confirmation.</summary>
    public async Task AcknowledgeAsync(TestMessage message) => (await Client.RequestAsync(message.Reply!, "+ACK")).IsNoResponders.ShouldBeFalse();

    /// <summary>The number of an answer's error; 0: it has none.</summary>
    public static int ErrorOf(JsonElement answer) => answer.TryGetProperty("error", out var error) ? error.GetProperty("err_code").GetInt32() : 0;
}
