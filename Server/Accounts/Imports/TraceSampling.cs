using System.Globalization;
using System.Text;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// Whether a request's tracing headers (Jaeger, B3, W3C) say that it is sampled. The first kind present decides.
/// </summary>
internal static class TraceSampling
{
    /// <summary>The headers that say so; null: it is not sampled.</summary>
    public static IReadOnlyDictionary<string, string[]>? FromHeaders(ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty) return null;
        if (Read(block, "Uber-Trace-Id") is { } uber) return IsUberSampled(uber) ? CollectUber(block) : null;
        string[] b3 = ["X-B3-TraceId", "X-B3-ParentSpanId", "X-B3-SpanId", "X-B3-Sampled"];
        var sampled = Read(block, "X-B3-Sampled");
        if (sampled == "1") return Collect(block, b3);
        if (sampled == "0") return null;
        if (Read(block, "X-B3-TraceId") is not null) return Collect(block, b3);
        if (Read(block, "B3") is { } single) return IsB3Sampled(single) ? Collect(block, "B3") : null;
        return Read(block, "Traceparent") is { } context && IsContextSampled(context) ? Collect(block, "Traceparent", "Tracestate") : null;
    }

    private static bool IsUberSampled(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 4 && parts[3].Length is 1 or 2 && IsOddHex(parts[3]);
    }

    private static bool IsB3Sampled(string text)
    {
        var parts = text.Split('-');
        return parts.Length > 2 ? parts[2] != "0" : parts.Length != 1 || parts[0] != "0";
    }

    private static bool IsContextSampled(string text)
    {
        var parts = text.Split('-');
        return parts.Length == 4 && parts[3].Length == 2 && IsOddHex(parts[3]);
    }

    private static bool IsOddHex(string text) =>
        byte.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var flags) && (flags & 1) == 1;

    private static string? Read(ReadOnlySpan<byte> block, string name)
    {
        Span<byte> bytes = stackalloc byte[name.Length];
        Encoding.ASCII.GetBytes(name, bytes);
        if (HeaderBlock.TryGet(block, bytes, out var value)) return Encoding.UTF8.GetString(value);
        // W3C's names are written in lower case more often than not.
        Encoding.ASCII.GetBytes(name.ToLowerInvariant(), bytes);
        return HeaderBlock.TryGet(block, bytes, out value) ? Encoding.UTF8.GetString(value) : null;
    }

    /// <summary>Jaeger's baggage comes along: each item is a header of its own.</summary>
    private static Dictionary<string, string[]> CollectUber(ReadOnlySpan<byte> block)
    {
        var found = Collect(block, "Uber-Trace-Id");
        foreach (var line in Encoding.UTF8.GetString(block).Split("\r\n"))
        {
            if (line.StartsWith("Uberctx-", StringComparison.OrdinalIgnoreCase) && line.Split(':', 2) is [var name, var value]) found[name] = [value.Trim()];
        }
        return found;
    }

    private static Dictionary<string, string[]> Collect(ReadOnlySpan<byte> block, params string[] names)
    {
        var found = new Dictionary<string, string[]>();
        foreach (var name in names)
        {
            if (Read(block, name) is { } value) found[name] = [value];
        }
        return found;
    }
}
