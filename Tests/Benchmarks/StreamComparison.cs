using System.Diagnostics;
using System.Globalization;

namespace NatsAspire.Benchmarks;

/// <summary>A row: a stream and a load on it.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="IsLazy">Our server, as the other does always, acknowledges before the disk has it.</param>
/// <param name="Stream">Its name.</param>
/// <param name="Configuration">Of the stream: fields of JSON.</param>
/// <param name="Run">The load, for so many seconds.</param>
internal sealed record StreamScenario(string Name, bool IsLazy, string Stream, string Configuration, Func<ServerUnderLoad, double, Measurement> Run)
{
    /// <summary>What the other server, which is too old for it, does instead; null: the same.</summary>
    public StreamScenario? Instead { get; init; }
}

/// <summary>Runs stream scenarios on both servers in turn and prints medians as a table; durable: the other one waits for the disk too.</summary>
internal sealed class StreamComparison(string ours, string baseline, int rounds, double seconds, string filter, string directory, bool isDurable)
{
    /// <summary>So long the runtime compiles again what is used much; measured sooner, rows show the compiler.</summary>
    private const double WarmUpSeconds = 5;

    private static readonly StreamScenario[] Scenarios =
    [
        Sync("file, one at a time, 128 B", false),
        Async("file, window 256, 128 B", false, 128, 256, 1),
        Async("file, window 4000, 16 B", false, 16, 4000, 1),
        Async("file, window 4000, 128 B", false, 128, 4000, 1),
        Async("file, window 4000, 1 KiB", false, 1024, 4000, 1),
        Async("file, 8 publishers, window 500 each, 128 B", false, 128, 500, 8),
        Sync("file, both lazy, one at a time, 128 B", true),
        Async("file, both lazy, window 256, 128 B", true, 128, 256, 1),
        Async("file, both lazy, window 4000, 16 B", true, 16, 4000, 1),
        Async("file, both lazy, window 4000, 128 B", true, 128, 4000, 1),
        Async("file, both lazy, 8 publishers, window 500 each, 128 B", true, 128, 500, 8),
        Async("memory, window 4000, 128 B", false, 128, 4000, 1, "memory"),
        new("direct get, 64 in flight, 128 B", false, "B", Plain, DirectGets.Run),
        new("atomic batches of 1000, 128 B (other: window 4000)", false, "B", $"{Plain},\"allow_atomic\":true", BatchPublish.Atomic) { Instead = Async("", false, 128, 4000, 1) },
        new("fast batch, 128 B (other: window 4000)", false, "B", $"{Plain},\"allow_batched\":true", BatchPublish.Fast) { Instead = Async("", false, 128, 4000, 1) },
        new("pull, fetch 1, acks", false, "B", Plain, (server, seconds) => Consume.Fetch(server, seconds, 1)),
        new("pull, fetch 100, acks", false, "B", Plain, (server, seconds) => Consume.Fetch(server, seconds, 100)),
        new("pull, fetch 1000, acks", false, "B", Plain, (server, seconds) => Consume.Fetch(server, seconds, 1000)),
        new("pull, continuous, acks", false, "B", Plain, Consume.Continuous),
        new("ordered consumer", false, "B", Plain, Consume.Ordered),
        new("push, acks", false, "B", Plain, Consume.Push),
        new("work queue, 1 client", false, "B", $"{Plain},\"retention\":\"workqueue\"", (server, seconds) => Consume.WorkQueue(server, seconds, 1)),
        new("work queue, 8 clients", false, "B", $"{Plain},\"retention\":\"workqueue\"", (server, seconds) => Consume.WorkQueue(server, seconds, 8)),
        new("KV put, window 256", false, Buckets.Stream, Buckets.Configuration, Buckets.Put),
        new("KV put, both lazy, window 256", true, Buckets.Stream, Buckets.Configuration, Buckets.Put),
        new("KV get, 64 in flight", false, Buckets.Stream, Buckets.Configuration, Buckets.Get),
        new("KV watch, 10,000 keys", false, Buckets.Stream, Buckets.Configuration, Buckets.Watch),
        new("KV watch, both lazy, changes", true, Buckets.Stream, Buckets.Configuration, Buckets.WatchChanges),
        new("object put, chunks of 128 KiB", false, Objects.Stream, Objects.Configuration, Objects.Put),
        new("object put, both lazy, chunks of 128 KiB", true, Objects.Stream, Objects.Configuration, Objects.Put),
        new("object get, chunks of 128 KiB", false, Objects.Stream, Objects.Configuration, Objects.Get),
    ];

    private static string Plain => PlainIn("file");

    private static string PlainIn(string storage) => $"\"subjects\":[\"b.>\"],\"storage\":\"{storage}\",\"allow_direct\":true";

    public int Run()
    {
        Console.WriteLine($"Ours: {ours}; compared with: {baseline}; {Environment.ProcessorCount} cores, medians of {rounds} rounds of {seconds.ToString(CultureInfo.InvariantCulture)} s on {directory}, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.\n");
        Console.WriteLine("| stream | ours msg/s | other msg/s | ratio | ours per CPU s | other per CPU s | ratio |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var scenario in Scenarios.Where(scenario => scenario.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))) Print(scenario);
        return 0;
    }

    private static StreamScenario Sync(string name, bool isLazy) =>
        new(name, isLazy, "B", PlainIn("file"), (server, seconds) => OneAtATime.Run(server, seconds, 128));

    private static StreamScenario Async(string name, bool isLazy, int payload, int window, int publishers, string storage = "file") =>
        new(name, isLazy, "B", PlainIn(storage), (server, seconds) => AcknowledgedPublish.Run(server, seconds, payload, window, publishers));

    private void Print(StreamScenario scenario)
    {
        var (mine, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(RunOn(ours, scenario));
            theirs.Add(RunOn(baseline, scenario.Instead ?? scenario));
        }
        var (a, b) = (Comparison.Median(mine, m => m.PerSecond), Comparison.Median(theirs, m => m.PerSecond));
        var (c, d) = (Comparison.Median(mine, m => m.PerCpuSecond), Comparison.Median(theirs, m => m.PerCpuSecond));
        Console.WriteLine($"| {scenario.Name} | {Comparison.Rate(a)} | {Comparison.Rate(b)} | {Comparison.Ratio(a / b)} | {Comparison.Rate(c)} | {Comparison.Rate(d)} | **{Comparison.Ratio(c / d)}** |");
    }

    /// <summary>Debian's 2.9 knows no such setting: it never waits for the disk.</summary>
    private string SyncOf(string path, StreamScenario scenario) =>
        path == ours ? scenario.IsLazy ? ", sync_interval: \"2m\"" : "" : isDurable && !scenario.IsLazy ? ", sync_interval: always" : "";

    private Measurement RunOn(string path, StreamScenario scenario)
    {
        var store = Directory.CreateDirectory(Path.Combine(directory, $"bench-{Guid.NewGuid():N}"));
        try
        {
            var config = Path.Combine(store.FullName, "server.conf");
            File.WriteAllText(config, $"jetstream {{ store_dir: \"{store.FullName}\"{SyncOf(path, scenario)} }}\n");
            using var server = ServerUnderLoad.Start(path, "-c", config);
            using (var client = new JetStreamClient(server.Address)) client.Request($"$JS.API.STREAM.CREATE.{scenario.Stream}", $"{{\"name\":\"{scenario.Stream}\",{scenario.Configuration}}}");
            scenario.Run(server, WarmUpSeconds);
            return scenario.Run(server, seconds);
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }
}

/// <summary>Publishers that keep so many messages unacknowledged, each with a reply subject of its own.</summary>
internal static class AcknowledgedPublish
{
    private const int Digits = 9;

    public static Measurement Run(ServerUnderLoad server, double seconds, int payload, int window, int publishers)
    {
        var done = new long[publishers];
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, publishers)
            .Select(number => Scenario.StartThread(() => done[number] = Publish(server, seconds, payload, window, number))).ToArray();
        foreach (var thread in threads) thread.Join();
        return new Measurement(done.Sum(), clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
    }

    private static long Publish(ServerUnderLoad server, double seconds, int payload, int window, int number)
    {
        using var client = new LoadClient(server.Address);
        client.Send($"SUB _INBOX.{number}.* 1\r\n");
        client.Flush();
        var reading = Scenario.StartThread(client.CountAnswersUntilStopped);
        var prefix = $"PUB b.{number} _INBOX.{number}.";
        var message = System.Text.Encoding.ASCII.GetBytes($"{prefix}{new string('0', Digits)} {payload}\r\n{new string('x', payload)}\r\n");
        var chunk = Math.Max(1, Math.Min(window / 4, (64 << 10) / message.Length));
        var batch = Enumerable.Repeat(message, chunk).SelectMany(bytes => bytes).ToArray();
        long sent = 0;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            while (sent + chunk - Volatile.Read(ref client.Received) > window && clock.Elapsed.TotalSeconds < seconds + 10) Thread.Yield();
            for (var i = 0; i < chunk; i++) (sent + i).TryFormat(batch.AsSpan((i * message.Length) + prefix.Length, Digits), out _, "D9", CultureInfo.InvariantCulture);
            client.Send(batch);
            sent += chunk;
        }
        while (Volatile.Read(ref client.Received) < sent && clock.Elapsed.TotalSeconds < seconds + 10) Thread.Yield();
        if (Volatile.Read(ref client.Received) < sent) throw new InvalidOperationException($"{sent - client.Received} of {sent} messages were not acknowledged.");
        client.Stop();
        reading.Join();
        return sent;
    }
}

/// <summary>A publisher that waits for each acknowledgement in the kernel, so that it takes no processor from the server.</summary>
internal static class OneAtATime
{
    public static Measurement Run(ServerUnderLoad server, double seconds, int payload)
    {
        using var client = new JetStreamClient(server.Address);
        client.Add("SUB _INBOX.c 1\r\n");
        client.Flush();
        var message = System.Text.Encoding.ASCII.GetBytes($"PUB b.0 _INBOX.c {payload}\r\n{new string('x', payload)}\r\n");
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        long done = 0;
        for (; clock.Elapsed.TotalSeconds < seconds; done++)
        {
            client.Add(message);
            client.Send();
            client.Next();
        }
        return new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
    }
}

/// <summary>Single messages read by sequence.</summary>
internal static class DirectGets
{
    private const int Stored = 100_000;
    private const int InFlight = 64;

    public static Measurement Run(ServerUnderLoad server, double seconds)
    {
        using var client = new LoadClient(server.Address);
        if (client.Request("$JS.API.STREAM.INFO.B", "").Contains("\"messages\":0,", StringComparison.Ordinal)) Fill(client);
        client.Send("SUB got 1\r\n");
        client.Flush();
        var counting = Scenario.StartThread(client.CountAnswersUntilStopped);
        var random = new Random(1);
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        long sent = 0;
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            while (sent - Volatile.Read(ref client.Received) > InFlight) Thread.Yield();
            var payload = $"{{\"seq\":{random.Next(1, Stored)}}}";
            client.Send($"PUB $JS.API.DIRECT.GET.B got {payload.Length}\r\n{payload}\r\n");
            sent++;
        }
        while (Volatile.Read(ref client.Received) < sent) Thread.Yield();
        var result = new Measurement(sent, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
        client.Stop();
        counting.Join();
        return result;
    }

    /// <summary>Each message ends with the brace that answers are counted by.</summary>
    private static void Fill(LoadClient client)
    {
        var message = System.Text.Encoding.ASCII.GetBytes($"PUB b.x 128\r\n{new string('x', 127)}}}\r\n");
        var batch = Enumerable.Repeat(message, 100).SelectMany(bytes => bytes).ToArray();
        for (var i = 0; i < Stored / 100; i++)
        {
            client.Send(batch);
            if (i % 10 == 0) client.Flush();
        }
        while (!client.Request("$JS.API.STREAM.INFO.B", "").Contains($"\"messages\":{Stored},", StringComparison.Ordinal)) Thread.Yield();
    }
}
