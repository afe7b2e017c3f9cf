using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Protocol;

/// <summary>
/// How two servers agree on compression (reference/clusterwire.md §2.6). Each side tells its mode in INFO and then
/// sends as it has chosen itself: levels may differ, only whether there is compression is common to both.
/// </summary>
public static class CompressionNegotiation
{
    /// <summary>Of <c>not found</c> among fewer thresholds, the last; among more, the best level.</summary>
    private const int BestLevel = 3;

    /// <summary>Whether a mode takes part: as a configured one, in the negotiation; as an agreed one, that there is a stream.</summary>
    /// <param name="mode">One of <see cref="CompressionModes"/>.</param>
    public static bool IsActive(string mode) => mode is not (CompressionModes.Off or CompressionModes.NotSupported);

    /// <summary>How this side sends; null: the peer's mode is unknown.</summary>
    /// <param name="own">The configured mode, an active one.</param>
    /// <param name="remote">The mode of the peer's INFO; null or empty: it knows of no compression.</param>
    /// <returns><see cref="CompressionModes.Auto"/> stands for the level of the round trip time.</returns>
    public static string? Agree(string own, string? remote) => remote switch
    {
        null or "" or CompressionModes.NotSupported => CompressionModes.NotSupported,
        CompressionModes.Off => CompressionModes.Off,
        CompressionModes.Accept => own == CompressionModes.Accept ? CompressionModes.Off : own,
        CompressionModes.Auto => own == CompressionModes.Accept ? CompressionModes.Fast : own,
        CompressionModes.Uncompressed or CompressionModes.Fast or CompressionModes.Better or CompressionModes.Best =>
            own == CompressionModes.Accept ? remote : own,
        _ => null,
    };

    /// <summary>The level of <see cref="CompressionModes.Auto"/>.</summary>
    /// <param name="roundTrip">The last measured one.</param>
    /// <param name="thresholds">Normalized: the longest round trips of no compression, fast, better; zero leaves one out.</param>
    public static string LevelFor(TimeSpan roundTrip, IReadOnlyList<TimeSpan> thresholds)
    {
        var level = 0;
        while (level < thresholds.Count && roundTrip > thresholds[level]) level++;
        if (level == thresholds.Count) level = level >= BestLevel ? BestLevel : level - 1;
        return level switch
        {
            0 => CompressionModes.Uncompressed,
            1 => CompressionModes.Fast,
            2 => CompressionModes.Better,
            _ => CompressionModes.Best,
        };
    }
}
