using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>The gateway block.</summary>
internal sealed partial class OptionsReader
{
    private GatewayOptions ReadGateway(GatewayOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected gateway to be a map, got {type}");
        return Fold(block, start, (gateway, key, value) => key switch
        {
            "name" => gateway with { Name = ReadName(value, "gateway name cannot contain spaces") },
            "listen" => ReadListen(value) is var (host, port) ? gateway with { Host = host, Port = port } : gateway,
            "port" => gateway with { Port = ToInt(value) },
            "host" or "net" => gateway with { Host = value.AsString() },
            "authorization" => WithAuthorization(gateway, value),
            "tls" => gateway with { Tls = ReadTls(value, isClientContext: false) },
            "advertise" => gateway with { Advertise = value.AsString() },
            "connect_retries" => gateway with { ConnectRetries = ToInt(value) },
            "connect_backoff" => gateway with { ConnectBackoff = value.AsBoolean() },
            "gateways" => gateway with { Gateways = ReadRemoteGateways(value) },
            "reject_unknown" or "reject_unknown_cluster" => gateway with { RejectUnknown = value.AsBoolean() },
            "write_deadline" => gateway with { WriteDeadline = ReadDuration("write_deadline", value) },
            "write_timeout" => gateway with { WriteTimeout = ReadWriteTimeout(value) },
            _ => Unknown(gateway, block, value),
        });
    }

    private GatewayOptions WithAuthorization(GatewayOptions gateway, ConfigValue value)
    {
        var authorization = ReadLinkAuthorization("Gateway", value);
        return gateway with
        {
            Username = authorization.Username,
            Password = authorization.Password,
            AuthTimeout = authorization.Timeout,
        };
    }

    private List<RemoteGatewayOptions> ReadRemoteGateways(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException($"Expected gateways field to be an array, got {value.TypeName}");
        }
        var gateways = new List<RemoteGatewayOptions>();
        foreach (var item in items)
        {
            if (!item.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
            {
                diagnostics.Error(item, $"Expected gateway entry to be a map/struct, got {item}");
                continue;
            }
            gateways.Add(Fold(item, new RemoteGatewayOptions(), (gateway, key, setting) => key switch
            {
                "name" => gateway with { Name = setting.AsString() },
                "tls" => gateway with { Tls = ReadTls(setting, isClientContext: false) },
                "url" => gateway with { Urls = [.. gateway.Urls, ReadUrl("gateway", setting)] },
                "urls" => gateway with { Urls = ReadUrls("gateway", setting) },
                _ => Unknown(gateway, item, setting),
            }));
        }
        return gateways;
    }
}
