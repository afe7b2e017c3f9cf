using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Simulation.Cluster;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Meta;

// What must always be true.
internal sealed partial class MetaSimulation
{
    private const string Account = "$G";

    private readonly Dictionary<(string Group, ulong Term), PeerId> _leaders = [];
    private readonly Dictionary<(string Group, ulong Index), ulong> _entries = [];
    private readonly Dictionary<ulong, byte[]> _states = [];
    private readonly Dictionary<string, HashSet<MetaServer>> _appliers = [];
    private readonly HashSet<string> _ended = [];
    private readonly Dictionary<MetaServer, (int Life, ulong Index)> _looked = [];
    private (ulong Index, MetaAssignments Assignments) _newest = (0, MetaAssignments.Empty);

    /// <summary>After everything that happens on a server.</summary>
    public void Check(MetaServer server)
    {
        if (server.Meta is not { } meta) return;
        if (meta.Group.Fault is { } lost) throw Violation($"{server.Name} has fenced the meta group: {lost}");
        foreach (var group in server.Engine.Groups.Values)
        {
            if (group.Fault is { } fault) throw Violation($"{server.Name} has fenced {group.Name}: {fault}");
            CheckLeader(server, group);
        }
        foreach (var host in server.Streams!.Hosts.Values)
        {
            if (host.Fault is { } fault) throw Violation($"{server.Name} has fenced {host.Configuration.Name}: {fault}");
        }
        if (server.Streams.Offline.FirstOrDefault() is { Key: not null } offline) throw Violation($"{server.Name} cannot open {offline.Key}: {offline.Value}");
        CheckState(server);
    }

    private void CheckLeader(MetaServer server, GroupHost group)
    {
        if (group.Core.State != RaftState.Leader || _ended.Contains(group.Name)) return;
        if (_leaders.TryAdd((group.Name, group.Core.Term), server.Id)) _world.Note(server.Name, $"leads {group.Name} in term {group.Core.Term}");
        else if (_leaders[(group.Name, group.Core.Term)] != server.Id) throw Violation($"{server.Name} leads {group.Name} in term {group.Core.Term}, which had another leader");
    }

    // Who has applied as much has the same assignments, and they are what a snapshot of them says.
    private void CheckState(MetaServer server)
    {
        var meta = server.Meta!;
        if (!meta.HasRecovered) return;
        var looked = (server.Life, meta.Group.Core.AppliedIndex);
        if (_looked.GetValueOrDefault(server) == looked) return;
        _looked[server] = looked;
        var (index, bytes) = (looked.AppliedIndex, MetaSnapshot.Encode(meta.Assignments));
        if (!_states.TryAdd(index, bytes) && !_states[index].AsSpan().SequenceEqual(bytes)) throw Violation($"{server.Name} has other assignments at {index} than another: {Differences(_states[index], bytes)}");
        if (MetaSnapshot.Decode(bytes, out var streams) is { } error) throw Violation($"a snapshot of the assignments at {index} cannot be read: {error}");
        if (!MetaSnapshot.Encode(MetaAssignments.Of(streams)).AsSpan().SequenceEqual(bytes)) throw Violation($"a snapshot of the assignments at {index} makes others");
        if (index > _newest.Index) _newest = (index, meta.Assignments);
    }

    private static string Differences(byte[] one, byte[] other)
    {
        MetaSnapshot.Decode(one, out var left);
        MetaSnapshot.Decode(other, out var right);
        return $"{string.Join(' ', left.Select(TextOf).Except(right.Select(TextOf)))} against {string.Join(' ', right.Select(TextOf).Except(left.Select(TextOf)))}";
    }

    private static string TextOf(AssignedStream stream) =>
        $"{stream.Name}({stream.Assignment.Group.Name} on {string.Join(',', stream.Assignment.Group.Peers)}, {stream.Assignment.Configuration.Description}; {string.Join(' ', stream.Consumers.Values.Select(one => $"{one.Assignment.Name} {one.Assignment.Group.Name} on {string.Join(',', one.Assignment.Group.Peers)}"))})";

    /// <summary>All members apply the same.</summary>
    public void Applied(MetaServer server, string group, in CommittedEntry entry)
    {
        var hash = entry.Term;
        foreach (var one in entry)
        {
            hash = (hash ^ (ulong)one.Type) * 0x9E3779B97F4A7C15;
            foreach (var part in one.Data) hash = ((hash >> 29) ^ hash ^ part) * 0xBF58476D1CE4E5B9;
        }
        if (_world.IsRecording) _world.Note(server.Name, $"applies {group} {entry.Term}:{entry.Index}{Show(entry, isMeta: group == "_meta_")}");
        if (!_appliers.TryGetValue(group, out var appliers)) _appliers[group] = appliers = [];
        appliers.Add(server);
        if (_ended.Contains(group)) return;
        if (!_entries.TryAdd((group, entry.Index), hash) && _entries[(group, entry.Index)] != hash) throw Violation($"{server.Name} applies as {entry.Index} of {group} something else than others did");
    }

    private static string Show(in CommittedEntry entry, bool isMeta)
    {
        var text = "";
        foreach (var one in entry)
        {
            if (isMeta && one.Type == RaftEntryType.Normal && MetaEntry.Decode(one.Data, out var meta) is null) text += $" {meta!.Operation} {meta.Stream?.Name ?? $"{meta.Consumer!.Stream}>{meta.Consumer.Name}"} {string.Join(',', meta.Stream?.Group.Peers ?? meta.Consumer!.Group.Peers)}";
            else if (one.Type is RaftEntryType.AddPeer or RaftEntryType.RemovePeer) text += $" {one.Type} {PeerId.Read(one.Data)}";
            else if (one.Type == RaftEntryType.PeerState && RaftPeers.TryDecode(one.Data, 0, out var peers)) text += $" peers {string.Join(',', peers.Ids)}";
        }
        return text;
    }

    /// <summary>Before a name is taken away on a disk: what is assigned to its server is not deleted.</summary>
    public void Renames(MetaServer server, string from, string to)
    {
        if (!to.Contains("/.deleted-", StringComparison.Ordinal) && !to.Contains("/.aside-", StringComparison.Ordinal)) return;
        var name = from[(from.LastIndexOf('/') + 1)..];
        var isDeleted = to.Contains("/.deleted-", StringComparison.Ordinal);
        _world.Note(server.Name, $"{(isDeleted ? "deletes" : "sets aside")} {name}");
        if (!isDeleted || server.Meta is not { } meta) return;
        if (meta.Assignments.Find(Account, name)?.Assignment is not { } assigned)
        {
            NoteEnded(server, name);
            return;
        }
        // A newer one, or one that others have; not the only one. What the newest log says may be that it is to go.
        var record = server.Engine.Files.ReadRecord(Account, name);
        var created = record.Created;
        if (created != assigned.Created.UnixNanoseconds || created != _newest.Assignments.Find(Account, name)?.Assignment.Created.UnixNanoseconds) return;
        if (_servers.Exists(other => other != server && HoldsAll(other, assigned, server.Engine.Groups.GetValueOrDefault(record.Group ?? "")))) return;
        throw Violation($"{server.Name} deletes {name}, of which nobody else has everything");
    }

    /// <summary>
    /// Before a file goes: what only one server ever had of a group ends with it, and the group may begin anew under its name, as that of
    /// a consumer with one replica does when its stream is alone and is shared again.
    /// </summary>
    public void Deletes(MetaServer server, string path)
    {
        if (path.Split('/') is not [.., "groups", var group, "state"] || _appliers.GetValueOrDefault(group) is not { Count: 1 } appliers || !appliers.Contains(server)) return;
        _appliers.Remove(group);
        foreach (var entry in _entries.Keys.Where(entry => entry.Group == group).ToList()) _entries.Remove(entry);
        foreach (var leader in _leaders.Keys.Where(leader => leader.Group == group).ToList()) _leaders.Remove(leader);
    }

    // Who starts before it knows of the removal makes it again, and ends it again.
    private void NoteEnded(MetaServer server, string name)
    {
        if (server.Engine.Files.ReadRecord(Account, name).Group is { } group) _ended.Add(group);
        foreach (var consumer in server.LastKnown(name)?.Consumers.All ?? [])
        {
            if (consumer.Group is { } one) _ended.Add(one.Name);
        }
    }

    // Who leaves holds it too, as long as it is in a group with somebody who stays; so does who has yet to apply it.
    private bool HoldsAll(MetaServer server, StreamAssignment assigned, GroupHost? group)
    {
        if (server.LastKnown(assigned.Name) is not { } host || host.Record.Created != assigned.Created.UnixNanoseconds) return false;
        if (group is not null && server.IsRunning && host.Group is { } other && other.Name == group.Name && other.Core.LastIndex >= group.Core.AppliedIndex) return true;
        var stored = _assets.Find(one => one.Name == assigned.Name)!.Stored;
        // What it had agreed on before it was started again is in its log, until somebody leads.
        var logged = server.IsRunning && host.Group is { Core: var core } ? core.LastIndex - core.AppliedIndex : 0;
        return stored.Count == 0 || host.Store.State.LastSequence + logged >= stored.Keys.Max();
    }

    private void CheckEnd()
    {
        var assignments = _newest.Assignments;
        foreach (var asset in _assets)
        {
            var stream = assignments.Find(Account, asset.Name);
            if (asset.State == Known.Absent && stream is not null) throw Violation($"{asset.Name} is there, and was removed");
            if (asset.State != Known.Present) continue;
            if (stream is null) throw Violation($"{asset.Name} is not there, and was made");
            var configuration = stream.Assignment.Configuration;
            if (configuration.Replicas != asset.Replicas || configuration.Description != DescriptionOf(asset)) throw Violation($"{asset.Name} has {configuration.Replicas} replicas and is {configuration.Description}, and was confirmed with {asset.Replicas} and {DescriptionOf(asset)}");
            if (asset.Consumer != Known.Open && stream.Consumers.ContainsKey("D") != (asset.Consumer == Known.Present)) throw Violation($"{asset.Name} {(asset.Consumer == Known.Present ? "has lost its consumer" : "has a consumer that was removed")}");
            CheckContents(asset, stream);
        }
    }

    private void CheckContents(Asset asset, AssignedStream stream)
    {
        var message = new MessageBuffer();
        foreach (var server in _servers.Where(server => stream.Assignment.Group.IsMember(server.Id.ToString())))
        {
            var store = server.Streams!.Find(asset.Name)!.Store;
            foreach (var (sequence, text) in asset.Stored)
            {
                if (!store.TryLoad(sequence, message)) throw Violation($"{server.Name} does not have {sequence} of {asset.Name}, which was acknowledged: it holds {store.State}");
                if (TextOf(message.Payload) != text) throw Violation($"{server.Name} has '{TextOf(message.Payload)}' as {sequence} of {asset.Name}, which was acknowledged for '{text}'");
            }
        }
    }
}
