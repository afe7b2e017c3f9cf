using System.Buffers.Binary;
using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>A message on its way.</summary>
/// <param name="From">Who sent it.</param>
/// <param name="Subject">Where to.</param>
/// <param name="Reply">Where an answer goes; empty: nowhere.</param>
/// <param name="ReplyBytes">The same as bytes.</param>
/// <param name="Frame">What.</param>
internal sealed record SimulatedMessage(PeerId From, string Subject, string Reply, byte[] ReplyBytes, byte[] Frame);

/// <summary>Makes a member's group: the real one, or one with a planted mistake.</summary>
internal delegate RaftGroup GroupFactory(RaftOptions options, RaftStart start, IRaftEffects effects);

/// <summary>Hears what members do.</summary>
internal interface IMemberObserver
{
    /// <summary>Notes are wanted.</summary>
    bool IsRecording { get; }
    void Note(SimulatedMember? member, string what);
    void Stored(SimulatedMember member, ulong index, ulong term, ReadOnlySpan<byte> frame);
    void Applied(SimulatedMember member, ulong index, ulong term, ulong chain);
    void SnapshotApplied(SimulatedMember member, ulong index, ulong chain);
    void Removed(PeerId peer);
    void Elected(SimulatedMember member);
    void Sent(SimulatedMember member, SimulatedMessage message);
}

/// <summary>
/// A server with one member of a group: the group over a disk of which the newest records are not durable, and a state
/// machine that is a hash of all it applied, in order.
/// </summary>
internal sealed class SimulatedMember(PeerId id, RaftOptions options, GroupFactory create, IMemberObserver observer, MemberDisk disk) : IRaftEffects
{
    private readonly Queue<(long After, SimulatedMessage Message)> _waiting = [];
    private readonly SortedList<ulong, ulong> _chains = [];
    private readonly Dictionary<string, RaftMessageKind> _subjects = [];
    private RaftSnapshot? _saving;
    private ulong _toApply;
    private ulong _chain;

    public PeerId Id { get; } = id;

    /// <summary>First letter of its id: its name in timelines.</summary>
    public string Name => Id.ToString()[..1];

    public RaftGroup Group { get; private set; } = null!;

    public MemberDisk Disk { get; private set; } = disk;

    public bool IsRunning { get; private set; }

    /// <summary>Grows with each start: what was sent to an older one does not arrive.</summary>
    public int Incarnation { get; private set; }

    /// <summary>The inbox that is open for a catch-up.</summary>
    public (long Number, string Subject)? CatchUpInbox { get; private set; }

    public bool ListensToProposals { get; private set; }

    /// <summary>What was shown is applied only when <see cref="ApplyAll"/> is called.</summary>
    public bool AppliesLater { get; set; }

    /// <summary>Now and then it needs longer for what it is shown, until <see cref="ResumeApplying"/>.</summary>
    public Func<bool>? NeedsLonger { get; set; }

    /// <summary>It is at something that takes longer.</summary>
    public bool IsHeldUp { get; private set; }

    /// <summary>What it has applied.</summary>
    public (ulong Index, ulong Chain) State => (_chains.Count == 0 ? 0 : _chains.Keys[^1], _chain);

    public RaftSnapshot? Saving => _saving;

    public bool IsRecovered { get; private set; }

    public void Start(RaftOrigin origin, ulong seed, bool paused, long now)
    {
        Incarnation++;
        (IsRunning, IsRecovered, ListensToProposals, IsHeldUp, CatchUpInbox, _saving, _toApply, _chain) = (true, false, false, false, null, null, 0, 0);
        _chains.Clear();
        _waiting.Clear();
        Group = create(options with { Seed = seed }, Disk.Load(origin), this);
        Listen();
        Group.Start(paused, now);
        if (!AppliesLater) ApplyAll(now);
    }

    /// <summary>It is gone, with what was not on the disk yet.</summary>
    public void Crash(int survivors)
    {
        IsRunning = false;
        Group.Dispose();
        Disk.Crash(survivors);
    }

    /// <summary>Its disk is replaced by an empty one.</summary>
    public void Wipe(RaftPeers peers) => Disk = new MemberDisk(peers);

    /// <summary>Delivers a message if it listens there.</summary>
    public void Deliver(SimulatedMessage message, long now)
    {
        if (!IsRunning) return;
        ReadOnlySpan<byte> reply = message.ReplyBytes;
        if (CatchUpInbox is { } inbox && inbox.Subject == message.Subject) Group.ReceiveCatchUp(inbox.Number, message.Frame, reply, now);
        else if (KindOf(message.Subject) is { } kind) Group.Receive(kind, message.Frame, reply, now);
    }

    /// <summary>Whether messages on this subject come here.</summary>
    public bool Listens(string subject) => IsRunning && (CatchUpInbox?.Subject == subject || KindOf(subject) is not null);

    private RaftMessageKind? KindOf(string subject) =>
        !_subjects.TryGetValue(subject, out var kind) || (!ListensToProposals && kind is RaftMessageKind.Proposal or RaftMessageKind.RemovePeer) ? null : kind;

    private void Listen()
    {
        _subjects.Clear();
        _subjects[Encoding.UTF8.GetString(Group.Subjects.Votes)] = RaftMessageKind.VoteRequest;
        _subjects[Encoding.UTF8.GetString(Group.VoteInbox)] = RaftMessageKind.VoteResponse;
        _subjects[Encoding.UTF8.GetString(Group.Subjects.AppendEntries)] = RaftMessageKind.AppendEntry;
        _subjects[Encoding.UTF8.GetString(Group.AppendInbox)] = RaftMessageKind.AppendEntryResponse;
        _subjects[Encoding.UTF8.GetString(Group.Subjects.Proposals)] = RaftMessageKind.Proposal;
        _subjects[Encoding.UTF8.GetString(Group.Subjects.RemovePeers)] = RaftMessageKind.RemovePeer;
    }

    /// <summary>The end of a turn.</summary>
    public void EndTurn(long now)
    {
        if (!IsRunning) return;
        if (!AppliesLater) ApplyAll(now);
        Group.Flush(now);
        if (!AppliesLater) ApplyAll(now);
    }

    public void ApplyAll(long now)
    {
        // To have applied something may bring more to apply.
        for (var before = ulong.MaxValue; IsRunning && Group.AppliedIndex < Finished && Group.AppliedIndex != before;)
        {
            before = Group.AppliedIndex;
            Group.Applied(Finished, now);
        }
    }

    // What it is still at does not count.
    private ulong Finished => IsHeldUp ? _toApply - 1 : _toApply;

    private bool HoldUp() => IsHeldUp = NeedsLonger?.Invoke() == true;

    /// <summary>What took longer is done.</summary>
    public void ResumeApplying(long now)
    {
        IsHeldUp = false;
        if (!AppliesLater) ApplyAll(now);
        Group.ResumeApply(now);
    }

    /// <summary>The disk has written and synced up to a position.</summary>
    public void Sync(long position, long now)
    {
        if (!IsRunning) return;
        Disk.Sync(position);
        Group.Durable(Disk.Durable, now);
        while (_waiting.TryPeek(out var next) && next.After <= Disk.Durable) observer.Sent(this, _waiting.Dequeue().Message);
    }

    /// <summary>Makes a snapshot of what is applied.</summary>
    public RaftResult MakeSnapshot(bool force, long now)
    {
        if (!_chains.TryGetValue(Group.AppliedIndex, out var chain)) return RaftResult.NothingToSnapshot;
        var data = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(data, Group.AppliedIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(8), chain);
        return Group.InstallSnapshot(Group.AppliedIndex, data, force, now);
    }

    /// <summary>The snapshot that was given out is saved.</summary>
    public void FinishSnapshot(long now)
    {
        if (!IsRunning || _saving is not { } saved) return;
        _saving = null;
        Disk.SaveSnapshot(saved);
        Group.SnapshotSaved(saved.Index, now);
    }

    void IRaftEffects.SaveVote(long position, ulong term, PeerId vote)
    {
        Disk.SaveVote(position, term, vote);
        if (IsRecording) Note($"saves term {term}, vote {Letter(vote)}");
    }

    void IRaftEffects.SavePeers(long position, RaftPeers peers)
    {
        Disk.SavePeers(position, peers);
        if (IsRecording) Note($"saves members {Letters(peers.Ids)} of {peers.Size}");
    }

    void IRaftEffects.SaveDoubt(long position, bool mayHaveForgotten)
    {
        Disk.SaveDoubt(position, mayHaveForgotten);
        if (IsRecording) Note(mayHaveForgotten ? "saves that it may have forgotten" : "saves that it is trusted");
    }

    void IRaftEffects.Append(long position, ulong index, ulong term, ReadOnlySpan<byte> frame)
    {
        Disk.Append(position, index, frame.ToArray());
        if (IsRecording) Note($"appends {index} of term {term}");
        observer.Stored(this, index, term, frame);
    }

    void IRaftEffects.Truncate(long position, ulong lastIndex)
    {
        Disk.Truncate(position, lastIndex);
        if (IsRecording) Note($"truncates behind {lastIndex}");
    }

    void IRaftEffects.InstallSnapshot(long position, RaftSnapshot snapshot)
    {
        _saving = null;
        Disk.InstallSnapshot(position, snapshot);
        if (IsRecording) Note($"installs snapshot {snapshot.Term}:{snapshot.Index}, members {Letters(snapshot.Peers.Ids)} of {snapshot.Peers.Size}");
    }

    void IRaftEffects.SaveSnapshot(RaftSnapshot snapshot)
    {
        _saving = snapshot;
        if (IsRecording) Note($"gives out snapshot {snapshot.Term}:{snapshot.Index}, members {Letters(snapshot.Peers.Ids)} of {snapshot.Peers.Size}");
    }

    void IRaftEffects.Compact(ulong index)
    {
        if (IsRecording) Note($"compacts up to {index}");
    }

    void IRaftEffects.Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter)
    {
        var message = new SimulatedMessage(Id, Encoding.UTF8.GetString(subject), Encoding.UTF8.GetString(reply), reply.ToArray(), frame.ToArray());
        if (durableAfter <= Disk.Durable) observer.Sent(this, message);
        else _waiting.Enqueue((durableAfter, message));
    }

    void IRaftEffects.OpenCatchUp(long inbox, ReadOnlySpan<byte> subject) => CatchUpInbox = (inbox, Encoding.UTF8.GetString(subject));

    void IRaftEffects.CloseCatchUp(long inbox)
    {
        CatchUpInbox!.Value.Number.ShouldBe(inbox);
        CatchUpInbox = null;
    }

    void IRaftEffects.ListenToProposals(bool listen) => ListensToProposals = listen;

    bool IRaftEffects.Apply(in CommittedEntry entry)
    {
        entry.Index.ShouldBe(_toApply + 1);
        _toApply = entry.Index;
        _chain = Mix(_chain, entry.Index);
        var shown = IsRecording ? new List<string>() : null;
        foreach (var one in entry)
        {
            _chain = Mix(_chain, (ulong)one.Type);
            foreach (var part in one.Data) _chain = Mix(_chain, part);
            shown?.Add(Show(one));
            if (one.Type == RaftEntryType.RemovePeer && PeerId.TryRead(one.Data, out var gone)) observer.Removed(gone);
        }
        _chains[entry.Index] = _chain;
        if (_chains.Count > 20_000) _chains.RemoveAt(0);
        if (IsRecording) Note($"applies {entry.Index} [{string.Join(' ', shown!)}]");
        observer.Applied(this, entry.Index, entry.Term, _chain);
        return !HoldUp();
    }

    bool IRaftEffects.ApplySnapshot(RaftSnapshot snapshot)
    {
        _toApply = snapshot.Index;
        var isOurs = snapshot.Data.Length == 16;
        _chain = isOurs ? BinaryPrimitives.ReadUInt64LittleEndian(snapshot.Data.Span[8..]) : 0;
        _chains.Clear();
        _chains[snapshot.Index] = _chain;
        if (IsRecording) Note($"applies snapshot {snapshot.Index}");
        if (isOurs) observer.SnapshotApplied(this, snapshot.Index, _chain);
        return !HoldUp();
    }

    void IRaftEffects.Recovered()
    {
        IsRecovered = true;
        if (IsRecording) Note("has recovered");
    }

    void IRaftEffects.CatchUpChanged(bool isCatchingUp)
    {
        if (IsRecording) Note(isCatchingUp ? "begins to catch up" : "ends to catch up");
    }

    void IRaftEffects.StateChanged(RaftState state)
    {
        if (IsRecording) Note($"is {state}");
        if (state == RaftState.Leader) observer.Elected(this);
    }

    void IRaftEffects.LeaderChanged(PeerId leader, ulong term, bool leads)
    {
        if (IsRecording) Note($"sees leader {Letter(leader)}{(leads ? ", leads" : "")}");
    }

    void IRaftEffects.QuorumLost()
    {
        if (IsRecording) Note("has lost quorum");
    }

    void IRaftEffects.Warn(string message)
    {
        if (IsRecording) Note($"warns: {message}");
    }

    private void Note(string what) => observer.Note(this, what);

    private bool IsRecording => observer.IsRecording;

    /// <summary>A peer's letter.</summary>
    public static string Letter(PeerId id) => id.IsNone ? "-" : id.ToString()[..1];

    public static string Letters(IEnumerable<PeerId> ids) => string.Concat(ids.Select(Letter));

    /// <summary>An entry as timelines show it.</summary>
    public static string Show(in RaftEntry entry) => entry.Type switch
    {
        RaftEntryType.Normal => Encoding.Latin1.GetString(entry.Data),
        RaftEntryType.AddPeer => "+" + Letter(PeerId.Read(entry.Data)),
        RaftEntryType.RemovePeer => "-" + Letter(PeerId.Read(entry.Data)),
        RaftEntryType.LeaderTransfer => ">" + Letter(PeerId.Read(entry.Data)),
        RaftEntryType.PeerState when RaftPeers.TryDecode(entry.Data, 0, out var peers) => $"peers({Letters(peers.Ids)}/{peers.Size})",
        _ => $"{entry.Type}({entry.Data.Length})",
    };

    private static ulong Mix(ulong state, ulong value)
    {
        state = (state ^ value) * 0x9E3779B97F4A7C15;
        return state ^ (state >> 29);
    }
}
