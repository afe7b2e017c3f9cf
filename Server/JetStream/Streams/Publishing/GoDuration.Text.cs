using System.Globalization;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>Durations as texts.</summary>
public static partial class GoDuration
{
    /// <summary>A duration as upstream's language writes it: <c>1h0m5s</c>, <c>1m0.5s</c>, <c>1.5ms</c>, <c>0s</c>.</summary>
    /// <param name="nanoseconds">The duration.</param>
    public static string Of(long nanoseconds)
    {
        if (nanoseconds < 0) return "-" + Of(unchecked((ulong)-nanoseconds));
        return Of((ulong)nanoseconds);
    }

    private static string Of(ulong nanoseconds) => nanoseconds switch
    {
        0 => "0s",
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds}ns"),
        < 1_000_000 => Fraction(nanoseconds, 1_000) + "\u00B5s",
        < Second => Fraction(nanoseconds, 1_000_000) + "ms",
        < 60 * (ulong)Second => Fraction(nanoseconds, Second) + "s",
        _ => Long(nanoseconds),
    };

    private static string Long(ulong nanoseconds)
    {
        var minutes = nanoseconds / (60 * (ulong)Second);
        var seconds = Fraction(nanoseconds % (60 * (ulong)Second), Second);
        return minutes < 60
            ? string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds}s")
            : string.Create(CultureInfo.InvariantCulture, $"{minutes / 60}h{minutes % 60}m{seconds}s");
    }

    /// <summary>A number of units, with as many digits behind the point as it needs.</summary>
    private static string Fraction(ulong nanoseconds, ulong unit) =>
        ((decimal)nanoseconds / unit).ToString("0.#########", CultureInfo.InvariantCulture);
}
