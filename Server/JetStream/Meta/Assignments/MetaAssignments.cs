using System.Collections.Immutable;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>All streams and consumers of all accounts: what every server agrees on. Immutable; any thread may read it.</summary>
public sealed class MetaAssignments
{
    private static readonly ImmutableSortedDictionary<string, AssignedStream> NoStreams =
        // Two that compare equal may still differ in what later servers added.
        ImmutableSortedDictionary.Create<string, AssignedStream>(StringComparer.Ordinal, ReferenceEqualityComparer.Instance);

    private readonly ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, AssignedStream>> _accounts;

    /// <summary>By peer; counted as streams come and go, for placement asks for it all the time.</summary>
    private readonly ImmutableDictionary<string, PeerLoad> _loads;

    private MetaAssignments(
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, AssignedStream>> accounts, ImmutableDictionary<string, PeerLoad> loads)
    {
        _accounts = accounts;
        _loads = loads;
    }

    public static MetaAssignments Empty { get; } = new(
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, AssignedStream>>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, PeerLoad>(StringComparer.Ordinal));

    /// <summary>Accounts that have streams, by name.</summary>
    public IEnumerable<string> Accounts => _accounts.Keys;

    /// <summary>By account, then by name.</summary>
    public IEnumerable<AssignedStream> All => _accounts.Values.SelectMany(static streams => streams.Values);

    public int StreamCount => _accounts.Values.Sum(static streams => streams.Count);

    public int ConsumerCount => All.Sum(static stream => stream.Consumers.Count);

    /// <summary>Of some streams; the last of a name counts.</summary>
    public static MetaAssignments Of(IEnumerable<AssignedStream> streams) => streams.Aggregate(Empty, static (all, stream) => all.With(stream));

    /// <summary>Streams of an account by name.</summary>
    public ImmutableSortedDictionary<string, AssignedStream> Of(string account) => _accounts.GetValueOrDefault(account, NoStreams);

    /// <summary>Null: there is no such stream.</summary>
    public AssignedStream? Find(string account, string stream) => Of(account).GetValueOrDefault(stream);

    /// <summary>Null: there is no such consumer.</summary>
    public AssignedConsumer? Find(string account, string stream, string consumer) => Find(account, stream)?.Consumers.GetValueOrDefault(consumer);

    /// <summary>What a peer has been given; streams that are offline here do not count.</summary>
    public PeerLoad LoadOf(string peer) => _loads.GetValueOrDefault(peer);

    internal MetaAssignments With(AssignedStream stream)
    {
        var streams = Of(stream.Account);
        return new MetaAssignments(
            _accounts.SetItem(stream.Account, streams.SetItem(stream.Name, stream)),
            Count(Count(_loads, streams.GetValueOrDefault(stream.Name), -1), stream, 1));
    }

    internal MetaAssignments Without(string account, string stream)
    {
        var streams = Of(account);
        var rest = streams.Remove(stream);
        return new MetaAssignments(
            rest.IsEmpty ? _accounts.Remove(account) : _accounts.SetItem(account, rest),
            Count(_loads, streams.GetValueOrDefault(stream), -1));
    }

    private static ImmutableDictionary<string, PeerLoad> Count(ImmutableDictionary<string, PeerLoad> loads, AssignedStream? stream, int by)
    {
        if (stream is not { OfflineReason: null }) return loads;
        var group = stream.Assignment.Group;
        foreach (var peer in group.Peers.AsSpan()) loads = loads.SetItem(peer, loads.GetValueOrDefault(peer).With(by, group.Peers.Count > 1 ? by : 0));
        return loads;
    }
}
