using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>What others may ask of a connection, from any thread; the figures may be a moment old.</summary>
public sealed partial class ClientConnection
{
    /// <summary>Stands in for a token, which is a secret.</summary>
    private const string HiddenToken = "[REDACTED]";

    private readonly long _openedTimestamp;
    private TrafficCounters _trafficBefore;
    private long _lastDeliveryMilliseconds;
    private long _stalls;

    /// <summary>When it was accepted.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Messages and bytes since it belongs to its account.</summary>
    public TrafficCounters TrafficInAccount => Traffic - _trafficBefore;

    /// <summary>The nkey it named; a seed given by mistake is a secret as well.</summary>
    private string? ShownKey => _connect.NKey is { Length: > 0 } key ? key[0] == 'S' ? HiddenToken : key : null;

    /// <summary>How it is now.</summary>
    public ClientSnapshot Snapshot() => new()
    {
        Id = Id,
        Type = WebSocket is null ? "nats" : "websocket",
        Address = _isInProcess ? null : RemoteEndPoint,
        StartedAt = StartedAt,
        LastActivity = StartedAt.AddMilliseconds(Math.Max(0, Math.Max(_lastActivityMilliseconds, _lastDeliveryMilliseconds) - StartedMilliseconds)),
        RoundTrip = RoundTrip,
        PendingBytes = PendingBytes,
        Traffic = Traffic,
        Stalls = Volatile.Read(ref _stalls),
        SubscriptionCount = SubscriptionCount,
        Name = NullIfEmpty(_connect.Name),
        Language = NullIfEmpty(_connect.Language),
        Version = NullIfEmpty(_connect.Version),
        Tls = Tls,
        TlsCameFirst = TlsCameFirst,
        User = UserName ?? ShownKey ?? NullIfEmpty(_connect.User) ?? (string.IsNullOrEmpty(_connect.Token) ? null : HiddenToken),
        AccountName = Account?.Name,
        ProxyKey = ProxyKey,
    };

    /// <summary>Its subscriptions.</summary>
    /// <param name="limit">At most so many.</param>
    public IReadOnlyList<SubscriptionSnapshot> SnapshotSubscriptions(int limit = int.MaxValue)
    {
        Subscription[] held;
        lock (_subscriptions) held = [.. _subscriptions.Values.Take(limit)];
        return [.. held.Select(SubscriptionSnapshot.Of)];
    }

    /// <summary>Whether a subscription of its own has a subject in common with a filter.</summary>
    public bool HasInterestIn(ReadOnlySpan<byte> filter)
    {
        lock (_subscriptions)
        {
            foreach (var subscription in _subscriptions.Values)
            {
                if (SubjectRules.Collide(subscription.Subject, filter)) return true;
            }
        }
        return false;
    }

    /// <summary>
    /// The connection as it is remembered once it is gone, without its certificate, which goes with it. On the loop's
    /// thread, before it leaves its account.
    /// </summary>
    private ClosedClient DescribeClosed(CloseReason reason) => new(
        Snapshot() with { Tls = Tls is null ? null : Tls with { PeerCertificate = null } }, TimeProvider.System.GetUtcNow(), reason, SnapshotSubscriptions(ClosedClients.MaxSubscriptionsOfOne));

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
