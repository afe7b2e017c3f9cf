using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>A meta leader of ours decides what a cluster of 2.14.5 was asked.</summary>
public sealed class GoldenMetaTests(ITestOutputHelper output)
{
    [Fact]
    public void Requests_are_decided_as_recorded()
    {
        var calls = new GoldenMetaCalls();
        foreach (var call in GoldenCall.Of("cluster")) calls.Replay(call);
        output.WriteLine($"{calls.Compared} calls compared");
        calls.Differences.ShouldBeEmpty();
        calls.Compared.ShouldBeGreaterThan(250);
    }
}
