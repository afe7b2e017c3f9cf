using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

// What must always be true.
internal sealed partial class RaftSimulation
{
    private readonly Dictionary<ulong, PeerId> _leaders = [];
    private readonly Dictionary<(ulong Index, ulong Term), ulong> _entries = [];
    private readonly Dictionary<ulong, (ulong Term, ulong Chain)> _chain = [];
    private readonly Dictionary<ulong, ulong> _committedBy = [];
    private readonly Dictionary<(PeerId Voter, ulong Term), PeerId> _votes = [];
    private readonly Dictionary<SimulatedMember, (ulong Term, ulong Commit)> _progress = [];
    private ulong _lastCommitted;
    private ulong _committedBeforeCalm;

    private void BeginLife(SimulatedMember member) => _progress[member] = default;

    // Term and commit never go down in a life; the term never over lives, on the same disk.
    private void Check(SimulatedMember member)
    {
        var (term, commit) = _progress[member];
        Demand(member.Group.Term >= term, member, $"went from term {term} to {member.Group.Term}");
        Demand(member.Group.CommitIndex >= commit, member, $"went from commit {commit} to {member.Group.CommitIndex}");
        Demand(member.Group.CommitIndex <= member.Group.LastIndex, member, "committed more than it holds");
        _progress[member] = (member.Group.Term, member.Group.CommitIndex);
    }

    // Two logs that hold an entry of the same term at the same index hold the same entry there, and before it.
    public void Stored(SimulatedMember member, ulong index, ulong term, ReadOnlySpan<byte> frame)
    {
        AppendEntry.TryRead(frame, out var entry);
        var hash = HashOf(entry.Body);
        Mix(index, hash);
        if (!_entries.TryAdd((index, term), hash)) Demand(_entries[(index, term)] == hash, member, $"stores another entry {index} of term {term}");
    }

    // What one has applied at an index all apply there.
    public void Applied(SimulatedMember member, ulong index, ulong term, ulong chain)
    {
        Mix(index, chain);
        if (_chain.TryAdd(index, (term, chain)))
        {
            Demand(index == _lastCommitted + 1, member, $"applies {index} behind {_lastCommitted}");
            _lastCommitted = index;
            _committedBy[index] = member.Group.Term;
        }
        else
        {
            Demand(_chain[index] == (term, chain), member, $"applies another history up to {index}: term {term} instead of {_chain[index].Term}");
        }
    }

    public void SnapshotApplied(SimulatedMember member, ulong index, ulong chain)
    {
        Mix(index, chain);
        Demand(_chain.TryGetValue(index, out var known) && known.Chain == chain, member, $"takes a snapshot of another history up to {index}");
    }

    // One leader a term, and it has all that was committed in a term before; in a later one something may have been already.
    public void Elected(SimulatedMember member)
    {
        var term = member.Group.Term;
        Mix(term, member.Id.Value);
        if (!_leaders.TryAdd(term, member.Id)) Demand(false, member, $"leads in term {term}, as {SimulatedMember.Letter(_leaders[term])} did");
        var index = _lastCommitted;
        while (index > member.Group.SnapshotIndex && _committedBy[index] >= term) index--;
        if (index <= member.Group.SnapshotIndex) return;
        Demand(member.Group.TermOf(index) == _chain[index].Term, member, $"was elected without the committed entry {index} of term {_chain[index].Term}");
    }

    // What a member promises holds over a crash at this moment.
    private void CheckPromise(SimulatedMember member, SimulatedMessage message)
    {
        if (VoteResponse.TryRead(message.Frame, out var vote) && vote.IsGranted && !vote.IsEmpty)
        {
            var candidate = _members.FirstOrDefault(one => one.Listens(message.Subject));
            Demand(member.Disk.Vote.Term >= vote.Term, member, $"votes in term {vote.Term}, which is not on its disk");
            if (candidate is null) return;
            if (!_votes.TryAdd((member.Id, vote.Term), candidate.Id)) Demand(_votes[(member.Id, vote.Term)] == candidate.Id, member, $"votes twice in term {vote.Term}");
        }
        else if (AppendEntryResponse.TryRead(message.Frame, out var response) && response.IsSuccess)
        {
            Demand(member.Disk.Held(response.Index, response.Term), member, $"acknowledges {response.Term}:{response.Index}, which is not on its disk");
        }
    }

    // When nothing fails any more, a leader leads and all members become the same.
    private void CheckWellness()
    {
        var leader = _members.Where(one => one.IsRunning && one.Group.Leads).MaxBy(one => one.Group.Term) ?? throw Violation(null, "nobody leads when all is well");
        Demand(_lastCommitted > _committedBeforeCalm, leader, $"nothing was committed when all was well, behind {_lastCommitted}");
        foreach (var id in leader.Group.Members)
        {
            var member = _members.Find(one => one.Id == id);
            Demand(member is { IsRunning: true }, leader, $"has the member {SimulatedMember.Letter(id)}, which is gone");
            Demand(member!.State == leader.State, member, $"has applied {member.State.Index} when all is well, its leader {leader.State.Index}");
            Demand(member.Group.Leader == leader.Id, member, "does not know its leader when all is well");
            Demand(!member.Group.MayHaveForgotten, member, "is not trusted when all is well");
        }
    }

    private static ulong HashOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037;
        foreach (var one in bytes) hash = (hash ^ one) * 1099511628211;
        return hash;
    }

    private void Demand(bool isTrue, SimulatedMember? member, string otherwise)
    {
        if (!isTrue) throw Violation(member, otherwise);
    }

    private ViolationException Violation(SimulatedMember? member, string what)
    {
        Note(member, "VIOLATION " + what);
        return new ViolationException($"seed {Seed} at {_now} ms: {member?.Name ?? "all"} {what}");
    }
}
