using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    /// <summary>Peers whose removal is remembered.</summary>
    private const int MaxRemoved = 1024;

    private readonly Dictionary<PeerId, long> _removed = [];
    private RaftPeers _savedPeers;

    /// <summary>The members as the layer above shows them.</summary>
    public IReadOnlyList<RaftPeer> GetPeers(long now)
    {
        var peers = new List<RaftPeer>(_membership.Members.Length);
        foreach (var id in _membership.Members)
        {
            _peers.TryGetValue(id, out var progress);
            var lag = _leader == Self && id != Self && _commit > (progress?.LastIndex ?? 0) ? _commit - (progress?.LastIndex ?? 0) : 0;
            var isCurrent = id == Self || (_leader == Self ? lag == 0 : id == _leader && progress?.WasHeard(now, _timings.CurrentWindow) == true);
            peers.Add(new RaftPeer(id, isCurrent, progress?.Heard, lag));
        }
        return peers;
    }

    /// <summary>A leader proposes a new member. It counts as soon as it is in the log.</summary>
    public RaftResult ProposeAddPeer(PeerId peer, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        var result = ChangeMembers(RaftEntryType.AddPeer, peer);
        Leave();
        return result;
    }

    /// <summary>A leader proposes that a member goes; others ask the leader to, which may get lost.</summary>
    public RaftResult ProposeRemovePeer(PeerId peer, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader)
        {
            Span<byte> id = stackalloc byte[PeerId.Length];
            peer.Write(id);
            _effects.Send(_subjects.RemovePeers, default, id, 0);
            return RaftResult.Accepted;
        }
        var result = ChangeMembers(RaftEntryType.RemovePeer, peer);
        Leave();
        return result;
    }

    /// <summary>
    /// The members are those, as something above the group has decided. A leader's members stay what is in its log; where nobody
    /// leads, also the changes that the log holds and nobody has agreed on are void.
    /// </summary>
    public void SetPeers(ReadOnlySpan<PeerId> peers, long now)
    {
        if (!Enter(now)) return;
        var known = RaftPeers.Of(peers) with { Index = Math.Max(_state == RaftState.Leader ? _commit : LastIndex, _membership.Committed.Index), DomainExtension = _membership.Committed.DomainExtension };
        ReplacePeers(known);
        Leave();
    }

    /// <summary>The same, and a leader tells the others.</summary>
    public RaftResult ProposePeers(ReadOnlySpan<PeerId> peers, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader) return RaftResult.NotLeader;
        SetPeers(peers, now);
        SendPeerState();
        Leave();
        return RaftResult.Accepted;
    }

    /// <summary>A leader declares how many members the group has or expects; at least two, and those known.</summary>
    public RaftResult AdjustClusterSize(int size, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader) return RaftResult.NotLeader;
        Resize(size);
        SendPeerState();
        AdvanceCommit();
        Leave();
        return RaftResult.Accepted;
    }

    /// <summary>The same before anybody has ever led the group.</summary>
    /// <returns>False: somebody has.</returns>
    public bool AdjustBootClusterSize(int size, long now)
    {
        if (!Enter(now) || HadLeader) return false;
        Resize(size);
        Leave();
        return true;
    }

    private void Resize(int size)
    {
        _membership.Replace(_membership.Committed with { Size = Math.Max(2, size), Index = Math.Max(_commit, _membership.Committed.Index) });
        SavePeers();
    }

    private void SendPeerState()
    {
        SendProposals();
        SendEntry(RaftEntryType.PeerState, _membership.Current.Encode());
    }

    private RaftResult ChangeMembers(RaftEntryType type, PeerId peer)
    {
        var refusal = MayChangeMembers(type, peer);
        if (refusal != RaftResult.Accepted) return refusal;
        SendProposals();
        Span<byte> id = stackalloc byte[PeerId.Length];
        peer.Write(id);
        // Counted before it is sent: whoever is asked to agree to the change is asked under its rules.
        Stage(LastIndex + 1, type, peer);
        SendEntry(type, id);
        AdvanceCommit();
        return RaftResult.Accepted;
    }

    private RaftResult MayChangeMembers(RaftEntryType type, PeerId peer)
    {
        if (_state != RaftState.Leader) return RaftResult.NotLeader;
        var joinsForming = type == RaftEntryType.AddPeer && _membership.IsForming;
        if (!joinsForming && !MayBeginChange()) return RaftResult.ChangeInProgress;
        var isMember = _membership.Contains(peer);
        if (type == RaftEntryType.AddPeer) return isMember || peer.IsNone ? RaftResult.KnownPeer : RaftResult.Accepted;
        if (!isMember) return RaftResult.UnknownPeer;
        return _membership.Members.Length <= 1 ? RaftResult.LastPeer : RaftResult.Accepted;
    }

    /// <summary>
    /// Whether a change may begin: none is under way, and an entry of this term is committed, so that none of a leader
    /// before can be. Who joins a group that forms waits for none of that: nothing is agreed on before enough are known, and
    /// how many must agree stays what it is.
    /// </summary>
    internal virtual bool MayBeginChange() => !_membership.IsChanging && _commit >= _firstOfTerm;

    private void OnForwardedRemoval(PeerId peer, ReadOnlySpan<byte> reply)
    {
        if (!Leads || ChangeMembers(RaftEntryType.RemovePeer, peer) != RaftResult.Accepted || reply.IsEmpty) return;
        _effects.Send(reply, default, default, 0);
    }

    private void Stage(ulong index, RaftEntryType type, PeerId peer)
    {
        var size = _membership.Size;
        _membership.Stage(index, type, peer);
        if (_membership.Size > size) _grownAt = _now;
    }

    // Changes count from when their entry is in the log.
    private void StageChanges(in AppendEntry entry)
    {
        foreach (var change in entry)
        {
            if (change.Type is RaftEntryType.AddPeer or RaftEntryType.RemovePeer && PeerId.TryRead(change.Data, out var peer)) Stage(LastIndex, change.Type, peer);
        }
    }

    private void CommitChanges(ulong index)
    {
        // Known from before a restart, or decided above the log since: what came earlier says nothing any more.
        if (index <= _membership.Committed.Index) return;
        foreach (var entry in FrameAt(index))
        {
            if (entry.Type is RaftEntryType.AddPeer or RaftEntryType.RemovePeer && PeerId.TryRead(entry.Data, out var peer))
            {
                _membership.Commit(index);
                if (entry.Type == RaftEntryType.AddPeer) _removed.Remove(peer);
                else NoteRemoved(peer);
                SavePeers();
            }
            else if (entry.Type == RaftEntryType.PeerState && _state != RaftState.Leader && RaftPeers.TryDecode(entry.Data, index, out var peers))
            {
                ReplacePeers(peers);
            }
        }
    }

    private void ReplacePeers(RaftPeers peers)
    {
        PeerId[] before = [.. _membership.Members];
        _membership.Replace(peers);
        foreach (var id in before)
        {
            if (id != Self && !_membership.Contains(id)) NoteRemoved(id);
        }
        foreach (var id in _membership.Members) _removed.Remove(id);
        SavePeers();
    }

    private void SavePeers()
    {
        foreach (var id in _peers.Keys.Where(id => !_membership.Contains(id) && !_membership.IsChangingPeer(id)).ToArray()) _peers.Remove(id);
        var peers = _membership.Committed;
        if (_savedPeers.Size == peers.Size && _savedPeers.DomainExtension == peers.DomainExtension && _savedPeers.Ids.SequenceEqual(peers.Ids)) return;
        _savedPeers = peers;
        _effects.SavePeers(++_position, peers);
    }

    private void NoteRemoved(PeerId peer)
    {
        foreach (var id in _removed.Where(one => _now - one.Value >= _timings.PeerRemove).Select(one => one.Key).ToArray()) _removed.Remove(id);
        if (_removed.Count < MaxRemoved) _removed[peer] = _now;
    }

    /// <summary>Who was removed so short a time ago that it does not become a member by being heard.</summary>
    public IReadOnlyList<PeerId> RemovedOfLate(long now) => [.. _removed.Where(one => now - one.Value < _timings.PeerRemove).Select(static one => one.Key).Order()];

    // A member that was heard; one that is none may become one.
    private void Hear(PeerId peer)
    {
        if (_membership.Contains(peer))
        {
            if (!_peers.TryGetValue(peer, out var progress)) _peers[peer] = progress = new PeerProgress();
            progress.Heard = _now;
        }
        else if (_options.AddsHeardPeers && !WasRemovedOfLate(peer))
        {
            ChangeMembers(RaftEntryType.AddPeer, peer);
        }
    }

    private bool WasRemovedOfLate(PeerId peer) => _membership.IsChangingPeer(peer) || (_removed.TryGetValue(peer, out var at) && _now - at < _timings.PeerRemove);
}
