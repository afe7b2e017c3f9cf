using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>
/// What a member has on its disk: records by position, of which those up to the durable one are there after a crash, and
/// the next few may be.
/// </summary>
internal sealed class MemberDisk(RaftPeers peers)
{
    private readonly Queue<(long Position, Action<MemberDisk> Apply)> _pending = [];
    private readonly SortedList<ulong, byte[]> _frames = [];
    private readonly HashSet<(ulong Index, ulong Term)> _held = [];
    private readonly HashSet<PeerId> _removed = [];
    private RaftPeers _peers = peers;
    private RaftSnapshot? _snapshot;
    private ulong _term;
    private PeerId _vote;
    private bool _doubt;

    /// <summary>Up to here everything would be there after a crash.</summary>
    public long Durable { get; private set; }

    /// <summary>Position of the last record.</summary>
    public long Last { get; private set; }

    /// <summary>Its first record was written: it is not a new disk.</summary>
    public bool IsUsed { get; set; }

    /// <summary>Term and vote that would be found.</summary>
    public (ulong Term, PeerId Vote) Vote => (_term, _vote);

    public void SaveVote(long position, ulong term, PeerId vote) => Add(position, disk => (disk._term, disk._vote) = (term, vote));

    public void SavePeers(long position, RaftPeers saved) => Add(position, disk =>
    {
        RaftPeers.NoteRemovals(disk._removed, disk._peers, saved);
        disk._peers = saved;
    });

    public void SaveDoubt(long position, bool doubt) => Add(position, disk => disk._doubt = doubt);

    public void Append(long position, ulong index, byte[] frame) => Add(position, disk =>
    {
        disk._held.Add((index, AppendEntry.TryRead(frame, out var entry) ? entry.Term : 0));
        if (index > (disk._snapshot?.Index ?? 0)) disk._frames[index] = frame;
    });

    public void Truncate(long position, ulong lastIndex) => Add(position, disk =>
    {
        disk.Forget(index => index > lastIndex);
        if (disk._peers.Index > lastIndex) disk._peers = disk._peers with { Index = lastIndex };
    });

    public void InstallSnapshot(long position, RaftSnapshot snapshot) => Add(position, disk =>
    {
        disk._snapshot = snapshot;
        disk._frames.Clear();
    });

    /// <summary>A snapshot made here is durable, beside the positions.</summary>
    public void SaveSnapshot(RaftSnapshot snapshot)
    {
        if (snapshot.Index <= (_snapshot?.Index ?? 0)) return;
        _snapshot = snapshot;
        Forget(index => index <= snapshot.Index);
    }

    /// <summary>Whether the log held this entry when it had synced: an answer to it may leave even after a newer leader's word took it away.</summary>
    public bool Held(ulong index, ulong term) => index == 0 || _held.Contains((index, term)) || (_snapshot is { } snapshot && index <= snapshot.Index);

    /// <summary>A write and sync has got this far.</summary>
    public void Sync(long position)
    {
        while (_pending.TryPeek(out var next) && next.Position <= position) _pending.Dequeue().Apply(this);
        Durable = Math.Max(Durable, Math.Min(position, Last));
    }

    /// <summary>The server dies: some of what was on the way to the disk got there, in order; the rest did not.</summary>
    /// <param name="survivors">Records behind the durable position that got there.</param>
    public void Crash(int survivors)
    {
        for (; survivors > 0 && _pending.TryDequeue(out var next); survivors--) next.Apply(this);
        _pending.Clear();
        Durable = Last = 0;
    }

    /// <summary>Records not yet durable.</summary>
    public int Pending => _pending.Count;

    /// <summary>What is found at a start.</summary>
    public RaftStart Load(RaftOrigin origin)
    {
        var frames = new List<ReadOnlyMemory<byte>>();
        var next = (_snapshot?.Index ?? 0) + 1;
        foreach (var (index, frame) in _frames)
        {
            if (index != next) continue;
            frames.Add(frame);
            next++;
        }
        // What comes behind a hole is void; it must not come back when the hole is filled.
        Forget(index => index >= next);
        return new RaftStart { Origin = origin, MayHaveForgotten = _doubt, Term = _term, Vote = _vote, Peers = _peers, Removed = [.. _removed], Snapshot = _snapshot, Frames = frames };
    }

    private void Add(long position, Action<MemberDisk> apply)
    {
        position.ShouldBe(Last + 1);
        Last = position;
        IsUsed = true;
        _pending.Enqueue((position, apply));
    }

    private void Forget(Func<ulong, bool> isGone)
    {
        foreach (var index in _frames.Keys.Where(isGone).ToArray()) _frames.Remove(index);
    }
}
