using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Cli;

/// <summary>Reads nats-server's command line: flags, then the configuration file, then flags over it.</summary>
public static class CommandLine
{
    private const string Name = "nats-server";

    /// <summary>What checks of subjects the configuration loader needs from the rooms above it.</summary>
    public static readonly ConfigChecks Checks = new(
        SubjectMappings.Validate, subject => SubjectRules.IsValid(System.Text.Encoding.UTF8.GetBytes(subject)));

    public static CliRequest Parse(IReadOnlyList<string> arguments)
    {
        var flags = Define();
        try
        {
            flags.Parse(arguments);
        }
        catch (FlagException error)
        {
            // Upstream shows the help behind the error, and leaves with 0.
            return new CliRequest.Print(UsageText.Usage, error.Message + "\n");
        }
        return ParseCommand(flags) ?? ParseServer(flags);
    }

    private static FlagSet Define() => new FlagSet()
        .Switch("h", "help").Switch("v", "version").Switch("help_tls").Switch("t")
        .Number("p", "port").Number("m", "http_port").Number("ms", "https_port").Number("profile")
        .Text("n", "name", "server_name").Text("a", "addr", "net").Text("client_advertise")
        .Text("c", "config").Text("sl", "signal").Text("P", "pid").Text("ports_file_dir")
        .Text("l", "log").Number("log_size_limit").Switch("T", "logtime").Switch("logtime_utc")
        .Switch("s", "syslog").Text("r", "remote_syslog").Number("max_traced_msg_len")
        .Switch("D", "debug").Switch("V", "trace").Switch("VV").Switch("DV").Switch("DVV")
        .Switch("js", "jetstream").Text("sd", "store_dir")
        .Text("user").Text("pass").Text("auth")
        .Switch("tls").Switch("tlsverify").Text("tlscert").Text("tlskey").Text("tlscacert")
        .Text("routes").Text("cluster", "cluster_listen").Text("cluster_name").Text("cluster_advertise")
        .Switch("no_advertise").Number("connect_retries");

    /// <summary>Everything that is not running a server.</summary>
    private static CliRequest? ParseCommand(FlagSet flags)
    {
        if (flags.GetSwitch("v") == true) return Version();
        if (flags.GetSwitch("h") == true) return new CliRequest.Print(UsageText.Usage);
        if (flags.GetSwitch("help_tls") == true) return new CliRequest.Print(UsageText.Tls + "\n");
        foreach (var word in flags.Rest)
        {
            if (word.Equals("version", StringComparison.OrdinalIgnoreCase)) return Version();
            if (word.Equals("help", StringComparison.OrdinalIgnoreCase)) return new CliRequest.Print(UsageText.Usage);
            return Fail($"unrecognized command: \"{word}\"");
        }
        if (flags.GetText("sl") is not { Length: > 0 } signal) return null;
        var parts = signal.Split('=', 2);
        return new CliRequest.Signal(parts[0], parts.Length > 1 ? parts[1] : "");
    }

    private static CliRequest ParseServer(FlagSet flags)
    {
        var test = flags.GetSwitch("t") == true;
        var file = flags.GetText("c");
        try
        {
            var loaded = file is { Length: > 0 } ? ConfigLoader.Load(file, Checks) : new LoadedConfig(new ServerOptions(), []);
            if (test) return TestResult(file, loaded);
            return new CliRequest.Run(FlagOverrides.Apply(flags, loaded.Options), loaded.Warnings);
        }
        catch (Exception error) when (error is ConfigException or ConfigurationValueException)
        {
            return Fail(error.Message);
        }
    }

    private static CliRequest TestResult(string? file, LoadedConfig loaded)
    {
        if (string.IsNullOrEmpty(file)) return Fail("must specify [-c, --config] option to check configuration file syntax");
        return loaded.Warnings.Count > 0
            ? Fail(string.Concat(loaded.Warnings.Select(warning => warning + "\n")))
            : new CliRequest.Print("", $"{Name}: configuration file {file} is valid ({loaded.Options.ConfigDigest})\n");
    }

    private static CliRequest.Print Version() => new($"{Name}: v{Defaults.Version}\n");

    private static CliRequest.Print Fail(string text) => new("", $"{Name}: {text}\n", 1);
}
