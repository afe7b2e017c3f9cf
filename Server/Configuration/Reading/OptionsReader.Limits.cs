namespace NatsAspire.Server.Configuration;

/// <summary>Limits, times and logging at the top level.</summary>
internal sealed partial class OptionsReader
{
    private static readonly TimeSpan MinLameDuck = TimeSpan.FromSeconds(30);

    private bool ReadLimits(string key, ConfigValue value)
    {
        var limits = _options.Limits;
        switch (key)
        {
            case "max_control_line":
                limits = limits with { MaxControlLine = value.AsInt(key) };
                break;
            case "max_payload":
                limits = limits with { MaxPayload = value.AsInt(key) };
                break;
            case "max_pending":
                limits = limits with { MaxPending = value.AsLong() };
                break;
            case "max_connections" or "max_conn":
                limits = limits with { MaxConnections = value.AsInt(key) };
                break;
            case "max_subscriptions" or "max_subs":
                limits = limits with { MaxSubscriptions = value.AsInt(key) };
                break;
            case "max_sub_tokens" or "max_subscription_tokens":
                var tokens = value.AsLong();
                if (tokens > byte.MaxValue) throw new ConfigValueError(value, $"{key} value is too big");
                if (tokens < 0) throw new ConfigValueError(value, $"{key} value can not be negative");
                limits = limits with { MaxSubscriptionTokens = (int)tokens };
                break;
            case "ping_interval":
                limits = limits with { PingInterval = value.AsDuration(key, report) };
                break;
            case "ping_max":
                limits = limits with { MaxPingsOut = value.AsInt(key) };
                break;
            case "write_deadline":
                limits = limits with { WriteDeadline = value.AsDuration(key, report) };
                break;
            case "write_timeout":
                CheckWriteTimeout(value);
                break;
            case "no_header_support":
                limits = limits with { NoHeaderSupport = value.AsBoolean() };
                break;
            case "no_fast_producer_stall":
                limits = limits with { NoFastProducerStall = value.AsBoolean() };
                break;
            case "disable_sublist_cache" or "no_sublist_cache":
                limits = limits with { DisableSublistCache = value.AsBoolean() };
                break;
            case "max_closed_clients":
                limits = limits with { MaxClosedClients = value.AsInt(key) };
                break;
            default:
                return ReadLameDuck(key, value);
        }
        _options = _options with { Limits = limits };
        return true;
    }

    private bool ReadLameDuck(string key, ConfigValue value)
    {
        switch (key)
        {
            case "lame_duck_duration":
                var duration = ReadDuration(value, key);
                if (duration < MinLameDuck)
                {
                    throw new ConfigValueError(value, $"invalid lame_duck_duration of {GoDuration.Format(duration)}, minimum is 30 seconds");
                }
                _options = _options with { LameDuckDuration = duration };
                return true;
            case "lame_duck_grace_period":
                var grace = ReadDuration(value, key);
                if (grace < TimeSpan.Zero) throw new ConfigValueError(value, "invalid lame_duck_grace_period, needs to be positive");
                _options = _options with { LameDuckGracePeriod = grace };
                return true;
            default:
                return false;
        }
    }

    private static TimeSpan ReadDuration(ConfigValue value, string key) =>
        GoDuration.TryParse(value.AsString(), out var duration, out var error)
            ? duration
            : throw new ConfigValueError(value, $"error parsing {key}: {error}");

    private static void CheckWriteTimeout(ConfigValue value)
    {
        if (value.AsString() is not ("default" or "close" or "retry"))
        {
            throw new ConfigValueError(value, "write_timeout must be 'default', 'close' or 'retry'");
        }
    }

    private bool ReadLogging(string key, ConfigValue value)
    {
        var logging = _options.Logging;
        switch (key)
        {
            case "debug":
                logging = logging with { Debug = value.AsBoolean() };
                break;
            case "trace":
                logging = logging with { Trace = value.AsBoolean() };
                break;
            case "trace_verbose":
                logging = logging with { TraceVerbose = value.AsBoolean(), Trace = value.AsBoolean() };
                break;
            case "trace_headers":
                logging = logging with { TraceHeaders = value.AsBoolean(), Trace = value.AsBoolean() };
                break;
            case "logtime":
                logging = logging with { LogTime = value.AsBoolean() };
                break;
            case "logtime_utc":
                logging = logging with { LogTimeUtc = value.AsBoolean() };
                break;
            case "logfile" or "log_file":
                logging = logging with { LogFile = value.AsString() };
                break;
            case "logfile_size_limit" or "log_size_limit":
                logging = logging with { LogFileSizeLimit = value.AsLong() };
                break;
            case "logfile_max_num" or "log_max_num":
                logging = logging with { LogFileMaxFiles = value.AsInt(key) };
                break;
            case "max_traced_msg_len":
                logging = logging with { MaxTracedMessageLength = value.AsInt(key) };
                break;
            case "connect_error_reports":
                logging = logging with { ConnectErrorReports = value.AsInt(key) };
                break;
            case "reconnect_error_reports":
                logging = logging with { ReconnectErrorReports = value.AsInt(key) };
                break;
            default:
                return false;
        }
        _options = _options with { Logging = logging };
        return true;
    }
}
