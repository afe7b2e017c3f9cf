using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>What flags say; null: the flag was not given and the configuration counts.</summary>
public sealed record FlagOverrides
{
    public string? Host { get; init; }

    public int? Port { get; init; }

    public string? ServerName { get; init; }

    public string? ClientAdvertise { get; init; }

    public string? PidFile { get; init; }

    public string? PortsFileDirectory { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? Token { get; init; }

    public int? HttpPort { get; init; }

    public int? HttpsPort { get; init; }

    public int? ProfilePort { get; init; }

    public bool? JetStream { get; init; }

    public string? StoreDirectory { get; init; }

    public LoggingOverrides Logging { get; init; } = new();

    public ClusterOverrides Cluster { get; init; } = new();

    public TlsOverrides Tls { get; init; } = new();

    /// <summary>Options with the flags put over them.</summary>
    /// <exception cref="CliException">Flags that do not fit to each other or to the options.</exception>
    public ServerOptions ApplyTo(ServerOptions options)
    {
        options = options with
        {
            Host = Host ?? options.Host,
            Port = Port ?? options.Port,
            ServerName = ServerName ?? options.ServerName,
            ClientAdvertise = ClientAdvertise ?? options.ClientAdvertise,
            PidFile = PidFile ?? options.PidFile,
            PortsFileDirectory = PortsFileDirectory ?? options.PortsFileDirectory,
            StoreDirectory = StoreDirectory ?? options.StoreDirectory,
            JetStream = options.JetStream with { Enabled = JetStream ?? options.JetStream.Enabled },
            Authorization = options.Authorization with
            {
                Username = Username ?? options.Authorization.Username,
                Password = Password ?? options.Authorization.Password,
                Token = Token ?? options.Authorization.Token,
            },
            Monitoring = options.Monitoring with
            {
                HttpPort = HttpPort ?? options.Monitoring.HttpPort,
                HttpsPort = HttpsPort ?? options.Monitoring.HttpsPort,
                ProfilePort = ProfilePort ?? options.Monitoring.ProfilePort,
            },
            Logging = Logging.ApplyTo(options.Logging),
        };
        options = options with { Cluster = Cluster.ApplyTo(options.Cluster) };
        return options with { Tls = Tls.ApplyTo(options.Tls) };
    }
}
