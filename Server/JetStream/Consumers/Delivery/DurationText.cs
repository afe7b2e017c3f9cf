using System.Globalization;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>Durations as upstream's language writes them: <c>1h0m5.25s</c>, <c>1.5ms</c>.</summary>
internal static class DurationText
{
    private const long Microsecond = 1000;
    private const long Millisecond = 1000 * Microsecond;
    private const long Second = 1000 * Millisecond;
    private const long Minute = 60 * Second;
    private const long Hour = 60 * Minute;

    /// <param name="nanoseconds">Not negative.</param>
    public static string Of(long nanoseconds) => nanoseconds switch
    {
        0 => "0s",
        < Microsecond => $"{nanoseconds}ns",
        < Millisecond => Unit(nanoseconds, Microsecond, "\u00B5s"),
        < Second => Unit(nanoseconds, Millisecond, "ms"),
        < Minute => Unit(nanoseconds, Second, "s"),
        < Hour => $"{nanoseconds / Minute}m{Unit(nanoseconds % Minute, Second, "s")}",
        _ => $"{nanoseconds / Hour}h{nanoseconds / Minute % 60}m{Unit(nanoseconds % Minute, Second, "s")}",
    };

    private static string Unit(long nanoseconds, long unit, string name) =>
        ((decimal)nanoseconds / unit).ToString("0.#########", CultureInfo.InvariantCulture) + name;
}
