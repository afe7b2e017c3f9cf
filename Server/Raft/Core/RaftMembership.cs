using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>
/// Who belongs to the group: what was committed, and over it the changes that stand in the log behind that. They count
/// from when they are appended; when their entries are truncated, they never were.
/// </summary>
internal sealed class RaftMembership
{
    private readonly List<Change> _pending = [];
    private PeerId[] _members = [];

    public RaftMembership(RaftPeers committed)
    {
        Committed = committed;
        Count();
    }

    /// <summary>What was agreed on.</summary>
    public RaftPeers Committed { get; private set; }

    /// <summary>Members that count now, sorted.</summary>
    public ReadOnlySpan<PeerId> Members => _members;

    /// <summary>How many there are; while the group forms, how many are expected.</summary>
    public int Size { get; private set; }

    /// <summary>How many of them agree on something.</summary>
    public int Quorum => (Size / 2) + 1;

    /// <summary>The group forms: not all members are known.</summary>
    public bool IsForming => Members.Length < Size;

    /// <summary>The log holds a change that is not committed.</summary>
    public bool IsChanging => _pending.Count > 0;

    /// <summary>Whether the log holds an uncommitted change of this one.</summary>
    public bool IsChangingPeer(PeerId peer) => _pending.Exists(change => change.Peer == peer);

    /// <summary>Whether it is a member that counts.</summary>
    public bool Contains(PeerId peer) => Array.BinarySearch(_members, peer) >= 0;

    /// <summary>Members as they stand in an entry made now.</summary>
    public RaftPeers Current => Committed with { Size = Size, Ids = _members };

    /// <summary>A change was appended.</summary>
    public void Stage(ulong index, RaftEntryType type, PeerId peer)
    {
        _pending.Add(new Change(index, type == RaftEntryType.AddPeer, peer));
        Count();
    }

    /// <summary>Everything behind an index went.</summary>
    /// <returns>A change went with it.</returns>
    public bool Truncate(ulong index)
    {
        // What comes in the place of what was cut counts, though members were decided on above the log that reached further.
        if (Committed.Index > index) Committed = Committed with { Index = index };
        if (_pending.RemoveAll(change => change.Index > index) == 0) return false;
        Count();
        return true;
    }

    /// <summary>The change at an index is committed.</summary>
    public void Commit(ulong index)
    {
        var peers = Committed;
        foreach (var change in _pending)
        {
            if (change.Index <= index) peers = change.ApplyTo(peers);
        }
        _pending.RemoveAll(change => change.Index <= index);
        Committed = peers with { Index = Math.Max(index, peers.Index) };
        Count();
    }

    /// <summary>Others were agreed on. Changes that stand behind that are kept.</summary>
    public void Replace(RaftPeers peers)
    {
        _pending.RemoveAll(change => change.Index <= peers.Index);
        Committed = peers with { Ids = RaftPeers.Sorted([.. peers.Ids]) };
        Count();
    }

    private void Count()
    {
        var peers = Committed;
        foreach (var change in _pending) peers = change.ApplyTo(peers);
        _members = [.. peers.Ids];
        Size = Math.Max(peers.Size, _members.Length);
    }

    private readonly record struct Change(ulong Index, bool IsAddition, PeerId Peer)
    {
        // A group that forms keeps the size it expects until that many are known: with the size of those known, two halves
        // of it could each believe to be the majority.
        public RaftPeers ApplyTo(RaftPeers peers)
        {
            if (peers.Ids.Contains(Peer) == IsAddition) return peers;
            PeerId[] ids = IsAddition ? RaftPeers.Sorted([.. peers.Ids, Peer]) : [.. peers.Ids.Where(Differs)];
            var size = IsAddition ? Math.Max(peers.Size, ids.Length) : Math.Max(peers.Size - 1, ids.Length);
            return peers with { Ids = ids, Size = size };
        }

        private bool Differs(PeerId id) => id != Peer;
    }
}
