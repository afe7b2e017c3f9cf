using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>The dialling side of the opening handshake: one request and what its answer means.</summary>
public sealed class UpgradeOffer
{
    private readonly string _key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(UpgradeFacts.KeyLength));
    private readonly bool _compression;
    private readonly bool _noMasking;

    /// <param name="host">host:port, as the URL has it.</param>
    /// <param name="path">Begins with a slash; it tells the kind of connection.</param>
    /// <param name="compression">Offers permessage-deflate.</param>
    /// <param name="noMasking">Asks to leave frames unmasked.</param>
    public UpgradeOffer(string host, string path, bool compression, bool noMasking)
    {
        _compression = compression;
        _noMasking = noMasking;
        var request = new StringBuilder($"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        request.Append($"Sec-WebSocket-Key: {_key}\r\nSec-WebSocket-Version: 13\r\n");
        if (compression) request.Append($"Sec-WebSocket-Extensions: {UpgradeFacts.DeflateWithoutContext}\r\n");
        if (noMasking) request.Append($"{UpgradeFacts.NoMasking}: true\r\n");
        Request = Encoding.ASCII.GetBytes(request.Append("\r\n").ToString());
    }

    /// <summary>Bytes to send.</summary>
    public byte[] Request { get; }

    /// <summary>Looks for the answer at the start of what the other side sends.</summary>
    /// <param name="data">All bytes received so far.</param>
    /// <param name="consumed">Length of the answer; frames follow.</param>
    /// <param name="mode">How frames are made; null: see <paramref name="error"/>, or more bytes are needed.</param>
    /// <param name="error">Why there is no WebSocket; empty: there is, or more bytes are needed.</param>
    public void ReadAnswer(ReadOnlySpan<byte> data, out int consumed, out WebSocketMode? mode, out string error)
    {
        (mode, error) = (null, "");
        var outcome = HttpResponseHead.Read(data, out consumed, out var answer);
        if (outcome == HttpHeadOutcome.Incomplete) return;
        error = outcome == HttpHeadOutcome.Head ? FindFault(answer!) : "malformed HTTP response";
        if (error.Length > 0) return;
        mode = new WebSocketMode
        {
            RequiresMask = false,
            Masks = !_noMasking || answer!.First(UpgradeFacts.NoMasking) != "true",
            Compression = _compression && UpgradeFacts.HasDeflate(answer!),
        };
    }

    private string FindFault(HttpResponseHead answer)
    {
        var isUpgrade = answer.Status == 101
            && answer.HasToken("Upgrade", "websocket")
            && answer.HasToken("Connection", "upgrade")
            && answer.First("Sec-WebSocket-Accept") == UpgradeFacts.AcceptKey(_key);
        if (!isUpgrade) return "invalid websocket connection";
        return _compression && UpgradeFacts.HasDeflate(answer) && !UpgradeFacts.HasDeflateWithoutContext(answer)
            ? "compression negotiation error"
            : "";
    }
}
