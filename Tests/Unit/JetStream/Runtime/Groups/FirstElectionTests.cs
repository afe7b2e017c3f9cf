using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Unit.Raft.Core;

namespace NatsAspire.Tests.Unit.JetStream.Runtime.Groups;

/// <summary>When a group that comes back stands for election before its time-out.</summary>
public sealed class FirstElectionTests
{
    private const long Patience = 1_500;
    private static readonly PeerId A = Id('a'), B = Id('b'), C = Id('c');
    private readonly HashSet<PeerId> _online = [];

    [Fact]
    public void A_quorum_without_a_leader_elects_one_soon_and_once()
    {
        var (core, first) = Start(A, B, C);
        var timeout = core.NextTick;
        StepUntil(first, 1_000);
        _online.Add(B);
        StepUntil(first, 1_000 + Patience);
        (core.NextTick, first.HasStood).ShouldBe((timeout, false), "a leader may be silent for that long");
        first.Step(first.NextStep);
        core.NextTick.ShouldBeLessThan(1_250 + Patience + new RaftTimings().MaxCampaign + 1);
        (first.NextStep, first.HasStood).ShouldBe((long.MaxValue, true));
    }

    [Fact]
    public void Who_comes_and_goes_is_waited_for_from_the_start()
    {
        var (core, first) = Start(A, B, C);
        var timeout = core.NextTick;
        for (var now = 0L; now < timeout - 500; now += 500)
        {
            if (!_online.Remove(B)) _online.Add(B);
            first.Step(now);
        }
        core.NextTick.ShouldBe(timeout);
    }

    [Fact]
    public void A_leader_that_was_heard_is_left_alone()
    {
        var (core, first) = Start(A, B, C);
        _online.UnionWith([B, C]);
        first.Step(0);
        using var batch = new ProposalBatch(1024);
        batch.Add(RaftEntryType.Normal, "x"u8);
        core.Receive(RaftMessageKind.AppendEntry, batch.Close(new AppendEntryHeader(B, 1, 0, 0, 0)), "reply"u8, 100);
        core.HadLeader.ShouldBeTrue();
        var timeout = core.NextTick;
        first.Step(2 * Patience);
        (core.NextTick, first.NextStep).ShouldBe((timeout, long.MaxValue));
    }

    [Fact]
    public void One_alone_has_nobody_to_wait_for()
    {
        var (_, first) = Start(A);
        first.Step(0);
        first.NextStep.ShouldBe(long.MaxValue);
    }

    private static PeerId Id(char letter) => PeerId.Parse(new string(letter, PeerId.Length));

    private static void StepUntil(FirstElection first, long end)
    {
        while (first.NextStep < end) first.Step(first.NextStep);
    }

    private (RaftGroup Core, FirstElection First) Start(params PeerId[] members)
    {
        var core = new RaftGroup(new RaftOptions { Self = A, Group = "g", Seed = 7 }, new RaftStart { Peers = RaftPeers.Of(members), Term = 1 }, new EffectLog());
        core.Start(paused: false, 0);
        return (core, new FirstElection(core, _online.Contains, Patience));
    }
}
