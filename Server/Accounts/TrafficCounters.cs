namespace NatsAspire.Server.Accounts;

/// <summary>Messages and bytes in both directions.</summary>
public readonly record struct TrafficCounters(long InMessages, long InBytes, long OutMessages, long OutBytes)
{
    public static TrafficCounters operator +(TrafficCounters a, TrafficCounters b) =>
        new(a.InMessages + b.InMessages, a.InBytes + b.InBytes, a.OutMessages + b.OutMessages, a.OutBytes + b.OutBytes);

    public static TrafficCounters operator -(TrafficCounters a, TrafficCounters b) =>
        new(a.InMessages - b.InMessages, a.InBytes - b.InBytes, a.OutMessages - b.OutMessages, a.OutBytes - b.OutBytes);
}
