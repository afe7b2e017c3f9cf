using System.Collections.Immutable;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Peers;

/// <summary>
/// The servers of the JetStream domain, from what they say of themselves. Any thread may ask and tell. Servers are never
/// forgotten: their assets may still be assigned to them.
/// </summary>
/// <param name="domain">Of this server; servers of other domains are none of its peers. Empty: all are.</param>
public sealed class PeerRegistry(string domain)
{
    /// <summary>Milliseconds of silence after which a server counts as gone.</summary>
    public const long MaxSilence = 150_000;

    /// <summary>More names than any cluster has: what goes on inventing names gets no more memory.</summary>
    private const int MostPeers = 100_000;

    private ImmutableDictionary<string, PeerInfo> _peers = ImmutableDictionary.Create<string, PeerInfo>(StringComparer.Ordinal);

    /// <summary>All of them, by peer id.</summary>
    public IReadOnlyDictionary<string, PeerInfo> Peers => Volatile.Read(ref _peers);

    /// <summary>Null: never heard of.</summary>
    public PeerInfo? Find(string peer) => Volatile.Read(ref _peers).GetValueOrDefault(peer);

    /// <summary>Whether a peer is known and there.</summary>
    public bool IsOnline(string peer) => Find(peer) is { IsOffline: false };

    /// <summary>Whether a peer is known to leave its groups as soon as it is assigned no more, as Go servers do.</summary>
    public bool LeavesAtOnce(string peer) => Find(peer) is { IsSelectable: true, StaysUntilRelieved: false };

    /// <summary>Whether none of a group's peers is there; of unknown ones nothing can be expected either.</summary>
    public bool AreAllOffline(ValueList<string> peers)
    {
        foreach (var peer in peers.AsSpan())
        {
            if (IsOnline(peer)) return false;
        }
        return true;
    }

    /// <summary>A peer's name for people: its id when it is unknown.</summary>
    public string NameOf(string peer) => Find(peer)?.Name ?? peer;

    /// <summary>A server was seen, by a route or an event without figures: what it said before stays.</summary>
    public void Seen(AnnouncedServer server, long now) => Change(server, now, static (known, server, _, now) =>
        known is null ? Described(server, now) : known with { LastHeard = now });

    /// <summary>A server told its figures.</summary>
    public void Heard(PeerAnnouncement announcement, long now)
    {
        if (announcement.Server is { } server) Change(server, now, static (_, server, figures, now) => With(Described(server, now), figures), announcement.Statistics?.JetStream);
    }

    /// <summary>A server said goodbye; by its name, for after a restart its id is another.</summary>
    public void Left(AnnouncedServer server) => TakeOffline(NodeHash.Of(server.Name));

    /// <summary>A server is gone.</summary>
    /// <param name="peer">Its peer id.</param>
    public void TakeOffline(string peer)
    {
        if (Find(peer) is not null) ImmutableInterlocked.AddOrUpdate(ref _peers, peer, static id => new PeerInfo { Id = id, Name = id, IsOffline = true }, static (_, known) => known with { IsOffline = true });
    }

    /// <summary>A server that was gone is there again, as it was.</summary>
    /// <param name="peer">Its peer id.</param>
    /// <param name="now">Milliseconds of the monotonic clock.</param>
    public void TakeOnline(string peer, long now)
    {
        if (Find(peer) is { IsOffline: true } gone) ImmutableInterlocked.TryUpdate(ref _peers, peer, gone with { IsOffline = false, LastHeard = now }, gone);
    }

    /// <summary>Servers that have said nothing for long count as gone.</summary>
    /// <param name="self">This server, which does not listen to itself.</param>
    /// <param name="now">Milliseconds of the monotonic clock.</param>
    public void Sweep(string self, long now)
    {
        foreach (var peer in Volatile.Read(ref _peers).Values)
        {
            if (peer.Id != self && !peer.IsOffline && now - peer.LastHeard > MaxSilence) TakeOffline(peer.Id);
        }
    }

    /// <summary>Servers that run JetStream, and all that are known; in a mixed cluster there are more of the latter.</summary>
    public (int WithJetStream, int All) Count()
    {
        var peers = Volatile.Read(ref _peers);
        return (peers.Values.Count(static peer => peer.HasJetStream), peers.Count);
    }

    private void Change(
        AnnouncedServer server, long now, Func<PeerInfo?, AnnouncedServer, AnnouncedJetStream?, long, PeerInfo> change, AnnouncedJetStream? figures = null)
    {
        if (!string.IsNullOrEmpty(server.Domain) && domain.Length > 0 && server.Domain != domain) return;
        var id = NodeHash.Of(server.Name);
        if (Find(id) is null && Volatile.Read(ref _peers).Count >= MostPeers) return;
        ImmutableInterlocked.AddOrUpdate(ref _peers, id, _ => change(null, server, figures, now), (_, known) => change(known, server, figures, now));
    }

    private static PeerInfo Described(AnnouncedServer server, long now) => new()
    {
        Id = NodeHash.Of(server.Name),
        Name = server.Name,
        ServerId = server.Id ?? "",
        Version = server.Version ?? "",
        Cluster = server.Cluster ?? "",
        Domain = server.Domain ?? "",
        Tags = [.. server.Tags ?? []],
        HasJetStream = server.HasJetStream,
        ReadsBinarySnapshots = server.ReadsBinarySnapshots,
        HasAccountTraffic = server.HasAccountTraffic,
        StaysUntilRelieved = server.StaysUntilRelieved,
        LastHeard = now,
    };

    private static PeerInfo With(PeerInfo peer, AnnouncedJetStream? figures) => peer with
    {
        Limits = figures?.Limits is { } limits ? new PeerLimits(limits.MaxMemory, limits.MaxStorage) : null,
        Usage = figures?.Usage is { } usage
            ? new PeerUsage(usage.Memory, usage.Storage, usage.ReservedMemory, usage.ReservedStorage, usage.HaAssets)
            : null,
        LeaderlessAt = figures?.Meta is { Leader: null or "" } ? peer.LastHeard : null,
    };
}
