using NatsAspire.Server.Raft.Core;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>
/// The simulator finds each planted mistake; one it does not find is its own. Of a thousand seeds at least one finds each
/// (<c>NATSASPIRE_RAFT_SURVEY=1000</c> counts them); so that the run is short, the search begins near one that does.
/// </summary>
public sealed class PlantedBugTests
{
    /// <summary>Seeds that are tried.</summary>
    private const int Cap = 12;

    /// <summary>By mistake: the seed to begin with.</summary>
    public static TheoryData<string, ulong> Begins { get; } = new()
    {
        { "commits entries of older terms (#7955)", 400 },
        { "votes again in the same term (#7698)", 1 },
        { "votes before the vote is durable", 1 },
        { "acknowledges before the entry is durable (#7564)", 1 },
        { "a leader counts what its own disk has not", 90 },
        { "takes entries of an older leader (#7209)", 370 },
        { "does not compare the term before", 15 },
        { "truncates for what comes late (#7424)", 885 },
        { "truncates what is committed (#8023)", 1 },
        { "a wiped disk votes as any other (#7038)", 1 },
        { "a wiped disk is trusted with the first entry", 320 },
        { "votes for who has an older log", 5 },
        { "changes members two at a time (#7565)", 130 },
        { "counts votes of who does not belong (#8353)", 95 },
        { "is elected by half of the group", 10 },
    };

    [Theory]
    [MemberData(nameof(Begins))]
    public void Is_found(string mistake, ulong begin)
    {
        for (var seed = begin; seed < begin + Cap; seed++)
        {
            if (Find(PlantedBugs.All[mistake], seed) is not null) return;
        }
        Assert.Fail($"'{mistake}' was not found by seeds {begin} to {begin + Cap - 1}");
    }

    [Fact]
    public void All_are_looked_for() => Begins.Select(row => row.Data.Item1).Order().ShouldBe(PlantedBugs.All.Keys.Order());

    /// <summary>How many of the first seeds find each, for the documents.</summary>
    [Fact]
    public void Survey()
    {
        if (!ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_RAFT_SURVEY"), out var seeds)) return;
        foreach (var (mistake, create) in PlantedBugs.All)
        {
            var found = new List<ulong>();
            var first = "";
            for (ulong seed = 1; seed <= seeds && found.Count < 5; seed++)
            {
                if (Find(create, seed) is not { } what) continue;
                if (found.Count == 0) first = what;
                found.Add(seed);
            }
            TestContext.Current.TestOutputHelper?.WriteLine($"{mistake}: seeds {string.Join(' ', found)}: {first}");
        }
    }

    // What makes a member throw is found as well.
    private static string? Find(GroupFactory create, ulong seed)
    {
        try
        {
            new RaftSimulation(seed, create, isRecording: false).Run();
            return null;
        }
        catch (Exception found)
        {
            return found.Message;
        }
    }
}
