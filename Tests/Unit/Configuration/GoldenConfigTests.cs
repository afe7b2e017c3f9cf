using NatsAspire.Server.Cli;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary><c>nats-server -t -c file</c> for every file of the golden corpus.</summary>
public sealed class GoldenConfigTests
{
    /// <summary>
    /// Files that are wrong inside a block this build does not read yet; it refuses to start with any such block.
    /// </summary>
    private static readonly string[] BlocksNotReadYet =
        ["tls-", "js-", "gateway-", "leaf-", "mqtt-", "ws-", "operator-", "resolver-", "trusted-", "proxies", "ocsp", "https",
         "accounts-import", "accounts-export", "accounts-latency", "accounts-js", "auth-callout", "cluster-compression", "feature", "default-sentinel", "prof-port", "msg-trace", "websocket"];

    /// <summary>Where ours differs on purpose.</summary>
    private static readonly Dictionary<string, string> Different = new()
    {
        ["auth-timeout-type.conf"] = "upstream cannot read [1] without a blank before the bracket",
        ["port-wrong-type.conf"] = "the same",
        ["accounts-duplicate-user.conf"] = "upstream names either of the two places, as its map happens to be ordered",
    };

    public static TheoryData<string, int, string> Files()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var row in Golden.Json("config", "config-test.json").GetProperty("results").EnumerateArray())
        {
            var file = row.GetProperty("file").GetString()!;
            var exitCode = row.GetProperty("exit_code").GetInt32();
            if (Different.ContainsKey(file) || (exitCode != 0 && BlocksNotReadYet.Any(file.StartsWith))) continue;
            data.Add(file, exitCode, row.GetProperty("stderr").GetString()!);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Files))]
    [Upstream("config_check_test.go", "TestConfigCheck")]
    public void GivesTheGoServersVerdict(string file, int exitCode, string error)
    {
        Environment.SetEnvironmentVariable("GOLD_PORT", "4999");
        var print = TestConfig(file);
        print.ExitCode.ShouldBe(exitCode, print.Error);
        print.Error.ShouldBe(error);
    }

    private static CliRequest.Print TestConfig(string file)
    {
        lock (CurrentDirectory.Gate)
        {
            using var _ = new CurrentDirectory(Golden.PathOf("config", "files"));
            return CommandLine.Parse(["-t", "-c", file]).ShouldBeOfType<CliRequest.Print>();
        }
    }
}

/// <summary>Golden files are named relative to their folder.</summary>
internal sealed class CurrentDirectory : IDisposable
{
    public static readonly Lock Gate = new();
    private readonly string _before = Environment.CurrentDirectory;

    public CurrentDirectory(string path) => Environment.CurrentDirectory = path;

    public void Dispose() => Environment.CurrentDirectory = _before;
}
