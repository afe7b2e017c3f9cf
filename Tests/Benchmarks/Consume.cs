using System.Diagnostics;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>Consumers over a stream that holds its messages; one that is through is made anew. Counts messages delivered.</summary>
internal static class Consume
{
    private const int Stored = 200_000;
    private const int Sid = 1;
    private const string Inbox = "_INBOX.c";

    /// <summary>One request after the other, each answered by so many messages, all acknowledged.</summary>
    public static Measurement Fetch(ServerUnderLoad server, double seconds, int batch) =>
        Over(server, seconds, Pulling, (client, over) => FetchAll(client, over, "C", batch, Stored / batch * batch));

    /// <summary>Requests overlap: the next one goes out before the last is served.</summary>
    public static Measurement Continuous(ServerUnderLoad server, double seconds) => Over(server, seconds, Pulling, (client, over) =>
    {
        const int Batch = 500;
        var request = PullRequest("C", Batch);
        client.Add(request);
        client.Add(request);
        for (long done = 1; ; done++)
        {
            client.Ack(Message(client));
            if (done == Stored) return done;
            if (done % Batch != 0) continue;
            if (over()) return done;
            if (done <= Stored - (2 * Batch)) client.Add(request);
        }
    });

    /// <summary>As clients' ordered consumers: pushed, not acknowledged, with flow control and signs of life.</summary>
    public static Measurement Ordered(ServerUnderLoad server, double seconds) => Over(server, seconds, OrderedFrom("b.>", "all"), (client, over) => Watch(client, over, Stored));

    /// <summary>Pushed, each message acknowledged.</summary>
    public static Measurement Push(ServerUnderLoad server, double seconds) =>
        Over(server, seconds, $"\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"deliver_subject\":\"{Inbox}\",\"max_ack_pending\":10000", (client, over) =>
        {
            for (long done = 1; ; done++)
            {
                client.Ack(Message(client));
                if (done == Stored || (done % 1000 == 0 && over())) return done;
            }
        });

    /// <summary>A work queue that is filled, and then emptied by so many clients of one consumer; emptying is measured.</summary>
    public static Measurement WorkQueue(ServerUnderLoad server, double seconds, int clients)
    {
        const int Batch = 100;
        var (took, used, done) = (0.0, 0.0, 0L);
        using var control = new JetStreamClient(server.Address);
        Create(control, "B", "C", "\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"max_ack_pending\":10000");
        while (took < seconds)
        {
            Fill(control, "B", "b.x", 128, Stored);
            var cpu = server.CpuTime;
            var clock = Stopwatch.StartNew();
            var workers = Enumerable.Range(0, clients).Select(_ => Scenario.StartThread(() => Work(server, Batch, Stored / clients / Batch * Batch))).ToArray();
            foreach (var worker in workers) worker.Join();
            while (MessagesOf(control, "B") > 0) Thread.Yield();
            took += clock.Elapsed.TotalSeconds;
            used += (server.CpuTime - cpu).TotalSeconds;
            done += Stored;
        }
        Delete(control, "B", "C");
        return new Measurement(done, took, used);
    }

    /// <summary>Has a consumer made, used and deleted until the time is over.</summary>
    /// <param name="server">The server.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="configuration">Of the consumer: fields of JSON.</param>
    /// <param name="use">Reads until it is through or the time is over, and says how many messages.</param>
    public static Measurement Over(ServerUnderLoad server, double seconds, string configuration, Func<JetStreamClient, Func<bool>, long> use)
    {
        using (var control = new JetStreamClient(server.Address)) Fill(control, "B", "b.x", 128, Stored);
        return Repeat(server, seconds, "B", configuration, use);
    }

    public static Measurement Repeat(ServerUnderLoad server, double seconds, string stream, string configuration, Func<JetStreamClient, Func<bool>, long> use)
    {
        long done = 0;
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        while (!IsOver())
        {
            // A connection of its own: nothing of the consumer before is under way to it.
            using var client = new JetStreamClient(server.Address);
            // Nobody listens before the API's answer is read, behind which messages might have come.
            Create(client, stream, "C", configuration);
            client.Add($"SUB {Inbox} {Sid}\r\n");
            done += use(client, IsOver);
            // The server may hear later of the connection's end than of the next consumer, and would send what is that one's here.
            client.Add($"UNSUB {Sid}\r\n");
            client.Flush();
            Delete(client, stream, "C");
        }
        return new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);

        bool IsOver() => clock.Elapsed.TotalSeconds >= seconds;
    }

    public static string OrderedFrom(string filter, string policy) =>
        $"\"ack_policy\":\"none\",\"max_deliver\":1,\"mem_storage\":true,\"num_replicas\":1,\"flow_control\":true,\"idle_heartbeat\":5000000000,\"deliver_policy\":\"{policy}\",\"deliver_subject\":\"{Inbox}\",\"filter_subject\":\"{filter}\",\"inactive_threshold\":300000000000";

    /// <summary>Reads what is pushed.</summary>
    public static long Watch(JetStreamClient client, Func<bool> over, long messages)
    {
        for (long done = 1; ; done++)
        {
            Message(client);
            if (done == messages || (done % 1000 == 0 && over())) return done;
        }
    }

    /// <summary>Waits for a message; what else comes is answered if it asks for it.</summary>
    public static Arrival Message(JetStreamClient client)
    {
        while (true)
        {
            var arrival = client.Next();
            if (arrival.Sid != Sid) continue;
            if (!arrival.IsStatus) return arrival;
            if (!arrival.Reply.IsEmpty) client.AddPublish(arrival.Reply, default);
            else if (arrival.Headers.IndexOf("Nats-Consumer-Stalled: "u8) is var at and >= 0)
            {
                var reply = arrival.Headers[(at + "Nats-Consumer-Stalled: ".Length)..];
                client.AddPublish(reply[..reply.IndexOf((byte)'\r')], default);
            }
        }
    }

    /// <summary>Has a stream hold so many messages.</summary>
    public static void Fill(JetStreamClient client, string stream, string subject, int payload, int messages)
    {
        if (MessagesOf(client, stream) >= messages) return;
        const int Chunk = 500;
        var message = Encoding.ASCII.GetBytes($"PUB {subject} {payload}\r\n{new string('x', payload)}\r\n");
        var chunk = Enumerable.Repeat(message, Chunk).SelectMany(bytes => bytes).ToArray();
        for (var sent = 0; sent < messages; sent += Chunk)
        {
            client.Add(chunk);
            // The API answers behind what was published, and so keeps the queue short.
            if (sent / Chunk % 8 == 7) client.Request($"$JS.API.STREAM.INFO.{stream}");
        }
        while (MessagesOf(client, stream) < messages) Thread.Yield();
    }

    public static long MessagesOf(JetStreamClient client, string stream)
    {
        var answer = client.Request($"$JS.API.STREAM.INFO.{stream}");
        const string Field = "\"state\":{\"messages\":";
        var digits = answer[(answer.IndexOf(Field, StringComparison.Ordinal) + Field.Length)..];
        return long.Parse(digits[..digits.IndexOf(',')], System.Globalization.CultureInfo.InvariantCulture);
    }

    public static void Create(JetStreamClient client, string stream, string name, string configuration) =>
        client.Request($"$JS.API.CONSUMER.CREATE.{stream}.{name}", $"{{\"stream_name\":\"{stream}\",\"config\":{{\"name\":\"{name}\",{configuration}}}}}");

    private static string Pulling => "\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"max_ack_pending\":10000";

    private static byte[] PullRequest(string consumer, int batch)
    {
        var request = $"{{\"batch\":{batch},\"expires\":30000000000}}";
        return Encoding.ASCII.GetBytes($"PUB $JS.API.CONSUMER.MSG.NEXT.B.{consumer} {Inbox} {request.Length}\r\n{request}\r\n");
    }

    private static long FetchAll(JetStreamClient client, Func<bool> over, string consumer, int batch, long messages)
    {
        var request = PullRequest(consumer, batch);
        long done = 0;
        while (done < messages && !over())
        {
            client.Add(request);
            for (var i = 0; i < batch; i++) client.Ack(Message(client));
            done += batch;
        }
        return done;
    }

    private static void Work(ServerUnderLoad server, int batch, long messages)
    {
        using var client = new JetStreamClient(server.Address);
        var inbox = $"_INBOX.{Environment.CurrentManagedThreadId}";
        client.Add($"SUB {inbox} {Sid}\r\n");
        var request = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(PullRequest("C", batch)).Replace(Inbox, inbox, StringComparison.Ordinal));
        for (long done = 0; done < messages; done += batch)
        {
            client.Add(request);
            for (var i = 0; i < batch; i++) client.Ack(Message(client));
        }
        client.Flush();
    }

    private static void Delete(JetStreamClient client, string stream, string name) => client.Request($"$JS.API.CONSUMER.DELETE.{stream}.{name}");
}
