using System.Collections.Concurrent;
using System.Reflection;
using NatsAspire.Tests.Support;
using Xunit.v3;

[assembly: ParityRecorder]

namespace NatsAspire.Tests.Support;

/// <summary>
/// Notes which tests that name an upstream test have passed in this run, and writes artifacts/parity.md from
/// that at its end: a claim counts only when its test ran.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ParityRecorderAttribute : BeforeAfterTestAttribute
{
    private static readonly ConcurrentDictionary<(string File, string Test), ParityState> Results = new();

    static ParityRecorderAttribute() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Write();

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (TestContext.Current.TestState is not { Result: TestResult.Passed or TestResult.Failed } end) return;
        var state = end.Result == TestResult.Passed ? ParityState.Passed : ParityState.Failed;
        foreach (var claim in methodUnderTest.GetCustomAttributes<UpstreamAttribute>())
        {
            Results.AddOrUpdate((claim.File, claim.Test), state, (_, before) => before == ParityState.Failed ? before : state);
        }
    }

    private static void Write()
    {
        if (Results.IsEmpty) return;
        var folder = Directory.CreateDirectory(Path.Combine(Peers.RepositoryRoot, "artifacts"));
        File.WriteAllText(Path.Combine(folder.FullName, "parity.md"), ParityReport.Write(Results));
    }
}
