using System.Collections.Concurrent;
using NatsAspire.Server.Accounts;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>What others may ask of a link, from any thread; the figures may be a moment old.</summary>
public abstract partial class LinkConnection
{
    private readonly ConcurrentDictionary<Account, AccountTraffic> _traffic = new();
    private readonly long _startedMilliseconds;

    /// <summary>The account of the last message sent: mostly the next one's too. Under the gate.</summary>
    private AccountTraffic? _lastOut;
    private long _inMessages;
    private long _inBytes;
    private long _outMessages;
    private long _outBytes;
    private long _lastInMilliseconds;
    private long _lastOutMilliseconds;

    public long InMessages => Volatile.Read(ref _inMessages);

    public long InBytes => Volatile.Read(ref _inBytes);

    public long OutMessages => Volatile.Read(ref _outMessages);

    public long OutBytes => Volatile.Read(ref _outBytes);

    /// <summary>When the connection was made.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>When a message or interest last crossed it.</summary>
    public DateTimeOffset LastActivity =>
        StartedAt.AddMilliseconds(Math.Max(0, Math.Max(_lastInMilliseconds, _lastOutMilliseconds) - _startedMilliseconds));

    /// <summary>Messages and bytes.</summary>
    public TrafficCounters Traffic => new(InMessages, InBytes, OutMessages, OutBytes);

    /// <summary>Messages and bytes of one account.</summary>
    public TrafficCounters TrafficFor(Account account) => _traffic.TryGetValue(account, out var found) ? found.Counters : default;

    /// <summary>A message or interest has come.</summary>
    private protected void NoteActivity() => _lastInMilliseconds = Loop.NowMilliseconds;

    private protected AccountTraffic TrafficOf(Account account) => _traffic.GetOrAdd(account, static key => new AccountTraffic(key));

    private protected void CountIn(AccountTraffic account, int bytes)
    {
        _inMessages++;
        _inBytes += bytes;
        account.InMessages++;
        account.InBytes += bytes;
    }

    /// <summary>Leaves the figures of the connection's life with the accounts.</summary>
    private protected void HandOverTraffic(Action<AccountFigures, TrafficCounters> add)
    {
        foreach (var traffic in _traffic.Values) add(traffic.Account.Figures, traffic.Counters);
        _traffic.Clear();
    }

    /// <summary>Under the gate.</summary>
    private void CountOut(Account account, int bytes)
    {
        if (_lastOut is not { } last || !ReferenceEquals(last.Account, account)) _lastOut = last = TrafficOf(account);
        last.OutMessages++;
        last.OutBytes += bytes;
    }

    /// <summary>What one account moved over this link: in by the loop, out under the gate.</summary>
    private protected sealed class AccountTraffic(Account account)
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
/// <param name="Key">What it is known by on the link.</param>
/// <param name="Messages">Messages sent for it, as far as they are counted.</param>
public sealed record RemoteSubscription(string Subject, string? Queue, string Key, long Messages);
