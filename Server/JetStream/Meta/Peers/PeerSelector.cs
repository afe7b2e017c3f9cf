using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Peers;

/// <summary>What peers are wanted for.</summary>
public sealed record PeerRequest
{
    /// <summary>How many there are to be, existing ones included.</summary>
    public required int Replicas { get; init; }

    /// <summary>The cluster all of them are to be in.</summary>
    public required string Cluster { get; init; }

    public required StreamConfiguration Stream { get; init; }

    /// <summary>Peers that stay; they come first in the result.</summary>
    public ValueList<string> Existing { get; init; }

    /// <summary>How many of the existing peers, from the first, are about to go: their unique tags are free.</summary>
    public int Leaving { get; init; }

    /// <summary>Peers that are not to be taken.</summary>
    public ValueList<string> Ignored { get; init; }
}

/// <summary>Rules of the server for placement.</summary>
public sealed record PlacementRules
{
    /// <summary>Beginning of tags of which no two peers of a group may have the same (<c>unique_tag</c>); empty: none.</summary>
    public string UniqueTag { get; init; } = "";

    /// <summary>Raft groups that a server may have; 0: any number.</summary>
    public int MaxHaAssets { get; init; }
}

/// <summary>Selects the peers of groups. Rules, their order and texts are upstream's.</summary>
/// <param name="registry">Who is there.</param>
/// <param name="rules">Of this server.</param>
/// <param name="environment">Chance breaks ties.</param>
public sealed class PeerSelector(PeerRegistry registry, PlacementRules rules, IMetaEnvironment environment)
{
    /// <summary>A server with this tag takes no assets.</summary>
    private const string NoAssets = "!jetstream";

    /// <summary>Selects peers for a stream.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="members">Peers of the meta group.</param>
    /// <param name="assignments">What they have been given already.</param>
    /// <param name="peers">The peers, existing ones first; only to be used when there is no refusal.</param>
    /// <returns>Null, or why not.</returns>
    public PeerRefusal? Select(PeerRequest request, IReadOnlyList<string> members, MetaAssignments assignments, out ValueList<string> peers)
    {
        peers = [];
        if (request.Cluster.Length == 0) return new PeerRefusal { IsOther = true };
        if (request.Existing.Count > 0 && request.Existing.Count >= request.Replicas)
        {
            peers = [.. request.Existing.AsSpan()[..request.Replicas]];
            return null;
        }
        var search = new Search(this, request);
        var candidates = search.Run(members, assignments);
        if (search.Judge(candidates, members.Count) is { } refusal) return refusal;
        IEnumerable<Candidate> sorted = candidates.OrderBy(static one => one.IsOffline).ThenByDescending(static one => one.Available).ThenBy(static one => one.Load.Streams);
        // Groups cost more than streams: they are what is spread first.
        if (request.Stream.Replicas > 1) sorted = sorted.OrderBy(static one => one.IsOffline).ThenBy(static one => one.Load.Groups);
        peers = [.. request.Existing, .. sorted.Take(request.Replicas - request.Existing.Count).Select(static one => one.Peer)];
        return null;
    }

    /// <summary>Who of a new group is to lead: by chance, of those that are there.</summary>
    public string PreferredOf(ValueList<string> peers)
    {
        var online = peers.Where(registry.IsOnline).ToList();
        if (online.Count == 0) return peers[environment.Random(peers.Count)];
        return online[online.Count == 1 ? 0 : environment.Random(online.Count)];
    }

    /// <summary>The peers that stay when a group becomes smaller: its leader, then those that are there, then others.</summary>
    public ValueList<string> Keep(ValueList<string> peers, string? leader, int replicas)
    {
        var kept = new List<string>(replicas);
        if (leader is not null && peers.Contains(leader)) kept.Add(leader);
        foreach (var peer in peers)
        {
            if (kept.Count < replicas && peer != leader && registry.IsOnline(peer)) kept.Add(peer);
        }
        foreach (var peer in peers)
        {
            if (kept.Count < replicas && !kept.Contains(peer)) kept.Add(peer);
        }
        return [.. kept];
    }

    private readonly record struct Candidate(string Peer, ulong Available, bool IsOffline, PeerLoad Load);

    /// <summary>One search, with what it learns on its way.</summary>
    private sealed class Search
    {
        private readonly PeerSelector _selector;
        private readonly PeerRequest _request;
        private readonly PeerRefusal _refusal = new();
        private readonly string _uniqueTag;
        private readonly HashSet<string> _takenTags = new(StringComparer.Ordinal);
        private int _online;

        public Search(PeerSelector selector, PeerRequest request)
        {
            _selector = selector;
            _request = request;
            var prefix = selector.Rules.UniqueTag;
            // Who names such a tag knows what he does.
            _uniqueTag = prefix.Length > 0 && Tags.Any(tag => Bare(tag).StartsWith(prefix, StringComparison.Ordinal)) ? "" : prefix;
            for (var i = request.Leaving; i < request.Existing.Count; i++)
            {
                if (selector.Registry.Find(request.Existing[i]) is { } existing) TakeUniqueTag(existing);
            }
        }

        private ValueList<string> Tags => _request.Stream.Placement?.Tags ?? [];

        public List<Candidate> Run(IReadOnlyList<string> members, MetaAssignments assignments)
        {
            string[] shuffled = [.. members];
            _selector.Environment.Shuffle(shuffled.AsSpan());
            var candidates = new List<Candidate>();
            foreach (var member in shuffled)
            {
                if (_selector.Registry.Find(member) is not { } peer)
                {
                    _refusal.IsOther = true;
                    continue;
                }
                if (!Suits(peer, out var available)) continue;
                candidates.Add(new Candidate(member, available, peer.IsOffline, assignments.LoadOf(member)));
                if (!peer.IsOffline) _online++;
            }
            return candidates;
        }

        /// <summary>Whether there are enough, and enough of them there.</summary>
        public PeerRefusal? Judge(List<Candidate> candidates, int members)
        {
            var existing = _request.Existing.Count;
            var lacksPeers = candidates.Count < _request.Replicas - existing;
            var lacksQuorum = _online + existing < (_request.Replicas / 2) + 1;
            if (!lacksPeers && !lacksQuorum) return null;
            if (members == 0) _refusal.HasNoJetStream = true;
            else if (!lacksPeers) _refusal.IsOffline = true;
            return _refusal;
        }

        private bool Suits(PeerInfo peer, out ulong available)
        {
            available = 0;
            if (peer.Cluster != _request.Cluster) return false;
            if (!peer.IsSelectable)
            {
                _refusal.IsOffline = true;
                return false;
            }
            if (_request.Ignored.Contains(peer.Id) || _request.Existing.Contains(peer.Id)) return false;
            if (peer.HasTag(NoAssets))
            {
                _refusal.IsExcluded = true;
                return false;
            }
            return HasTags(peer) && HasRoom(peer, out available) && IsUnique(peer);
        }

        private bool HasTags(PeerInfo peer)
        {
            foreach (var tag in Tags)
            {
                if (tag.StartsWith('!'))
                {
                    if (!peer.HasTag(tag[1..])) continue;
                    _refusal.AddExcluded(tag[1..]);
                    return false;
                }
                if (peer.HasTag(tag)) continue;
                _refusal.AddMissing(tag);
                return false;
            }
            return true;
        }

        private bool HasRoom(PeerInfo peer, out ulong available)
        {
            var (limits, usage) = (peer.Limits!, peer.Usage!);
            available = _request.Stream.Storage == StorageType.Memory
                ? Free(limits.MaxMemory, Math.Max(usage.ReservedMemory, usage.Memory))
                : Free(limits.MaxStorage, Math.Max(usage.ReservedStorage, usage.Storage));
            if (_request.Stream.MaxBytes > 0 && (ulong)_request.Stream.MaxBytes > available)
            {
                _refusal.HasNoStorage = true;
                return false;
            }
            // The meta group counts as well, and is not meant: hence more than, not as many as.
            if (_selector.Rules.MaxHaAssets > 0 && usage.HaAssets > _selector.Rules.MaxHaAssets)
            {
                _refusal.IsOther = true;
                return false;
            }
            return true;
        }

        private bool IsUnique(PeerInfo peer)
        {
            if (_uniqueTag.Length == 0 || TakeUniqueTag(peer)) return true;
            _refusal.IsTagTaken = true;
            return false;
        }

        /// <summary>False: it is taken, or the peer has none.</summary>
        private bool TakeUniqueTag(PeerInfo peer)
        {
            if (_uniqueTag.Length == 0) return true;
            foreach (var tag in peer.Tags)
            {
                if (tag.StartsWith(_uniqueTag, StringComparison.Ordinal)) return _takenTags.Add(tag);
            }
            return false;
        }

        private static ReadOnlySpan<char> Bare(string tag) => tag.StartsWith('!') ? tag.AsSpan(1) : tag;

        private static ulong Free(long limit, ulong used) => limit > 0 && (ulong)limit > used ? (ulong)limit - used : 0;
    }

    private PeerRegistry Registry => registry;

    private PlacementRules Rules => rules;

    private IMetaEnvironment Environment => environment;
}
