using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>The websocket and mqtt blocks.</summary>
internal sealed partial class OptionsReader
{
    private WebSocketOptions ReadWebSocket(WebSocketOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected websocket to be a map, got {type}");
        return Fold(block, start, (socket, key, value) => key switch
        {
            "listen" => ReadListen(value) is var (host, port) ? socket with { Host = host, Port = port } : socket,
            "port" => socket with { Port = ToInt(value) },
            "host" or "net" => socket with { Host = value.AsString() },
            "advertise" => socket with { Advertise = value.AsString() },
            "no_tls" => socket with { NoTls = value.AsBoolean() },
            "tls" => socket with { Tls = ReadTls(value, isClientContext: true) },
            "same_origin" => socket with { SameOrigin = value.AsBoolean() },
            "allowed_origins" or "allowed_origin" or "allow_origins" or "allow_origin" or "origins" or "origin" =>
                socket with { AllowedOrigins = ReadStrings("allowed origins", value) },
            "handshake_timeout" => socket with { HandshakeTimeout = ReadHandshakeTimeout(value) },
            "compress" or "compression" => socket with { Compression = value.AsBoolean() },
            "authorization" or "authentication" => socket with { Authorization = ReadSimpleAuthorization(value) },
            "jwt_cookie" => socket with { JwtCookie = value.AsString() },
            "user_cookie" => socket with { UsernameCookie = value.AsString() },
            "pass_cookie" => socket with { PasswordCookie = value.AsString() },
            "token_cookie" => socket with { TokenCookie = value.AsString() },
            "no_auth_user" => socket with { NoAuthUser = value.AsString() },
            "headers" => socket with { Headers = ReadHeaders(value) },
            "ping_interval" => socket with { PingInterval = ReadDuration("ping_interval", value) },
            _ => Unknown(socket, block, value),
        });
    }

    private static TimeSpan ReadHandshakeTimeout(ConfigValue value)
    {
        if (value.Is<long>(out var seconds)) return Seconds(seconds);
        if (!value.Is<string>(out var text))
        {
            throw new ConfigRefusedException(value, $"error parsing handshake timeout: unsupported type {value.TypeName}");
        }
        return DurationText.Parse(text, out var timeout) is { } error ? throw new ConfigRefusedException(value, error) : timeout;
    }

    private Dictionary<string, string> ReadHeaders(ConfigValue value)
    {
        var headers = new Dictionary<string, string>();
        foreach (var (name, header) in ExpectMap(value, type => $"error parsing headers: unsupported type {type}"))
        {
            if (header.Is<string>(out var text)) headers[name] = text;
            else diagnostics.Error(header, $"error parsing header key {name}: unsupported type {header.TypeName}");
        }
        return headers;
    }

    private MqttOptions ReadMqtt(MqttOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected mqtt to be a map, got {type}");
        return Fold(block, start, (mqtt, key, value) => key switch
        {
            "listen" => ReadListen(value) is var (host, port) ? mqtt with { Host = host, Port = port } : mqtt,
            "port" => mqtt with { Port = ToInt(value) },
            "host" or "net" => mqtt with { Host = value.AsString() },
            "tls" => mqtt with { Tls = ReadTls(value, isClientContext: true) },
            "authorization" or "authentication" => mqtt with { Authorization = ReadSimpleAuthorization(value) },
            "no_auth_user" => mqtt with { NoAuthUser = value.AsString() },
            "ack_wait" or "ackwait" => mqtt with { AckWait = ReadDuration("ack_wait", value) },
            "js_api_timeout" or "api_timeout" => mqtt with { JetStreamApiTimeout = ReadDuration("js_api_timeout", value) },
            "max_ack_pending" or "max_pending" or "max_inflight" => mqtt with { MaxAckPending = ReadMaxAckPending(value) },
            "js_domain" => mqtt with { JetStreamDomain = value.AsString() },
            "stream_replicas" => mqtt with { StreamReplicas = ToInt(value) },
            "consumer_replicas" => WarnOfConsumerReplicas(mqtt, key, value),
            "consumer_memory_storage" => mqtt with { ConsumerMemoryStorage = value.AsBoolean() },
            "consumer_inactive_threshold" or "consumer_auto_cleanup" =>
                mqtt with { ConsumerInactiveThreshold = ReadDuration("consumer_inactive_threshold", value) },
            "reject_qos2_publish" => mqtt with { RejectQos2Publish = value.AsBoolean() },
            "downgrade_qos2_subscribe" => mqtt with { DowngradeQos2Subscribe = value.AsBoolean() },
            _ => Unknown(mqtt, block, value),
        });
    }

    private static int ReadMaxAckPending(ConfigValue value) => value.AsInteger() is >= 0 and <= ushort.MaxValue and var limit
        ? (int)limit
        : throw new ConfigRefusedException(value, $"invalid value {value}, should in [0..65535] range");

    private MqttOptions WarnOfConsumerReplicas(MqttOptions mqtt, string key, ConfigValue value)
    {
        diagnostics.WarnField(key, value, "consumer replicas setting ignored in this server version");
        return mqtt;
    }
}
