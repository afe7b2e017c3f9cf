using System.Collections.Immutable;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>All streams and consumers of all accounts: what every server agrees on. Immutable; any thread may read it.</summary>
public sealed class MetaAssignments
{
    private static readonly ImmutableSortedDictionary<string, AssignedStream> NoStreams = ImmutableSortedDictionary.Create<string, AssignedStream>(StringComparer.Ordinal);
    private readonly ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, AssignedStream>> _accounts;

    private MetaAssignments(ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, AssignedStream>> accounts) => _accounts = accounts;

    public static MetaAssignments Empty { get; } =
        new(ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, AssignedStream>>(StringComparer.Ordinal));

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

    internal MetaAssignments With(AssignedStream stream) => new(_accounts.SetItem(stream.Account, Of(stream.Account).SetItem(stream.Name, stream)));

    internal MetaAssignments Without(string account, string stream)
    {
        var rest = Of(account).Remove(stream);
        return new MetaAssignments(rest.IsEmpty ? _accounts.Remove(account) : _accounts.SetItem(account, rest));
    }
}
