namespace NatsAspire.Server.Configuration;

/// <summary>Compression of a link between servers.</summary>
/// <param name="Mode">As written: off, accept, s2_auto, s2_fast, s2_better, s2_best …; empty: the default of the link.</param>
/// <param name="RttThresholds">With s2_auto, the round trip times at which the next better level starts.</param>
public sealed record CompressionOptions(string Mode, IReadOnlyList<TimeSpan> RttThresholds)
{
    public static CompressionOptions Default { get; } = new("", []);
}
