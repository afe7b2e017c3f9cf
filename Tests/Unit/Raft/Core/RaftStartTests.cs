using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Simulation.Raft;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Raft.Core;

/// <summary>What a member makes of what it finds on its disk.</summary>
public sealed class RaftStartTests
{
    private static readonly PeerId Self = Id('a');

    private static PeerId Id(char letter) => PeerId.Parse(new string(letter, PeerId.Length));

    private static RaftPeers Peers(string letters) => RaftPeers.Of([.. letters.Select(Id)]);

    private static byte[] Frame(ulong term, ulong previousTerm, ulong previousIndex, ulong commit = 0, RaftEntryType type = RaftEntryType.Normal, string data = "x")
    {
        using var batch = new ProposalBatch(1024);
        batch.Add(type, System.Text.Encoding.ASCII.GetBytes(data));
        return batch.Close(new AppendEntryHeader(Id('b'), term, commit, previousTerm, previousIndex)).ToArray();
    }

    private static (RaftGroup Group, EffectLog Log) Start(RaftStart start)
    {
        var log = new EffectLog();
        var group = new RaftGroup(new RaftOptions { Self = Self, Group = "g", Seed = 7 }, start, log);
        group.Start(paused: false, 0);
        return (group, log);
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGTruncateOnStartup")]
    public void Frames_behind_one_that_does_not_follow_are_cut_away()
    {
        byte[][] gap = [Frame(1, 0, 0), Frame(1, 1, 2)];
        byte[][] again = [Frame(1, 0, 0), Frame(1, 0, 0)];
        byte[][] term = [Frame(3, 0, 0), Frame(3, 2, 1)];
        byte[][] older = [Frame(3, 0, 0), Frame(2, 3, 1)];
        byte[][] cut = [Frame(1, 0, 0), Frame(1, 1, 1)[..^3]];
        foreach (var frames in new[] { gap, again, term, older, cut })
        {
            var (group, log) = Start(new RaftStart { Peers = Peers("abc"), Frames = frames.Select(frame => (ReadOnlyMemory<byte>)frame) });
            group.LastIndex.ShouldBe(1UL);
            group.MayHaveForgotten.ShouldBeTrue();
            log.Effects.ShouldContain("truncate 1");
            log.Effects.ShouldContain("doubt True");
            log.Effects.IndexOf("doubt True").ShouldBeLessThan(log.Effects.IndexOf("truncate 1"));
        }
    }

    /// <summary>Whatever turns come before the start: it has not read yet what it promised.</summary>
    [Fact]
    public void Nothing_happens_before_the_start()
    {
        var log = new EffectLog();
        var group = new RaftGroup(new RaftOptions { Self = Self, Group = "g", Seed = 7 }, new RaftStart { Peers = Peers("abc"), Term = 3, Frames = [Frame(1, 0, 0)] }, log);
        group.NextTick.ShouldBe(long.MaxValue);
        group.Tick(100_000);
        group.Campaign(100_000).ShouldBeFalse();
        Span<byte> vote = stackalloc byte[VoteRequest.Length];
        group.Receive(RaftMessageKind.VoteRequest, new VoteRequest(9, 8, 7, Id('b')).Write(vote), "reply"u8, 100_000);
        group.Flush(100_000);
        log.Effects.ShouldBeEmpty();
        group.Start(paused: false, 100_000);
        (group.State, group.Term, group.LastIndex).ShouldBe((RaftState.Follower, 3UL, 1UL));
        group.NextTick.ShouldBeGreaterThan(100_000);
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGTruncateLogWithMissingSnapshot")]
    public void A_log_whose_snapshot_is_gone_is_none()
    {
        var (group, log) = Start(new RaftStart { Peers = Peers("abc"), Term = 1, Frames = [Frame(1, 1, 5), Frame(1, 1, 6)] });
        (group.LastIndex, group.CommitIndex, group.MayHaveForgotten).ShouldBe((0UL, 0UL, true));
        log.Effects.ShouldContain("truncate 0");
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGTruncateLogWithMisalignedSnapshotGap")]
    public void A_log_that_begins_behind_its_snapshot_goes_back_to_it()
    {
        var snapshot = new RaftSnapshot(1, 3, Peers("abc"), new byte[16]);
        var (group, log) = Start(new RaftStart { Peers = Peers("abc"), Term = 1, Snapshot = snapshot, Frames = [Frame(1, 1, 5)] });
        (group.LastIndex, group.LastTerm, group.CommitIndex, group.MayHaveForgotten).ShouldBe((3UL, 1UL, 3UL, true));
        log.Effects.ShouldContain("snapshot 3");
        log.Effects.ShouldContain("truncate 3");
    }

    /// <summary>A server has been up for long when it starts again: that is no silence of its own.</summary>
    [Fact]
    public void A_doubt_that_is_found_does_not_end_with_the_first_entry()
    {
        const long uptime = 1_000_000_000;
        var group = new RaftGroup(new RaftOptions { Self = Self, Group = "g", Seed = 7 }, new RaftStart { Peers = Peers("abc"), Term = 1, MayHaveForgotten = true, Frames = [Frame(1, 0, 0)] }, new EffectLog());
        group.Start(paused: false, uptime);
        group.Receive(RaftMessageKind.AppendEntry, Frame(1, 1, 1), "reply"u8, uptime + 1);
        (group.LastIndex, group.MayHaveForgotten).ShouldBe((2UL, true));
        group.Dispose();
    }

    [Fact]
    public void What_the_snapshot_covers_is_passed_over()
    {
        var snapshot = new RaftSnapshot(1, 2, Peers("abc"), new byte[16]);
        var (group, log) = Start(new RaftStart { Peers = Peers("abc"), Term = 2, Snapshot = snapshot, Frames = [Frame(1, 0, 0), Frame(1, 1, 1), Frame(2, 1, 2), Frame(2, 2, 3, commit: 3)] });
        (group.LastIndex, group.LastTerm, group.CommitIndex, group.SnapshotIndex, group.MayHaveForgotten).ShouldBe((4UL, 2UL, 3UL, 2UL, false));
        log.Effects.ShouldBe(["snapshot 2", "apply 3", "recovered"]);
    }

    [Fact]
    public void Nothing_is_shown_before_it_resumes_when_it_starts_paused()
    {
        var log = new EffectLog();
        var group = new RaftGroup(new RaftOptions { Self = Self, Group = "g", Seed = 7 }, new RaftStart { Peers = Peers("abc"), Frames = [Frame(1, 0, 0), Frame(1, 1, 1, commit: 1)] }, log);
        group.Start(paused: true, 0);
        log.Effects.ShouldBe(["vote 1", .. Array.Empty<string>()]);
        group.ResumeApply(1);
        log.Effects.ShouldBe(["vote 1", "apply 1", "recovered"]);
        Should.Throw<InvalidOperationException>(() => group.Start(paused: false, 2));
    }

    [Fact]
    public void A_term_in_the_log_is_known_even_if_it_was_not_saved()
    {
        var (group, log) = Start(new RaftStart { Peers = Peers("abc"), Term = 3, Vote = Id('c'), Frames = [Frame(5, 0, 0)] });
        (group.Term, group.Vote).ShouldBe((5UL, PeerId.None));
        log.Effects.ShouldContain("vote 5");
    }

    [Fact]
    public void Changes_in_the_log_count_again_but_not_those_the_members_were_saved_behind()
    {
        byte[][] frames = [Frame(1, 0, 0, 0, RaftEntryType.AddPeer, "dddddddd"), Frame(1, 1, 1, 1, RaftEntryType.RemovePeer, "cccccccc")];
        var fresh = Start(new RaftStart { Peers = Peers("abc"), Term = 1, Frames = frames.Select(frame => (ReadOnlyMemory<byte>)frame) }).Group;
        (fresh.Members.Length, fresh.Members.Contains(Id('d')), fresh.Members.Contains(Id('c')), fresh.IsChangingMembers).ShouldBe((3, true, false, true));
        fresh.CommittedPeers.Ids.Count.ShouldBe(4);

        var saved = Peers("abe") with { Index = 2 };
        var later = Start(new RaftStart { Peers = saved, Term = 1, Frames = frames.Select(frame => (ReadOnlyMemory<byte>)frame) }).Group;
        later.Members.ToArray().ShouldBe(saved.Ids);
        later.IsChangingMembers.ShouldBeFalse();
    }

    [Theory]
    [InlineData(RaftOrigin.Created, false)]
    [InlineData(RaftOrigin.Recovered, true)]
    [InlineData(RaftOrigin.Damaged, true)]
    public void An_empty_log_is_right_only_for_a_new_group(RaftOrigin origin, bool mayHaveForgotten)
    {
        var (group, _) = Start(new RaftStart { Origin = origin, Peers = Peers("abc") });
        group.MayHaveForgotten.ShouldBe(mayHaveForgotten);
    }

    [Fact]
    public void Nobody_and_impossible_times_are_refused()
    {
        var start = new RaftStart { Peers = Peers("abc") };
        Should.Throw<ArgumentException>(() => new RaftGroup(new RaftOptions { Self = PeerId.None, Group = "g", Seed = 1 }, start, new EffectLog()));
        var options = new RaftOptions { Self = Self, Group = "g", Seed = 1 };
        Should.Throw<ArgumentOutOfRangeException>(() => new RaftGroup(options with { Timings = new RaftTimings { MinElection = 9_000 } }, start, new EffectLog()));
        Should.Throw<ArgumentOutOfRangeException>(() => new RaftGroup(options with { Timings = new RaftTimings { Heartbeat = 0 } }, start, new EffectLog()));
    }
}
