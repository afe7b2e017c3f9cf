using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>/debug/vars: the process. Keys are those of Go's expvar, where .NET knows the same.</summary>
public sealed record Expvarz
{
    [JsonPropertyName("cmdline")] public IReadOnlyList<string> CommandLine { get; init; } = [];
    [JsonPropertyName("memstats")] public required MemoryStatistics Memory { get; init; }

    /// <summary>The figures of this moment.</summary>
    /// <remarks>Arguments are left out but for the program's name: they may hold passwords.</remarks>
    public static Expvarz Collect()
    {
        var collector = GC.GetGCMemoryInfo();
        return new Expvarz
        {
            CommandLine = [Environment.ProcessPath ?? "nats-server"],
            Memory = new MemoryStatistics
            {
                Alloc = GC.GetTotalMemory(forceFullCollection: false),
                TotalAlloc = GC.GetTotalAllocatedBytes(),
                Sys = Environment.WorkingSet,
                HeapSys = collector.TotalCommittedBytes,
                HeapAlloc = GC.GetTotalMemory(forceFullCollection: false),
                PauseTotalNanoseconds = (long)GC.GetTotalPauseDuration().TotalNanoseconds,
                Collections = GC.CollectionCount(0),
            },
        };
    }
}

/// <summary>Memory of the process, in bytes.</summary>
public sealed record MemoryStatistics
{
    [JsonPropertyName("Alloc")] public required long Alloc { get; init; }
    [JsonPropertyName("TotalAlloc")] public required long TotalAlloc { get; init; }
    [JsonPropertyName("Sys")] public required long Sys { get; init; }
    [JsonPropertyName("HeapSys")] public required long HeapSys { get; init; }
    [JsonPropertyName("HeapAlloc")] public required long HeapAlloc { get; init; }
    [JsonPropertyName("PauseTotalNs")] public required long PauseTotalNanoseconds { get; init; }
    [JsonPropertyName("NumGC")] public required int Collections { get; init; }
}
