using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>What both sides of the opening handshake know.</summary>
internal static class UpgradeFacts
{
    public const string NoMasking = "Nats-No-Masking";

    /// <summary>Compression as it is offered and agreed on: each message by itself.</summary>
    public const string DeflateWithoutContext = $"{Deflate}; {ServerNoContext}; {ClientNoContext}";

    /// <summary>Bytes of Sec-WebSocket-Key, decoded.</summary>
    public const int KeyLength = 16;

    private const string Deflate = "permessage-deflate";
    private const string ServerNoContext = "server_no_context_takeover";
    private const string ClientNoContext = "client_no_context_takeover";
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>permessage-deflate is among the extensions.</summary>
    public static bool HasDeflate(HttpHead head) => Extensions(head).Any(parts => Has(parts, Deflate));

    /// <summary>The same, without context in either direction.</summary>
    public static bool HasDeflateWithoutContext(HttpHead head) =>
        Extensions(head).Any(parts => Has(parts, Deflate) && Has(parts, ServerNoContext) && Has(parts, ClientNoContext));

    /// <summary>The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 asks for SHA-1; nothing rests on its strength.")]
    public static string AcceptKey(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Guid)));

    private static IEnumerable<string[]> Extensions(HttpHead head) =>
        head.All("Sec-WebSocket-Extensions").SelectMany(value => value.Split(','))
            .Select(extension => extension.Split(';', StringSplitOptions.TrimEntries));

    private static bool Has(string[] parts, string part) => parts.Contains(part, StringComparer.OrdinalIgnoreCase);
}
