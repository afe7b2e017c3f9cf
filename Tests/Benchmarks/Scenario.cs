using System.Diagnostics;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>What a run measured: messages (in or out, whichever is more), seconds, CPU seconds of the server.</summary>
/// <param name="Messages">Messages the row counts.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="CpuSeconds">CPU time of the server.</param>
/// <param name="Note">A figure beside the rates, such as a latency.</param>
internal sealed record Measurement(double Messages, double Seconds, double CpuSeconds, string Note = "")
{
    public double PerSecond => Messages / Seconds;

    public double PerCpuSecond => Messages / CpuSeconds;
}

/// <summary>A kind of load.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Run">Puts it on a server for so many seconds.</param>
internal sealed record Scenario(string Name, Func<ServerUnderLoad, double, Measurement> Run)
{
    private const int BatchBytes = 64 * 1024;

    /// <summary>Messages in flight: enough to keep a server busy, far from making a slow consumer.</summary>
    private const int Window = 50_000;

    public static readonly Scenario[] All =
    [
        new("publish only, 16 B", (s, t) => Flow(s, t, 16, 1, 0)),
        new("publish only, 128 B", (s, t) => Flow(s, t, 128, 1, 0)),
        new("publish only, 1 KiB", (s, t) => Flow(s, t, 1024, 1, 0)),
        new("1:1, 16 B", (s, t) => Flow(s, t, 16, 1, 1)),
        new("1:1, 128 B", (s, t) => Flow(s, t, 128, 1, 1)),
        new("fan-out 1:8, 128 B (out)", (s, t) => Flow(s, t, 128, 1, 8)),
        new("fan-in 8:1, 16 B", (s, t) => Flow(s, t, 16, 8, 1)),
        new("queue group of 4, 16 B", (s, t) => Flow(s, t, 16, 1, 4, queue: true)),
        new("unbatched, 1 publisher, 16 B", (s, t) => Flow(s, t, 16, 1, 0, unbatched: true)),
        new("unbatched, 8 publishers, 16 B", (s, t) => Flow(s, t, 16, 8, 0, unbatched: true)),
        new("request-reply, 64 in flight", RequestReply.Throughput),
        new("request-reply, one at a time", RequestReply.Latency),
        new("100,000 subscriptions, wildcards", ManySubscriptions),
    ];

    /// <summary>Publishers send prebuilt batches while subscribers keep up within the window.</summary>
    internal static Measurement Flow(
        ServerUnderLoad server, double seconds, int payload, int publishers, int subscribers, bool queue = false, bool unbatched = false)
    {
        const string subject = "bench.a.b";
        var message = Encoding.ASCII.GetBytes($"PUB {subject} {payload}\r\n{new string('x', payload)}\r\n");
        var delivered = $"MSG {subject} 1 {payload}\r\n".Length + payload + 2;
        var sinks = Enumerable.Range(0, subscribers).Select(_ => new LoadClient(server.SinkAddress)).ToArray();
        foreach (var sink in sinks)
        {
            sink.Send(queue ? $"SUB {subject} q 1\r\n" : $"SUB {subject} 1\r\n");
            sink.Flush();
        }
        if (server.SinkAddress != server.Address) AwaitInterest(server);
        var readers = sinks.Select(sink => StartThread(sink.CountUntilStopped)).ToArray();
        var perBatch = unbatched ? 1 : Math.Max(1, BatchBytes / message.Length);
        var batch = Enumerable.Repeat(message, perBatch).SelectMany(bytes => bytes).ToArray();
        long sent = 0;
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        var writers = Enumerable.Range(0, publishers).Select(_ => StartThread(() => Publish(server, batch, perBatch, seconds, ref sent, Lag))).ToArray();
        foreach (var writer in writers) writer.Join();
        var expected = sent * (queue ? 1 : subscribers);
        while (Received() < expected) Thread.Yield();
        clock.Stop();
        var used = (server.CpuTime - cpu).TotalSeconds;
        foreach (var sink in sinks) sink.Stop();
        foreach (var reader in readers) reader.Join();
        foreach (var sink in sinks) sink.Dispose();
        return new Measurement(Math.Max(sent, expected), clock.Elapsed.TotalSeconds, used);

        long Received() => sinks.Sum(sink => Volatile.Read(ref sink.Received)) / delivered;

        long Lag() => subscribers == 0 ? 0 : Volatile.Read(ref sent) - Received() / (queue ? 1 : subscribers);
    }

    /// <summary>Interest crosses in the order in which it came up: what is wanted behind all else has come over.</summary>
    private static void AwaitInterest(ServerUnderLoad server)
    {
        using var sink = new LoadClient(server.SinkAddress);
        using var publisher = new LoadClient(server.Address);
        sink.Send("SUB bench.ready 1\r\n");
        sink.Flush();
        var reader = StartThread(sink.CountUntilStopped);
        while (Volatile.Read(ref sink.Received) == 0)
        {
            publisher.Send("PUB bench.ready 0\r\n\r\n");
            publisher.Flush();
            server.Rest(TimeSpan.FromMilliseconds(20));
        }
        sink.Stop();
        reader.Join();
    }

    private static void Publish(ServerUnderLoad server, byte[] batch, int perBatch, double seconds, ref long sent, Func<long> lag)
    {
        using var publisher = new LoadClient(server.Address);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            while (lag() > Window) Thread.Yield();
            publisher.Send(batch);
            Interlocked.Add(ref sent, perBatch);
        }
        publisher.Flush();
    }

    /// <summary>A large table of interest, a tenth of it wildcards, and messages over a thousand of its subjects.</summary>
    private static Measurement ManySubscriptions(ServerUnderLoad server, double seconds)
    {
        using var holder = new LoadClient(server.Address);
        var text = new StringBuilder();
        for (var i = 0; i < 100_000; i++) text.Append(i % 10 == 0 ? $"SUB many.*.{i}.x {i}\r\n" : $"SUB many.s.{i}.x {i}\r\n");
        holder.Send(text.ToString());
        holder.Flush();
        var reader = StartThread(holder.CountUntilStopped);
        var random = new Random(1);
        var batch = new List<byte>();
        var bytesOut = 0;
        for (var i = 0; i < 1000; i++)
        {
            var subject = random.Next(100_000);
            batch.AddRange(Encoding.ASCII.GetBytes($"PUB many.s.{subject}.x 16\r\n0123456789abcdef\r\n"));
            bytesOut += $"MSG many.s.{subject}.x {subject} 16\r\n".Length + 18;
        }
        long sent = 0;
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        Publish(server, [.. batch], 1000, seconds, ref sent, () => Volatile.Read(ref sent) - Volatile.Read(ref holder.Received) / bytesOut * 1000);
        while (Volatile.Read(ref holder.Received) < sent / 1000 * bytesOut) Thread.Yield();
        var result = new Measurement(sent, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
        holder.Stop();
        reader.Join();
        return result;
    }

    internal static Thread StartThread(Action action)
    {
        var thread = new Thread(() => action()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
