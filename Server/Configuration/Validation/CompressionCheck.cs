using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Compression modes and their thresholds.</summary>
internal static class CompressionCheck
{
    private const int MaxThresholds = 4;

    /// <summary>What is wrong, or null.</summary>
    /// <param name="compression">As it was written.</param>
    /// <param name="modeForOn">What <c>on</c> means for the link.</param>
    public static string? FindError(CompressionOptions compression, string modeForOn)
    {
        if (compression.Mode.Length == 0) return null;
        return CompressionModes.Normalize(compression.Mode, modeForOn) switch
        {
            null => $"unsupported compression mode {QuotedText.Quote(compression.Mode)}",
            CompressionModes.Auto => FindThresholdError(compression),
            _ => null,
        };
    }

    private static string? FindThresholdError(CompressionOptions compression)
    {
        if (compression.RttThresholds.Count == 0) return null;
        var written = $"[{string.Join(' ', compression.RttThresholds.Select(DurationText.Format))}]";
        var highest = TimeSpan.Zero;
        var used = 0;
        foreach (var (index, threshold) in compression.RttThresholds.Index())
        {
            // Zero leaves a level out, wherever it stands.
            if (threshold <= TimeSpan.Zero) continue;
            if (threshold < highest) return $"RTT threshold values {written} should be in ascending order";
            highest = threshold;
            used = index + 1;
        }
        var mode = QuotedText.Quote(compression.Mode);
        if (used > MaxThresholds) return $"compression mode {mode} should have no more than 4 RTT thresholds: {written}";
        return used == 0 ? $"compression mode {mode} requires at least one RTT threshold" : null;
    }
}
