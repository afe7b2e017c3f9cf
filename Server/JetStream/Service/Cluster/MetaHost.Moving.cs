using System.Text;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>Assets that go from some servers to others, as far as this server leads them.</summary>
internal sealed partial class MetaHost
{
    /// <summary>Milliseconds from one look to the next.</summary>
    private const long MoveInterval = 300;

    /// <summary>Milliseconds after which a next leader is chosen again, or the meta leader told again that the old servers are to go.</summary>
    private const long ToldAgainAfter = 8_000;

    /// <summary>Assets that have more servers than replicas; without a consumer's name streams. When they were told of last.</summary>
    private readonly Dictionary<(AssetKey Stream, string? Consumer), long> _moving = [];
    private long _moveDue = long.MaxValue;

    private void Follow(StreamAssignment stream) => Follow((AssetKey.Of(stream), null), stream.Group.Peers.Count > Math.Max(1, stream.Configuration.Replicas));

    private void Follow(ConsumerAssignment consumer, StreamConfiguration stream) =>
        Follow((AssetKey.Of(consumer), consumer.Name), consumer.Group.Peers.Count > consumer.Configuration.ReplicasOf(stream));

    private void Follow((AssetKey Stream, string? Consumer) asset, bool moves)
    {
        if (moves) _moving.TryAdd(asset, long.MinValue / 2);
        else _moving.Remove(asset);
        _moveDue = _moving.Count == 0 ? long.MaxValue : Math.Min(_moveDue, _group.Now + MoveInterval);
    }

    private void MoveIfDue()
    {
        var now = _group.Now;
        if (now < _moveDue) return;
        foreach (var (asset, told) in _moving.ToList())
        {
            if (_state.Current.Find(asset.Stream.Account, asset.Stream.Stream) is not { } stream) _moving.Remove(asset);
            else if (AccountOf(asset.Stream.Account)?.Find(asset.Stream.Stream) is { } host) MoveOn(host, stream, asset, mayTell: now - told >= ToldAgainAfter);
        }
        _moveDue = _moving.Count == 0 ? long.MaxValue : now + MoveInterval;
    }

    private void MoveOn(StreamHost host, AssignedStream stream, (AssetKey Stream, string? Consumer) asset, bool mayTell)
    {
        if (asset.Consumer is not { } name)
        {
            if (!host.Leads) return;
            _ = host.TryPost(() =>
            {
                if (host is { Leads: true, Group: { Fault: null } group }) Act(AssetMigration.Next(stream, _self, ClusterName, Has(group)), group, asset, mayTell);
            });
        }
        else if (!stream.Consumers.TryGetValue(name, out var consumer))
        {
            _moving.Remove(asset);
        }
        else if (host.Consumers.Serves(Encoding.UTF8.GetBytes(name)))
        {
            _ = host.TryPost(() =>
            {
                if (host.Consumers.Find(Encoding.UTF8.GetBytes(name)) is { Leads: true, Group: { Fault: null } group }) Act(AssetMigration.Next(consumer.Assignment, stream.Assignment.Configuration, _self, ClusterName, Has(group)), group, asset, mayTell);
                host.Wake();
            });
        }
    }

    private static Func<string, bool> Has(GroupHost group) => peer => group.Members.IsCurrent(PeerId.Parse(peer));

    /// <summary>In the mailbox of the asset.</summary>
    private void Act(Migration migration, GroupHost group, (AssetKey Stream, string? Consumer) asset, bool mayTell)
    {
        if (migration.Step == MigrationStep.HandOver)
        {
            if (!group.Members.IsSettled || !mayTell) return;
            group.Core.StepDown(PeerId.Parse(migration.Leader!), group.Now);
            _service.Run(() => Note(asset));
        }
        else if (migration.Step == MigrationStep.Shrink)
        {
            // First they are out, then everybody hears of it: until then they help.
            IReadOnlyList<PeerId> staying = [.. migration.Peers.Select(PeerId.Parse)];
            group.Members.Assign(staying, group.Now);
            if (group.Members.IsSettled && mayTell) _service.Run(() => Tell(asset, migration.Entry!));
        }
    }

    private bool Note((AssetKey Stream, string? Consumer) asset)
    {
        if (!_moving.ContainsKey(asset)) return false;
        _moving[asset] = _group.Now;
        return true;
    }

    private void Tell((AssetKey Stream, string? Consumer) asset, MetaEntry entry)
    {
        if (!Note(asset)) return;
        _group.Forward(entry.Encode());
    }
}
