using NatsAspire.Server.Raft.Core;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>The simulator finds each planted mistake within its number of seeds: one it does not find is its own.</summary>
public sealed class PlantedBugTests
{
    [Fact]
    public void Survey()
    {
        if (Environment.GetEnvironmentVariable("NATSASPIRE_RAFT_SURVEY") is not { } cap) return;
        var most = ulong.Parse(cap);
        foreach (var (name, create) in PlantedBugs.All)
        {
            var (found, seeds, what) = (0, new List<ulong>(), "");
            for (ulong seed = 1; seed <= most; seed++)
            {
                try
                {
                    new RaftSimulation(seed, create, isRecording: false).Run();
                }
                catch (Exception violation)
                {
                    found++;
                    if (seeds.Count < 4) seeds.Add(seed);
                    if (what.Length == 0) what = violation.Message;
                    if (found > 8) { most = Math.Max(seed, most); break; }
                }
            }
            Console.WriteLine($"{name}: {found}, seeds {string.Join(' ', seeds)}: {what}");
        }
    }
}
