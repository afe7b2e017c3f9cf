namespace NatsAspire.Server.Configuration;

/// <summary>Puts the defaults where a configuration wrote zero or nothing, which for many options means the default.</summary>
public static class OptionsBaseline
{
    public static ServerOptions Apply(ServerOptions options) => options with
    {
        Host = OrDefault(options.Host, Defaults.Host),
        Port = options.Port == 0 ? Defaults.ClientPort : options.Port,
        ServerName = OrNull(options.ServerName),
        ClientAdvertise = OrNull(options.ClientAdvertise),
        PidFile = OrNull(options.PidFile),
        PortsFileDirectory = OrNull(options.PortsFileDirectory),
        Limits = Apply(options.Limits),
        Logging = Apply(options.Logging),
        Authorization = options.Authorization with
        {
            Username = OrNull(options.Authorization.Username),
            Token = OrNull(options.Authorization.Token),
            NoAuthUser = OrNull(options.Authorization.NoAuthUser),
            Timeout = OrDefault(options.Authorization.Timeout, AuthTimeout(options.Tls)),
        },
        Monitoring = options.Monitoring with { Host = OrNull(options.Monitoring.Host) },
        Cluster = ApplyCluster(options.Cluster),
        LameDuckDuration = OrDefault(options.LameDuckDuration, Defaults.LameDuckDuration),
        LameDuckGracePeriod = OrDefault(options.LameDuckGracePeriod, Defaults.LameDuckGracePeriod),
    };

    private static LimitOptions Apply(LimitOptions limits) => limits with
    {
        MaxControlLine = limits.MaxControlLine == 0 ? Defaults.MaxControlLine : limits.MaxControlLine,
        MaxPayload = limits.MaxPayload == 0 ? Defaults.MaxPayload : limits.MaxPayload,
        MaxPending = limits.MaxPending == 0 ? Defaults.MaxPending : limits.MaxPending,
        MaxConnections = limits.MaxConnections == 0 ? Defaults.MaxConnections : limits.MaxConnections,
        MaxClosedClients = limits.MaxClosedClients == 0 ? new LimitOptions().MaxClosedClients : limits.MaxClosedClients,
        MaxPingsOut = limits.MaxPingsOut == 0 ? Defaults.MaxPingsOut : limits.MaxPingsOut,
        PingInterval = OrDefault(limits.PingInterval, Defaults.PingInterval),
        WriteDeadline = OrDefault(limits.WriteDeadline, Defaults.WriteDeadline),
    };

    private static LoggingOptions Apply(LoggingOptions logging) => logging with
    {
        LogFile = OrNull(logging.LogFile),
        RemoteSyslog = OrNull(logging.RemoteSyslog),
        ConnectErrorReports = logging.ConnectErrorReports == 0 ? new LoggingOptions().ConnectErrorReports : logging.ConnectErrorReports,
        ReconnectErrorReports = logging.ReconnectErrorReports == 0 ? new LoggingOptions().ReconnectErrorReports : logging.ReconnectErrorReports,
    };

    private static ClusterOptions ApplyCluster(ClusterOptions cluster)
    {
        if (cluster.Port == 0) return cluster;
        return cluster with
        {
            Name = OrNull(cluster.Name),
            Advertise = OrNull(cluster.Advertise),
            Username = OrNull(cluster.Username),
            Host = OrDefault(cluster.Host, Defaults.Host),
            AuthTimeout = OrDefault(cluster.AuthTimeout, AuthTimeout(cluster.Tls)),
            PoolSize = cluster.PoolSize == 0 ? Defaults.RoutePoolSize : cluster.PoolSize,
            Compression = OrNull(cluster.Compression),
        };
    }

    /// <summary>What a configuration begins with: what depends on other options is filled in later.</summary>
    public static ServerOptions Empty { get; } = new()
    {
        Authorization = new AuthorizationOptions { Timeout = TimeSpan.Zero },
        Cluster = new ClusterOptions { AuthTimeout = TimeSpan.Zero },
    };

    /// <summary>One second more than the TLS handshake may take.</summary>
    private static TimeSpan AuthTimeout(TlsOptions? tls)
    {
        if (tls is null) return Defaults.AuthTimeout;
        return (tls.Timeout == TimeSpan.Zero ? Defaults.AuthTimeout : tls.Timeout) + TimeSpan.FromSeconds(1);
    }

    private static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string OrDefault(string text, string standard) => text.Length == 0 ? standard : text;

    private static TimeSpan OrDefault(TimeSpan time, TimeSpan standard) => time == TimeSpan.Zero ? standard : time;
}
