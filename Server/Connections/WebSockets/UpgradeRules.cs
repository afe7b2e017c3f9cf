using System.Net;
using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>The server's side of the opening handshake (RFC 6455, 4.2). Immutable, compiled from one set of options.</summary>
public sealed class UpgradeRules
{
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const string NoMasking = "Nats-No-Masking";
    private const string Deflate = "permessage-deflate";
    private const int KeyLength = 16;

    /// <summary>Browsers do better with small frames.</summary>
    private const int BrowserFrameLimit = 4096;

    private readonly WebSocketOptions _options;
    private readonly OriginRules _origins;
    private readonly string _headers;
    private readonly bool _hasMqtt;
    private readonly long _messageLimit;

    public UpgradeRules(ServerOptions options)
    {
        _options = options.WebSocket;
        _origins = new OriginRules(_options);
        _headers = string.Concat(_options.Headers.Select(header => $"{header.Key}: {header.Value}\r\n"));
        _hasMqtt = options.Mqtt.Port != 0;
        _messageLimit = WebSocketMode.LimitFor(options.Limits.MaxPayload);
    }

    /// <summary>Answer to bytes that are no request.</summary>
    public static UpgradeAnswer Refuse(HttpHeadOutcome outcome) => outcome == HttpHeadOutcome.TooLarge
        ? Refuse(431, "Request Header Fields Too Large", "request header too large")
        : Refuse(400, "Bad Request", "malformed HTTP request");

    /// <summary>Judges a request.</summary>
    /// <param name="request">Its head.</param>
    /// <param name="isTls">It came over TLS.</param>
    public UpgradeAnswer Judge(HttpRequestHead request, bool isTls)
    {
        var kind = request.Path.EndsWith("/leafnode", StringComparison.Ordinal) ? WebSocketKind.LeafNode
            : request.Path.EndsWith("/mqtt", StringComparison.Ordinal) ? WebSocketKind.Mqtt
            : WebSocketKind.Client;
        if (kind == WebSocketKind.Mqtt && !_hasMqtt) return Refuse(404, "Not Found", "mqtt websocket endpoint not enabled");
        if (request.Method != "GET") return Refuse(405, "Method Not Allowed", "request method must be GET");
        if (FindFault(request) is { } fault) return Refuse(400, "Bad Request", fault);
        var origin = request.First("Origin") is { Length: > 0 } named ? named : request.First("Sec-WebSocket-Origin");
        if (_origins.FindError(origin, request.First("Host"), isTls) is { } error)
        {
            return Refuse(403, "Forbidden", $"origin not allowed: {error}");
        }
        return Accept(request, kind);
    }

    private static string? FindFault(HttpRequestHead request)
    {
        if (request.First("Host").Length == 0) return "'Host' missing in request";
        if (!request.HasToken("Upgrade", "websocket")) return "invalid value for header 'Upgrade'";
        if (!request.HasToken("Connection", "Upgrade")) return "invalid value for header 'Connection'";
        var key = request.First("Sec-WebSocket-Key");
        if (key.Length == 0) return "key missing";
        Span<byte> decoded = stackalloc byte[KeyLength * 2];
        if (!Convert.TryFromBase64String(key, decoded, out var length) || length != KeyLength) return "invalid websocket key";
        return request.HasToken("Sec-WebSocket-Version", "13") ? null : "invalid version";
    }

    private UpgradeAnswer Accept(HttpRequestHead request, WebSocketKind kind)
    {
        var compression = _options.Compression && OffersDeflate(request);
        var noMasking = request.First(NoMasking) == "true";
        var response = new StringBuilder("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        response.Append($"Sec-WebSocket-Accept: {AcceptKey(request.First("Sec-WebSocket-Key"))}\r\n");
        if (compression) response.Append($"Sec-WebSocket-Extensions: {Deflate}; server_no_context_takeover; client_no_context_takeover\r\n");
        if (noMasking) response.Append($"{NoMasking}: true\r\n");
        if (kind == WebSocketKind.Mqtt) response.Append("Sec-Websocket-Protocol: mqtt\r\n");
        response.Append(_headers).Append("\r\n");
        var agent = kind == WebSocketKind.LeafNode ? "" : request.First("User-Agent");
        var mode = new WebSocketMode
        {
            RequiresMask = !noMasking,
            Compression = compression,
            FrameLimit = agent.StartsWith("Mozilla/", StringComparison.Ordinal) ? BrowserFrameLimit : 0,
            // Safari proper, and not one of the many that also say so, names its version.
            SplitsCompressed = !(agent.Contains("Version/", StringComparison.Ordinal) && agent.Contains("Safari/", StringComparison.Ordinal)),
            MessageLimit = _messageLimit,
        };
        var session = new WebSocketSession(kind, mode) { ClientIp = ForwardedFor(request) };
        if (kind != WebSocketKind.LeafNode) session = WithCookies(session, request);
        return new UpgradeAnswer(Encoding.Latin1.GetBytes(response.ToString()), session, "");
    }

    private static bool OffersDeflate(HttpRequestHead request) =>
        request.All("Sec-WebSocket-Extensions").SelectMany(value => value.Split(',', ';'))
            .Any(part => part.Trim(' ', '\t').Equals(Deflate, StringComparison.OrdinalIgnoreCase));

    private static string? ForwardedFor(HttpRequestHead request)
    {
        var address = request.First("X-Forwarded-For");
        return IPAddress.TryParse(address, out var parsed) && (address.Contains(':') || parsed.ToString() == address) ? address : null;
    }

    private WebSocketSession WithCookies(WebSocketSession session, HttpRequestHead request)
    {
        foreach (var (name, value) in request.Cookies())
        {
            if (name == _options.JwtCookie) session = session with { JwtCookie = value };
            else if (name == _options.UsernameCookie) session = session with { UsernameCookie = value };
            else if (name == _options.PasswordCookie) session = session with { PasswordCookie = value };
            else if (name == _options.TokenCookie) session = session with { TokenCookie = value };
        }
        return session;
    }

    private static string AcceptKey(string key) => Convert.ToBase64String(HashSha1(key + Guid));

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "RFC 6455 asks for SHA-1; nothing rests on its strength.")]
    private static byte[] HashSha1(string text) => SHA1.HashData(Encoding.ASCII.GetBytes(text));

    private static UpgradeAnswer Refuse(int status, string phrase, string error)
    {
        var body = phrase + "\n";
        var response = $"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nSec-Websocket-Version: 13\r\n" +
            $"X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        return new UpgradeAnswer(Encoding.ASCII.GetBytes(response), null, error);
    }
}
