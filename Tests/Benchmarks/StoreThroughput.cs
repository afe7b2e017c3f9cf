using System.Diagnostics;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Benchmarks;

/// <summary>Measures the message stores: append, load at random, checkpoint, open, memory.</summary>
internal sealed class StoreThroughput(string directory, int messages, int subjects)
{
    private readonly string _directory = Path.Combine(Path.GetFullPath(directory), $"stores-{Environment.ProcessId}");

    public void Run()
    {
        Console.WriteLine($"{messages:N0} messages of 16 B on {subjects:N0} subjects");
        using (var memory = new MemoryMessageStore()) Measure("memory", memory);
        var disk = Disks.ForThisSystem();
        disk.CreateDirectory(_directory);
        try
        {
            var options = new FileStoreOptions { StreamId = 1 };
            using (var file = FileMessageStore.Open(disk, _directory, options)) Measure("file", file);
            var clock = Stopwatch.StartNew();
            using var again = FileMessageStore.Open(disk, _directory, options);
            Console.WriteLine($"file    open        {clock.Elapsed.TotalMilliseconds,10:N1} ms, {again.State.Messages:N0} messages");
        }
        finally
        {
            disk.DeleteDirectory(_directory);
        }
    }

    private void Measure(string name, IMessageStore store)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clock = Stopwatch.StartNew();
        Append(store);
        Report(name, "append", clock.Elapsed, messages);
        Console.WriteLine($"{name,-7} memory      {(GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6,10:N1} MB");
        clock.Restart();
        var checkpoint = store.BeginCheckpoint((ulong)messages);
        var begun = clock.Elapsed;
        checkpoint.Run();
        var run = clock.Elapsed;
        checkpoint.Complete();
        Console.WriteLine($"{name,-7} checkpoint  {begun.TotalMilliseconds,10:N1} ms to begin, {(run - begun).TotalMilliseconds:N1} ms to run, {(clock.Elapsed - run).TotalMilliseconds:N1} ms to complete");
        var buffer = new MessageBuffer();
        var random = new Random(1);
        const int Loads = 100_000;
        clock.Restart();
        for (var i = 0; i < Loads; i++) store.TryLoad((ulong)random.Next(1, messages + 1), buffer);
        Report(name, "load any", clock.Elapsed, Loads);
        clock.Restart();
        for (var i = 1; i <= messages; i++) store.TryLoad((ulong)i, buffer);
        Report(name, "load all", clock.Elapsed, messages);
    }

    private void Append(IMessageStore store)
    {
        Span<byte> subject = stackalloc byte[20];
        "orders."u8.CopyTo(subject);
        for (var i = 1; i <= messages; i++)
        {
            (i % subjects).TryFormat(subject[7..], out var digits);
            store.Append(new StoredMessage { Sequence = (ulong)i, Timestamp = i, Subject = subject[..(7 + digits)], Payload = "0123456789abcdef"u8 });
        }
    }

    private static void Report(string name, string what, TimeSpan elapsed, int count) =>
        Console.WriteLine($"{name,-7} {what,-11} {elapsed.TotalNanoseconds / count,10:N0} ns each, {count / elapsed.TotalSeconds:N0}/s");
}
