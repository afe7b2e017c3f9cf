namespace NatsAspire.Server.Configuration;

/// <summary>Names of compression modes, as INFO and the monitoring pages have them.</summary>
public static class CompressionModes
{
    /// <summary>As a server that knows of no compression.</summary>
    public const string NotSupported = "not supported";

    public const string Off = "off";

    /// <summary>Compresses when the peer asks for it.</summary>
    public const string Accept = "accept";

    /// <summary>One of the levels, by the round trip time.</summary>
    public const string Auto = "s2_auto";

    /// <summary>The stream's framing and checksums, without compression.</summary>
    public const string Uncompressed = "s2_uncompressed";

    public const string Fast = "s2_fast";
    public const string Better = "s2_better";
    public const string Best = "s2_best";

    /// <summary>The name of a mode as a configuration writes it; null: there is none.</summary>
    /// <param name="written">In any case.</param>
    /// <param name="modeForOn">What <c>on</c> means.</param>
    public static string? Normalize(string written, string modeForOn) => written.ToLowerInvariant() switch
    {
        "on" or "enabled" or "true" => modeForOn,
        "not supported" or "not_supported" => NotSupported,
        "disabled" or "off" or "false" => Off,
        "accept" => Accept,
        "auto" or "s2_auto" => Auto,
        "fast" or "s2_fast" => Fast,
        "better" or "s2_better" => Better,
        "best" or "s2_best" => Best,
        _ => null,
    };
}
