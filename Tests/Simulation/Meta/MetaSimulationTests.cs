using System.Collections.Concurrent;
using System.Globalization;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>
/// Seeds of the simulated meta layer: <c>NATSASPIRE_METASIM_SEEDS=10000</c> runs that many, <c>NATSASPIRE_METASIM_SEED=17</c>
/// one, with its timeline.
/// </summary>
public sealed class MetaSimulationTests
{
    private const int Seeds = 40;

    /// <summary>Seeds behind the first ones that once failed.</summary>
    private static readonly long[] Mended = [89, 197, 301, 331, 380, 480, 513, 828];

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
        long events = 0, faults = 0, time = 0, confirmed = 0, acknowledged = 0;
        IEnumerable<long> numbers = [.. Enumerable.Range(0, (int)seeds).Select(at => (long)first + at), .. Number("SEEDS") is null ? Mended : []];
        Parallel.ForEach(numbers, new ParallelOptions { MaxDegreeOfParallelism = 2 }, (seed, state) =>
        {
            var simulation = new MetaSimulation((ulong)seed, null, isRecording: false);
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
            Interlocked.Add(ref confirmed, simulation.Confirmed);
            Interlocked.Add(ref acknowledged, simulation.Acknowledged);
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seeds} seeds, {time / 3_600e9:F2} virtual hours, {events} events, {faults} faults, {confirmed} requests confirmed, {acknowledged} messages acknowledged"));
        failed.ShouldBeEmpty();
        confirmed.ShouldBeGreaterThan((long)seeds * 5);
        acknowledged.ShouldBeGreaterThan((long)seeds * 20);
    }

    [Fact]
    public void A_seed_is_always_the_same_run()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var (one, other) = (new MetaSimulation(seed, null, isRecording: false), new MetaSimulation(seed, null, isRecording: true));
            one.Run();
            other.Run();
            (other.World.Hash, other.World.Events).ShouldBe((one.World.Hash, one.World.Events));
        }
    }

    private static ulong? Number(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_METASIM_" + name), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static void RunRecorded(ulong seed)
    {
        var simulation = new MetaSimulation(seed, null, isRecording: true);
        try
        {
            simulation.Run();
        }
        finally
        {
            File.WriteAllText(Path.Combine(Path.GetTempPath(), $"meta-{seed}.txt"), $"{simulation.Timeline}hash {simulation.World.Hash}\n");
        }
    }
}
