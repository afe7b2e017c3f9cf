using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>The cluster block, and what links between servers have in common.</summary>
internal sealed partial class OptionsReader
{
    private ClusterOptions ReadCluster(ClusterOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected map to define cluster, got {type}");
        return Fold(block, start, (cluster, key, value) => key switch
        {
            "name" => cluster with { Name = ReadName(value, "cluster name cannot contain spaces") },
            "listen" => ReadListen(value) is var (host, port) ? cluster with { Host = host, Port = port } : cluster,
            "port" => cluster with { Port = ToInt(value) },
            "host" or "net" => cluster with { Host = value.AsString() },
            "authorization" => ReadClusterAuthorization(cluster, key, value),
            "routes" => cluster with { Routes = ReadUrls("route", value) },
            "tls" => cluster with { Tls = ReadTls(value, isClientContext: false) },
            "cluster_advertise" or "advertise" => cluster with { Advertise = value.AsString() },
            "no_advertise" => cluster with { NoAdvertise = value.AsBoolean() },
            "connect_retries" => cluster with { ConnectRetries = ToInt(value) },
            "connect_backoff" => cluster with { ConnectBackoff = value.AsBoolean() },
            "permissions" => cluster with { Permissions = ReadRoutePermissions(value) },
            "pool_size" => cluster with { PoolSize = ToInt(value) },
            "accounts" => cluster with { PinnedAccounts = ReadStrings("accounts", value) },
            "compression" => WithCompression(cluster, ReadCompression(key, value, "s2_fast")),
            "ping_interval" => cluster with { PingInterval = ReadRoutePingInterval(value) },
            "ping_max" => cluster with { MaxPingsOut = ToInt(value) },
            "write_deadline" => cluster with { WriteDeadline = ReadDuration("write_deadline", value) },
            "write_timeout" => cluster with { WriteTimeout = ReadWriteTimeout(value) },
            _ => Unknown(cluster, block, value),
        });
    }

    private static ClusterOptions WithCompression(ClusterOptions cluster, CompressionOptions compression) =>
        cluster with { Compression = compression.Mode, CompressionRttThresholds = compression.RttThresholds };

    private static string ReadName(ConfigValue value, string error) =>
        value.AsString().Contains(' ') ? throw new ConfigRefusedException(value, error) : value.AsString();

    private ClusterOptions ReadClusterAuthorization(ClusterOptions cluster, string key, ConfigValue value)
    {
        var authorization = ReadLinkAuthorization("Cluster", value);
        cluster = cluster with
        {
            Username = authorization.Username,
            Password = authorization.Password,
            AuthTimeout = authorization.Timeout,
        };
        if (authorization.DefaultPermissions is not { } permissions) return cluster;
        CheckRoutePermissions(value, permissions);
        diagnostics.WarnField(key, value, "setting \"permissions\" within cluster authorization block is deprecated");
        return cluster.Permissions is null ? cluster with { Permissions = ToRoutePermissions(permissions) } : cluster;
    }

    /// <summary>Authorization of a link between servers: one user.</summary>
    private AuthorizationOptions ReadLinkAuthorization(string link, ConfigValue value)
    {
        var read = ReadAuthorizationBlock(value);
        if (read.HasUsers) throw new ConfigRefusedException(value, $"{link} authorization does not allow multiple users");
        if (!string.IsNullOrEmpty(read.Options.Token)) throw new ConfigRefusedException(value, $"{link} authorization does not support tokens");
        if (read.Options.Callout is not null) throw new ConfigRefusedException(value, $"{link} authorization does not support callouts");
        return read.Options;
    }

    private RoutePermissionOptions ReadRoutePermissions(ConfigValue value)
    {
        var permissions = ReadPermissions(value, isPlaceKnown: false);
        if (permissions.Responses is not null)
        {
            throw new ConfigRefusedException(value, "Cluster permissions do not support dynamic responses");
        }
        CheckRoutePermissions(value, permissions);
        return ToRoutePermissions(permissions);
    }

    private static void CheckRoutePermissions(ConfigValue value, PermissionOptions permissions)
    {
        if (RoutePermissionCheck.FindError(ToRoutePermissions(permissions)) is { } error) throw new ConfigRefusedException(value, error);
    }

    /// <summary>Publish permissions limit what this server asks for, subscribe permissions what it gives.</summary>
    private static RoutePermissionOptions ToRoutePermissions(PermissionOptions permissions) =>
        new() { Import = permissions.Publish, Export = permissions.Subscribe };

    private TimeSpan ReadRoutePingInterval(ConfigValue value)
    {
        var interval = ReadDuration("ping_interval", value);
        if (interval > Defaults.RoutePingInterval)
        {
            var maximum = DurationText.Format(Defaults.RoutePingInterval);
            diagnostics.Warn(value, $"Cluster 'ping_interval' will reset to {maximum} which is the max for routes");
        }
        return interval;
    }

    private static CompressionOptions ReadCompression(string key, ConfigValue value, string modeForOn)
    {
        if (value.Is<string>(out var mode)) return new CompressionOptions(mode, []);
        if (value.Is<bool>(out var isOn)) return new CompressionOptions(isOn ? modeForOn : "off", []);
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
        {
            var field = QuotedText.Quote(key);
            throw new ConfigRefusedException(value, $"field {field} should be a boolean or a structure, got {value.TypeName}");
        }
        return FoldUnguarded(value, CompressionOptions.Default, (compression, name, setting) => name switch
        {
            "mode" => compression with { Mode = setting.AsString() },
            "rtt_thresholds" or "thresholds" or "rtts" or "rtt" =>
                compression with { RttThresholds = [.. setting.AsArray().Select(item => ReadThreshold(item, setting))] },
            _ when setting.IsUsedVariable => compression,
            _ => throw new ConfigRefusedException(setting, $"unknown field {QuotedText.Quote(name)}"),
        });
    }

    private static TimeSpan ReadThreshold(ConfigValue item, ConfigValue list) =>
        DurationText.Parse(item.AsString(), out var threshold) is { } error ? throw new ConfigRefusedException(list, error) : threshold;
}
