using System.Globalization;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>Durations in headers, as upstream's language writes them: <c>1h30m</c>, <c>1.5s</c>, <c>-2ms</c>. Exact to the nanosecond, without allocation.</summary>
public static partial class GoDuration
{
    /// <summary>Nanoseconds.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>Reads a duration: an optional sign, then <c>0</c> or numbers with a unit each.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="nanoseconds">The value.</param>
    /// <returns>False when it is none, or longer than 292 years.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out long nanoseconds)
    {
        nanoseconds = 0;
        var isNegative = text is [(byte)'-', ..];
        if (text is [(byte)'+' or (byte)'-', ..]) text = text[1..];
        if (text.SequenceEqual("0"u8)) return true;
        if (text.IsEmpty) return false;
        var sum = UInt128.Zero;
        while (!text.IsEmpty)
        {
            if (!TryTakePart(ref text, out var part)) return false;
            sum += part;
            if (sum > (UInt128)long.MaxValue + (isNegative ? 1u : 0u)) return false;
        }
        nanoseconds = isNegative ? (long)-(Int128)sum : (long)sum;
        return true;
    }

    /// <summary>Whole seconds as upstream's language writes them: <c>1h0m5s</c>, <c>1m0s</c>, <c>5s</c>.</summary>
    public static string OfSeconds(long seconds)
    {
        if (seconds < 60) return string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
        if (seconds < 3600) return string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}m{seconds % 60}s");
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}h{seconds / 60 % 60}m{seconds % 60}s");
    }

    /// <summary>A number with digits before or behind a point, and its unit.</summary>
    private static bool TryTakePart(ref ReadOnlySpan<byte> text, out UInt128 nanoseconds)
    {
        nanoseconds = 0;
        var whole = TakeDigits(ref text, out var wholeDigits, out var fits);
        var fraction = 0UL;
        var scale = 1UL;
        var fractionDigits = 0;
        if (text is [(byte)'.', ..])
        {
            text = text[1..];
            for (; text is [>= (byte)'0' and <= (byte)'9', ..]; text = text[1..], fractionDigits++)
            {
                // Digits far behind the point change nothing.
                if (scale >= 100_000_000_000_000_000) continue;
                fraction = (fraction * 10) + (ulong)(text[0] - '0');
                scale *= 10;
            }
        }
        if (!fits || wholeDigits + fractionDigits == 0) return false;
        var unit = TakeUnit(ref text);
        nanoseconds = ((UInt128)whole * unit) + ((UInt128)fraction * unit / scale);
        return unit > 0;
    }

    private static ulong TakeDigits(ref ReadOnlySpan<byte> text, out int count, out bool fits)
    {
        var number = 0UL;
        fits = true;
        for (count = 0; text is [>= (byte)'0' and <= (byte)'9', ..]; text = text[1..], count++)
        {
            if (number > long.MaxValue / 10) fits = false;
            else number = (number * 10) + (ulong)(text[0] - '0');
        }
        return number;
    }

    /// <summary>Nanoseconds of a unit; 0: none is known by that name.</summary>
    private static ulong TakeUnit(ref ReadOnlySpan<byte> text)
    {
        var length = text.IndexOfAny(".0123456789"u8);
        var unit = length < 0 ? text : text[..length];
        text = text[unit.Length..];
        if (unit.SequenceEqual("s"u8)) return Second;
        if (unit.SequenceEqual("m"u8)) return 60 * Second;
        if (unit.SequenceEqual("h"u8)) return 3600 * Second;
        if (unit.SequenceEqual("ms"u8)) return Second / 1000;
        if (unit.SequenceEqual("us"u8) || unit.SequenceEqual("\u00B5s"u8) || unit.SequenceEqual("\u03BCs"u8)) return 1000;
        return unit.SequenceEqual("ns"u8) ? 1u : 0u;
    }
}
