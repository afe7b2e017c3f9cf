using System.Collections.Concurrent;
using System.Diagnostics;
using NatsAspire.Server.Clients;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Spans of messages that carry a traceparent, while somebody listens.</summary>
public sealed class MessageSpansTests
{
    private const string Subject = "spans.test";

    [Fact]
    public async Task EachServerOnTheWayHasOne()
    {
        var trace = ActivityTraceId.CreateRandom();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(trace, spans);
        await using var cluster = await TestServer.ClusterAsync(2);
        await using var subscriber = await TestClient.ConnectAsync(cluster[1].ClientUrl);
        var subscription = await subscriber.SubscribeAsync(Subject);
        await subscriber.FlushAsync();
        await using var publisher = await TestClient.ConnectAsync(cluster[0].ClientUrl);
        var header = $"NATS/1.0\r\nOther: x\r\nTraceparent: 00-{trace}-00f067aa0ba902b7-01\r\ntracestate: v=1\r\n\r\n";
        await Wait.Until("the message arrives", async () =>
        {
            await publisher.SendAsync($"HPUB {Subject} {header.Length} {header.Length + 5}\r\n{header}hello\r\n");
            await publisher.FlushAsync();
            return subscription.TryTake() is { Text: "hello" };
        });
        await Wait.Until("both servers' spans have ended", () => spans.Select(span => span.GetTagItem("nats.server.name")).Distinct().Count() == 2);
        var atFirst = spans.First(span => Equals(span.GetTagItem("nats.server.name"), cluster[0].Name));
        (atFirst.OperationName, atFirst.ParentSpanId.ToString(), atFirst.TraceStateString).ShouldBe(("nats.route", "00f067aa0ba902b7", "v=1"));
        atFirst.GetTagItem("messaging.destination.name").ShouldBe(Subject);
        atFirst.GetTagItem("messaging.message.body.size").ShouldBe(5);
        atFirst.GetTagItem("nats.connection.kind").ShouldBe("client");
        spans.First(span => Equals(span.GetTagItem("nats.server.name"), cluster[1].Name)).GetTagItem("nats.connection.kind").ShouldBe("route");
    }

    [Theory]
    [InlineData("NATS/1.0\r\n\r\n")]
    [InlineData("NATS/1.0\r\nX: y\r\n\r\n")]
    [InlineData("NATS/1.0\r\ntraceparent: nonsense\r\n\r\n")]
    [InlineData("NATS/1.0\r\ntraceparent:\r\n\r\n")]
    public async Task WithoutAGoodHeaderThereIsNoneAndTheMessageArrives(string header)
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = Listen(null, spans);
        var subject = $"{Subject}.{Guid.NewGuid():N}";
        await using var server = await TestServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientUrl);
        var subscription = await client.SubscribeAsync(subject);
        await client.SendAsync($"HPUB {subject} {header.Length} {header.Length}\r\n{header}\r\n");
        await subscription.NextAsync();
        spans.ShouldNotContain(span => Equals(span.GetTagItem("messaging.destination.name"), subject));
    }

    private static ActivityListener Listen(ActivityTraceId? trace, ConcurrentQueue<Activity> spans)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == MessageSpans.SourceName,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (trace is null || span.TraceId == trace) spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
