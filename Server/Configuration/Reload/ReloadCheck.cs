namespace NatsAspire.Server.Configuration;

/// <summary>Which changes of options a running server takes, and which it must be restarted for.</summary>
public static class ReloadCheck
{
    /// <summary>The first change that needs a restart, in upstream's words; null: all can be taken.</summary>
    /// <param name="current">In force.</param>
    /// <param name="fresh">Asked for.</param>
    public static string? FindError(ServerOptions current, ServerOptions fresh)
    {
        foreach (var (name, before, after) in Fixed(current).Zip(Fixed(fresh), (a, b) => (a.Name, a.Value, b.Value)))
        {
            if (Equals(before, after)) continue;
            return $"config reload not supported for {name}: old={before}, new={after}";
        }
        // What the blocks hold is secret in part, so the message does not show it.
        if (!SameBesidesTls(current.Gateway, fresh.Gateway)) return "config reload not supported for Gateway";
        return SameBesidesTls(current.WebSocket, fresh.WebSocket) ? null : "config reload not supported for Websocket";
    }

    private static bool SameBesidesTls(WebSocketOptions current, WebSocketOptions fresh) =>
        current.AllowedOrigins.SequenceEqual(fresh.AllowedOrigins)
        && current.Headers.Count == fresh.Headers.Count
        && current.Headers.All(header => fresh.Headers.TryGetValue(header.Key, out var value) && value == header.Value)
        && current == fresh with { Tls = current.Tls, AllowedOrigins = current.AllowedOrigins, Headers = current.Headers };

    private static bool SameBesidesTls(GatewayOptions current, GatewayOptions fresh) =>
        current == fresh with { Tls = current.Tls, Gateways = current.Gateways }
        && current.Gateways.Count == fresh.Gateways.Count
        && current.Gateways.Zip(fresh.Gateways).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Urls.Select(url => url.AbsoluteUri).SequenceEqual(pair.Second.Urls.Select(url => url.AbsoluteUri)));

    /// <summary>What is fixed for the life of a server, under upstream's names.</summary>
    private static IEnumerable<(string Name, object? Value)> Fixed(ServerOptions options)
    {
        yield return ("ServerName", options.ServerName);
        yield return ("Host", options.Host);
        yield return ("Port", options.Port);
        yield return ("DontListen", options.DontListen);
        yield return ("NoHeaderSupport", options.Limits.NoHeaderSupport);
        yield return ("NoSublistCache", options.Limits.DisableSublistCache);
        yield return ("MaxPending", options.Limits.MaxPending);
        yield return ("MaxSubs", options.Limits.MaxSubscriptions);
        yield return ("MaxSubTokens", options.Limits.MaxSubscriptionTokens);
        yield return ("MaxClosedClients", options.Limits.MaxClosedClients);
        yield return ("ProxyProtocol", options.ProxyProtocol);
        yield return ("HTTPHost", options.Monitoring.Host);
        yield return ("HTTPPort", options.Monitoring.HttpPort);
        yield return ("HTTPBasePath", options.Monitoring.BasePath);
        yield return ("HTTPSPort", options.Monitoring.HttpsPort);
        yield return ("ProfPort", options.Monitoring.ProfilePort);
        yield return ("LameDuckDuration", options.LameDuckDuration);
        yield return ("LameDuckGracePeriod", options.LameDuckGracePeriod);
        yield return ("LogSizeLimit", options.Logging.LogFileSizeLimit);
        yield return ("LogMaxFiles", options.Logging.LogFileMaxFiles);
        yield return ("SystemAccount", options.SystemAccount);
        yield return ("NoSystemAccount", options.NoSystemAccount);
        yield return ("StoreDir", options.StoreDirectory);
        yield return ("JetStream", options.JetStream.Enabled);
        yield return ("cluster host", options.Cluster.Host);
        yield return ("cluster port", options.Cluster.Port);
        yield return ("cluster name", options.Cluster.Name);
        yield return ("LeafNode", (options.LeafNode.Host, options.LeafNode.Port, options.LeafNode.Port != 0 || options.LeafNode.Remotes.Count > 0));
        yield return ("Websocket", (options.WebSocket.Host, options.WebSocket.Port));
        yield return ("MQTT", (options.Mqtt.Host, options.Mqtt.Port));
    }
}
