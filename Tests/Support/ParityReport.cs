using System.Reflection;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>What a run showed of an upstream test that tests of ours claim.</summary>
public enum ParityState
{
    /// <summary>No test that claims it ran: the run was filtered, or the test was skipped.</summary>
    NotRun,

    /// <summary>At least one test that claims it failed.</summary>
    Failed,

    /// <summary>All that ran passed.</summary>
    Passed,
}

/// <summary>
/// The tests of nats-server for the rooms that exist here, and which of them a run of ours has shown. The names are
/// in <c>Golden/upstream-tests.json</c>; a room that is added gets its upstream files there.
/// </summary>
public static class ParityReport
{
    /// <summary>Names of upstream's tests by path, in upstream's order.</summary>
    public static IReadOnlyDictionary<string, string[]> Upstream { get; } =
        JsonSerializer.Deserialize<SortedDictionary<string, string[]>>(File.ReadAllText(Golden.PathOf("upstream-tests.json")))!;

    /// <summary>Every claim made by a test of this assembly.</summary>
    public static IReadOnlyList<(string File, string Test)> Claims { get; } =
    [
        .. typeof(ParityReport).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .SelectMany(method => method.GetCustomAttributes<UpstreamAttribute>())
            .Select(claim => (claim.File, claim.Test))
            .Distinct().Order(),
    ];

    /// <summary>Path of the upstream file a claim means: whole, or as much of its end as tells it. Null: there is none.</summary>
    public static string? PathOf(string file, string test) =>
        Upstream.Keys.FirstOrDefault(path => (path == file || path.EndsWith("/" + file, StringComparison.Ordinal)) && Upstream[path].Contains(test));

    /// <summary>The report on a run: the same text for the same results.</summary>
    public static string Write(IReadOnlyDictionary<(string File, string Test), ParityState> results)
    {
        var states = Claims.GroupBy(claim => (PathOf(claim.File, claim.Test) ?? claim.File, claim.Test))
            .ToDictionary(group => group.Key, group => group.Min(claim => results.GetValueOrDefault(claim)));
        var report = new StringBuilder(
            """
            # Parity

            Tests of nats-server 2.14 whose behaviour tests of ours showed in the last run, file by file. Shown means: a
            test of ours claims it with `[Upstream]`, ran, and passed. Left out means: `Golden/upstream-left-out.json` says
            why no test of ours is to show it. What is neither is open.

            | upstream file | shown | left out | open | of |
            |---|---:|---:|---:|---:|

            """);
        foreach (var (path, tests) in Upstream) Row(path, [.. tests.Select(test => (path, test))]);
        Row("**all**", [.. Upstream.SelectMany(file => file.Value.Select(test => (file.Key, test)))]);
        foreach (var (path, tests) in Upstream)
        {
            report.Append($"\n## {path}\n");
            Section(report, "Shown", tests.Where(test => IsShown(path, test)));
            Section(report, "Claimed, but failed", tests.Where(test => StateOf(path, test) == ParityState.Failed));
            Section(report, "Claimed, but not run", tests.Where(test => StateOf(path, test) == ParityState.NotRun));
            var rest = tests.Where(test => StateOf(path, test) is null).ToLookup(test => UpstreamLeftOut.ReasonOf(path, test));
            foreach (var reason in rest.Where(reason => reason.Key is not null)) Section(report, $"Left out, {reason.Key}", reason);
            Section(report, "Open", rest[null]);
        }
        return report.ToString();

        void Row(string title, (string Path, string Test)[] tests)
        {
            var shown = tests.Count(test => IsShown(test.Path, test.Test));
            var leftOut = tests.Count(test => StateOf(test.Path, test.Test) is null && UpstreamLeftOut.ReasonOf(test.Path, test.Test) is not null);
            report.Append($"| {title} | {shown} | {leftOut} | {tests.Length - shown - leftOut} | {tests.Length} |\n");
        }

        ParityState? StateOf(string path, string test) => states.TryGetValue((path, test), out var state) ? state : null;

        bool IsShown(string path, string test) => StateOf(path, test) == ParityState.Passed;
    }

    private static void Section(StringBuilder report, string title, IEnumerable<string> tests)
    {
        var names = tests.ToArray();
        if (names.Length > 0) report.Append($"\n{title} ({names.Length}): ").AppendJoin(", ", names).Append('\n');
    }
}
