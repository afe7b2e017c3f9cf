using System.Globalization;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>
/// Connections to other clusters and to leaf nodes, named as the exporter's -gatewayz and -leafz name them. Its rows whose
/// labels are times that pass (<c>_info</c> of gateways) are left out: each scrape would be a time series of its own.
/// </summary>
internal static class LinkMetrics
{
    private const string Gauge = "gauge";

    /// <summary>More leaf nodes than these have no rows of their own; their number is told.</summary>
    private const int MostLeafs = 1000;

    public static void Add(MetricsWriter writer, string prefix, MonitoringSource source, string server)
    {
        AddGateways(writer, prefix + "_gatewayz_", Gatewayz.Collect(source), server);
        AddLeafs(writer, prefix + "_leafz_", Leafz.Collect(source), server);
    }

    private static void AddGateways(MetricsWriter writer, string prefix, Gatewayz gateways, string server)
    {
        foreach (var (cluster, gateway) in gateways.Outbound ?? new Dictionary<string, GatewayDetail>()) AddGateway("outbound_gateway_", cluster, [gateway]);
        foreach (var (cluster, connections) in gateways.Inbound) AddGateway("inbound_gateway_", cluster, connections);

        void AddGateway(string direction, string cluster, IReadOnlyList<GatewayDetail> connections)
        {
            writer.Add($"{prefix}{direction}configured", Gauge, "configured", connections.Any(one => one.IsConfigured) ? 1 : 0,
                ("gateway_name", gateways.Name ?? ""), ("remote_gateway_name", cluster), ("server_id", server));
            foreach (var connection in connections.Select(one => one.Connection).OfType<ConnectionDetail>())
            {
                (string, string)[] labels =
                [
                    ("gateway_name", gateways.Name ?? ""), ("cid", connection.Id.ToString(CultureInfo.InvariantCulture)), ("remote_gateway_name", cluster), ("server_id", server),
                ];
                AddOne("rtt", Seconds(connection.RoundTrip));
                AddOne("pending_bytes", connection.PendingBytes);
                AddOne("in_msgs", connection.InMessages);
                AddOne("out_msgs", connection.OutMessages);
                AddOne("in_bytes", connection.InBytes);
                AddOne("out_bytes", connection.OutBytes);
                AddOne("subscriptions", connection.SubscriptionCount);

                void AddOne(string name, double value) => writer.Add($"{prefix}{direction}conn_{name}", Gauge, name, value, labels);
            }
        }
    }

    private static void AddLeafs(MetricsWriter writer, string prefix, Leafz leafs, string server)
    {
        writer.Add(prefix + "conn_nodes_total", Gauge, "nodes_total", leafs.Count, ("server_id", server));
        foreach (var leaf in leafs.Leafs.Take(MostLeafs))
        {
            (string, string)[] labels =
            [
                ("server_id", server), ("account", leaf.Account), ("account_id", leaf.Account), ("ip", leaf.Ip),
                ("port", leaf.Port.ToString(CultureInfo.InvariantCulture)), ("name", leaf.Name),
            ];
            writer.Add(prefix + "info", Gauge, "info", 1, labels);
            AddOne("rtt", Seconds(leaf.RoundTrip));
            AddOne("in_msgs", leaf.InMessages);
            AddOne("out_msgs", leaf.OutMessages);
            AddOne("in_bytes", leaf.InBytes);
            AddOne("out_bytes", leaf.OutBytes);
            AddOne("subscriptions_total", leaf.SubscriptionCount);

            void AddOne(string name, double value) => writer.Add($"{prefix}conn_{name}", Gauge, name, value, labels);
        }
    }

    /// <summary>0 until the first answer to a PING.</summary>
    private static double Seconds(string roundTrip) => DurationText.Parse(roundTrip, out var time) is null ? time.TotalSeconds : 0;
}
