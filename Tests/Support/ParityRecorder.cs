using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
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
    private static readonly ConcurrentDictionary<(string File, string Test), bool> Passed = new();

    static ParityRecorderAttribute() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Write();

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        var passed = TestContext.Current.TestState?.Result == TestResult.Passed;
        foreach (var claim in methodUnderTest.GetCustomAttributes<UpstreamAttribute>())
        {
            Passed.AddOrUpdate((claim.File, claim.Test), passed, (_, before) => before && passed);
        }
    }

    private static void Write()
    {
        if (Passed.IsEmpty) return;
        var report = new StringBuilder("# Parity\n\nTests of nats-server whose behaviour tests of ours showed in the last run.\n");
        foreach (var file in Passed.Where(claim => claim.Value).GroupBy(claim => claim.Key.File).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            report.Append($"\n## {file.Key}: {file.Count()}\n\n");
            report.AppendJoin(", ", file.Select(claim => claim.Key.Test).Order(StringComparer.Ordinal)).Append('\n');
        }
        var failed = Passed.Where(claim => !claim.Value).Select(claim => $"{claim.Key.File} {claim.Key.Test}").Order(StringComparer.Ordinal).ToArray();
        if (failed.Length > 0) report.Append("\n## Claimed, but failed\n\n").AppendJoin(", ", failed).Append('\n');
        var folder = Directory.CreateDirectory(Path.Combine(Peers.RepositoryRoot, "artifacts"));
        File.WriteAllText(Path.Combine(folder.FullName, "parity.md"), report.ToString());
    }
}
