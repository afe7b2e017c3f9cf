using System.Text;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>What became of the first bytes of a connection that should be a request.</summary>
public enum HttpHeadOutcome
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The head was read.</summary>
    Head,

    /// <summary>It is no HTTP/1.1.</summary>
    Malformed,

    /// <summary>It is longer than <see cref="HttpRequestHead.MaxLength"/>.</summary>
    TooLarge,
}

/// <summary>Request line and headers of one HTTP/1.1 request without a body.</summary>
public sealed class HttpRequestHead
{
    /// <summary>Bytes a head may have; a browser's cookies alone may have 4 KiB each.</summary>
    public const int MaxLength = 64 * 1024;

    private const int MaxHeaders = 256;
    private readonly List<KeyValuePair<string, string>> _headers = [];

    private HttpRequestHead(string method, string target)
    {
        Method = method;
        Target = target;
    }

    public string Method { get; }

    /// <summary>As the request line has it.</summary>
    public string Target { get; }

    /// <summary>The target without host, query and fragment.</summary>
    public string Path
    {
        get
        {
            var start = Target.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme ? Target.IndexOf('/', scheme + 3) : 0;
            return start < 0 ? "/" : Target[start..].Split('?', '#')[0];
        }
    }

    /// <summary>Looks for a head at the start of a connection.</summary>
    /// <param name="data">All bytes received so far.</param>
    /// <param name="consumed">Its length.</param>
    /// <param name="head">The head, if there is a whole one.</param>
    public static HttpHeadOutcome Read(ReadOnlySpan<byte> data, out int consumed, out HttpRequestHead? head)
    {
        head = null;
        consumed = FindEnd(data);
        if (consumed < 0) return data.Length > MaxLength ? HttpHeadOutcome.TooLarge : HttpHeadOutcome.Incomplete;
        if (consumed > MaxLength) return HttpHeadOutcome.TooLarge;
        // Header values are bytes to HTTP; no byte may get lost on the way to a cookie's value.
        var lines = Encoding.Latin1.GetString(data[..consumed]).Split('\n');
        head = ParseRequestLine(lines[0].TrimEnd('\r'));
        return head is not null && head.AddHeaders(lines.AsSpan(1)) ? HttpHeadOutcome.Head : HttpHeadOutcome.Malformed;
    }

    /// <summary>The first header of this name; empty: none.</summary>
    public string First(string name) => All(name).FirstOrDefault("");

    /// <summary>Values of all headers of this name.</summary>
    public IEnumerable<string> All(string name) =>
        _headers.Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);

    /// <summary>True when one of the comma-separated values is <paramref name="token"/>, in any case.</summary>
    public bool HasToken(string name, string token) =>
        All(name).SelectMany(value => value.Split(',')).Any(value => value.Trim(' ', '\t').Equals(token, StringComparison.OrdinalIgnoreCase));

    /// <summary>Cookies in the order they came; those that cannot be are left out.</summary>
    public IEnumerable<KeyValuePair<string, string>> Cookies()
    {
        foreach (var pair in All("Cookie").SelectMany(line => line.Split(';')))
        {
            var text = pair.Trim(' ', '\t');
            var equals = text.IndexOf('=');
            if (equals <= 0) continue;
            var value = text[(equals + 1)..];
            if (value is ['"', .., '"']) value = value[1..^1];
            if (value.AsSpan().IndexOfAny('"', ';', '\\') < 0) yield return KeyValuePair.Create(text[..equals], value);
        }
    }

    private static int FindEnd(ReadOnlySpan<byte> data)
    {
        var end = data.IndexOf("\r\n\r\n"u8);
        var bare = data.IndexOf("\n\n"u8);
        if (bare >= 0 && (end < 0 || bare < end)) return bare + 2;
        return end < 0 ? -1 : end + 4;
    }

    private static HttpRequestHead? ParseRequestLine(string line) =>
        line.Split(' ') is [var method, var target, "HTTP/1.1" or "HTTP/1.0"] && IsToken(method) && target.Length > 0
            ? new HttpRequestHead(method, target)
            : null;

    private bool AddHeaders(ReadOnlySpan<string> lines)
    {
        foreach (var raw in lines)
        {
            var line = raw.TrimEnd('\r');
            if (line.Length == 0) continue;
            var colon = line.IndexOf(':');
            if (colon <= 0 || !IsToken(line.AsSpan(0, colon)) || _headers.Count == MaxHeaders) return false;
            var value = line[(colon + 1)..].Trim(' ', '\t');
            if (value.AsSpan().IndexOfAnyInRange('\0', '\x08') >= 0) return false;
            _headers.Add(KeyValuePair.Create(line[..colon], value));
        }
        return true;
    }

    private static bool IsToken(ReadOnlySpan<char> text)
    {
        foreach (var character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && !"!#$%&'*+-.^_`|~".Contains(character)) return false;
        }
        return text.Length > 0;
    }
}
