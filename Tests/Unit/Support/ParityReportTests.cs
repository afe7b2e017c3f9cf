using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Support;

public sealed class ParityReportTests
{
    [Fact]
    public void EveryClaimNamesATestThatUpstreamHas() =>
        ParityReport.Claims.Where(claim => ParityReport.PathOf(claim.File, claim.Test) is null).ShouldBeEmpty("see Golden/upstream-tests.json");

    [Fact]
    public void WhatIsLeftOutExistsHasAReasonAndIsNotClaimed()
    {
        var claimed = ParityReport.Claims.Select(claim => (ParityReport.PathOf(claim.File, claim.Test), claim.Test)).ToHashSet();
        foreach (var entry in UpstreamLeftOut.All)
        {
            var tests = ParityReport.Upstream.GetValueOrDefault(entry.File).ShouldNotBeNull($"{entry.File} is no file of upstream-tests.json");
            entry.Reason.Length.ShouldBeGreaterThan(10, entry.File);
            foreach (var name in entry.Tests)
            {
                tests.ShouldContain(test => UpstreamLeftOut.Fits(name, test), $"{entry.File} has no {name}");
                claimed.ShouldNotContain((entry.File, name), "a test cannot be shown and left out");
            }
        }
    }

    [Fact]
    public void TheReportTellsReasonsFromWhatIsOpen()
    {
        var entry = UpstreamLeftOut.All[0];
        var report = ParityReport.Write(new Dictionary<(string, string), ParityState>());
        report.ShouldContain($"Left out, {entry.Reason} (");
        UpstreamLeftOut.ReasonOf("server/no_test.go", "TestThatUpstreamHasNot").ShouldBeNull();
        UpstreamLeftOut.Fits("TestA*", "TestAccount").ShouldBeTrue();
        UpstreamLeftOut.Fits("TestA", "TestAccount").ShouldBeFalse();
    }

    [Fact]
    public void OnlyWhatRanAndPassedIsShown()
    {
        var (first, second) = (ParityReport.Claims[0], ParityReport.Claims[1]);
        var results = new Dictionary<(string, string), ParityState> { [first] = ParityState.Passed, [second] = ParityState.Failed };
        var report = ParityReport.Write(results);
        report.ShouldContain($"Shown (1): {first.Test}\n");
        report.ShouldContain($"Claimed, but failed (1): {second.Test}\n");
        report.ShouldContain("| **all** | 1 | ");
        ParityReport.Write(results).ShouldBe(report);
    }
}
