using System.Globalization;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>
/// The simulator finds each planted mistake; one it does not find is its own.
/// <c>NATSASPIRE_CLUSTER_SURVEY=200</c> says which seeds find which.
/// </summary>
public sealed class PlantedBugTests
{
    /// <summary>Seeds that are tried at most.</summary>
    private const ulong Cap = 12;

    /// <summary>The same for mistakes that one seed of forty finds.</summary>
    private const ulong RareCap = 240;

    /// <summary>By mistake: the last seed that is tried. Which one finds it changes with what the engine does when.</summary>
    public static TheoryData<string, ulong> Caps { get; } = new()
    {
        { "the log is acknowledged before it is durable (#7564)", Cap },
        { "messages of a checkpoint are not durable when the log goes (#8456)", Cap },
        { "a group's state is not durable when the log goes (#8475)", Cap },
        { "new names are not made durable", Cap },
        { "a snapshot counts without its messages (#8021)", Cap },
        { "entries are applied before the messages of a snapshot are there", Cap },
        { "the entry behind a snapshot is left out (#8320)", Cap },
        { "a leader serves before it has applied what came before (#8370)", RareCap },
        { "deletions are done by leaders only (#7384)", Cap },
        { "a consumer's snapshot is not taken over", Cap },
        { "acknowledgements are known to leaders only (#5482)", Cap },
        { "deliveries are known to leaders only (#8102)", Cap },
        { "a deposed leader of a consumer goes on", Cap },
        { "a message is delivered before others know of it (#6792)", Cap },
        { "an acknowledgement is confirmed before others know of it", Cap },
        { "refusals and duplicates are told before others agree (#6415)", 60 },
        { "a message is judged without what is under way (#7281)", Cap },
        { "a checkpoint is made in the middle of a batch (#8098)", RareCap },
    };

    [Theory]
    [MemberData(nameof(Caps))]
    public void Is_found(string mistake, ulong cap)
    {
        for (ulong seed = 1; seed <= cap; seed++)
        {
            if (Find(mistake, seed) is not null) return;
        }
        Assert.Fail($"'{mistake}' was not found by seeds 1 to {cap}");
    }

    [Fact]
    public void All_are_looked_for() => Caps.Select(row => row.Data.Item1).Order().ShouldBe(PlantedBugs.All.Keys.Order());

    /// <summary>Which of the first seeds find each, for the documents.</summary>
    [Fact]
    public void Survey()
    {
        if (!ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_CLUSTER_SURVEY"), CultureInfo.InvariantCulture, out var seeds)) return;
        foreach (var mistake in PlantedBugs.All.Keys)
        {
            var found = new List<ulong>();
            var first = "";
            for (ulong seed = 1; seed <= seeds && found.Count < 3; seed++)
            {
                if (Find(mistake, seed) is not { } what) continue;
                if (found.Count == 0) first = what;
                found.Add(seed);
            }
            TestContext.Current.TestOutputHelper?.WriteLine($"{mistake}: seeds {string.Join(' ', found)}: {first}");
        }
    }

    // What makes a server throw is found as well.
    private static string? Find(string mistake, ulong seed)
    {
        try
        {
            new ClusterSimulation(seed, PlantedBugs.All[mistake](), isRecording: false).Run();
            return null;
        }
        catch (Exception found)
        {
            return found.Message;
        }
    }
}
