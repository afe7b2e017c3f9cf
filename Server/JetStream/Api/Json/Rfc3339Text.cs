namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>Writes times in UTC without allocating, as <see cref="ApiTime.ToString"/> does.</summary>
internal static class Rfc3339Text
{
    private const long Second = 1_000_000_000;

    /// <summary>Writes a time.</summary>
    /// <param name="nanoseconds">Since 1970.</param>
    /// <param name="target">At least 30 bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(long nanoseconds, Span<byte> target)
    {
        var fraction = nanoseconds % Second;
        if (fraction < 0) fraction += Second;
        var whole = DateTime.UnixEpoch.AddTicks((nanoseconds - fraction) / TimeSpan.NanosecondsPerTick);
        whole.TryFormat(target, out var length, "s");
        if (fraction != 0)
        {
            target[length++] = (byte)'.';
            for (var digit = Second / 10; fraction > 0; digit /= 10)
            {
                target[length++] = (byte)('0' + (fraction / digit));
                fraction %= digit;
            }
        }
        target[length++] = (byte)'Z';
        return length;
    }
}
