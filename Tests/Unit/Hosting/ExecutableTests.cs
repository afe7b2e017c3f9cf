using System.Net.Http;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>The nats-server executable as tools spawn it.</summary>
public sealed class ExecutableTests
{
    private const int Interrupt = 2;
    private const int Reopen = 10;
    private const int Reload = 1;
    private const int LameDuck = 12;
    private const int Terminate = 15;

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    [Upstream("signal_test.go", "TestSignalInterruptHasSuccessfulExit")]
    [Upstream("signal_test.go", "TestSignalTermHasSuccessfulExit")]
    public async Task SaysWhatToolsWaitForAndStopsBySignal(int signal)
    {
        await using var server = RunningProcess.Start(Peers.OurServer(), "-a", "127.0.0.1", "-p", "-1");
        await server.WaitForOutputAsync("Server is ready");
        server.Output.ShouldMatch(@"^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[INF\] Starting nats-server");
        server.Output.ShouldMatch(@"\[INF\] Listening for client connections on 127\.0\.0\.1:\d+");
        server.Signal(signal);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        server.Output.ShouldContain("Initiating Shutdown...");
        server.Output.ShouldContain("Server Exiting..");
    }

    [Fact]
    [Upstream("signal_test.go", "TestSignalToReOpenLogFile")]
    [Upstream("pid_test.go", "TestPidFile")]
    public async Task WritesItsPortsPidAndLog()
    {
        var directory = Directory.CreateTempSubdirectory("natsaspire-test-");
        var log = Path.Combine(directory.FullName, "server.log");
        var pid = Path.Combine(directory.FullName, "server.pid");
        await using var server = RunningProcess.Start(
            Peers.OurServer(), "-a", "127.0.0.1", "-p", "-1", "-m", "-1", "--cluster", "nats://127.0.0.1:-1", "--ports_file_dir", directory.FullName, "-P", pid, "-l", log);
        var ports = Path.Combine(directory.FullName, $"nats-server_{server.Id}.ports");
        await Wait.Until("the ports file", () => File.Exists(ports), () => server.Output);
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(ports));
        json.RootElement.GetProperty("nats")[0].GetString()!.ShouldStartWith("nats://127.0.0.1:");
        json.RootElement.GetProperty("cluster")[0].GetString()!.ShouldStartWith("nats://127.0.0.1:");
        using var http = new HttpClient();
        var monitor = json.RootElement.GetProperty("monitoring")[0].GetString();
        (await http.GetStringAsync($"{monitor}/healthz")).ShouldContain("ok");
        (await http.GetStringAsync($"{monitor}/varz")).ShouldContain(Defaults.Version);
        (await File.ReadAllTextAsync(pid)).Trim().ShouldBe(server.Id.ToString());
        File.Move(log, log + ".1");
        server.Signal(Reopen);
        await Wait.Until("the log is opened anew", () => File.Exists(log) && ReadShared(log).Contains("File log re-opened"));
        server.Signal(Terminate);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        File.Exists(pid).ShouldBeFalse();
        directory.Delete(recursive: true);
    }

    [Fact]
    [Upstream("signal_test.go", "TestProcessSignalTermDuringLameDuckMode")]
    public async Task ATermDoesNotSpoilALameDucksEnd()
    {
        await using var server = await ServerProcess.StartAsync(Peers.OurServer(), "listen: \"127.0.0.1:-1\"\nlame_duck_duration: 31s\nlame_duck_grace_period: 100ms");
        using var client = await RawClient.OpenAsync(server.ClientEndPoint);
        server.EnterLameDuck();
        await client.ReadToCloseAsync();
        server.Signal(Terminate);
        (await server.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    [Upstream("signal_test.go", "TestSignalToReloadConfig")]
    [Upstream("reload_test.go", "TestConfigReloadRotateFiles")]
    [Upstream("ports_test.go", "TestPortsFileReload")]
    public async Task AReloadMovesTheFilesItNames()
    {
        using var folder = new Configuration.TemporaryFolder();
        string Config(string name) => $"listen: \"127.0.0.1:-1\"\nlog_file: \"{folder.Path}/{name}.log\"\npid_file: \"{folder.Path}/{name}.pid\"\nports_file_dir: \"{Directory.CreateDirectory($"{folder.Path}/{name}").FullName}\"";
        var file = folder.Write("nats.conf", Config("one"));
        await using var server = RunningProcess.Start(Peers.OurServer(), "-c", file);
        string Ports(string name) => $"{folder.Path}/{name}/nats-server_{server.Id}.ports";
        await Wait.Until("the first files", () => File.Exists(Ports("one")), () => server.Output);
        File.ReadAllText($"{folder.Path}/one.pid").ShouldBe($"{server.Id}");
        File.WriteAllText(file, Config("two"));
        server.Signal(Reload);
        await Wait.Until("the other files", () => File.Exists(Ports("two")), () => ReadShared($"{folder.Path}/one.log"));
        File.ReadAllText($"{folder.Path}/two.pid").ShouldBe($"{server.Id}");
        (File.Exists(Ports("one")), File.Exists($"{folder.Path}/one.pid")).ShouldBe((false, false));
        await Wait.Until("the other log", () => File.Exists($"{folder.Path}/two.log") && ReadShared($"{folder.Path}/two.log").Contains("Reloaded server configuration"));
        server.Signal(Terminate);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(20))).ShouldBe(0);
        (File.Exists(Ports("two")), File.Exists($"{folder.Path}/two.pid")).ShouldBe((false, false));
    }

    [Fact]
    public async Task LameDuckEndsWhenNobodyIsLeft()
    {
        await using var server = RunningProcess.Start(Peers.OurServer(), "-a", "127.0.0.1", "-p", "-1");
        await server.WaitForOutputAsync("Server is ready");
        server.Signal(LameDuck);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        server.Output.ShouldContain("Entering lame duck mode, stop accepting new clients");
    }

    [Fact]
    public async Task APortInUseIsFatal()
    {
        await using var first = await TestServer.StartAsync();
        await using var second = RunningProcess.Start(Peers.OurServer(), "-a", "127.0.0.1", "-p", $"{first.ClientEndPoint!.Port}");
        (await second.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
        second.Output.ShouldContain("[FTL]");
    }

    [Fact]
    public async Task WhatItCannotServeItRefuses()
    {
        await using var server = RunningProcess.Start(Peers.OurServer(), "-js", "-p", "-1", "--cluster", "nats://127.0.0.1:-1");
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(1);
        server.Output.ShouldContain("jetstream");
    }

    private static string ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
