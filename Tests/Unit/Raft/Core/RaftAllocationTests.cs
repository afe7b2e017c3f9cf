using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Unit.Raft.Core;

/// <summary>What comes for each message is not taken from the heap.</summary>
public sealed class RaftAllocationTests
{
    /// <summary>So many that pools, which are emptied when memory is short, may be filled again meanwhile: an entry's own object would be 24 bytes each.</summary>
    private const int Rounds = 100_000;
    private static readonly PeerId A = PeerId.Parse("aaaaaaaa"), B = PeerId.Parse("bbbbbbbb"), C = PeerId.Parse("cccccccc");

    [Fact]
    public void A_leader_and_its_follower_allocate_nothing_for_an_entry()
    {
        var wire = new Wire();
        var leader = wire.Leader = Create(A, wire);
        var follower = wire.Follower = Create(B, new Far(wire));
        leader.Campaign(1);
        leader.Tick(1_000);
        leader.Durable(leader.Position, 1_000);
        var vote = new VoteResponse(leader.Term, B, IsGranted: true, IsEmpty: false).Write(new byte[VoteResponse.Length]).ToArray();
        leader.Receive(RaftMessageKind.VoteResponse, vote, default, 1_000);
        wire.Pass();
        for (var i = 0; i < Rounds; i++) wire.Round(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Rounds; i++) wire.Round(i);
        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Rounds;
        follower.CommitIndex.ShouldBeGreaterThan(2UL * Rounds - 2);
        bytes.ShouldBeLessThan(8, "bytes for each entry; snapshots may take some now and then");
    }

    private static RaftGroup Create(PeerId self, IRaftEffects effects)
    {
        var group = new RaftGroup(new RaftOptions { Self = self, Group = "g", Seed = self.Value }, new RaftStart { Origin = RaftOrigin.Created, Peers = RaftPeers.Of(A, B, C) }, effects);
        group.Start(paused: false, 0);
        return group;
    }

    /// <summary>The leader's side: its entries go straight to the follower's buffer.</summary>
    private sealed class Wire : Nothing
    {
        private readonly byte[] _entry = new byte[100];
        private readonly byte[] _live = new byte[1_000];
        private readonly byte[] _answer = new byte[AppendEntryResponse.Length];
        private int _liveLength;

        public RaftGroup Leader { get; set; } = null!;

        public RaftGroup Follower { get; set; } = null!;

        public bool HasAnswer { get; set; }

        public Span<byte> Answer => _answer;

        public override void Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter)
        {
            if (!subject.SequenceEqual(Leader.Subjects.AppendEntries)) return;
            frame.CopyTo(_live);
            _liveLength = frame.Length;
        }

        public void Round(int i)
        {
            Leader.Propose(Leader.Term, _entry, 1_000);
            Leader.Flush(1_000);
            Pass();
            Pass();
            Settle(Leader, i);
            Settle(Follower, i);
        }

        // What the leader sent last, and the answer to it.
        public void Pass()
        {
            Follower.Receive(RaftMessageKind.AppendEntry, _live.AsSpan(0, _liveLength), Leader.AppendInbox, 1_000);
            Follower.Durable(Follower.Position, 1_000);
            Leader.Durable(Leader.Position, 1_000);
            if (HasAnswer) Leader.Receive(RaftMessageKind.AppendEntryResponse, _answer, default, 1_000);
            HasAnswer = false;
            Leader.Flush(1_000);
        }

        private static void Settle(RaftGroup group, int i)
        {
            group.Applied(group.CommitIndex, 1_000);
            if (i % 500 != 0 || group.InstallSnapshot(group.AppliedIndex, default, force: true, 1_000) != RaftResult.Accepted) return;
            group.SnapshotSaved(group.AppliedIndex, 1_000);
        }
    }

    private sealed class Far(Wire wire) : Nothing
    {
        public override void Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter)
        {
            if (!subject.SequenceEqual(wire.Leader.AppendInbox)) return;
            frame.CopyTo(wire.Answer);
            wire.HasAnswer = true;
        }
    }
}
