using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>What tests do with consumers of a <see cref="StreamServer"/>.</summary>
public static class ConsumerCalls
{
    /// <summary>Makes or changes a consumer, which must succeed.</summary>
    /// <param name="server">Where.</param>
    /// <param name="stream">Of this stream.</param>
    /// <param name="configuration">JSON; with a name or durable_name it goes into the subject.</param>
    public static async Task<JsonElement> ConsumerAsync(this StreamServer server, string stream, string configuration)
    {
        var answer = await server.AskConsumerAsync(stream, configuration);
        StreamServer.ErrorOf(answer).ShouldBe(0, answer.ToString());
        return answer;
    }

    /// <summary>The code of the error of making or changing a consumer; 0: none.</summary>
    public static async Task<int> TryConsumerAsync(this StreamServer server, string stream, string configuration) =>
        StreamServer.ErrorOf(await server.AskConsumerAsync(stream, configuration));

    /// <summary>How a consumer stands.</summary>
    public static Task<JsonElement> ConsumerInfoAsync(this StreamServer server, string stream, string consumer) => server.AskAsync($"CONSUMER.INFO.{stream}.{consumer}");

    /// <summary>A number of how a consumer stands, by a path such as <c>delivered.stream_seq</c>.</summary>
    public static async Task<long> FigureAsync(this StreamServer server, string stream, string consumer, string path)
    {
        var element = await server.ConsumerInfoAsync(stream, consumer);
        foreach (var key in path.Split('.')) element = element.GetProperty(key);
        return element.GetInt64();
    }

    /// <summary>Waits until a figure is so much.</summary>
    public static async Task WaitForFigureAsync(this StreamServer server, string stream, string consumer, string path, long expected)
    {
        var last = long.MinValue;
        await Wait.Until($"{path} of {consumer} to be {expected}", async () => (last = await server.FigureAsync(stream, consumer, path)) == expected, () => $"{last}");
    }

    /// <summary>Asks for messages; they come to the subscription.</summary>
    /// <param name="server">Where.</param>
    /// <param name="stream">Of this stream.</param>
    /// <param name="consumer">By this consumer.</param>
    /// <param name="request">A number or JSON.</param>
    public static async Task<TestSubscription> PullAsync(this StreamServer server, string stream, string consumer, string request = "1")
    {
        var inbox = await server.Client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        await server.Client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", request, inbox.Subject);
        return inbox;
    }

    /// <summary>What is there at once, at most so many.</summary>
    public static async Task<List<TestMessage>> FetchAsync(this StreamServer server, string stream, string consumer, int count = 1)
    {
        var inbox = await server.PullAsync(stream, consumer, $$"""{"batch":{{count}},"no_wait":true}""");
        var messages = new List<TestMessage>();
        while (messages.Count < count)
        {
            var message = await inbox.NextAsync();
            if (message.Headers is { Status.Length: > 0 }) break;
            messages.Add(message);
        }
        await inbox.UnsubscribeAsync();
        return messages;
    }

    /// <summary>Acknowledges, and waits until the server says that it has it.</summary>
    public static async Task AckAsync(this StreamServer server, TestMessage message, string what = "+ACK") =>
        (await server.Client.RequestAsync(message.Reply!, what)).Payload.ShouldBeEmpty();

    /// <summary>Says something of a message without waiting for an answer.</summary>
    public static Task TellAsync(this StreamServer server, TestMessage message, string what) => server.Client.PublishAsync(message.Reply!, what);

    /// <summary>Sequence of a delivered message in its stream.</summary>
    public static long Sequence(this TestMessage message) => long.Parse(message.Reply!.Split('.')[5]);

    /// <summary>Sequence of the delivery.</summary>
    public static long Delivery(this TestMessage message) => long.Parse(message.Reply!.Split('.')[6]);

    /// <summary>How often it was delivered by now.</summary>
    public static long Deliveries(this TestMessage message) => long.Parse(message.Reply!.Split('.')[4]);

    /// <summary>Messages that were still to be delivered behind it.</summary>
    public static long Behind(this TestMessage message) => long.Parse(message.Reply!.Split('.')[8]);

    private static Task<JsonElement> AskConsumerAsync(this StreamServer server, string stream, string configuration)
    {
        var root = JsonDocument.Parse(configuration).RootElement;
        var name = root.TryGetProperty("name", out var given) || root.TryGetProperty("durable_name", out given) ? $".{given.GetString()}" : "";
        return server.AskAsync($"CONSUMER.CREATE.{stream}{name}", $$"""{"stream_name":"{{stream}}","config":{{configuration}}}""");
    }
}
