using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Consumers of a running server and what is around them: readers, interest, retention, floods.</summary>
public sealed class ConsumerDeliveryTests : IDisposable
{
    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-consumers-");

    /// <summary>A reader that takes its time must not be closed for what a consumer has for it.</summary>
    [Fact]
    public async Task ASlowReaderGetsEverythingInTheEnd()
    {
        const int count = 300;
        await using var server = await StartAsync(maxPending: 10 << 20);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["s"],"storage":"memory"}""");
        using var idle = await ListenAsync(server, "push");
        var reader = await client.SubscribeAsync("push");
        await AskAsync(client, "CONSUMER.CREATE.S.P", """{"stream_name":"S","config":{"durable_name":"P","name":"P","deliver_subject":"push","ack_policy":"none"}}""");
        for (var i = 1; i <= count; i++)
        {
            // Who reads never lets more wait than one message, however slow it is.
            (await client.RequestAsync("s", new string('x', 100_000))).Text.ShouldContain("seq");
            (await reader.NextAsync()).Reply!.ShouldStartWith($"$JS.ACK.S.P.1.{i}.{i}.");
        }
        await Wait.Until("the other is closed", () => server.Clients.Closed.ToList().Any(closed => closed.Reason is Server.Connections.CloseReason.SlowConsumerPendingBytes or Server.Connections.CloseReason.SlowConsumerWriteDeadline));
    }

    [Fact]
    public async Task PushFollowsWhoListens()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["s"]}""");
        await AskAsync(client, "CONSUMER.CREATE.S.P", """{"stream_name":"S","config":{"durable_name":"P","name":"P","deliver_subject":"push.to","ack_policy":"none"}}""");
        await client.RequestAsync("s", "1");
        (await AskAsync(client, "CONSUMER.INFO.S.P")).TryGetProperty("push_bound", out _).ShouldBeFalse();
        var wide = await client.SubscribeAsync("push.*");
        (await wide.NextAsync()).Text.ShouldBe("1");
        (await AskAsync(client, "CONSUMER.INFO.S.P")).GetProperty("push_bound").GetBoolean().ShouldBeTrue();
        await wide.UnsubscribeAsync();
        await client.FlushAsync();
        await client.RequestAsync("s", "2");
        await Wait.Until("nobody to be bound", async () => !(await AskAsync(client, "CONSUMER.INFO.S.P")).TryGetProperty("push_bound", out _));
        (await AskAsync(client, "CONSUMER.INFO.S.P")).GetProperty("num_pending").GetInt32().ShouldBe(1);
        var literal = await client.SubscribeAsync("push.to");
        (await literal.NextAsync()).Text.ShouldBe("2");
    }

    [Fact]
    public async Task WhatNoConsumerIsForStaysInAWorkQueueAndGoesFromAStreamOfInterest()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        foreach (var (name, retention, left) in new[] { ("W", "workqueue", 2), ("I", "interest", 1) })
        {
            await AskAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.*"],"retention":"{{retention}}"}""");
            await AskAsync(client, $"CONSUMER.CREATE.{name}.A", $$"""{"stream_name":"{{name}}","config":{"durable_name":"A","name":"A","ack_policy":"explicit","filter_subject":"{{name}}.a"} }""");
            foreach (var subject in new[] { "a", "a", "b" }) (await client.RequestAsync($"{name}.{subject}", "x")).Text.ShouldContain("seq");
            var message = await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{name}.A");
            (await client.RequestAsync(message.Reply!, "+ACK")).Payload.Length.ShouldBe(0);
            await Wait.Until($"{left} messages in {name}", async () => (await AskAsync(client, $"STREAM.INFO.{name}")).GetProperty("state").GetProperty("messages").GetInt32() == left);
        }
        await AskAsync(client, "CONSUMER.DELETE.I.A");
        (await AskAsync(client, "STREAM.INFO.I")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(0);
        await AskAsync(client, "CONSUMER.DELETE.W.A");
        (await AskAsync(client, "STREAM.INFO.W")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(2);
    }

    /// <summary>A message is seen by consumers when it is durable, also when many filters are there to choose from.</summary>
    [Fact]
    public async Task EachOfManyFiltersGetsItsOwn()
    {
        const int count = 50;
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["s.*"]}""");
        var inboxes = new List<TestSubscription>();
        for (var i = 0; i < count; i++)
        {
            await AskAsync(client, $"CONSUMER.CREATE.S.C{i}", $$"""{"stream_name":"S","config":{"durable_name":"C{{i}}","name":"C{{i}}","ack_policy":"none","filter_subject":"s.{{i}}"} }""");
            inboxes.Add(await client.SubscribeAsync($"inbox.{i}"));
            await client.PublishAsync($"$JS.API.CONSUMER.MSG.NEXT.S.C{i}", """{"batch":2,"expires":10000000000}""", $"inbox.{i}");
        }
        for (var i = 0; i < 2 * count; i++) await client.PublishAsync($"s.{i % count}", $"{i}");
        for (var i = 0; i < count; i++)
        {
            (await inboxes[i].NextAsync()).Text.ShouldBe($"{i}");
            (await inboxes[i].NextAsync()).Text.ShouldBe($"{i + count}");
        }
    }

    /// <summary>Requests beyond what may wait are refused, acknowledgements for others and forged ones change nothing.</summary>
    [Fact]
    public async Task FloodsAndForgeriesHarmNobody()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["s"]}""");
        await AskAsync(client, "CONSUMER.CREATE.S.C", """{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit","max_waiting":10}}""");
        var inbox = await client.SubscribeAsync("flood");
        for (var i = 0; i < 500; i++) await client.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.S.C", """{"batch":1,"expires":30000000000}""", "flood");
        for (var i = 0; i < 490; i++) (await inbox.NextAsync()).Headers!.Status.ShouldBe("409 Exceeded MaxWaiting");
        (await AskAsync(client, "CONSUMER.INFO.S.C")).GetProperty("num_waiting").GetInt32().ShouldBe(10);
        await client.RequestAsync("s", "1");
        var message = await inbox.NextAsync();
        foreach (var forged in new[]
        {
            "$JS.ACK.S.C.1.99.99.1.0", "$JS.ACK.S.OTHER.1.1.1.1.0", "$JS.ACK.T.C.1.1.1.1.0", "$JS.ACK.S.C.x.y.z.1.0", "$JS.ACK.S.C.1", "$JS.ACK.S.C.1.18446744073709551616.1.1.0", "$JS.FC.S.C.nonsense",
        })
        {
            await client.PublishAsync(forged, "+ACK");
        }
        await client.FlushAsync();
        (await AskAsync(client, "CONSUMER.INFO.S.C")).GetProperty("num_ack_pending").GetInt32().ShouldBe(1);
        await client.RequestAsync(message.Reply!, "+ACK");
        (await AskAsync(client, "CONSUMER.INFO.S.C")).GetProperty("num_ack_pending").GetInt32().ShouldBe(0);
    }

    public void Dispose() => _store.Delete(recursive: true);

    private Task<NatsServer> StartAsync(int maxPending = 64 << 20) => TestServer.StartAsync(options => options with
    {
        StoreDirectory = _store.FullName,
        JetStream = new JetStreamOptions { Enabled = true },
        Limits = options.Limits with { MaxPending = maxPending },
    });

    /// <summary>A connection whose small buffer fills soon; who reads it, decides.</summary>
    private static async Task<TcpClient> ListenAsync(NatsServer server, string subject)
    {
        var socket = new TcpClient { ReceiveBufferSize = 64 << 10 };
        await socket.ConnectAsync(server.ClientEndPoint!, TestContext.Current.CancellationToken);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {{\"verbose\":false}}\r\nSUB {subject} 1\r\nPING\r\n"), TestContext.Current.CancellationToken);
        // Byte by byte: what comes behind the answer is the reader's.
        for (var seen = ""; !seen.EndsWith("PONG\r\n", StringComparison.Ordinal);)
        {
            var next = new byte[1];
            await socket.GetStream().ReadExactlyAsync(next, TestContext.Current.CancellationToken);
            seen += (char)next[0];
        }
        return socket;
    }

    private static async Task<JsonElement> AskAsync(TestClient client, string request, string json = "")
    {
        var answer = JsonDocument.Parse((await client.RequestAsync($"$JS.API.{request}", json)).Payload).RootElement;
        answer.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        return answer;
    }
}
