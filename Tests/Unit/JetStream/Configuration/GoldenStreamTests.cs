using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Configuration;

/// <summary>Streams are made and changed as 2.14.5 made and changed them: the same configurations, the same errors.</summary>
public sealed class GoldenStreamTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("single", 130)]
    [InlineData("cluster", 130)]
    public void StreamsAreDecidedAsRecorded(string run, int expected)
    {
        var calls = new GoldenStreamCalls(isClustered: run == "cluster");
        foreach (var call in GoldenCall.Of(run)) calls.Replay(call);
        output.WriteLine($"{run}: {calls.Compared} calls compared, {calls.NotCompared.Count} not:");
        calls.NotCompared.ForEach(output.WriteLine);
        calls.Differences.ShouldBeEmpty();
        calls.Compared.ShouldBeGreaterThanOrEqualTo(expected);
    }
}
