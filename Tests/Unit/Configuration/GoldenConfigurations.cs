using System.Text.Json;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Configurations with what nats-server 2.14.5 said of them.</summary>
internal static class GoldenConfigurations
{
    static GoldenConfigurations() => Environment.SetEnvironmentVariable("GOLD_PORT", "4999");

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Golden", "config");

    public static string Files { get; } = Path.Combine(Folder, "files");

    public static IReadOnlyList<GoldenRun> Tests { get; } = Read("config-test.json", "stderr", "exit_code");

    public static IReadOnlyList<GoldenRun> Starts { get; } = Read("config-start.json", "output", "result");

    public static IReadOnlyList<GoldenRun> CommandLines { get; } = Read("cli.json", "stderr", "exit_code");

    private static List<GoldenRun> Read(string file, string errors, string result)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file)));
        return [.. document.RootElement.GetProperty("results").EnumerateArray().Select(run => new GoldenRun(
            [.. run.GetProperty("args").EnumerateArray().Select(argument => argument.GetString()!)],
            run.GetProperty(result).ToString(),
            run.TryGetProperty("stdout", out var output) ? output.GetString()! : "",
            run.GetProperty(errors).GetString()!))];
    }
}

/// <summary>One run of nats-server.</summary>
/// <param name="Arguments">Its command line.</param>
/// <param name="Result">Its exit code, or words when it kept running.</param>
/// <param name="Output">What it wrote to its output.</param>
/// <param name="Errors">What it wrote to its error output.</param>
internal sealed record GoldenRun(string[] Arguments, string Result, string Output, string Errors);
