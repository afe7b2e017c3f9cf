using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>Who is there, and what members say to the leader.</summary>
internal sealed partial class MetaHost
{
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(1);

    /// <summary>The same until the group has had a leader: who is there decides when it can be elected.</summary>
    private static readonly TimeSpan FirstPingInterval = TimeSpan.FromMilliseconds(250);

    private bool _hasHadLeader;
    private long _campaignedAt = long.MinValue / 2;

    /// <summary>A quorum is there, but no leader yet.</summary>
    private volatile bool _isElectable;
    private long _quorumSince;

    private readonly List<Subscription> _subscriptions = [];
    private ITimer? _pings;

    private Account System => _accounts.System!;

    /// <summary>
    /// A server has ended, with or without a farewell: nothing more is placed on it, and it is told of as offline. The news that was under
    /// way when it said farewell may have come after that. From any thread.
    /// </summary>
    /// <param name="name">Its name.</param>
    public void ServerHasEnded(string name) => _registry.TakeOffline(NodeHash.Of(name));

    /// <summary>
    /// A server has joined: what is on it alone is not refused as offline until its next figures come. From any thread.
    /// </summary>
    /// <param name="name">Its name.</param>
    public void ServerIsBack(string name) => _registry.TakeOnline(NodeHash.Of(name), _group.Now);

    private void ListenToPeers()
    {
        Listen("$SYS.SERVER.*.STATSZ", (in Message message) => Hear(message));
        Listen("$SYS.SERVER.*.SHUTDOWN", (in Message message) =>
        {
            if (PeerAnnouncement.ReadFarewell(message.Payload) is { } server) _registry.Left(server);
        });
        var inbox = $"$JSC.R.{NodeHash.Of(UniqueId.Next())}";
        Listen(inbox, (in Message message) => Hear(message));
        _pings = _service.Settings.Time.CreateTimer(_ => Ping(inbox), null, TimeSpan.Zero, FirstPingInterval);
    }

    private void ListenToMembers()
    {
        Listen(StreamAssignmentResult.Subject, (in Message message) =>
        {
            if (StreamAssignmentResult.Decode(message.Payload) is { } result) _ = _service.TryRun(() => _leader.StreamResult(result));
        });
        Listen(ConsumerAssignmentResult.Subject, (in Message message) =>
        {
            if (ConsumerAssignmentResult.Decode(message.Payload) is { } result) _ = _service.TryRun(() => _leader.ConsumerResult(result));
        });
        ListenToSurveys();
    }

    private void Listen(string subject, ClusterEar.Handler hear)
    {
        var subscription = new Subscription(new ClusterEar(hear), Encoding.UTF8.GetBytes(subject));
        _subscriptions.Add(subscription);
        System.Subscribe(subscription);
    }

    private void StopListening()
    {
        _pings?.Dispose();
        System.Unsubscribe(_subscriptions);
        _subscriptions.Clear();
    }

    private void Hear(in Message message)
    {
        if (PeerAnnouncement.Read(message.Payload) is not { } announcement) return;
        _registry.Heard(announcement, _group.Now);
        // Who has just started waits for a sign of the leader before it begins with its streams.
        if (announcement.Statistics?.JetStream?.Meta is { Leader: null or "" }) _ = _service.TryRun(_group.Core.Greet);
    }

    /// <summary>
    /// Whoever starts asks for votes at once, before anybody is connected, and again after the time that a leader may be
    /// silent for. Nobody needs to wait when there is no leader: a quorum has just said that it knows of none, or has been
    /// there for longer than a heartbeat takes. In the mailbox.
    /// </summary>
    private void ElectWhenQuorumIsThere()
    {
        if (_hasHadLeader || _isOver) return;
        if (!_group.Core.Leader.IsNone)
        {
            (_hasHadLeader, _isElectable) = (true, false);
            _pings!.Change(PingInterval, PingInterval);
            return;
        }
        var now = _group.Now;
        var others = _registry.Peers.Values.Where(peer => peer.Id != _self && peer is { IsOffline: false, HasJetStream: true }).ToList();
        var minority = Math.Max(_settings.ExpectedServers, _group.Core.Members.Length) / 2;
        if (others.Count + 1 <= minority)
        {
            _isElectable = false;
            return;
        }
        if (!_isElectable) (_isElectable, _quorumSince) = (true, now);
        var patience = _engine.GroupContext!.Timings.Heartbeat * 3 / 2;
        var isKnown = others.Count(peer => peer.LeaderlessAt is { } at && now - at <= 2 * (long)FirstPingInterval.TotalMilliseconds) + 1 > minority;
        if ((!isKnown && now - _quorumSince <= patience) || now - _campaignedAt <= patience) return;
        _campaignedAt = now;
        _group.Core.Campaign(now);
    }

    /// <summary>Servers tell their figures every ten seconds; who has to place an asset before asks for them.</summary>
    private void Ping(string inbox)
    {
        _registry.Sweep(_self, _group.Now);
        _ = _service.TryRun(ElectWhenQuorumIsThere);
        var known = _registry.Peers;
        var everybodySpoke = known.Count >= _settings.ExpectedServers && known.Values.All(peer => peer.IsOffline || peer.IsSelectable || !peer.HasJetStream);
        if (!everybodySpoke || _isElectable) System.PublishInternal("$SYS.REQ.SERVER.PING.STATSZ"u8, Encoding.UTF8.GetBytes(inbox), default, null);
    }
}

/// <summary>Listens on a subject of the system account.</summary>
internal sealed class ClusterEar(ClusterEar.Handler hear) : ServiceSubscriber
{
    /// <summary>Takes a message on its publisher's loop.</summary>
    public delegate void Handler(in Message message);

    public override bool TakesRoutedMessages => true;

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        hear(message);
        return true;
    }
}
