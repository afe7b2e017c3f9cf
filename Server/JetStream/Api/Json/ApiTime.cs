using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>
/// A time of the API: nanoseconds, which clients send and want back unchanged, and the offset it was written with.
/// The default is upstream's zero time, the start of the year 1.
/// </summary>
[JsonConverter(typeof(ApiTimeConverter))]
public readonly record struct ApiTime : IComparable<ApiTime>
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long ZeroUnixSeconds = -62_135_596_800;

    /// <summary>Seconds since the start of the year 1, so that the default is the zero time.</summary>
    private readonly long _seconds;
    private readonly int _nanoseconds;
    private readonly short _offsetMinutes;

    private ApiTime(long seconds, int nanoseconds, short offsetMinutes)
    {
        _seconds = seconds;
        _nanoseconds = nanoseconds;
        _offsetMinutes = offsetMinutes;
    }

    public bool IsZero => _seconds == 0 && _nanoseconds == 0;

    /// <summary>Nanoseconds since 1970; times that a signed 64-bit number cannot hold become the nearest that it can.</summary>
    public long UnixNanoseconds
    {
        get
        {
            var exact = ((Int128)(_seconds + ZeroUnixSeconds) * NanosecondsPerSecond) + _nanoseconds;
            return (long)Int128.Clamp(exact, long.MinValue, long.MaxValue);
        }
    }

    /// <summary>A time in UTC.</summary>
    /// <param name="nanoseconds">Since 1970.</param>
    public static ApiTime FromUnix(long nanoseconds)
    {
        var (seconds, rest) = Math.DivRem(nanoseconds, NanosecondsPerSecond);
        if (rest < 0) (seconds, rest) = (seconds - 1, rest + NanosecondsPerSecond);
        return new ApiTime(seconds - ZeroUnixSeconds, (int)rest, 0);
    }

    /// <summary>A time in UTC; what is given with 0 for "none" becomes the zero time.</summary>
    public static ApiTime FromUnixOrZero(long nanoseconds) => nanoseconds == 0 ? default : FromUnix(nanoseconds);

    /// <summary>A time of the clock, in UTC.</summary>
    public static ApiTime From(DateTimeOffset time) =>
        FromUnix((time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick);

    /// <summary>The same time without its offset.</summary>
    public ApiTime ToUtc() => new(_seconds, _nanoseconds, 0);

    public int CompareTo(ApiTime other) =>
        _seconds != other._seconds ? _seconds.CompareTo(other._seconds) : _nanoseconds.CompareTo(other._nanoseconds);

    /// <summary>Reads RFC 3339.</summary>
    /// <returns>Null, or upstream's error text.</returns>
    public static string? Parse(string text, out ApiTime time)
    {
        time = default;
        var parser = new Rfc3339(text);
        if (parser.Read() is { } error) return error;
        var day = new DateTime(parser.Year == 0 ? 4 : parser.Year, parser.Month, parser.Day, parser.Hour, parser.Minute, parser.Second, DateTimeKind.Utc);
        var seconds = (day.Ticks / TimeSpan.TicksPerSecond) - (parser.OffsetMinutes * 60L);
        // The year 0 is a leap year, which .NET does not have: the year 4 stands in, four years of 365.25 days later.
        if (parser.Year == 0) seconds -= (365L * 4 + 1) * 86_400;
        time = new ApiTime(seconds, parser.Nanoseconds, (short)parser.OffsetMinutes);
        return null;
    }

    /// <summary>RFC 3339 with as many digits of the second as it needs.</summary>
    public override string ToString()
    {
        var local = _seconds + (_offsetMinutes * 60L);
        // What upstream cannot write it refuses; years out of reach cannot be read, so only an offset leads there.
        local = Math.Clamp(local, 0, DateTime.MaxValue.Ticks / TimeSpan.TicksPerSecond);
        var text = new DateTime(local * TimeSpan.TicksPerSecond, DateTimeKind.Utc).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        if (_nanoseconds != 0) text += "." + _nanoseconds.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        if (_offsetMinutes == 0) return text + "Z";
        var offset = Math.Abs((int)_offsetMinutes);
        return string.Create(CultureInfo.InvariantCulture, $"{text}{(_offsetMinutes < 0 ? '-' : '+')}{offset / 60:D2}:{offset % 60:D2}");
    }
}

/// <summary>Writes times as upstream does; reads them for tests and stored state.</summary>
internal sealed class ApiTimeConverter : JsonConverter<ApiTime>
{
    public override ApiTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ApiTime.Parse(reader.GetString() ?? "", out var time) is { } error ? throw new JsonException(error) : time;

    public override void Write(Utf8JsonWriter writer, ApiTime value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
