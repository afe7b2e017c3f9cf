using System.Net.Sockets;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// The dialling side of a leaf node connection over WebSocket, before its upgrade: TLS if there is any, one HTTP request, its
/// answer. Then another connection goes on behind a layer of frames.
/// </summary>
internal sealed class WebSocketDialer(
    Socket socket, IoLoop loop, Uri url, LeafRemote remote, ILeafHost host, Func<Transport, WebSocketSession, Connection?> successor)
    : Connection(socket, loop)
{
    private readonly UpgradeOffer _offer = new(
        $"{url.Host}:{url.Port}", PathOf(url), remote.Options.WebSocketCompression, remote.Options.WebSocketNoMasking);
    private LoopTimer? _timer;

    protected override void OnOpened()
    {
        _timer = Loop.CreateTimer(() => GiveUp("timeout"));
        Loop.Schedule(_timer, remote.Options.FirstInfoTimeout is { Ticks: > 0 } set ? set : Defaults.RouteDial);
        if (url.Scheme != "wss" && remote.Tls is null)
        {
            Enqueue(_offer.Request);
            return;
        }
        var tls = remote.RequireTls();
        var name = url.HostNameType == UriHostNameType.Dns ? url.Host : remote.TlsName ?? url.Host;
        StartTls(tls.ForClient(name), fault =>
        {
            if (fault is null && tls.IsPinned(Tls?.PeerCertificate)) Enqueue(_offer.Request);
            else GiveUp($"TLS leafnode client handshake error: {fault?.Message ?? "certificate not pinned"}");
        });
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        _offer.ReadAnswer(data, out var consumed, out var mode, out var error);
        if (error.Length > 0)
        {
            GiveUp(error);
            return data.Length;
        }
        if (mode is null) return 0;
        _timer?.Cancel();
        var session = new WebSocketSession(WebSocketKind.LeafNode, mode with { MessageLimit = WebSocketMode.LimitFor(host.Options.Limits.MaxPayload) });
        var rest = data[consumed..].ToArray();
        HandOver(transport =>
        {
            var next = successor(transport with { Channel = new WebSocketChannel(transport.Channel, session.Mode, rest) }, session);
            if (next is null) remote.OnClosed();
            return next;
        });
        return data.Length;
    }

    protected override void OnClosed()
    {
        _timer?.Cancel();
        remote.OnClosed();
    }

    private static string PathOf(Uri url) => url.AbsolutePath.Trim('/') is { Length: > 0 } prefix ? $"/{prefix}/leafnode" : "/leafnode";

    private void GiveUp(string error)
    {
        LinkLog.Error(host.Log, $"{RemoteEndPoint} - lid_ws", $"Error soliciting websocket connection: {error}");
        Close(CloseReason.ReadError);
    }
}
