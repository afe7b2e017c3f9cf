using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Logging, monitoring and limits, which are single values at the top level too.</summary>
internal sealed partial class OptionsReader
{
    private static ServerOptions? ReadLogging(ServerOptions options, string key, ConfigValue value)
    {
        var logging = options.Logging;
        LoggingOptions? changed = key switch
        {
            "debug" => logging with { Debug = value.AsBoolean() },
            "trace" => logging with { Trace = value.AsBoolean() },
            "trace_verbose" => logging with { TraceVerbose = value.AsBoolean(), Trace = value.AsBoolean() },
            "trace_headers" => logging with { TraceHeaders = value.AsBoolean(), Trace = value.AsBoolean() },
            "logtime" => logging with { LogTime = value.AsBoolean() },
            "logtime_utc" => logging with { LogTimeUtc = value.AsBoolean() },
            "log_format" => logging with { Format = ReadLogFormat(value) },
            "logfile" or "log_file" => logging with { LogFile = value.AsString() },
            "logfile_size_limit" or "log_size_limit" => logging with { LogFileSizeLimit = value.AsInteger() },
            "logfile_max_num" or "log_max_num" => logging with { LogFileMaxFiles = ToInt(value) },
            "syslog" => logging with { Syslog = value.AsBoolean() },
            "remote_syslog" => logging with { RemoteSyslog = value.AsString() },
            "max_traced_msg_len" => logging with { MaxTracedMessageLength = ToInt(value) },
            "connect_error_reports" => logging with { ConnectErrorReports = ToInt(value) },
            "reconnect_error_reports" => logging with { ReconnectErrorReports = ToInt(value) },
            _ => null,
        };
        return changed is null ? null : options with { Logging = changed };
    }

    private static ServerOptions? ReadMonitoring(ServerOptions options, string key, ConfigValue value)
    {
        var monitoring = options.Monitoring;
        MonitoringOptions? changed = key switch
        {
            "http" => ReadListen(value) is var (host, port) ? monitoring with { Host = host, HttpPort = port } : null,
            "https" => ReadListen(value) is var (host, port) ? monitoring with { Host = host, HttpsPort = port } : null,
            "http_port" or "monitor_port" => monitoring with { HttpPort = ToInt(value) },
            "https_port" => monitoring with { HttpsPort = ToInt(value) },
            "http_base_path" => monitoring with { BasePath = value.AsString() },
            "prof_port" => monitoring with { ProfilePort = ToInt(value) },
            "prof_block_rate" => monitoring with { ProfileBlockRate = ToInt(value) },
            _ => null,
        };
        return changed is null ? null : options with { Monitoring = changed };
    }

    private ServerOptions? ReadLimits(ServerOptions options, string key, ConfigValue value)
    {
        var limits = options.Limits;
        LimitOptions? changed = key switch
        {
            "max_control_line" => limits with { MaxControlLine = ReadBounded(key, value) },
            "max_payload" => limits with { MaxPayload = ReadBounded(key, value) },
            "max_pending" => limits with { MaxPending = value.AsInteger() },
            "max_connections" or "max_conn" => limits with { MaxConnections = ToInt(value) is var count && count == 0 ? -1 : count },
            "max_subscriptions" or "max_subs" => limits with { MaxSubscriptions = ToInt(value) },
            "max_sub_tokens" or "max_subscription_tokens" => limits with { MaxSubscriptionTokens = ReadTokenLimit(key, value) },
            "ping_interval" => limits with { PingInterval = ReadDuration("ping_interval", value) },
            "ping_max" => limits with { MaxPingsOut = ToInt(value) },
            "write_deadline" => limits with { WriteDeadline = ReadDuration("write_deadline", value) },
            "max_closed_clients" => limits with { MaxClosedClients = ToInt(value) },
            "no_fast_producer_stall" => limits with { NoFastProducerStall = value.AsBoolean() },
            "no_header_support" => limits with { NoHeaderSupport = value.AsBoolean() },
            "disable_sublist_cache" or "no_sublist_cache" => limits with { DisableSublistCache = value.AsBoolean() },
            _ => null,
        };
        if (changed is not null) return options with { Limits = changed };
        return key == "write_timeout" ? options with { WriteTimeout = ReadWriteTimeout(value) } : null;
    }

    /// <summary>An option of this server's own; upstream has only text.</summary>
    private static LogFormat ReadLogFormat(ConfigValue value) => value.AsString().ToLowerInvariant() switch
    {
        "text" => LogFormat.Text,
        "json" => LogFormat.Json,
        var other => throw new ConfigRefusedException(value, $"log_format must be text or json, got {QuotedText.Quote(other)}"),
    };

    private static int ReadBounded(string key, ConfigValue value) =>
        value.AsInteger() > int.MaxValue ? throw new ConfigRefusedException(value, $"{key} value is too big") : ToInt(value);

    private static int ReadTokenLimit(string key, ConfigValue value) => value.AsInteger() switch
    {
        > byte.MaxValue => throw new ConfigRefusedException(value, $"{key} value is too big"),
        <= 0 => throw new ConfigRefusedException(value, $"{key} value can not be negative"),
        var limit => (int)limit,
    };
}
