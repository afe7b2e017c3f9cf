using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>Payloads of close frames: a status and maybe a text (RFC 6455, 5.5.1 and 7.4).</summary>
internal static class CloseFrame
{
    public const int NormalClosure = 1000;
    public const int GoingAway = 1001;
    public const int ProtocolError = 1002;
    public const int InvalidPayload = 1007;
    public const int PolicyViolation = 1008;
    public const int MessageTooBig = 1009;
    public const int InternalError = 1011;
    private const int NoStatus = 1005;
    private const int TlsHandshake = 1015;
    private const int StatusLength = 2;
    private const int LongestText = FrameFormat.MaxControlPayload - StatusLength;
    private const string Ellipsis = "...";

    /// <summary>A payload; a text that is too long is cut and ends with dots.</summary>
    public static byte[] Create(int status, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > LongestText)
        {
            var room = LongestText - Ellipsis.Length;
            // Never within a character: the text has to stay UTF-8.
            while ((bytes[room] & 0xC0) == 0x80) room--;
            bytes = [.. bytes.AsSpan(0, room), .. Encoding.ASCII.GetBytes(Ellipsis)];
        }
        var payload = new byte[StatusLength + bytes.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)status);
        bytes.CopyTo(payload, StatusLength);
        return payload;
    }

    /// <summary>The status that a reason to close a connection is told by.</summary>
    public static int StatusFor(CloseReason reason) => reason switch
    {
        CloseReason.ClientClosed => NormalClosure,
        CloseReason.AuthenticationTimeout or CloseReason.AuthenticationViolation or CloseReason.SlowConsumerPendingBytes
            or CloseReason.SlowConsumerWriteDeadline or CloseReason.MaxAccountConnectionsExceeded
            or CloseReason.MaxConnectionsExceeded or CloseReason.MaxControlLineExceeded
            or CloseReason.MaxSubscriptionsExceeded or CloseReason.MissingAccount or CloseReason.AuthenticationExpired
            or CloseReason.Revocation => PolicyViolation,
        CloseReason.TlsHandshakeError => TlsHandshake,
        CloseReason.ParseError or CloseReason.ProtocolViolation or CloseReason.BadClientProtocolVersion => ProtocolError,
        CloseReason.MaxPayloadExceeded => MessageTooBig,
        CloseReason.WriteError or CloseReason.ReadError or CloseReason.StaleConnection or CloseReason.ServerShutdown => GoingAway,
        _ => InternalError,
    };

    /// <summary>What to answer to a close frame, or what is wrong with it.</summary>
    /// <param name="payload">Of the frame received.</param>
    /// <param name="answer">Payload of the answer; empty: a close without status.</param>
    /// <returns>Empty, or the fault in upstream's words.</returns>
    public static string Answer(ReadOnlySpan<byte> payload, out byte[] answer)
    {
        answer = [];
        if (payload.IsEmpty) return "";
        if (payload.Length < StatusLength) return "close frame payload cannot be 1 byte";
        var status = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (!IsValid(status)) return $"invalid close status code {status}";
        var text = payload[StatusLength..];
        answer = Utf8.IsValid(text) ? payload.ToArray() : Create(InvalidPayload, "invalid utf8 body in close frame");
        return "";
    }

    private static bool IsValid(int status) => status switch
    {
        NoStatus or TlsHandshake or 1004 or 1006 => false,
        < 1000 or >= 5000 => false,
        >= 1016 and <= 2999 => false,
        _ => true,
    };
}
