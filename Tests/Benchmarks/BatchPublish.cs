using System.Diagnostics;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>Batches of ADR-50, which servers know from 2.12 on.</summary>
internal static class BatchPublish
{
    private const int Payload = 128;
    private const int AtomicSize = 1000;
    private const int Flow = 500;
    private static readonly string Body = new('x', Payload);

    /// <summary>One batch after the other; the last message commits and is answered, the first one is too.</summary>
    public static Measurement Atomic(ServerUnderLoad server, double seconds) => Measure(server, seconds, (client, over) =>
    {
        long done = 0;
        for (var number = 0; !over(); number++)
        {
            for (var i = 1; i <= AtomicSize; i++)
            {
                var commit = i == AtomicSize ? "Nats-Batch-Commit: 1\r\n" : "";
                var headers = $"NATS/1.0\r\nNats-Batch-Id: {number}\r\nNats-Batch-Sequence: {i}\r\n{commit}\r\n";
                var reply = i is 1 or AtomicSize ? "_INBOX.c.x " : "";
                client.Add($"HPUB b.x {reply}{headers.Length} {headers.Length + Payload}\r\n{headers}{Body}\r\n");
                if (i == 1) Acknowledged(client, done);
            }
            Acknowledged(client, done);
            done += AtomicSize;
        }
        return done;
    });

    /// <summary>A batch without end, of which two acknowledgements' worth of messages are under way at most.</summary>
    public static Measurement Fast(ServerUnderLoad server, double seconds)
    {
        var id = Guid.NewGuid().ToString("N");
        return Measure(server, seconds, (client, over) =>
        {
            long sent = 0;
            Publish(1, 0);
            Acknowledged(client, 0);
            long acknowledged = 0;
            while (!over())
            {
                while (sent < acknowledged + (2 * Flow)) Publish(sent + 1, 1);
                acknowledged = Acknowledged(client, sent);
            }
            Publish(sent + 1, 2);
            while (!Encoding.ASCII.GetString(Consume.Message(client).Payload).Contains("\"stream\"", StringComparison.Ordinal)) continue;
            return sent;

            void Publish(long number, int operation)
            {
                client.Add($"PUB b.x _INBOX.c.{id}.{Flow}.fail.{number}.{operation}.$FI {Payload}\r\n{Body}\r\n");
                sent = number;
            }
        });
    }

    /// <summary>Waits for an acknowledgement.</summary>
    /// <returns>What number it speaks of; 0: of none.</returns>
    private static long Acknowledged(JetStreamClient client, long sent)
    {
        var answer = Encoding.ASCII.GetString(Consume.Message(client).Payload);
        if (answer.Contains("error", StringComparison.Ordinal)) throw new InvalidOperationException($"After {sent} messages: {answer}");
        const string Field = "\"type\":\"ack\",\"seq\":";
        var at = answer.IndexOf(Field, StringComparison.Ordinal);
        if (at < 0) return 0;
        var digits = answer[(at + Field.Length)..];
        return long.Parse(digits[..digits.IndexOf(',')], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Measurement Measure(ServerUnderLoad server, double seconds, Func<JetStreamClient, Func<bool>, long> run)
    {
        using var client = new JetStreamClient(server.Address);
        client.Add("SUB _INBOX.c.> 1\r\n");
        client.Flush();
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        var done = run(client, () => clock.Elapsed.TotalSeconds >= seconds);
        return new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
    }
}
