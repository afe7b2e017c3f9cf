namespace NatsAspire.Server.Configuration;

/// <summary>Options that are understood but that this build does not carry out yet.</summary>
public static class UnsupportedOptions
{
    private const int LargestPayload = 64 * 1024 * 1024;

    /// <summary>One sentence for each option that asks for something missing; empty: all can be done.</summary>
    public static IReadOnlyList<string> Find(ServerOptions options) =>
        [.. FindAsked(options).Where(asked => asked.IsAsked).Select(asked => $"{asked.Option} is configured, but this build does not support it.")];

    private static IEnumerable<(string Option, bool IsAsked)> FindAsked(ServerOptions options) =>
        FindListeners(options).Concat(FindSecurity(options)).Concat(FindOthers(options));

    private static IEnumerable<(string Option, bool IsAsked)> FindListeners(ServerOptions options)
    {
        yield return ("jetstream.tpm", options.JetStream is { Enabled: true, Tpm: not null });
        yield return ("gateway.tls.curve_preferences", options.Gateway is { Enabled: true, Tls.CurvePreferences.Count: > 0 });
        yield return ("gateway.tls.ocsp_peer", options.Gateway is { Enabled: true, Tls.OcspPeer: not null });
        yield return ("leafnodes.tls.curve_preferences", LeafTls(options).Any(tls => tls.CurvePreferences.Count > 0));
        yield return ("leafnodes.tls.ocsp_peer", LeafTls(options).Any(tls => tls.OcspPeer is not null));
        yield return ("websocket.tls.curve_preferences", options.WebSocket is { Port: not 0, Tls.CurvePreferences.Count: > 0 });
        yield return ("websocket.tls.ocsp_peer", options.WebSocket is { Port: not 0, Tls.OcspPeer: not null });
        yield return ("mqtt", options.Mqtt.Port != 0);
        yield return ("prof_port", options.Monitoring.ProfilePort != 0);
    }

    private static IEnumerable<TlsOptions> LeafTls(ServerOptions options) =>
        options.LeafNode.Remotes.Select(remote => remote.Tls).Append(options.LeafNode.Tls).OfType<TlsOptions>();

    private static IEnumerable<(string Option, bool IsAsked)> FindSecurity(ServerOptions options)
    {
        var mode = options.Operator;
        yield return ("tls.curve_preferences", options.Tls is { CurvePreferences.Count: > 0 });
        yield return ("tls.ocsp_peer", options.Tls is { OcspPeer: not null });
        yield return ("cluster.tls.curve_preferences", options.Cluster.Tls is { CurvePreferences.Count: > 0 });
        yield return ("ocsp", options.Ocsp is { Mode: not "never" });
        yield return ("operator", mode.Operators.Count > 0);
        yield return ("trusted_keys", mode.TrustedKeys.Count > 0);
        yield return ("resolver", mode.Operators.Count == 0 && mode.Resolver is not null);
        yield return ("authorization.auth_callout", options.Authorization.Callout is not null);
    }

    private static IEnumerable<(string Option, bool IsAsked)> FindOthers(ServerOptions options)
    {
        yield return ($"max_payload above {LargestPayload}", options.Limits.MaxPayload > LargestPayload);
        yield return ("syslog on Windows", OperatingSystem.IsWindows() && options.Logging.Syslog);
    }
}
