using System.Collections.Concurrent;

namespace NatsAspire.Server.Monitoring;

/// <summary>Requests over HTTP, by page. Only pages of the server are counted, so the table is small.</summary>
public sealed class RequestCounters
{
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>Counts one.</summary>
    /// <param name="page">Its path without the base path: /varz.</param>
    public void Count(string page) => _counts.AddOrUpdate(page, 1, static (_, count) => count + 1);

    /// <summary>Counts so far, by page in the order of their names.</summary>
    public IReadOnlyDictionary<string, long> ToTable() =>
        new SortedDictionary<string, long>(_counts.ToDictionary(), StringComparer.Ordinal);
}
