namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>The orders of /connz. By id, uptime and reason the smallest comes first, else the largest.</summary>
internal sealed class ConnectionSort
{
    private static readonly Dictionary<string, ConnectionSort> Known = new(StringComparer.Ordinal)
    {
        ["cid"] = new((a, b, _) => a.Client.Id.CompareTo(b.Client.Id)),
        ["start"] = new((a, b, _) => a.Client.Id.CompareTo(b.Client.Id)),
        ["subs"] = new((a, b, _) => b.Client.SubscriptionCount.CompareTo(a.Client.SubscriptionCount)),
        ["pending"] = new((a, b, _) => b.Client.PendingBytes.CompareTo(a.Client.PendingBytes)),
        ["msgs_to"] = new((a, b, _) => b.Client.Traffic.OutMessages.CompareTo(a.Client.Traffic.OutMessages)),
        ["msgs_from"] = new((a, b, _) => b.Client.Traffic.InMessages.CompareTo(a.Client.Traffic.InMessages)),
        ["bytes_to"] = new((a, b, _) => b.Client.Traffic.OutBytes.CompareTo(a.Client.Traffic.OutBytes)),
        ["bytes_from"] = new((a, b, _) => b.Client.Traffic.InBytes.CompareTo(a.Client.Traffic.InBytes)),
        ["last"] = new((a, b, _) => b.Client.LastActivity.CompareTo(a.Client.LastActivity)),
        ["idle"] = new((a, b, _) => a.Client.LastActivity.CompareTo(b.Client.LastActivity)),
        ["uptime"] = new((a, b, now) => a.Age(now).CompareTo(b.Age(now))),
        ["stop"] = new((a, b, _) => b.Closed!.StoppedAt.CompareTo(a.Closed!.StoppedAt), "sort by stop only valid on closed connections"),
        ["reason"] = new((a, b, _) => string.CompareOrdinal(a.Reason, b.Reason), "sort by reason only valid on closed connections"),
        ["rtt"] = new((a, b, _) => b.Client.RoundTrip.CompareTo(a.Client.RoundTrip)),
    };

    private readonly Func<Connz.Candidate, Connz.Candidate, DateTimeOffset, int> _compare;
    private readonly string? _refusalUnlessClosed;

    private ConnectionSort(Func<Connz.Candidate, Connz.Candidate, DateTimeOffset, int> compare, string? refusalUnlessClosed = null)
    {
        _compare = compare;
        _refusalUnlessClosed = refusalUnlessClosed;
    }

    /// <exception cref="MonitoringException">No such order, or not for these connections.</exception>
    public static ConnectionSort Find(ConnzOptions options)
    {
        var name = string.IsNullOrEmpty(options.Sort) ? "cid" : options.Sort;
        if (!Known.TryGetValue(name, out var sort)) throw new MonitoringException($"invalid sorting option: {name}");
        if (sort._refusalUnlessClosed is { } refusal && options.State != ConnectionState.Closed) throw new MonitoringException(refusal);
        return sort;
    }

    /// <summary>Ties are broken by id, so that pages do not overlap.</summary>
    public Comparison<Connz.Candidate> Comparison(DateTimeOffset now) => (a, b) =>
    {
        var order = _compare(a, b, now);
        return order != 0 ? order : a.Client.Id.CompareTo(b.Client.Id);
    };
}
