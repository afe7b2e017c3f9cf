using System.Collections.Concurrent;

namespace NatsAspire.Server.Primitives;

/// <summary>Lets the same text through once in an interval. From any thread.</summary>
/// <param name="time">The clock.</param>
/// <param name="interval">Null: a second, as upstream.</param>
public sealed class RepeatedTexts(TimeProvider time, TimeSpan? interval = null)
{
    /// <summary>Texts remembered at most; when they are as many, those whose interval has passed are forgotten, or all.</summary>
    public const int Capacity = 1024;

    private readonly TimeSpan _interval = interval ?? TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, long> _shown = new(StringComparer.Ordinal);

    /// <summary>Texts remembered now.</summary>
    public int Count => _shown.Count;

    /// <summary>Whether this text has not been let through lately; it counts as let through now.</summary>
    public bool Admits(string text)
    {
        var now = time.GetTimestamp();
        if (_shown.TryGetValue(text, out var before)) return IsOver(before, now) && _shown.TryUpdate(text, now, before);
        if (_shown.Count >= Capacity) Forget(now);
        return _shown.TryAdd(text, now);
    }

    private bool IsOver(long before, long now) => time.GetElapsedTime(before, now) >= _interval;

    private void Forget(long now)
    {
        foreach (var (text, before) in _shown)
        {
            if (IsOver(before, now)) _shown.TryRemove(text, out _);
        }
        if (_shown.Count >= Capacity) _shown.Clear();
    }
}
