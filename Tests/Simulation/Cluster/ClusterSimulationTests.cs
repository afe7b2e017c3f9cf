using System.Collections.Concurrent;
using System.Globalization;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>
/// Seeds of the simulated cluster: <c>NATSASPIRE_CLUSTER_SEEDS=10000</c> runs that many, <c>NATSASPIRE_CLUSTER_SEED=17</c>
/// one, with its timeline.
/// </summary>
public sealed class ClusterSimulationTests
{
    private const int Seeds = 60;

    [Fact]
    public void Seeds_keep_all_that_must_be_true()
    {
        if (Number("SEED") is { } one)
        {
            RunRecorded(one);
            return;
        }
        var (seeds, first) = (Number("SEEDS") ?? Seeds, Number("FIRST") ?? 1);
        var failed = new ConcurrentQueue<string>();
        long events = 0, faults = 0, time = 0, acknowledged = 0, confirmed = 0;
        Parallel.For((long)first, (long)(first + seeds), new ParallelOptions { MaxDegreeOfParallelism = 2 }, (seed, state) =>
        {
            var simulation = new ClusterSimulation((ulong)seed, null, isRecording: false);
            try
            {
                simulation.Run();
            }
            catch (Exception failure)
            {
                failed.Enqueue($"seed {seed}: {failure.Message} {(failure is ViolationException ? "" : failure.StackTrace)}\n");
                if (failed.Count >= 20) state.Stop();
            }
            Interlocked.Add(ref events, simulation.World.Events);
            Interlocked.Add(ref faults, simulation.Faults);
            Interlocked.Add(ref time, simulation.World.Now);
            Interlocked.Add(ref acknowledged, simulation.Acknowledged);
            Interlocked.Add(ref confirmed, simulation.Confirmed);
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seeds} seeds, {time / 3_600e9:F2} virtual hours, {events} events, {faults} faults, {acknowledged} publishes acknowledged, {confirmed} acknowledgements confirmed"));
        failed.ShouldBeEmpty();
        acknowledged.ShouldBeGreaterThan((long)seeds * 50);
        confirmed.ShouldBeGreaterThan((long)seeds * 50);
    }

    [Fact]
    public void A_seed_is_always_the_same_run()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var (one, other) = (new ClusterSimulation(seed, null, isRecording: false), new ClusterSimulation(seed, null, isRecording: true));
            one.Run();
            other.Run();
            (other.World.Hash, other.World.Events).ShouldBe((one.World.Hash, one.World.Events));
        }
    }

    private static ulong? Number(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_CLUSTER_" + name), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static void RunRecorded(ulong seed)
    {
        var simulation = new ClusterSimulation(seed, null, isRecording: true);
        try
        {
            simulation.Run();
        }
        finally
        {
            File.WriteAllText(Path.Combine(Path.GetTempPath(), $"cluster-{seed}.txt"), simulation.World.Timeline);
        }
    }
}
