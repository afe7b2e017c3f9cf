using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting.Logging;

/// <summary>Syslog over UDP, TCP and Unix sockets, in the form of Go's log/syslog.</summary>
public sealed class SyslogTests
{
    private static string Tail => $"[{Environment.ProcessId}]: ";

    [Fact]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLogger")]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLoggerNotice")]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLoggerDebug")]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLoggerTrace")]
    public async Task UdpLinesHaveSeverityTimeHostAndTag()
    {
        using var daemon = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        daemon.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var provider = new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = $"udp://{daemon.LocalEndPoint}", Debug = true, Trace = true }, new FixedTime());
        var log = provider.CreateLogger("test");
        log.LogInformation("foo bar");
        log.LogDebug("debug");
        log.LogTrace("trace");
        log.LogWarning("warning");
        log.LogError("error\nforged");
        log.LogCritical("fatal");
        foreach (var (severity, text) in new[] { (5, "foo bar"), (7, "debug"), (5, "trace"), (4, "warning"), (3, "error\\nforged"), (2, "fatal") })
        {
            (await ReceiveAsync(daemon)).ShouldMatch($@"^<{severity}>2026-11-21T02:44:24Z {Environment.MachineName} \S+\[{Environment.ProcessId}\]: {text.Replace("\\", "\\\\", StringComparison.Ordinal)}\n$");
        }
    }

    [Theory]
    [InlineData(true, true, false, "t")]
    [InlineData(false, false, true, "d")]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLoggerDebugDisabled")]
    [Upstream("logger/syslog_test.go", "TestRemoteSysLoggerTraceDisabled")]
    public async Task LevelsSwitchedOffAreNotSent(bool debug, bool logsTrace, bool trace, string unseen)
    {
        using var daemon = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        daemon.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var provider = new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = $"udp://{daemon.LocalEndPoint}", Debug = debug, Trace = trace });
        var log = provider.CreateLogger("test");
        if (logsTrace) log.LogTrace("{Text}", unseen);
        else log.LogDebug("{Text}", unseen);
        log.LogInformation("end");
        (await ReceiveAsync(daemon)).ShouldEndWith(Tail + "end\n");
    }

    [Fact]
    public async Task TcpIsConnectedAgainWhenTheDaemonRestarts()
    {
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        first.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        first.Listen();
        using var provider = new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = $"tcp://{first.LocalEndPoint}" });
        var log = provider.CreateLogger("test");
        var before = await first.AcceptAsync();
        log.LogInformation("before");
        (await ReceiveAsync(before)).ShouldEndWith(Tail + "before\n");
        before.LingerState = new LingerOption(true, 0);
        before.Dispose();
        var accepting = first.AcceptAsync();
        await Wait.Until("the server connects anew", () =>
        {
            log.LogInformation("again");
            return accepting.IsCompleted;
        });
        using var after = await accepting;
        (await ReceiveAsync(after)).ShouldContain(Tail + "again\n");
    }

    [Theory]
    [InlineData(SocketType.Dgram)]
    [InlineData(SocketType.Stream)]
    public async Task AUnixSocketGetsTheShortForm(SocketType type)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "log");
        using var daemon = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        daemon.Bind(new UnixDomainSocketEndPoint(path));
        if (type == SocketType.Stream) daemon.Listen();
        using var provider = new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = $"unix://{path}" }, new FixedTime());
        using var reader = type == SocketType.Stream ? await daemon.AcceptAsync() : daemon;
        provider.CreateLogger("test").LogInformation("foo");
        (await ReceiveAsync(reader)).ShouldMatch($@"^<5>Nov 21 02:44:24 \S+\[{Environment.ProcessId}\]: foo\n$");
    }

    [Fact]
    public void TheLocalFacilityIsDaemon() =>
        Encoding.UTF8.GetString(new SyslogFormatter(new FixedTime(), "nats-server", null, SyslogFormatter.Daemon).Format(new LogEntry(LogLevel.Information, default, "x")))
            .ShouldBe($"<29>Nov 21 02:44:24 nats-server[{Environment.ProcessId}]: x\n");

    [Fact]
    [Upstream("logger/syslog_test.go", "TestSysLoggerTag")]
    public async Task TheExecutableLogsThereByItsName()
    {
        using var daemon = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        daemon.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var server = RunningProcess.Start(Peers.OurServer(), "-a", "127.0.0.1", "-p", "-1", "-r", $"udp://{daemon.LocalEndPoint}");
        (await ReceiveAsync(daemon)).ShouldMatch($@"^<5>\S+ \S+ nats-server\[{server.Id}\]: Starting nats-server\n$");
        server.Output.ShouldBe("");
    }

    [Theory]
    [InlineData("udp://foo.com:1000", "udp", "foo.com:1000")]
    [InlineData("tcp://foo.com:1000", "tcp", "foo.com:1000")]
    [InlineData("unix:///foo.sock", "unix", "/foo.sock")]
    [Upstream("logger/syslog_test.go", "TestGetNetworkAndAddrUDP")]
    [Upstream("logger/syslog_test.go", "TestGetNetworkAndAddrTCP")]
    [Upstream("logger/syslog_test.go", "TestGetNetworkAndAddrUnix")]
    public void AddressesAreRead(string url, string network, string address) =>
        SyslogAddress.Parse(url).ShouldBe(new SyslogAddress(network, address));

    [Theory]
    [InlineData("http://foo.com")]
    [InlineData("foo.com:514")]
    public void OtherAddressesAreRefused(string url) =>
        Should.Throw<IOException>(() => new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = url })).Message.ShouldContain("invalid network type");

    [Fact]
    public void NoDaemonIsSaid() =>
        Should.Throw<IOException>(() => new NatsLoggerProvider(new LoggingOptions { RemoteSyslog = "unix:///nowhere/log" })).Message.ShouldStartWith("error connecting to syslog");

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(Wait.Default);
        return Encoding.UTF8.GetString(buffer, 0, count);
    }
}
