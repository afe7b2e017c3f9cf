using System.Diagnostics;
using System.Text;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clients;

/// <summary>
/// A span for each server a message passes, and for each stream that takes it, as children of the one its <c>traceparent</c>
/// header names. Only while somebody listens to <see cref="SourceName"/>, and only for messages that carry the header.
/// </summary>
public static class MessageSpans
{
    /// <summary>Name of the source, and of the server's meter.</summary>
    public const string SourceName = "NatsAspire.Server";

    private static readonly ActivitySource Source = new(SourceName, Configuration.Defaults.Version);

    /// <summary>True while somebody listens.</summary>
    public static bool AreWanted => Source.HasListeners();

    /// <summary>Begins the span of a message's way through this server; null: it is not traced.</summary>
    /// <param name="message">The message as it came.</param>
    /// <param name="account">Its account.</param>
    /// <param name="server">This server's name.</param>
    /// <param name="kind">What it came by: client, route, gateway, leafnode.</param>
    public static Activity? Start(in Message message, string account, string server, string kind)
    {
        if (Begin("route", message.Header, message.Subject, message.Payload.Length, account, server, default) is not { } span) return null;
        span.SetTag("nats.connection.kind", kind);
        return span;
    }

    /// <summary>Begins the span of a message's way into a stream, from when it came to the stream's server; null: it is not traced.</summary>
    /// <param name="header">The message's.</param>
    /// <param name="subject">The message's.</param>
    /// <param name="size">Of its payload.</param>
    /// <param name="came">When.</param>
    /// <param name="account">The stream's.</param>
    /// <param name="server">This server's name; null: it stands alone, and the resource names it.</param>
    /// <param name="stream">Which.</param>
    public static Activity? StartStore(
        ReadOnlySpan<byte> header, ReadOnlySpan<byte> subject, int size, DateTimeOffset came, string account, string? server, string stream)
    {
        if (Begin("store", header, subject, size, account, server, came) is not { } span) return null;
        span.SetTag("nats.stream", stream);
        return span;
    }

    private static Activity? Begin(string operation, ReadOnlySpan<byte> header, ReadOnlySpan<byte> subject, int size, string account, string? server, DateTimeOffset began)
    {
        if (!TryFind(header, "traceparent", out var parent)) return null;
        TryFind(header, "tracestate", out var state);
        if (!ActivityContext.TryParse(parent, state, isRemote: true, out var context)) return null;
        var span = Source.StartActivity($"nats.{operation}", ActivityKind.Internal, context, startTime: began);
        if (span is not { IsAllDataRequested: true }) return span;
        span.SetTag("messaging.system", "nats");
        span.SetTag("messaging.operation.name", operation);
        span.SetTag("messaging.destination.name", Encoding.UTF8.GetString(subject));
        span.SetTag("messaging.message.body.size", size);
        span.SetTag("nats.account", account);
        if (server is not null) span.SetTag("nats.server.name", server);
        return span;
    }

    /// <summary>The value of a header, whatever the case of its name.</summary>
    private static bool TryFind(ReadOnlySpan<byte> header, string name, out string? value)
    {
        value = null;
        while (header.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            var line = header[..end];
            header = header[(end + 2)..];
            if (line.Length <= name.Length || line[name.Length] != (byte)':') continue;
            if (!Ascii.EqualsIgnoreCase(line[..name.Length], name)) continue;
            value = Encoding.ASCII.GetString(line[(name.Length + 1)..].Trim((byte)' '));
            return true;
        }
        return false;
    }
}
