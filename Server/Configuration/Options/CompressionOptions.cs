namespace NatsAspire.Server.Configuration;

/// <summary>Compression of a link between servers.</summary>
/// <param name="Mode">As written: off, accept, s2_auto, s2_fast, s2_better, s2_best …; empty: the default of the link.</param>
/// <param name="RttThresholds">With s2_auto, the round trip times at which the next better level starts.</param>
public sealed record CompressionOptions(string Mode, IReadOnlyList<TimeSpan> RttThresholds)
{
    private static readonly TimeSpan[] DefaultThresholds =
        [TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100)];

    public static CompressionOptions Default { get; } = new("", []);

    /// <summary>The same with one of <see cref="CompressionModes"/>; thresholds only with s2_auto, ending with one above zero.</summary>
    /// <param name="modeForOn">What <c>on</c> means for the link.</param>
    /// <param name="standard">What nothing written means.</param>
    /// <exception cref="ArgumentException">There is no such mode; validated options do not have it.</exception>
    public CompressionOptions Normalize(string modeForOn, string standard)
    {
        var mode = Mode.Length == 0 ? standard : CompressionModes.Normalize(Mode, modeForOn);
        if (mode is null) throw new ArgumentException($"unsupported compression mode \"{Mode}\"");
        if (mode != CompressionModes.Auto) return new CompressionOptions(mode, []);
        var used = RttThresholds.Count;
        while (used > 0 && RttThresholds[used - 1] <= TimeSpan.Zero) used--;
        return new CompressionOptions(mode, used == 0 ? DefaultThresholds : [.. RttThresholds.Take(used).Select(static one => one < TimeSpan.Zero ? TimeSpan.Zero : one)]);
    }

    /// <summary>Whether both say the same; lists by what they hold.</summary>
    public bool IsSame(CompressionOptions other) => Mode == other.Mode && RttThresholds.SequenceEqual(other.RttThresholds);
}
