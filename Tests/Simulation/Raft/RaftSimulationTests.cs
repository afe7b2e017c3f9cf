using NatsAspire.Server.Raft.Core;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>
/// Seeds of the simulator: <c>NATSASPIRE_RAFT_SEEDS=100000</c> runs that many, <c>NATSASPIRE_RAFT_SEED=17</c> one, with its
/// timeline.
/// </summary>
public sealed class RaftSimulationTests
{
    private const int Seeds = 600;

    [Fact]
    [Upstream("raft_test.go", "TestNRGChainOfBlocksRunInLockstep")]
    [Upstream("raft_test.go", "TestNRGChainOfBlocksStopAndCatchUp")]
    public void Seeds_keep_all_that_must_be_true()
    {
        if (ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_RAFT_SEED"), out var one))
        {
            var simulation = new RaftSimulation(one, Honest, isRecording: true);
            try
            {
                simulation.Run();
            }
            finally
            {
                File.WriteAllText(Path.Combine(Path.GetTempPath(), $"raft-{one}.txt"), simulation.Timeline);
            }
            return;
        }
        var seeds = int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_RAFT_SEEDS"), out var wanted) ? wanted : Seeds;
        var first = ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_RAFT_FIRST"), out var from) ? from : 1;
        long events = 0, committed = 0, faults = 0;
        for (var seed = first; seed < first + (ulong)seeds; seed++)
        {
            var simulation = Run(seed, Honest);
            events += simulation.Events;
            committed += simulation.Committed;
            faults += simulation.Faults;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{seeds} seeds, {events} events, {faults} faults, {committed} committed, {seeds * (SimulationPlan.Storm + SimulationPlan.Calm) / 3_600_000.0:F1} virtual hours");
        committed.ShouldBeGreaterThan(seeds * 50);
    }

    [Fact]
    public void A_seed_is_always_the_same_run()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var (one, other) = (Run(seed, Honest), Run(seed, Honest));
            (other.Hash, other.Events, other.Committed).ShouldBe((one.Hash, one.Events, one.Committed));
            Run(seed + 10, Honest).Hash.ShouldNotBe(one.Hash);
        }
    }

    private static RaftGroup Honest(RaftOptions options, RaftStart start, IRaftEffects effects) => new(options, start, effects);

    private static RaftSimulation Run(ulong seed, GroupFactory create)
    {
        var simulation = new RaftSimulation(seed, create, isRecording: false);
        try
        {
            simulation.Run();
            return simulation;
        }
        catch (Exception failure)
        {
            var again = new RaftSimulation(seed, create, isRecording: true);
            var same = Should.Throw<Exception>(again.Run);
            File.WriteAllText(Path.Combine(Path.GetTempPath(), $"raft-{seed}.txt"), again.Timeline);
            throw new ViolationException($"{failure.Message}\nthe same again: {same.Message == failure.Message}; {Path.GetTempPath()}raft-{seed}.txt ends:\n{string.Join('\n', again.Timeline.Split('\n')[^Math.Min(60, again.Timeline.Split('\n').Length)..])}\n{failure.StackTrace}");
        }
    }
}
