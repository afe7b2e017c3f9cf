using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What others may ask of a route, from any thread; the figures may be a moment old.</summary>
public sealed partial class RouteConnection
{
    private readonly ConcurrentDictionary<Account, AccountTraffic> _traffic = new();
    private readonly long _startedMilliseconds;

    /// <summary>The account of the last message sent: mostly the next one's too. Under the gate.</summary>
    private AccountTraffic? _lastOut;
    private long _lastInMilliseconds;
    private long _lastOutMilliseconds;
    private long _interestChanges;

    /// <summary>When the connection was made.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>When a message or interest last crossed it.</summary>
    public DateTimeOffset LastActivity =>
        StartedAt.AddMilliseconds(Math.Max(0, Math.Max(_lastInMilliseconds, _lastOutMilliseconds) - _startedMilliseconds));

    /// <summary>Messages and bytes.</summary>
    public TrafficCounters Traffic => new(InMessages, InBytes, OutMessages, OutBytes);

    /// <summary>True when the configuration names the peer's address, whichever side dialled in the end.</summary>
    public bool IsConfigured => Target is { IsExplicit: true } || _manager.IsConfigured(RemoteId);

    /// <summary>What the peer lets in; null: everything.</summary>
    public SubjectLists? RemoteImport => _remoteInfo?.Import;

    /// <summary>What the peer lets out; null: everything.</summary>
    public SubjectLists? RemoteExport => _remoteInfo?.Export;

    /// <summary>Messages and bytes of one account.</summary>
    public TrafficCounters TrafficFor(Account account) => _traffic.TryGetValue(account, out var found) ? found.Counters : default;

    /// <summary>The peer's interest: each with the account it is for.</summary>
    public IReadOnlyList<RemoteSubscription> SnapshotSubscriptions()
    {
        lock (_remote) return [.. _remote.Values.Select(DescribeInterest)];
    }

    private RemoteSubscription DescribeInterest(RemoteInterest interest)
    {
        var subject = Encoding.UTF8.GetString(interest.Subscription.Subject);
        var queue = interest.Subscription.Queue is { } name ? Encoding.UTF8.GetString(name) : null;
        var account = PinnedAccount is null ? interest.Account.Name + " " : "";
        return new RemoteSubscription(subject, queue, $"R {account}{subject}{(queue is null ? "" : " " + queue)}", interest.Subscription.Delivered);
    }

    private AccountTraffic TrafficOf(Account account) => _traffic.GetOrAdd(account, static key => new AccountTraffic(key));

    /// <summary>Under the gate.</summary>
    private void CountOut(Account account, int bytes)
    {
        if (_lastOut is not { } last || !ReferenceEquals(last.Account, account)) _lastOut = last = TrafficOf(account);
        last.OutMessages++;
        last.OutBytes += bytes;
    }

    private void HandOverTraffic()
    {
        foreach (var traffic in _traffic.Values) traffic.Account.Figures.AddGoneRoute(traffic.Counters);
        _traffic.Clear();
    }

    /// <summary>What one account moved over this route: in by the loop, out under the gate.</summary>
    private sealed class AccountTraffic(Account account)
    {
        public long InMessages;
        public long InBytes;
        public long OutMessages;
        public long OutBytes;

        public Account Account { get; } = account;

        public TrafficCounters Counters => new(InMessages, InBytes, OutMessages, OutBytes);
    }
}

/// <summary>Interest a peer told of.</summary>
/// <param name="Subject">With its wildcards.</param>
/// <param name="Queue">Null: none.</param>
/// <param name="Key">What it is known by on the route.</param>
/// <param name="Messages">Messages sent for it, as far as they are counted.</param>
public sealed record RemoteSubscription(string Subject, string? Queue, string Key, long Messages);
