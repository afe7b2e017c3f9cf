namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>A request.</summary>
public sealed class HttpRequestHead : HttpHead
{
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

    /// <summary>Looks for a request at the start of a connection.</summary>
    /// <param name="data">All bytes received so far.</param>
    /// <param name="consumed">Its length.</param>
    /// <param name="head">The head, if there is a whole one.</param>
    public static HttpHeadOutcome Read(ReadOnlySpan<byte> data, out int consumed, out HttpRequestHead? head) =>
        Read(data, ParseRequestLine, out consumed, out head);

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

    private static HttpRequestHead? ParseRequestLine(string line) =>
        line.Split(' ') is [var method, var target, "HTTP/1.1" or "HTTP/1.0"] && IsToken(method) && target.Length > 0
            ? new HttpRequestHead(method, target)
            : null;
}
