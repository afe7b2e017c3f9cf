using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Cli;

public sealed class CommandLineTests
{
    public static TheoryData<string, int, string, string> Golden()
    {
        var data = new TheoryData<string, int, string, string>();
        foreach (var row in Support.Golden.Json("config", "cli.json").GetProperty("results").EnumerateArray())
        {
            var arguments = string.Join('\u001f', row.GetProperty("args").EnumerateArray().Select(argument => argument.GetString()));
            // Those that ran a server, or asked about the processes of the recording machine, say nothing of the parsing.
            if (!row.GetProperty("exit_code").TryGetExitCode(out var code)) continue;
            var error = row.GetProperty("stderr").GetString()!;
            if (error.StartsWith("[PID]", StringComparison.Ordinal) || arguments.Contains("tls") || arguments.Contains("log\u001f") || arguments.Contains("bogus\u001f") || error.Contains("multiple") || error.Contains("999999999") || error.Contains("invalid pid")) continue;
            data.Add(arguments, code, row.GetProperty("stdout").GetString()!, error);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void AnswersAsTheGoServerDoes(string arguments, int exitCode, string output, string error)
    {
        lock (CurrentDirectory.Gate)
        {
            using var _ = new CurrentDirectory(Support.Golden.PathOf("config", "files"));
            var print = CommandLine.Parse(arguments.Split('\u001f')).ShouldBeOfType<CliRequest.Print>();
            print.Error.ShouldBe(error);
            print.Output.ShouldBe(output);
            print.ExitCode.ShouldBe(exitCode);
        }
    }

    [Theory]
    [InlineData("-p", "1")]
    [InlineData("-p=1")]
    [InlineData("--port", "1")]
    [InlineData("--port=1")]
    [InlineData("-port=1")]
    public void TakesAFlagInEveryForm(params string[] arguments) => Run(arguments).Port.ShouldBe(1);

    [Fact]
    [Upstream("opts_test.go", "TestRouteFlagOverride")]
    public void FlagsLieOverDefaults()
    {
        var options = Run(
            "-a", "127.0.0.1", "-p", "-1", "-n", "s1", "-m", "8222", "-DV", "--user", "u", "--pass", "p",
            "--cluster", "nats://r:s@127.0.0.1:6222", "--cluster_name", "C", "--routes", "nats://127.0.0.1:6223, nats-route://127.0.0.1:6224",
            "--no_advertise", "--connect_retries", "3", "-P", "pid", "--ports_file_dir", "dir", "-l", "log", "-T=false");
        options.Port.ShouldBe(-1);
        options.ServerName.ShouldBe("s1");
        options.Monitoring.HttpPort.ShouldBe(8222);
        (options.Logging.Debug, options.Logging.Trace, options.Logging.LogTime, options.Logging.LogFile).ShouldBe((true, true, false, "log"));
        (options.Authorization.Username, options.Authorization.Password).ShouldBe(("u", "p"));
        (options.Cluster.Port, options.Cluster.Username, options.Cluster.Password, options.Cluster.Name).ShouldBe((6222, "r", "s", "C"));
        options.Cluster.Routes.Select(route => route.Port).ShouldBe([6223, 6224]);
        (options.Cluster.NoAdvertise, options.Cluster.ConnectRetries).ShouldBe((true, 3));
        (options.PidFile, options.PortsFileDirectory).ShouldBe(("pid", "dir"));
    }

    [Fact]
    public void ARandomClusterPortIsAsked() => Run("--cluster", "nats://127.0.0.1:-1").Cluster.Port.ShouldBe(Defaults.RandomPort);

    [Fact]
    public void WhatIsNotServedIsSaid()
    {
        Run("-js").UnservedFeatures.Single().ShouldContain("JetStream");
        Should.Throw<ConfigurationValueException>(() => OptionsValidator.Validate(Run("-js")));
    }

    [Theory]
    [InlineData("stop=999999999", "\nsignal \"stop\" 999999999: no such process")]
    [InlineData("reload=abc", "invalid pid: abc")]
    public void SignalsGoToProcessesThatAre(string signal, string problem)
    {
        var request = CommandLine.Parse(["--signal", signal]).ShouldBeOfType<CliRequest.Signal>();
        SignalSender.Send(request.Command, request.Target).ShouldBe(problem);
    }

    private static ServerOptions Run(params string[] arguments) => CommandLine.Parse(arguments).ShouldBeOfType<CliRequest.Run>().Options;
}

internal static class ExitCodeExtensions
{
    public static bool TryGetExitCode(this System.Text.Json.JsonElement value, out int code)
    {
        code = 0;
        return value.ValueKind == System.Text.Json.JsonValueKind.Number && value.TryGetInt32(out code);
    }
}
