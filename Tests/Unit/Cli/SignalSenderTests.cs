using System.Diagnostics;
using NatsAspire.Server.Cli;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Cli;

public class SignalSenderTests
{
    private readonly List<(int Process, int Signal)> _sent = [];

    [Theory]
    [InlineData("stop", 9)]
    [InlineData("quit", 2)]
    [InlineData("term", 15)]
    [InlineData("reopen", 10)]
    [InlineData("reload", 1)]
    [InlineData("ldm", 12)]
    [Upstream("signal_test.go", "TestProcessSignalResolveSingleProcess")]
    [Upstream("signal_test.go", "TestProcessSignalQuitProcess")]
    [Upstream("signal_test.go", "TestProcessSignalTermProcess")]
    [Upstream("signal_test.go", "TestProcessSignalReopenProcess")]
    [Upstream("signal_test.go", "TestProcessSignalReloadProcess")]
    [Upstream("signal_test.go", "TestProcessSignalLameDuckMode")]
    public void Command_has_its_signal(string command, int signal)
    {
        Sender(123).Send(command, "");
        _sent.ShouldBe([(123, signal)]);
    }

    [Fact]
    [Upstream("signal_test.go", "TestProcessSignalNoProcesses")]
    [Upstream("signal_test.go", "TestProcessSignalMultipleProcesses")]
    [Upstream("signal_test.go", "TestProcessSignalMultipleProcessesGlobPartial")]
    [Upstream("signal_test.go", "TestProcessSignalInvalidCommand")]
    [Upstream("signal_test.go", "TestProcessSignalInvalidPid")]
    public void Process_is_named_or_the_only_one()
    {
        Sender(1, 2).Send("ldm", "77");
        Sender(123, 124, 200).Send("reload", "12*");
        Sender(5, 6).Send("reload", "*");
        _sent.ShouldBe([(77, 12), (123, 1), (124, 1), (5, 1), (6, 1)]);
        Error(() => Sender(5, 6).Send("quit", "")).ShouldBe("multiple nats-server processes running:\n5\n6");
        Error(() => Sender().Send("quit", "")).ShouldBe("no nats-server processes running");
        Error(() => Sender(5).Send("quit", "x")).ShouldBe("invalid pid: x");
        Error(() => Sender(5).Send("wave", "")).ShouldBe("unknown signal \"wave\"");
    }

    [Fact]
    [Upstream("signal_test.go", "TestProcessSignalMultipleProcessesGlob")]
    public void Refusals_are_gathered() =>
        Error(() => new SignalSender(() => [1, 2], (_, _) => "operation not permitted").Send("quit", "*"))
            .ShouldBe("\nsignal \"quit\" 1: operation not permitted\nsignal \"quit\" 2: operation not permitted");

    [Fact]
    public async Task Signal_reaches_a_process()
    {
        using var process = Process.Start("sleep", "60");
        UnixProcesses.Kill(process.Id, 15).ShouldBeNull();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        UnixProcesses.Kill(int.MaxValue, 15).ShouldBe("no such process");
        UnixProcesses.FindServers().ShouldNotContain(Environment.ProcessId);
    }

    [Fact]
    public void Process_may_be_named_by_a_file()
    {
        using var folder = new Configuration.TemporaryFolder();
        var request = CommandLine.Parse(["--signal", $"reload={folder.Write("nats.pid", "4711")}"]);
        request.ShouldBe(new CliRequest.SendSignal("reload", "4711"));
    }

    private static string Error(Action send) => Should.Throw<CliException>(send).Message;

    private SignalSender Sender(params int[] servers) => new(() => servers, (process, signal) =>
    {
        _sent.Add((process, signal));
        return null;
    });
}
