using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting.Logging;

/// <summary>Log files: format, rotation, what is kept, and being opened anew.</summary>
public sealed class LogFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string LogFile => Path.Combine(_folder.Path, "nats.log");

    [Fact]
    [Upstream("logger/log_test.go", "TestFileLogger")]
    public void LinesAreUpstreams()
    {
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, Debug = true, Trace = true, LogTimeUtc = true }, new FixedTime()))
        {
            var log = provider.CreateLogger("test");
            log.LogInformation("foo");
            log.LogDebug("bar");
            log.LogTrace("trace {Number}", 1);
            log.LogWarning("careful");
            log.LogError("broken");
            log.LogCritical("dead");
        }
        var prefix = $"[{Environment.ProcessId}] 2026/11/21 02:44:24.123456 ";
        File.ReadAllText(LogFile).ShouldBe(
            $"{prefix}[INF] foo\n{prefix}[DBG] bar\n{prefix}[TRC] trace 1\n{prefix}[WRN] careful\n{prefix}[ERR] broken\n{prefix}[FTL] dead\n");
    }

    [Theory]
    [InlineData(false, false, "[INF] i\n")]
    [InlineData(true, false, "[INF] i\n[DBG] d\n")]
    [InlineData(false, true, "[INF] i\n[TRC] t\n")]
    [Upstream("logger/log_test.go", "TestStdLoggerDebugWithOutDebug")]
    [Upstream("logger/log_test.go", "TestStdLoggerTraceWithOutDebug")]
    public void OnlyTheLevelsAskedFor(bool debug, bool trace, string expected)
    {
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, Debug = debug, Trace = trace, LogTime = false }))
        {
            var log = provider.CreateLogger("test");
            log.LogInformation("i");
            log.LogDebug("d");
            log.LogTrace("t");
        }
        File.ReadAllText(LogFile).Replace($"[{Environment.ProcessId}] ", "", StringComparison.Ordinal).ShouldBe(expected);
    }

    [Fact]
    public void ATextFromAPeerCannotForgeALine()
    {
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogTime = false }))
        {
            provider.CreateLogger("test").LogInformation("name {Name}", "x\r\n[1] [INF] forged\u001b[31m");
        }
        File.ReadAllText(LogFile).ShouldBe($"[{Environment.ProcessId}] [INF] name x\\r\\n[1] [INF] forged\\x1b[31m\n");
    }

    [Fact]
    public void JsonLinesHoldTheValues()
    {
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, Format = LogFormat.Json, LogTimeUtc = true }, new FixedTime()))
        {
            provider.CreateLogger("test").LogWarning(new EventId(7, "Full"), new IOException("no space"), "disk {Disk} is at {Percent}", "a\"b\n", 99);
        }
        var line = File.ReadAllText(LogFile);
        line.Count(character => character == '\n').ShouldBe(1);
        using var json = System.Text.Json.JsonDocument.Parse(line);
        var root = json.RootElement;
        root.GetProperty("time").GetString().ShouldBe("2026-11-21T02:44:24.1234567+00:00");
        root.GetProperty("level").GetString().ShouldBe("warn");
        root.GetProperty("pid").GetInt32().ShouldBe(Environment.ProcessId);
        root.GetProperty("event").GetString().ShouldBe("Full");
        root.GetProperty("message").GetString().ShouldBe("disk a\"b\n is at 99");
        root.GetProperty("values").GetProperty("Disk").GetString().ShouldBe("a\"b\n");
        root.GetProperty("values").GetProperty("Percent").GetInt32().ShouldBe(99);
        root.GetProperty("error").GetString()!.ShouldContain("no space");
    }

    [Theory]
    [InlineData("text", LogFormat.Text)]
    [InlineData("JSON", LogFormat.Json)]
    public void TheFormatIsConfigured(string text, LogFormat expected) =>
        ConfigLoader.LoadText($"log_format: {text}").Options.Logging.Format.ShouldBe(expected);

    [Fact]
    public void AFormatThatIsNoneIsRefused() =>
        Should.Throw<ConfigException>(() => ConfigLoader.LoadText("log_format: xml")).Message.ShouldContain("log_format must be text or json, got \"xml\"");

    [Fact]
    [Upstream("logger/log_test.go", "TestFileLoggerSizeLimit")]
    public void AFileThatGrewTooLargeIsRenamed()
    {
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogFileSizeLimit = 1000 }))
        {
            var log = provider.CreateLogger("test");
            for (var i = 0; i < 50; i++) log.LogInformation("This is a line in the log file");
        }
        var backups = Backups();
        backups.Length.ShouldBeInRange(2, 10);
        foreach (var backup in backups)
        {
            Path.GetFileName(backup).ShouldMatch(@"^nats\.log\.\d{4}\.\d\d\.\d\d\.\d\d\.\d\d\.\d\d\.\d{9}$");
            new FileInfo(backup).Length.ShouldBeInRange(1001, 1200);
        }
        File.ReadLines(LogFile).First().ShouldEndWith($"[INF] Rotated log, backup saved as \"{backups[^1]}\"");
        AllLines().Count(line => line.EndsWith("This is a line in the log file", StringComparison.Ordinal)).ShouldBe(50);
    }

    [Fact]
    public void AFileThatIsTooLargeAtTheStartIsRenamedAtOnce()
    {
        File.WriteAllText(LogFile, new string('x', 2000) + "\n");
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogFileSizeLimit = 1000 }))
        {
            provider.CreateLogger("test").LogInformation("after");
        }
        Backups().Length.ShouldBe(1);
        File.ReadAllText(Backups()[0]).ShouldEndWith("[INF] Rotating logfile...\n");
        File.ReadAllText(LogFile).ShouldEndWith("[INF] after\n");
    }

    [Fact]
    public void OnlyTheNewestFilesAreKept()
    {
        var stranger = _folder.Write("nats.log.bak", "mine");
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogFileSizeLimit = 200, LogFileMaxFiles = 3 }))
        {
            var log = provider.CreateLogger("test");
            for (var i = 0; i < 100; i++) log.LogInformation("line {Number}", i);
        }
        Backups().Length.ShouldBe(2);
        File.ReadAllText(stranger).ShouldBe("mine");
        AllLines().ShouldContain(line => line.Contains("[INF] Purged log file \"nats.log.", StringComparison.Ordinal));
        AllLines().ShouldContain(line => line.EndsWith("line 99", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("logfile_size_limit: 100", 0)]
    [InlineData("logfile_size_limit: 100, logfile_max_num: 0", 0)]
    [InlineData("logfile_size_limit: 100, logfile_max_num: -42", 0)]
    [InlineData("logfile_size_limit: 100, logfile_max_num: 1", 1)]
    [InlineData("log_size_limit: 100, log_max_num: 5", 5)]
    [InlineData("logfile_size_limit: 100, logfile_max_num: 100", 0)]
    [Upstream("test/log_test.go", "TestLogMaxArchives")]
    public async Task AsManyFilesAreKeptAsAreConfigured(string config, int kept)
    {
        var options = TestServer.Parse($"log_file: \"{LogFile}\"\n{config}");
        using (var provider = new NatsLoggerProvider(options.Logging))
        {
            using var factory = LoggerFactory.Create(builder => builder.AddProvider(provider));
            await using var server = await NatsServer.StartAsync(options, factory, TestContext.Current.CancellationToken);
        }
        var files = Backups().Length + 1;
        if (kept > 0) files.ShouldBe(kept);
        else files.ShouldBeGreaterThan(5);
    }

    [Fact]
    [Upstream("log_test.go", "TestReOpenLogFile")]
    [Upstream("log_test.go", "TestFileLoggerSizeLimitAndReopen")]
    public async Task AMovedFileIsLeftWhenAskedTo()
    {
        var moved = LogFile + ".moved";
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogFileSizeLimit = 1000 }))
        {
            var log = provider.CreateLogger("test");
            log.LogInformation("before");
            await Wait.Until("the line is written", () => File.ReadAllText(LogFile).Length > 0);
            File.Move(LogFile, moved);
            provider.Reopen();
            log.LogInformation("after {Text}", new string('A', 800));
            log.LogInformation("after {Text}", new string('B', 800));
            log.LogInformation("last");
        }
        File.ReadAllText(moved).ShouldEndWith("before\n");
        Backups().Length.ShouldBe(1);
        File.ReadAllText(LogFile).ShouldNotContain("AAAA");
        File.ReadAllText(LogFile).ShouldEndWith("last\n");
    }

    [Fact]
    public void OptionsMayChange()
    {
        var second = Path.Combine(_folder.Path, "second.log");
        using (var provider = new NatsLoggerProvider(new LoggingOptions { LogFile = LogFile, LogTime = false }))
        {
            var log = provider.CreateLogger("test");
            log.LogDebug("unseen");
            log.LogInformation("one");
            provider.Apply(new LoggingOptions { LogFile = second, LogTime = false, Debug = true });
            log.LogDebug("two");
            Should.Throw<IOException>(() => provider.Apply(new LoggingOptions { LogFile = "/nowhere/at/all" })).Message.ShouldStartWith("error opening file: open /nowhere/at/all");
            log.LogDebug("three");
        }
        File.ReadAllText(LogFile).ShouldEndWith("[INF] one\n");
        File.ReadAllText(second).ReplaceLineEndings("").ShouldEndWith($"[DBG] two[{Environment.ProcessId}] [DBG] three");
    }

    public void Dispose() => _folder.Dispose();

    private string[] Backups() =>
        [.. Directory.GetFiles(_folder.Path, "nats.log.2*").Order(StringComparer.Ordinal)];

    private IEnumerable<string> AllLines() => Backups().Append(LogFile).SelectMany(File.ReadLines);
}

/// <summary>A clock that stands still, in UTC.</summary>
internal sealed class FixedTime : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 21, 2, 44, 24, TimeSpan.Zero).AddTicks(1234567);
}
