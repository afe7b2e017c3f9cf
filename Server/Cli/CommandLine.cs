using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Cli;

/// <summary>Reads the command line of nats-server.</summary>
public static class CommandLine
{
    /// <summary>What the configuration loader needs from the rooms above it.</summary>
    public static readonly MappingValidator Checks = SubjectMappings.Validate;

    private static readonly string[] Texts =
    [
        "n", "name", "server_name", "a", "addr", "net", "client_advertise", "user", "pass", "auth", "c", "config", "sl", "signal",
        "P", "pid", "ports_file_dir", "l", "log", "r", "remote_syslog", "routes", "cluster", "cluster_listen", "cluster_advertise",
        "cluster_name", "tlscert", "tlskey", "tlscacert", "sd", "store_dir",
    ];

    private static readonly string[] Numbers =
    [
        "p", "port", "m", "http_port", "ms", "https_port", "log_size_limit", "profile", "connect_retries", "max_traced_msg_len",
    ];

    private static readonly string[] Switches =
    [
        "h", "help", "D", "debug", "V", "VV", "trace", "DV", "DVV", "T", "logtime", "logtime_utc", "t", "s", "syslog", "version", "v",
        "no_advertise", "help_tls", "tls", "tlsverify", "js", "jetstream",
    ];

    private static readonly Dictionary<string, FlagKind> Kinds = Texts.Select(name => (name, FlagKind.Text))
        .Concat(Numbers.Select(name => (name, FlagKind.Number)))
        .Concat(Switches.Select(name => (name, FlagKind.Switch)))
        .ToDictionary();

    /// <summary>Says what the arguments, without the program's name, ask for. Reads no file but one with a process id.</summary>
    public static CliRequest Parse(IReadOnlyList<string> arguments)
    {
        var flags = new FlagSet(Kinds);
        if (flags.Parse(arguments) is { } error) return new CliRequest.ShowHelp(error);
        if (flags.Get<bool>("v", "version") == true) return new CliRequest.ShowVersion();
        if (flags.Get<bool>("h", "help") == true) return new CliRequest.ShowHelp();
        if (flags.Get<bool>("help_tls") == true) return new CliRequest.ShowTlsHelp();
        if (flags.Rest.Count > 0) return ParseCommand(flags.Rest[0]);
        var signal = flags.GetText("sl", "signal");
        if (!string.IsNullOrEmpty(signal)) return ParseSignal(signal);
        var configFile = flags.GetText("c", "config");
        if (string.IsNullOrEmpty(configFile)) configFile = null;
        if (flags.Get<bool>("t") != true) return new CliRequest.Run(new OptionsSource(configFile, ReadOverrides(flags)));
        return configFile is null
            ? new CliRequest.Fail("must specify [-c, --config] option to check configuration file syntax")
            : new CliRequest.TestConfig(configFile);
    }

    private static CliRequest ParseCommand(string command) => command.ToLowerInvariant() switch
    {
        "version" => new CliRequest.ShowVersion(),
        "help" => new CliRequest.ShowHelp(),
        _ => new CliRequest.Fail($"unrecognized command: {QuotedText.Quote(command)}"),
    };

    private static CliRequest ParseSignal(string signal)
    {
        var parts = signal.Split('=');
        return parts.Length > 2
            ? new CliRequest.Fail($"invalid signal parameters: [{string.Join(' ', parts.Skip(2))}]")
            : new CliRequest.SendSignal(parts[0], parts.Length == 2 ? ReadProcess(parts[1]) : "");
    }

    /// <summary>A process id may be given as the file that holds it.</summary>
    private static string ReadProcess(string process)
    {
        try
        {
            return process.Length > 0 && File.Exists(process) ? File.ReadAllText(process) : process;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return process;
        }
    }

    private static FlagOverrides ReadOverrides(FlagSet flags) => new()
    {
        Host = flags.GetText("a", "addr", "net"),
        Port = ToInt(flags.Get<long>("p", "port")),
        ServerName = flags.GetText("n", "name", "server_name"),
        ClientAdvertise = flags.GetText("client_advertise"),
        PidFile = flags.GetText("P", "pid"),
        PortsFileDirectory = flags.GetText("ports_file_dir"),
        Username = flags.GetText("user"),
        Password = flags.GetText("pass"),
        Token = flags.GetText("auth"),
        HttpPort = ToInt(flags.Get<long>("m", "http_port")),
        HttpsPort = ToInt(flags.Get<long>("ms", "https_port")),
        ProfilePort = ToInt(flags.Get<long>("profile")),
        JetStream = flags.Get<bool>("js", "jetstream"),
        StoreDirectory = flags.GetText("sd", "store_dir"),
        Logging = ReadLogging(flags),
        Cluster = ReadCluster(flags),
        Tls = ReadTls(flags),
    };

    private static LoggingOverrides ReadLogging(FlagSet flags) => new()
    {
        Debug = flags.Get<bool>("DVV") ?? flags.Get<bool>("DV") ?? flags.Get<bool>("D", "debug"),
        Trace = flags.Get<bool>("VV") ?? flags.Get<bool>("DVV") ?? flags.Get<bool>("DV") ?? flags.Get<bool>("V", "trace"),
        TraceVerbose = flags.Get<bool>("VV") ?? flags.Get<bool>("DVV"),
        LogTime = flags.Get<bool>("T", "logtime"),
        LogTimeUtc = flags.Get<bool>("logtime_utc"),
        LogFile = flags.GetText("l", "log"),
        LogFileSizeLimit = flags.Get<long>("log_size_limit"),
        Syslog = flags.Get<bool>("s", "syslog"),
        RemoteSyslog = flags.GetText("r", "remote_syslog"),
        MaxTracedMessageLength = ToInt(flags.Get<long>("max_traced_msg_len")),
    };

    private static ClusterOverrides ReadCluster(FlagSet flags) => new()
    {
        Listen = flags.GetText("cluster", "cluster_listen"),
        Routes = flags.GetText("routes"),
        Name = flags.GetText("cluster_name"),
        Advertise = flags.GetText("cluster_advertise"),
        NoAdvertise = flags.Get<bool>("no_advertise"),
        ConnectRetries = ToInt(flags.Get<long>("connect_retries")),
    };

    private static TlsOverrides ReadTls(FlagSet flags) => new()
    {
        Enabled = flags.Get<bool>("tls"),
        Verify = flags.Get<bool>("tlsverify"),
        CertificateFile = flags.GetText("tlscert"),
        KeyFile = flags.GetText("tlskey"),
        CaFile = flags.GetText("tlscacert"),
    };

    private static int? ToInt(long? number) => number is { } value ? (int)Math.Clamp(value, int.MinValue, int.MaxValue) : null;
}
