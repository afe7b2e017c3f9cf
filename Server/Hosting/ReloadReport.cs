using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting;

/// <summary>What a reload changed, a line each, in upstream's words.</summary>
internal static class ReloadReport
{
    public static IEnumerable<string> Describe(ServerOptions before, ServerOptions after) =>
        Changes(before, after).Where(change => change.Changed).Select(change => change.Text);

    private static IEnumerable<(bool Changed, string Text)> Changes(ServerOptions before, ServerOptions after) =>
        LoggingChanges(before.Logging, after.Logging)
            .Concat(LimitChanges(before.Limits, after.Limits))
            .Concat(AuthorizationChanges(before, after))
            .Concat(OtherChanges(before, after));

    private static IEnumerable<(bool Changed, string Text)> LoggingChanges(LoggingOptions before, LoggingOptions after)
    {
        yield return (before.Trace != after.Trace, $"trace = {Text(after.Trace)}");
        yield return (before.TraceVerbose != after.TraceVerbose, $"trace_verbose = {Text(after.TraceVerbose)}");
        yield return (before.TraceHeaders != after.TraceHeaders, $"trace_headers = {Text(after.TraceHeaders)}");
        yield return (before.Debug != after.Debug, $"debug = {Text(after.Debug)}");
        yield return (before.LogTime != after.LogTime, $"logtime = {Text(after.LogTime)}");
        yield return (before.LogTimeUtc != after.LogTimeUtc, $"logtime_utc = {Text(after.LogTimeUtc)}");
        yield return (before.LogFile != after.LogFile, $"log_file = {after.LogFile}");
        yield return (before.Syslog != after.Syslog, $"syslog = {Text(after.Syslog)}");
        yield return (before.RemoteSyslog != after.RemoteSyslog, $"remote_syslog = {after.RemoteSyslog}");
        yield return (before.ConnectErrorReports != after.ConnectErrorReports, $"connect_error_reports = {after.ConnectErrorReports}");
        yield return (before.ReconnectErrorReports != after.ReconnectErrorReports, $"reconnect_error_reports = {after.ReconnectErrorReports}");
        yield return (before.MaxTracedMessageLength != after.MaxTracedMessageLength, $"max_traced_msg_len = {after.MaxTracedMessageLength}");
    }

    private static IEnumerable<(bool Changed, string Text)> LimitChanges(LimitOptions before, LimitOptions after)
    {
        yield return (before.MaxConnections != after.MaxConnections, $"max_connections = {after.MaxConnections}");
        yield return (before.MaxControlLine != after.MaxControlLine, $"max_control_line = {after.MaxControlLine}");
        yield return (before.MaxPayload != after.MaxPayload, $"max_payload = {after.MaxPayload}");
        yield return (before.PingInterval != after.PingInterval, $"ping_interval = {after.PingInterval.TotalSeconds}s");
        yield return (before.MaxPingsOut != after.MaxPingsOut, $"ping_max = {after.MaxPingsOut}");
        yield return (before.WriteDeadline != after.WriteDeadline, $"write_deadline = {after.WriteDeadline.TotalSeconds}s");
        yield return (before.NoFastProducerStall != after.NoFastProducerStall, $"fast producers will {(after.NoFastProducerStall ? "not " : "")}be stalled");
    }

    private static IEnumerable<(bool Changed, string Text)> AuthorizationChanges(ServerOptions before, ServerOptions after)
    {
        var (old, now) = (before.Authorization, after.Authorization);
        yield return (before.Tls is not null || after.Tls is not null, $"tls = {(after.Tls is null ? "disabled" : "enabled")}");
        yield return (old.Username != now.Username, "authorization username");
        yield return (old.Password != now.Password, "authorization password");
        yield return (old.Token != now.Token, "authorization token");
        yield return (old.Timeout != now.Timeout, $"authorization timeout = {now.Timeout.TotalSeconds}");
        yield return (old.Users.Count > 0 || now.Users.Count > 0, "authorization users");
        yield return (before.Accounts.Count > 0 || after.Accounts.Count > 0, "accounts");
    }

    private static IEnumerable<(bool Changed, string Text)> OtherChanges(ServerOptions before, ServerOptions after)
    {
        yield return (!before.Tags.SequenceEqual(after.Tags), "tags");
        yield return (!before.Metadata.OrderBy(entry => entry.Key).SequenceEqual(after.Metadata.OrderBy(entry => entry.Key)), "metadata");
        var sameThresholds = before.Cluster.CompressionRttThresholds.SequenceEqual(after.Cluster.CompressionRttThresholds);
        yield return (before.Cluster.Enabled && (!sameThresholds || WithListsOf(before.Cluster, after.Cluster) != after.Cluster), "cluster");
        yield return (!before.Cluster.Routes.SequenceEqual(after.Cluster.Routes), "cluster routes");
        yield return (before.ClientAdvertise != after.ClientAdvertise, $"client_advertise = {after.ClientAdvertise}");
        yield return (before.PidFile != after.PidFile, $"pid_file = {after.PidFile}");
        yield return (before.PortsFileDirectory != after.PortsFileDirectory, $"ports_file_dir = {after.PortsFileDirectory}");
    }

    /// <summary>Lists compare by identity, and are told of elsewhere.</summary>
    private static ClusterOptions WithListsOf(ClusterOptions options, ClusterOptions other) => options with
    {
        Routes = other.Routes,
        PinnedAccounts = other.PinnedAccounts,
        CompressionRttThresholds = other.CompressionRttThresholds,
        Permissions = other.Permissions,
        Tls = other.Tls,
    };

    private static string Text(bool value) => value ? "true" : "false";
}
