using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>Lays flags over the options of a file.</summary>
internal static class FlagOverrides
{
    /// <exception cref="ConfigurationValueException">Flags that make no sense, alone or together.</exception>
    public static ServerOptions Apply(FlagSet flags, ServerOptions options)
    {
        options = options with
        {
            Port = (int?)flags.GetNumber("p") is { } port && port != 0 ? CheckPort(port) : options.Port,
            Host = Or(flags.GetText("a"), options.Host),
            ServerName = flags.GetText("n") is { Length: > 0 } name ? CheckName(name) : options.ServerName,
            ClientAdvertise = flags.GetText("client_advertise") ?? options.ClientAdvertise,
            PidFile = flags.GetText("P") ?? options.PidFile,
            PortsFileDirectory = flags.GetText("ports_file_dir") ?? options.PortsFileDirectory,
            Monitoring = options.Monitoring with { HttpPort = (int?)flags.GetNumber("m") ?? options.Monitoring.HttpPort },
            Logging = ApplyLogging(flags, options.Logging),
            Authorization = ApplyAuthorization(flags, options.Authorization),
            Cluster = ApplyCluster(flags, options.Cluster),
            UnservedFeatures = [.. options.UnservedFeatures, .. Unserved(flags)],
        };
        if (flags.GetText("routes") is { Length: > 0 } && options.Cluster.Port == 0)
        {
            throw new ConfigurationValueException("solicited routes require cluster capabilities, e.g. --cluster");
        }
        return options;
    }

    private static LoggingOptions ApplyLogging(FlagSet flags, LoggingOptions logging) => logging with
    {
        Debug = flags.GetSwitch("DVV") ?? flags.GetSwitch("DV") ?? flags.GetSwitch("D") ?? logging.Debug,
        Trace = flags.GetSwitch("DVV") ?? flags.GetSwitch("DV") ?? flags.GetSwitch("VV") ?? flags.GetSwitch("V") ?? logging.Trace,
        TraceVerbose = flags.GetSwitch("DVV") ?? flags.GetSwitch("VV") ?? logging.TraceVerbose,
        LogTime = flags.GetSwitch("T") ?? logging.LogTime,
        LogTimeUtc = flags.GetSwitch("logtime_utc") ?? logging.LogTimeUtc,
        LogFile = flags.GetText("l") ?? logging.LogFile,
        LogFileSizeLimit = flags.GetNumber("log_size_limit") ?? logging.LogFileSizeLimit,
        MaxTracedMessageLength = (int?)flags.GetNumber("max_traced_msg_len") ?? logging.MaxTracedMessageLength,
    };

    private static AuthorizationOptions ApplyAuthorization(FlagSet flags, AuthorizationOptions authorization) => authorization with
    {
        Username = flags.GetText("user") ?? authorization.Username,
        Password = flags.GetText("pass") ?? authorization.Password,
        Token = flags.GetText("auth") ?? authorization.Token,
    };

    private static ClusterOptions ApplyCluster(FlagSet flags, ClusterOptions cluster)
    {
        cluster = cluster with
        {
            Name = Or(flags.GetText("cluster_name"), cluster.Name),
            Advertise = flags.GetText("cluster_advertise") ?? cluster.Advertise,
            NoAdvertise = flags.GetSwitch("no_advertise") ?? cluster.NoAdvertise,
            ConnectRetries = (int?)flags.GetNumber("connect_retries") ?? cluster.ConnectRetries,
            Routes = flags.GetText("routes") is { } routes ? ParseRoutes(routes) : cluster.Routes,
        };
        return flags.GetText("cluster") is { } listen ? ApplyListen(cluster, listen) : cluster;
    }

    private static ClusterOptions ApplyListen(ClusterOptions cluster, string listen)
    {
        if (listen.Length == 0) return cluster with { Port = 0 };
        var random = listen.EndsWith(":-1", StringComparison.Ordinal);
        var text = random ? listen[..^3] + ":0" : listen;
        if (text.StartsWith("://", StringComparison.Ordinal))
        {
            throw new ConfigurationValueException($"parse \"{listen}\": missing protocol scheme");
        }
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.Port < 0)
        {
            throw new ConfigurationValueException($"parse \"{listen}\": expected nats://host:port");
        }
        var credentials = url.UserInfo.Split(':', 2);
        if (url.UserInfo.Length > 0 && credentials.Length < 2)
        {
            throw new ConfigurationValueException("expected cluster password to be set");
        }
        return cluster with
        {
            Host = url.Host,
            Port = random ? Defaults.RandomPort : url.Port,
            Username = url.UserInfo.Length > 0 ? Uri.UnescapeDataString(credentials[0]) : null,
            Password = url.UserInfo.Length > 0 ? Uri.UnescapeDataString(credentials[1]) : null,
        };
    }

    private static Uri[] ParseRoutes(string text)
    {
        var routes = new List<Uri>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Uri.TryCreate(part, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.Port <= 0)
            {
                throw new ConfigurationValueException($"error parsing route url [\"{part}\"]");
            }
            routes.Add(url);
        }
        return [.. routes];
    }

    private static IEnumerable<string> Unserved(FlagSet flags)
    {
        if (flags.GetSwitch("js") == true) yield return "-js: JetStream is not supported by this build";
        if (flags.GetNumber("ms") is > 0) yield return "-ms: HTTPS monitoring is not supported by this build";
        if (flags.GetNumber("profile") is > 0) yield return "--profile: profiling is not supported by this build";
        if (flags.GetSwitch("s") == true || flags.IsGiven("r")) yield return "-s, -r: syslog is not supported by this build";
        if (flags.GetSwitch("tls") == false) yield break;
        if (flags.IsGiven("tls") || flags.IsGiven("tlsverify") || flags.IsGiven("tlscert") || flags.IsGiven("tlskey") || flags.IsGiven("tlscacert"))
        {
            yield return "--tls: TLS is not supported by this build";
        }
    }

    private static int CheckPort(int port) => port is >= -1 and <= 65535
        ? port
        : throw new ConfigurationValueException($"listen tcp: address {port}: invalid port");

    private static string CheckName(string name) =>
        name.Contains(' ') ? throw new ConfigurationValueException("server name cannot contain spaces") : name;

    private static string Or(string? text, string? otherwise) => string.IsNullOrEmpty(text) ? otherwise! : text;
}
