using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Support;

public sealed class ParityReportTests
{
    [Fact]
    public void EveryClaimNamesATestThatUpstreamHas() =>
        ParityReport.Claims.Where(claim => ParityReport.PathOf(claim.File, claim.Test) is null).ShouldBeEmpty("see Golden/upstream-tests.json");

    [Fact]
    public void OnlyWhatRanAndPassedIsShown()
    {
        var (first, second) = (ParityReport.Claims[0], ParityReport.Claims[1]);
        var results = new Dictionary<(string, string), ParityState> { [first] = ParityState.Passed, [second] = ParityState.Failed };
        var report = ParityReport.Write(results);
        report.ShouldContain($"Shown (1): {first.Test}\n");
        report.ShouldContain($"Claimed, but failed (1): {second.Test}\n");
        report.ShouldContain("| **all** | **1** |");
        ParityReport.Write(results).ShouldBe(report);
    }
}
