using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>A key-value bucket as the clients use one.</summary>
internal static class Buckets
{
    public const string Stream = "KV_B";

    public const string Configuration =
        "\"subjects\":[\"$KV.B.>\"],\"storage\":\"file\",\"max_msgs_per_subject\":1,\"discard\":\"new\",\"allow_rollup_hdrs\":true,\"deny_delete\":true,\"allow_direct\":true,\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1";

    private const int Keys = 10_000;
    private const int Window = 256;
    private const int InFlight = 64;

    public static Measurement Put(ServerUnderLoad server, double seconds)
    {
        using var client = new JetStreamClient(server.Address);
        client.Add("SUB _INBOX.p 1\r\n");
        client.Flush();
        return Measure(server, seconds, over => PutUntil(client, over));
    }

    /// <summary>The last value of random keys, by direct get.</summary>
    public static Measurement Get(ServerUnderLoad server, double seconds)
    {
        using var client = new JetStreamClient(server.Address);
        Fill(client);
        client.Add("SUB _INBOX.p 1\r\n");
        var random = new Random(1);
        return Measure(server, seconds, over =>
        {
            for (var i = 0; i < InFlight; i++) Ask();
            long done = 0;
            while (!over())
            {
                // As many answers as are there, then as many questions.
                for (var i = 0; i < InFlight / 4; i++) Consume.Message(client);
                for (var i = 0; i < InFlight / 4; i++) Ask();
                done += InFlight / 4;
            }
            return done;
        });

        void Ask() => client.Add($"PUB $JS.API.DIRECT.GET.{Stream}.$KV.B.{random.Next(Keys)} _INBOX.p 0\r\n\r\n");
    }

    /// <summary>Watchers that read all keys, one after the other.</summary>
    public static Measurement Watch(ServerUnderLoad server, double seconds)
    {
        using (var client = new JetStreamClient(server.Address)) Fill(client);
        return Consume.Repeat(server, seconds, Stream, Consume.OrderedFrom("$KV.B.>", "last_per_subject"), (client, over) => Consume.Watch(client, over, Keys));
    }

    /// <summary>A watcher that sees what is put meanwhile. Counts what it sees.</summary>
    public static Measurement WatchChanges(ServerUnderLoad server, double seconds)
    {
        using var client = new JetStreamClient(server.Address);
        client.Add("SUB _INBOX.p 1\r\n");
        client.Flush();
        return Consume.Repeat(server, seconds, Stream, Consume.OrderedFrom("$KV.B.>", "new"), (watcher, _) => Seen(watcher, client, seconds));
    }

    private static long Seen(JetStreamClient watcher, JetStreamClient client, double seconds)
    {
        var clock = Stopwatch.StartNew();
        long put = 0;
        var isDone = false;
        var putting = Scenario.StartThread(() =>
        {
            put = PutUntil(client, () => clock.Elapsed.TotalSeconds >= seconds);
            // What shows that it is through is as easily told from the rest as a key is.
            client.Add("PUB $KV.B.end 3\r\nend\r\n");
            client.Flush();
        });
        long seen = 0;
        for (; !isDone; seen++) isDone = Consume.Message(watcher).Payload.Length == 3;
        putting.Join();
        return seen;
    }

    private static Measurement Measure(ServerUnderLoad server, double seconds, Func<Func<bool>, long> run)
    {
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        var done = run(() => clock.Elapsed.TotalSeconds >= seconds);
        return new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
    }

    /// <summary>Puts values, so many of them unacknowledged.</summary>
    private static long PutUntil(JetStreamClient client, Func<bool> over)
    {
        var random = new Random(1);
        for (var i = 0; i < Window; i++) PutOne(client, random.Next(Keys));
        long done = 0;
        while (!over())
        {
            for (var i = 0; i < Window / 4; i++) Consume.Message(client);
            for (var i = 0; i < Window / 4; i++) PutOne(client, random.Next(Keys));
            done += Window / 4;
        }
        for (var i = 0; i < Window; i++) Consume.Message(client);
        return done + Window;
    }

    private static readonly byte[] Value = Encoding.ASCII.GetBytes($" _INBOX.p 128\r\n{new string('v', 128)}\r\n");

    private static void PutOne(JetStreamClient client, int key)
    {
        Span<byte> digits = stackalloc byte[12];
        key.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        client.Add("PUB $KV.B."u8);
        client.Add(digits[..length]);
        client.Add(Value);
    }

    private static void Fill(JetStreamClient client)
    {
        if (Consume.MessagesOf(client, Stream) >= Keys) return;
        for (var key = 0; key < Keys; key++)
        {
            client.Add($"PUB $KV.B.{key} 128\r\n{new string('v', 128)}\r\n");
            if (key % 1000 == 999) client.Request($"$JS.API.STREAM.INFO.{Stream}");
        }
        while (Consume.MessagesOf(client, Stream) < Keys) Thread.Yield();
    }
}
