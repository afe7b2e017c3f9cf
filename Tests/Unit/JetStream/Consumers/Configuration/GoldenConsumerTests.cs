using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

/// <summary>Consumers are made and changed as 2.14.5 made and changed them: the same configurations, the same errors.</summary>
public sealed class GoldenConsumerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("single", 99)]
    [InlineData("cluster", 99)]
    public void ConsumersAreDecidedAsRecorded(string run, int expected)
    {
        var calls = new GoldenConsumerCalls(isClustered: run == "cluster");
        foreach (var call in GoldenCall.Of(run)) calls.Replay(call);
        output.WriteLine($"{run}: {calls.Compared} calls compared");
        calls.Differences.ShouldBeEmpty();
        calls.Compared.ShouldBeGreaterThanOrEqualTo(expected);
    }
}
