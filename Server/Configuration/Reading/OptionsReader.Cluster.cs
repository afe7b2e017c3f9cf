namespace NatsAspire.Server.Configuration;

/// <summary>The cluster block.</summary>
internal sealed partial class OptionsReader
{
    private static readonly string[] CompressionModes =
        ["off", "accept", "s2_uncompressed", "s2_fast", "s2_better", "s2_best", "s2_auto", "on", "true", "enabled", "disabled", "false"];

    private void ReadCluster(ConfigValue value)
    {
        var map = value.AsMap($"Expected map to define cluster, got {ConfigValueExtensions.GoType(value.Value)}");
        Each(map, ReadClusterKey, UnknownField);
    }

    private bool ReadClusterKey(string key, ConfigValue value)
    {
        var cluster = _options.Cluster;
        switch (key)
        {
            case "name":
                if (value.AsString().Contains(' ')) throw new ConfigValueError(value, "cluster name cannot contain spaces");
                cluster = cluster with { Name = value.AsString() };
                break;
            case "listen":
                var listen = value.AsListen();
                cluster = cluster with { Host = listen.Host.Length > 0 ? listen.Host : cluster.Host, Port = listen.Port };
                break;
            case "port":
                cluster = cluster with { Port = value.AsInt(key) };
                break;
            case "host" or "net":
                cluster = cluster with { Host = value.AsString() };
                break;
            case "authorization":
                cluster = ReadClusterAuthorization(cluster, value);
                break;
            case "routes":
                cluster = cluster with { Routes = [.. value.AsArray().Select(ReadRoute).OfType<Uri>()] };
                break;
            case "cluster_advertise" or "advertise":
                cluster = cluster with { Advertise = value.AsString() };
                break;
            case "no_advertise":
                cluster = cluster with { NoAdvertise = value.AsBoolean() };
                break;
            case "connect_retries":
                cluster = cluster with { ConnectRetries = value.AsInt(key) };
                break;
            case "connect_backoff":
                cluster = cluster with { ConnectBackoff = value.AsBoolean() };
                break;
            case "permissions":
                cluster = cluster with { Permissions = ReadClusterPermissions(value) };
                break;
            case "pool_size":
                cluster = cluster with { PoolSize = value.AsInt(key) is var size && size == 0 ? Defaults.RoutePoolSize : size };
                break;
            case "accounts":
                cluster = cluster with { PinnedAccounts = value.AsStrings("accounts") };
                break;
            default:
                return ReadClusterTimes(key, value);
        }
        _options = _options with { Cluster = cluster };
        return true;
    }

    private bool ReadClusterTimes(string key, ConfigValue value)
    {
        var cluster = _options.Cluster;
        switch (key)
        {
            case "ping_interval":
                cluster = cluster with { PingInterval = value.AsDuration(key, report) };
                if (cluster.PingInterval > Defaults.RoutePingInterval)
                {
                    report.Warnings.Add($"{value.Place}: Cluster 'ping_interval' will reset to 30s which is the max for routes");
                }
                break;
            case "ping_max":
                cluster = cluster with { MaxPingsOut = value.AsInt(key) };
                break;
            case "write_deadline":
                cluster = cluster with { WriteDeadline = value.AsDuration(key, report) };
                break;
            case "write_timeout":
                CheckWriteTimeout(value);
                break;
            case "compression":
                cluster = cluster with { Compression = ReadCompression(value) };
                break;
            case "tls":
                _unserved.Add($"{value.Place}: \"tls\" of the cluster block is not supported by this build");
                break;
            default:
                return false;
        }
        _options = _options with { Cluster = cluster };
        return true;
    }

    private string ReadCompression(ConfigValue value)
    {
        var mode = value.Value switch
        {
            string text => text.ToLowerInvariant(),
            bool on => on ? "s2_fast" : "off",
            ConfigMap map => map.Find("mode")?.AsString().ToLowerInvariant() ?? "s2_auto",
            _ => throw new ConfigValueError(value, $"field \"compression\" should be a boolean or a structure, got {ConfigValueExtensions.GoType(value.Value)}"),
        };
        // Upstream finds an unknown mode only when it starts.
        if (!CompressionModes.Contains(mode))
        {
            _unserved.Add($"unsupported compression mode \"{mode}\"");
            return mode;
        }
        var active = mode is not ("off" or "accept" or "disabled" or "false");
        if (active) _unserved.Add($"{value.Place}: route compression \"{mode}\" is not supported by this build; use off or accept");
        return mode;
    }

    private ClusterOptions ReadClusterAuthorization(ClusterOptions cluster, ConfigValue value)
    {
        var block = ReadAuthorizationBlock(value);
        if (block.HasUsers) throw new ConfigValueError(value, "Cluster authorization does not allow multiple users");
        if (block.Token is not null) throw new ConfigValueError(value, "Cluster authorization does not support tokens");
        if (block.DefaultPermissions is { } permissions)
        {
            report.Misuse(value, "authorization", "setting \"permissions\" within cluster authorization block is deprecated");
            cluster = cluster with { Permissions = cluster.Permissions ?? ToRoutePermissions(permissions) };
        }
        return cluster with { Username = block.User, Password = block.Password, AuthTimeout = block.Timeout ?? cluster.AuthTimeout };
    }

    private RoutePermissionOptions ReadClusterPermissions(ConfigValue value)
    {
        var permissions = ReadPermissions(value);
        if (permissions.Responses is not null) throw new ConfigValueError(value, "Cluster permissions do not support dynamic responses");
        return ToRoutePermissions(permissions);
    }

    private static RoutePermissionOptions ToRoutePermissions(PermissionOptions permissions) =>
        new() { Import = permissions.Publish, Export = permissions.Subscribe };

    private Uri? ReadRoute(ConfigValue item)
    {
        var text = item.AsString().Trim();
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0) return url;
        report.Error(item, $"error parsing route url [\"{text}\"]");
        return null;
    }
}
