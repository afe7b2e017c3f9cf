using System.Text.RegularExpressions;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>What a scrape asks for; named after prometheus-nats-exporter's flags.</summary>
public sealed partial record MetricsOptions
{
    /// <summary>The exporter's own prefix; its Helm chart sets nats.</summary>
    public const string DefaultPrefix = "gnatsd";

    /// <summary>What every name begins with.</summary>
    public string Prefix { get; init; } = DefaultPrefix;

    /// <summary>The sums of /connz too.</summary>
    public bool Connections { get; init; }

    /// <summary>Every connection too. As many time series as connections: for small servers.</summary>
    public bool ConnectionDetails { get; init; }

    /// <summary>How much of /jsz.</summary>
    public JetStreamMetricsLevel JetStream { get; init; }

    /// <summary>What names of /jsz begin with: of its own accord the exporter calls them otherwise than the rest.</summary>
    public string JetStreamPrefix { get; init; } = "jetstream";

    /// <summary>The label server_id is the server's name, which outlives a restart, and not its id.</summary>
    public bool UseServerName { get; init; }

    /// <summary>From ?prefix=nats&amp;connz=true&amp;connz_detailed=true&amp;jsz=all&amp;use_internal_server_name=true.</summary>
    /// <exception cref="MonitoringException">A prefix no name can begin with, or a part of /jsz that there is not.</exception>
    internal static MetricsOptions Read(QueryReader query)
    {
        var prefix = query.Text("prefix");
        if (prefix.Length > 0 && !Name().IsMatch(prefix)) throw new MonitoringException("Error decoding prefix: it must be letters, digits and underscores");
        var details = query.Boolean("connz_detailed");
        return new MetricsOptions
        {
            Prefix = prefix.Length > 0 ? prefix : DefaultPrefix,
            Connections = query.Boolean("connz") || details,
            ConnectionDetails = details,
            JetStream = LevelOf(query.Text("jsz")),
            JetStreamPrefix = prefix.Length > 0 ? prefix : "jetstream",
            UseServerName = query.Boolean("use_internal_server_name"),
        };
    }

    private static JetStreamMetricsLevel LevelOf(string text) => text.ToLowerInvariant() switch
    {
        "" => JetStreamMetricsLevel.Server,
        "account" or "accounts" => JetStreamMetricsLevel.Accounts,
        "stream" or "streams" => JetStreamMetricsLevel.Streams,
        "consumer" or "consumers" or "all" => JetStreamMetricsLevel.All,
        _ => throw new MonitoringException("Error decoding jsz: it must be accounts, streams, consumers or all"),
    };

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]{0,63}\\z")]
    private static partial Regex Name();
}

/// <summary>How much of /jsz is told. As many time series as there are streams and consumers: more only when it is asked for.</summary>
public enum JetStreamMetricsLevel
{
    /// <summary>The server's sums.</summary>
    Server,

    /// <summary>Accounts too.</summary>
    Accounts,

    /// <summary>Streams too.</summary>
    Streams,

    /// <summary>Consumers too.</summary>
    All,
}
