using System.Collections.Concurrent;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>The answers kept, and which of them a change makes stale.</summary>
public sealed partial class SubscriptionTrie
{
    /// <summary>Answers kept before they are all dropped.</summary>
    public const int CacheCapacity = 2048;

    /// <summary>Up to this many answers a wildcard change looks at each; beyond, all are dropped, which their making has paid for.</summary>
    private const int ScanLimit = 256;

    private readonly ConcurrentDictionary<byte[], MatchResult> _cache = new(ByteArrayComparer.Instance);
    private int _cacheCount;
    private long _inserts;
    private long _removes;
    private long _matches;
    private long _misses;

    /// <summary>Figures for /subsz.</summary>
    public TrieStatistics Statistics => new(
        Count, Volatile.Read(ref _cacheCount), Volatile.Read(ref _inserts), Volatile.Read(ref _removes),
        Volatile.Read(ref _matches), Volatile.Read(ref _matches) - Volatile.Read(ref _misses));

    /// <summary>How many receivers the kept answers name. Looks at each of them, without the lock.</summary>
    public TrieFanout Fanout
    {
        get
        {
            var (answers, total, most) = (0, 0L, 0);
            foreach (var (_, result) in _cache)
            {
                var receivers = result.Plain.Length + result.Links.Length + result.Queues.Length;
                answers++;
                total += receivers;
                most = Math.Max(most, receivers);
            }
            return new TrieFanout(answers, total, most);
        }
    }

    /// <summary>Who gets a message on a literal subject. No allocation when the answer is kept.</summary>
    public MatchResult Match(ReadOnlySpan<byte> subject)
    {
        Interlocked.Increment(ref _matches);
        var bySpan = _cache.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (bySpan.TryGetValue(subject, out var kept)) return kept;
        lock (_lock)
        {
            if (bySpan.TryGetValue(subject, out kept)) return kept;
            _misses++;
            var result = BuildResult(subject.ToArray());
            if (cached) Keep(result);
            else result.MarkStale();
            return result;
        }
    }

    private void Keep(MatchResult result)
    {
        if (_cacheCount >= CacheCapacity) DropAll();
        _cache[result.Subject] = result;
        _cacheCount++;
    }

    private void Invalidate(Subscription change)
    {
        _builder.Forget();
        if (_cacheCount == 0) return;
        if (!SubjectRules.HasWildcard(change.Subject))
        {
            Drop(change.Subject);
        }
        else if (_cacheCount > ScanLimit)
        {
            DropAll();
        }
        else
        {
            foreach (var subject in _cache.Keys)
            {
                if (SubjectRules.Matches(subject, change.Subject)) Drop(subject);
            }
        }
    }

    private void Drop(byte[] subject)
    {
        if (!_cache.TryRemove(subject, out var result)) return;
        _cacheCount--;
        result.MarkStale();
    }

    private void DropAll()
    {
        foreach (var result in _cache.Values) result.MarkStale();
        _cache.Clear();
        _cacheCount = 0;
    }
}

/// <summary>Figures of a trie and its cache.</summary>
public readonly record struct TrieStatistics(
    int Subscriptions, int CacheEntries, long Inserts, long Removes, long Matches, long CacheHits);

/// <summary>Receivers of the answers a trie keeps.</summary>
/// <param name="Answers">Answers looked at.</param>
/// <param name="Total">Receivers of all of them.</param>
/// <param name="Most">Receivers of the answer with the most.</param>
public readonly record struct TrieFanout(int Answers, long Total, int Most);
