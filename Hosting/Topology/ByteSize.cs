using System.Globalization;
using System.Text.RegularExpressions;

namespace NatsAspire.Hosting;

/// <summary>Sizes as "512Mi", "10Gi", "1G" or plain bytes, the way Kubernetes and nats.conf write them.</summary>
public static partial class ByteSize
{
    /// <summary>Bytes, 1 and more; null: it is no size.</summary>
    public static long? Parse(string text)
    {
        var match = Grammar().Match(text);
        if (!match.Success || !long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        var step = match.Groups[3].Success ? 1024L : 1000L;
        var power = match.Groups[2].Success ? "KMGT".IndexOf(char.ToUpperInvariant(match.Groups[2].Value[0])) + 1 : 0;
        var factor = 1L;
        for (var i = 0; i < power; i++) factor *= step;
        return number is 0 || number > long.MaxValue / factor ? null : number * factor;
    }

    [GeneratedRegex("^([0-9]{1,18})(?:([KkMGT])(i)?)?B?$")]
    private static partial Regex Grammar();
}
