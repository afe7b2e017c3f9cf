using System.Globalization;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>One connection as the exporter's -connz_detailed tells it.</summary>
internal static class ConnectionMetrics
{
    private const string Gauge = "gauge";
    private const string Counter = "counter";
    private const string Untyped = "untyped";

    public static void Add(MetricsWriter writer, string prefix, ConnectionDetail connection, string server)
    {
        (string, string)[] labels =
        [
            ("server_id", server), ("cid", connection.Id.ToString(CultureInfo.InvariantCulture)), ("kind", connection.Kind), ("type", connection.Type!),
            ("ip", connection.Ip), ("port", connection.Port.ToString(CultureInfo.InvariantCulture)), ("name", connection.Name ?? ""),
            ("name_tag", connection.NameTag ?? ""), ("account", connection.Account ?? ""), ("account_id", connection.Account ?? ""),
            ("lang", connection.Language ?? ""), ("version", connection.Version ?? ""), ("tls_version", connection.TlsVersion ?? ""),
            ("tls_cipher_suite", connection.TlsCipherSuite ?? ""),
        ];
        AddOne("pending_bytes", Gauge, "pending_bytes", connection.PendingBytes);
        AddOne("subscriptions", Gauge, "subscriptions", connection.SubscriptionCount);
        AddOne("in_bytes", Counter, "in_bytes", connection.InBytes);
        AddOne("out_bytes", Counter, "out_bytes", connection.OutBytes);
        AddOne("in_msgs", Counter, "in_msgs", connection.InMessages);
        AddOne("out_msgs", Counter, "out_msgs", connection.OutMessages);
        AddOne("start", Untyped, "epoch time at which the connection was started", connection.Start.ToUnixTimeMilliseconds());
        AddOne("last_activity", Untyped, "epoch time at which the last activity was registered", connection.LastActivity.ToUnixTimeMilliseconds());
        AddOne("rtt", Gauge, "response time latency in microseconds", RoundTrip(connection.RoundTrip));
        AddOne("uptime", Untyped, "uptime duration in milliseconds", Milliseconds(MonitoringSource.Now - connection.Start));
        AddOne("idle", Gauge, "idle time duration in milliseconds", Milliseconds(MonitoringSource.Now - connection.LastActivity));

        void AddOne(string name, string type, string help, double value) => writer.Add(prefix + name, type, help, value, labels);
    }

    private static double RoundTrip(string text) => DurationText.Parse(text, out var time) is null ? Math.Floor(time.TotalMicroseconds) : -1;

    private static double Milliseconds(TimeSpan time) => Math.Max(0, Math.Floor(time.TotalMilliseconds));
}
