using System.Globalization;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>A response.</summary>
public sealed class HttpResponseHead : HttpHead
{
    private HttpResponseHead(int status) => Status = status;

    /// <summary>100..599.</summary>
    public int Status { get; }

    /// <summary>Looks for a response at the start of a connection.</summary>
    /// <param name="data">All bytes received so far.</param>
    /// <param name="consumed">Its length.</param>
    /// <param name="head">The head, if there is a whole one.</param>
    public static HttpHeadOutcome Read(ReadOnlySpan<byte> data, out int consumed, out HttpResponseHead? head) =>
        Read(data, ParseStatusLine, out consumed, out head);

    private static HttpResponseHead? ParseStatusLine(string line) =>
        line.Split(' ', 3) is ["HTTP/1.1" or "HTTP/1.0", var status, ..]
        && int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 100 and < 600
            ? new HttpResponseHead(number)
            : null;
}
