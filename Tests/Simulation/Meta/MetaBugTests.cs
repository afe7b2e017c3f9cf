using System.Globalization;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>
/// The simulator finds each planted mistake; one it does not find is its own.
/// <c>NATSASPIRE_METASIM_SURVEY=200</c> says which seeds find which.
/// </summary>
public sealed class MetaBugTests
{
    /// <summary>By mistake: the last seed that is tried. Which one finds it changes with what the engine does when.</summary>
    public static TheoryData<string, ulong> Caps { get; } = new()
    {
        { "the meta group's state is not durable when the log goes (#8475)", 40 },
        { "a snapshot of the assignments is not taken over (#8324)", 20 },
        { "the entry behind a snapshot of the assignments is left out (#8320)", 20 },
        { "a late snapshot reverts assignments (#5700)", 20 },
        { "what was removed takes with it what was made anew (#8413)", 80 },
        { "what was removed while a server was away stays (#7510)", 20 },
        { "what nobody assigns is deleted at the start (#7556)", 120 },
        { "who is assigned no more deletes what others do not have yet (#7774)", 80 },
        { "a request is confirmed when it is proposed", 40 },
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
    public void All_are_looked_for() => Caps.Select(row => row.Data.Item1).Order().ShouldBe(MetaBugs.All.Keys.Order());

    /// <summary>Which of the first seeds find each, for the documents.</summary>
    [Fact]
    public void Survey()
    {
        if (!ulong.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_METASIM_SURVEY"), CultureInfo.InvariantCulture, out var seeds)) return;
        foreach (var mistake in MetaBugs.All.Keys)
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
            new MetaSimulation(seed, MetaBugs.All[mistake](), isRecording: false).Run();
            return null;
        }
        catch (Exception found)
        {
            return found.Message;
        }
    }
}
