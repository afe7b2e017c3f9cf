using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>
/// /metrics: the pages as prometheus-nats-exporter tells them, so that its dashboards work unchanged. It makes a metric
/// of every number of a page, nested keys joined by an underscore, and a constant 1 of a few texts.
/// </summary>
internal static class MetricsPage
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string Gauge = "gauge";
    private const string ServerId = "server_id";
    private const int MostDetails = 10_000;

    /// <summary>Names the exporter leaves out.</summary>
    private static readonly HashSet<string> Skipped = new(StringComparer.Ordinal)
    {
        "leaf", "cluster_tls_timeout", "cluster_cluster_port", "cluster_auth_timeout", "gateway_port", "gateway_auth_timeout",
        "gateway_tls_timeout", "gateway_connect_retries",
    };

    /// <summary>Texts that are told in a label, or as a time in milliseconds.</summary>
    private static readonly HashSet<string> Texts = new(StringComparer.Ordinal)
    {
        "server_id", "server_name", "version", "domain", "leader", "name", "start", "config_load_time",
    };

    /// <summary>The metrics of this moment.</summary>
    public static byte[] Make(MonitoringSource source, MetricsOptions options)
    {
        var writer = new MetricsWriter();
        var server = options.UseServerName ? source.ServerName : source.ServerId;
        AddPage(writer, options, "varz", Varz.Collect(source), MonitoringJson.Compact.Varz, server);
        AddPage(writer, options, "routez", Routez.Collect(source), MonitoringJson.Compact.Routez, server);
        AddPage(writer, options, "subsz", Subsz.Collect(source), MonitoringJson.Compact.Subsz, server);
        AddHealth(writer, options.Prefix, Healthz.Check(source), server);
        LinkMetrics.Add(writer, options.Prefix, source, server);
        JetStreamMetrics.Add(writer, options, source, server);
        if (options.Connections) AddConnections(writer, options, source, server);
        return writer.ToBytes();
    }

    private static void AddPage<T>(MetricsWriter writer, MetricsOptions options, string page, T value, JsonTypeInfo<T> type, string server) =>
        AddObject(writer, $"{options.Prefix}_{page}_", "", JsonSerializer.SerializeToElement(value, type), server);

    private static void AddObject(MetricsWriter writer, string prefix, string path, JsonElement value, string server)
    {
        foreach (var property in value.EnumerateObject())
        {
            var name = Join(path, property.Name);
            if (Skipped.Contains(name)) continue;
            switch (property.Value.ValueKind)
            {
                case JsonValueKind.Number:
                    writer.Add(prefix + name, Gauge, name, property.Value.GetDouble(), (ServerId, server));
                    break;
                case JsonValueKind.String when Texts.Contains(property.Name):
                    AddText(writer, prefix + name, name, property.Value.GetString()!, server);
                    break;
                case JsonValueKind.Object:
                    AddObject(writer, prefix, name, property.Value, server);
                    break;
            }
        }
    }

    /// <summary>Joined by one underscore; blanks a path would leave at either end, or doubled, are taken out.</summary>
    private static string Join(string path, string key)
    {
        var parts = $"{path}_{key}".Replace('/', '_').Split('_', StringSplitOptions.RemoveEmptyEntries);
        return string.Join('_', parts);
    }

    private static void AddText(MetricsWriter writer, string name, string help, string text, string server)
    {
        if (DateTimeOffset.TryParseExact(text, "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            writer.Add(name, Gauge, help, time.ToUnixTimeMilliseconds(), (ServerId, server));
        }
        else
        {
            writer.Add(name, Gauge, help, 1, (ServerId, server), ("value", text));
        }
    }

    private static void AddHealth(MetricsWriter writer, string prefix, Healthz health, string server)
    {
        writer.Add($"{prefix}_healthz_status", Gauge, "status", health.IsOk ? 0 : 1, (ServerId, server));
        writer.Add($"{prefix}_healthz_status_value", Gauge, "status", health.IsOk ? 1 : 0, (ServerId, server), ("value", health.Status));
    }

    private static void AddConnections(MetricsWriter writer, MetricsOptions options, MonitoringSource source, string server)
    {
        var page = Connz.Collect(source, new ConnzOptions { Auth = true, Limit = options.ConnectionDetails ? MostDetails : ConnzOptions.DefaultLimit });
        var prefix = options.Prefix + "_connz_";
        var connections = page.Connections!;
        if (options.ConnectionDetails)
        {
            foreach (var connection in connections) ConnectionMetrics.Add(writer, prefix, connection, server);
        }
        AddSum("num_connections", Gauge, page.Count);
        AddSum("total", Gauge, page.Total);
        AddSum("offset", Gauge, page.Offset);
        AddSum("limit", Gauge, page.Limit);
        AddSum("pending_bytes", Gauge, connections.Sum(one => one.PendingBytes));
        AddSum("subscriptions", Gauge, connections.Sum(one => (long)one.SubscriptionCount));
        AddSum("in_bytes", "counter", connections.Sum(one => one.InBytes));
        AddSum("out_bytes", "counter", connections.Sum(one => one.OutBytes));
        AddSum("in_msgs", "counter", connections.Sum(one => one.InMessages));
        AddSum("out_msgs", "counter", connections.Sum(one => one.OutMessages));

        void AddSum(string name, string type, double value) => writer.Add(prefix + name, type, name, value, (ServerId, server));
    }
}
