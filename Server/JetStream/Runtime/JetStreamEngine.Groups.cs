using System.Collections.Concurrent;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Raft groups of this server: those found at the start, those that run.</summary>
internal sealed partial class JetStreamEngine
{
    private readonly ConcurrentDictionary<string, GroupHost> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, GroupState> _foundGroups = new(StringComparer.Ordinal);
    private ILookup<string, string> _foundGroupsByOwner = Array.Empty<string>().ToLookup(static name => name);
    private readonly ConcurrentDictionary<(string Account, string Stream), StreamHost> _held = [];
    private bool _knowsAssignments;
    private readonly ConcurrentDictionary<string, string> _lostGroups = new(StringComparer.Ordinal);

    /// <summary>How groups run; null: the server stands alone.</summary>
    private readonly ClusterMembership? _cluster;

    /// <summary>What groups run in; null: the server stands alone.</summary>
    public GroupContext? GroupContext { get; private set; }

    /// <summary>All that was decided about assets before this server started has become known. From any thread.</summary>
    public bool KnowsAssignments
    {
        get => Volatile.Read(ref _knowsAssignments);
        set => Volatile.Write(ref _knowsAssignments, value);
    }

    /// <summary>Streams and consumers come and go by the word of a cluster.</summary>
    public bool IsClustered => _cluster is not null;

    /// <summary>What assets know of the cluster; null: the server stands alone.</summary>
    public ClusterView? Cluster { get; private set; }

    /// <summary>Who removes consumers that nobody uses: account, stream, consumer. From any thread.</summary>
    public Action<string, string, string>? ConsumerAbandoned { get; set; }

    /// <summary>Streams that were found at the start and wait to be assigned: account and name.</summary>
    public IReadOnlyCollection<(string Account, string Stream)> Held => [.. _held.Keys];

    /// <summary>A stream that was found at the start and waits; null: none does.</summary>
    public StreamHost? FindHeld(string account, string stream) => _held.GetValueOrDefault((account, stream));

    /// <summary>Takes a stream that was found at the start; null: none was.</summary>
    public StreamHost? TakeHeld(string account, string stream) => _held.TryRemove((account, stream), out var host) ? host : null;

    /// <summary>Whether a group of the name was found at the start and has not been opened.</summary>
    public bool HasGroup(string name) => _foundGroups.ContainsKey(name) || _lostGroups.ContainsKey(name);

    /// <summary>Groups of an owner that were found at the start and have not been opened. From any thread.</summary>
    public IReadOnlyList<string> FindGroups(string owner) => [.. _foundGroupsByOwner[owner].Where(_foundGroups.ContainsKey)];

    /// <summary>Groups that were found at the start and have not been opened. From any thread.</summary>
    public IReadOnlyCollection<string> FoundGroups => [.. _foundGroups.Keys];

    /// <summary>Groups that run, by name. From any thread.</summary>
    public IReadOnlyDictionary<string, GroupHost> Groups => _groups;

    /// <summary>
    /// Makes a member of a group run, with what was found of it or anew. In its owner's mailbox, which starts it.
    /// </summary>
    /// <param name="owner">Its mailbox.</param>
    /// <param name="machine">What it serves.</param>
    /// <param name="options">How.</param>
    /// <param name="begin">With what it begins, if it is new: by the number it gets.</param>
    /// <param name="isInMemory">It forgets all when the server ends.</param>
    /// <exception cref="CorruptStoreException">What was found cannot be trusted.</exception>
    /// <exception cref="Storage.Disk.DiskException">The disk failed.</exception>
    public GroupHost OpenGroup(Mailbox owner, IGroupMachine machine, RaftOptions options, Func<ulong, GroupState> begin, bool isInMemory)
    {
        var isFound = _foundGroups.TryRemove(options.Group, out var state);
        state ??= begin(NextId());
        if (_lostGroups.TryGetValue(options.Group, out var reason)) state = BeginAgain(options.Group, reason, state);
        var sealer = isInMemory ? null : SealerOfGroup(state.Id);
        // From here on a start knows that the group was there, and what it promised.
        if (!isFound && !isInMemory) Files.WriteGroup(options.Group, state.Encode(sealer));
        var host = new GroupHost(GroupContext!, owner, _cluster!.Parts.Machine(options.Group, machine), _cluster.Parts.Options(options), state, sealer, !isInMemory);
        _groups[options.Group] = host;
        return host;
    }

    /// <summary>Makes this server's member of an asset's group run.</summary>
    /// <param name="plan">The group.</param>
    /// <param name="owner">Its mailbox.</param>
    /// <param name="machine">What it serves.</param>
    /// <param name="isInMemory">It forgets all when the server ends.</param>
    /// <param name="seed">What a new group begins with; null: with nothing.</param>
    public GroupHost OpenGroup(GroupPlan plan, Mailbox owner, IGroupMachine machine, bool isInMemory, RaftSnapshot? seed)
    {
        var options = new RaftOptions
        {
            Self = GroupContext!.Self,
            Group = plan.Name,
            Seed = (ulong)Random.Shared.NextInt64(),
            Timings = GroupContext.Timings,
            // Who joins a group that has data does not lead before it has some.
            IsScaleUp = plan.IsScaleUp || plan.Before.Count > 0,
            AddsHeardPeers = false,
        };
        var isFound = HasGroup(plan.Name);
        var host = OpenGroup(owner, machine, options, Begin, isInMemory);
        if (isFound) host.BeLate();
        host.Members.Assign(plan.Peers, host.Now);
        return host;

        GroupState Begin(ulong id) => new()
        {
            Id = id,
            Owner = plan.Owner,
            Peers = RaftPeers.Of([.. plan.Before.Count > 0 ? plan.Before : plan.Peers]),
            Snapshot = seed,
            Term = seed?.Term ?? 0,
            WasFound = seed is null && plan.MayHaveForgotten,
        };
    }

    /// <summary>
    /// What was found of a member cannot be trusted: it is kept aside, and the others give it what was agreed on. Until it has
    /// that, its votes count only together with everybody's (<see cref="RaftGroup.MayHaveForgotten"/>).
    /// </summary>
    /// <exception cref="CorruptStoreException">There are no others: it stays as it is.</exception>
    private GroupState BeginAgain(string group, string reason, GroupState fresh)
    {
        if (fresh.Peers.Size < 2) throw new CorruptStoreException(reason);
        JetStreamLog.GroupSetAside(_logger, group, Files.KeepAside(group, fresh.Id));
        _lostGroups.TryRemove(group, out _);
        return new GroupState { Id = fresh.Id, Owner = fresh.Owner, Peers = fresh.Peers, MayHaveForgotten = true, WasFound = true };
    }

    /// <summary>A server has ended: groups that it led elect another without waiting for it. From any thread.</summary>
    /// <param name="name">Its name.</param>
    public void ServerHasEnded(string name)
    {
        var server = PeerId.Of(name);
        foreach (var group in _groups.Values) group.ServerHasEnded(server);
    }

    /// <summary>A server has joined: groups that this one leads call for its members. From any thread.</summary>
    /// <param name="name">Its name.</param>
    public void ServerIsBack(string name)
    {
        var server = PeerId.Of(name);
        foreach (var group in _groups.Values) group.ServerIsBack(server);
    }

    /// <summary>A group takes part in nothing any more; what it has on the disk stays.</summary>
    public void CloseGroup(GroupHost group)
    {
        _groups.TryRemove(KeyValuePair.Create(group.Name, group));
        group.Dispose();
    }

    /// <summary>Removes a group for good.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="Storage.Disk.DiskException">The disk failed.</exception>
    public void DeleteGroup(string name)
    {
        var id = _foundGroups.TryRemove(name, out var found) ? found.Id : 0;
        if (_groups.TryRemove(name, out var running))
        {
            id = running.Id;
            running.Dispose();
        }
        if (id == 0) id = IdOfClosed(name);
        Files.DeleteGroup(name);
        if (id == 0 || _log is not { } log) return;
        var removal = log.Rent();
        removal.AddRemoval(id);
        if (log.TryAppend(removal, new Ignored()) == LogAppend.Full) log.Return(removal);
    }

    /// <summary>By its file, the number of a group that runs no more; 0: it has none that can be read, and the log keeps what it has of it.</summary>
    private ulong IdOfClosed(string name)
    {
        if (Files.ReadGroup(name) is not { } file) return 0;
        try
        {
            return GroupState.ReadId(Files.GroupStateOf(name), file);
        }
        catch (CorruptStoreException fault)
        {
            JetStreamLog.GroupFailed(_logger, name, fault.Message);
            return 0;
        }
    }

    private EntrySealer? SealerOfGroup(ulong id) => _options.EncryptionKey is null ? null : new EntrySealer(KeysOf(id));

    private Dictionary<ulong, GroupState> ReadGroups()
    {
        var found = new Dictionary<ulong, GroupState>();
        foreach (var name in Files.ListGroups())
        {
            try
            {
                var file = Files.ReadGroup(name)!;
                var path = Files.GroupStateOf(name);
                using var sealer = SealerOfGroup(GroupState.ReadId(path, file));
                var state = GroupState.Decode(path, file, sealer);
                _foundGroups[name] = state;
                found[state.Id] = state;
            }
            catch (CorruptStoreException fault)
            {
                // It stays as it is, and takes part in nothing: what it promised is not known.
                _lostGroups[name] = fault.Message;
                JetStreamLog.GroupFailed(_logger, name, fault.Message);
            }
        }
        _foundGroupsByOwner = _foundGroups.ToLookup(one => one.Value.Owner, one => one.Key);
        return found;
    }

    private void ReplayGroup(GroupState state, in LogRecord record)
    {
        if (record.Index <= state.Position) return;
        if (record.Index != state.Position + 1) throw new CorruptStoreException($"The log of a group goes from {state.Position} to {record.Index}.");
        if ((record.Kind & GroupRecord.Sealed) == 0)
        {
            GroupRecord.Replay(state, record.Kind, record.Payload);
            return;
        }
        using var sealer = SealerOfGroup(state.Id) ?? throw new CorruptStoreException("The log of a group is encrypted, and no key is configured.");
        GroupRecord.Replay(state, (byte)(record.Kind & ~GroupRecord.Sealed), sealer.Open(record.Index, record.Payload));
    }

    /// <summary>A group whose log does not fit its state stays as it is.</summary>
    private void LoseGroup(GroupState state, Exception fault)
    {
        var name = _foundGroups.First(one => ReferenceEquals(one.Value, state)).Key;
        _foundGroups.TryRemove(name, out _);
        _lostGroups[name] = fault.Message;
        JetStreamLog.GroupFailed(_logger, name, fault.Message);
    }
}
