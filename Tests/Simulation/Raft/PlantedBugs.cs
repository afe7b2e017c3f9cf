using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>Groups with one mistake each: those upstream made, and those Raft's paper warns of.</summary>
internal static class PlantedBugs
{
    /// <summary>By name; the number is that of upstream's bug.</summary>
    public static readonly IReadOnlyDictionary<string, GroupFactory> All = new Dictionary<string, GroupFactory>
    {
        ["commits entries of older terms (#7955)"] = (options, start, effects) => new CommitsOlderTerms(options, start, effects),
        ["votes again in the same term (#7698)"] = (options, start, effects) => new VotesAgain(options, start, effects),
        ["votes before the vote is durable"] = (options, start, effects) => new VotesBeforeDurable(options, start, effects),
        ["acknowledges before the entry is durable (#7564)"] = (options, start, effects) => new AcknowledgesBeforeDurable(options, start, effects),
        ["a leader counts what its own disk has not"] = (options, start, effects) => new CountsOwnUndurable(options, start, effects),
        ["takes entries of an older leader (#7209)"] = (options, start, effects) => new FollowsOlderLeaders(options, start, effects),
        ["does not compare the term before"] = (options, start, effects) => new IgnoresPreviousTerm(options, start, effects),
        ["truncates for what comes late (#7424)"] = (options, start, effects) => new TruncatesForLateEntries(options, start, effects),
        ["truncates what is committed (#8023)"] = (options, start, effects) => new TruncatesCommitted(options, start, effects),
        ["a wiped disk votes as any other (#7038)"] = (options, start, effects) => new ForgetfulVotes(options, start, effects),
        ["a wiped disk is trusted with the first entry"] = (options, start, effects) => new TrustsAtOnce(options, start, effects),
        ["votes for who has an older log"] = (options, start, effects) => new VotesForOlderLogs(options, start, effects),
        ["changes members two at a time (#7565)"] = (options, start, effects) => new ChangesManyMembers(options, start, effects),
        ["counts votes of who does not belong (#8353)"] = (options, start, effects) => new CountsAnybodysVote(options, start, effects),
        ["is elected by half of the group"] = (options, start, effects) => new WinsWithHalf(options, start, effects),
    };

    private sealed class CommitsOlderTerms(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool MayCommit(ulong index) => true;
        internal override bool CountsAcknowledgement(in AppendEntryResponse response) => TermOf(response.Index) == response.Term;
        internal override bool AnswersCatchUp() => true;
    }

    private sealed class VotesAgain(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool MayVoteFor(PeerId candidate) => State == RaftState.Follower;
    }

    private sealed class VotesBeforeDurable(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override long PromiseAt(bool isAcknowledgement) => isAcknowledgement ? base.PromiseAt(isAcknowledgement) : 0;
    }

    private sealed class AcknowledgesBeforeDurable(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override long PromiseAt(bool isAcknowledgement) => isAcknowledgement ? 0 : base.PromiseAt(isAcknowledgement);
    }

    private sealed class CountsOwnUndurable(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override ulong OwnMatch() => LastIndex;
    }

    private sealed class FollowsOlderLeaders(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool RefusesOldTerm() => State != RaftState.Follower;
    }

    private sealed class IgnoresPreviousTerm(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool ChecksPreviousTerm() => false;
    }

    private sealed class TruncatesForLateEntries(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool IsStored(in AppendEntry entry) => false;
    }

    private sealed class TruncatesCommitted(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool MayTruncateTo(ulong index) => true;
        internal override bool IsStored(in AppendEntry entry) => false;
    }

    private sealed class ForgetfulVotes(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool VotesAsEmpty() => false;
    }

    private sealed class TrustsAtOnce(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool HasCaughtUp(in AppendEntry entry) => true;
        internal override bool VotesAsEmpty() => LastIndex == 0;
    }

    private sealed class VotesForOlderLogs(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool IsUpToDate(ulong lastTerm, ulong lastIndex) => lastTerm >= LastTerm;
    }

    private sealed class ChangesManyMembers(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool MayBeginChange() => true;
    }

    private sealed class CountsAnybodysVote(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool CountsVoteOf(PeerId peer) => true;
    }

    private sealed class WinsWithHalf(RaftOptions options, RaftStart start, IRaftEffects effects) : RaftGroup(options, start, effects)
    {
        internal override bool HasWon(int votes, int emptyVotes) => votes + emptyVotes >= (ClusterSize + 1) / 2;
    }

}
