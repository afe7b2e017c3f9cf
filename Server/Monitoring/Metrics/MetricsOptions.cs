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

    /// <summary>The label server_id is the server's name, which outlives a restart, and not its id.</summary>
    public bool UseServerName { get; init; }

    /// <summary>From ?prefix=nats&amp;connz=true&amp;connz_detailed=true&amp;use_internal_server_name=true.</summary>
    /// <exception cref="MonitoringException">A prefix no name can begin with.</exception>
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
            UseServerName = query.Boolean("use_internal_server_name"),
        };
    }

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]{0,63}\\z")]
    private static partial Regex Name();
}
