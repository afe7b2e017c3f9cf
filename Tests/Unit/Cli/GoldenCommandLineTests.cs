using NatsAspire.Server.Cli;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Cli;

[Collection(nameof(WorkingFolder))]
public class GoldenCommandLineTests
{
    /// <summary>Servers that were running where the golden runs were made.</summary>
    private static readonly int[] RunningServers = [5785, 5899, 5932, 5942, 5952, 5960];

    public static TheoryData<int> Runs => [.. Enumerable.Range(0, GoldenConfigurations.CommandLines.Count)];

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Command_line_does_what_upstream_does(int number)
    {
        var expected = GoldenConfigurations.CommandLines[number];
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        var output = new StringWriter();
        var errors = new StringWriter();
        var hasStarted = false;
        var signals = new SignalSender(() => RunningServers, UnixProcesses.Kill);
        var host = new CliHost(output, errors, signals, (_, _) =>
        {
            hasStarted = true;
            return Task.FromResult(0);
        });
        var exitCode = await host.ExecuteAsync(CommandLine.Parse(expected.Arguments));
        hasStarted.ShouldBe(IsStarted(expected), string.Join(' ', expected.Arguments));
        if (hasStarted) return;
        (exitCode.ToString(), output.ToString(), errors.ToString()).ShouldBe((expected.Result, expected.Output, expected.Errors));
    }

    /// <summary>The server came up, or failed at something only a started server does.</summary>
    private static bool IsStarted(GoldenRun run) =>
        run.Errors.Contains("Starting nats-server") || run.Errors.Contains("error opening file");
}
