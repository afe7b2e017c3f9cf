using System.Net.Sockets;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// A connection before its upgrade: TLS if the listener has it, one HTTP request, its answer. Then another
/// connection goes on, behind a layer of frames.
/// </summary>
public sealed class UpgradeConnection(Socket socket, IoLoop loop, IWebSocketHost host) : Connection(socket, loop)
{
    private LoopTimer? _timer;

    protected override void OnOpened()
    {
        host.OnUpgrading(this, isOver: false);
        _timer = Loop.CreateTimer(OnTimeout);
        Loop.Schedule(_timer, host.HandshakeTimeout);
        if (host.Tls is { } tls) StartTls(tls, default, OnHandshakeDone);
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        var rules = host.Rules;
        var outcome = HttpRequestHead.Read(data, out var consumed, out var request);
        if (outcome == HttpHeadOutcome.Incomplete) return 0;
        var answer = outcome == HttpHeadOutcome.Head ? rules.Judge(request!, Tls is not null) : UpgradeRules.Refuse(outcome);
        if (answer.Session is null) Refuse(answer);
        else if (consumed < data.Length)
        {
            host.OnRefused($"{RemoteEndPoint} - websocket handshake error: client sent data before handshake is complete");
            Close(CloseReason.ProtocolViolation);
        }
        else GoOn(answer);
        return data.Length;
    }

    protected override void OnClosed()
    {
        _timer?.Cancel();
        host.OnUpgrading(this, isOver: true);
    }

    private void GoOn(UpgradeAnswer answer)
    {
        _timer?.Cancel();
        host.OnUpgrading(this, isOver: true);
        Enqueue(answer.Response);
        HandOver(transport => host.OnUpgraded(
            transport with { Channel = new WebSocketChannel(transport.Channel, answer.Session!.Mode) }, answer.Session));
    }

    private void Refuse(UpgradeAnswer answer)
    {
        host.OnRefused($"{RemoteEndPoint} - websocket handshake error: {answer.Error}");
        Enqueue(answer.Response);
        Close(CloseReason.ProtocolViolation);
    }

    private void OnHandshakeDone(Exception? fault)
    {
        if (fault is null && host.IsPinned(Tls?.PeerCertificate)) return;
        host.OnRefused($"websocket: http: TLS handshake error from {RemoteEndPoint}: {fault?.Message ?? "certificate not pinned"}");
        Close(CloseReason.TlsHandshakeError);
    }

    private void OnTimeout()
    {
        if (IsClosing) return;
        if (IsHandshaking) host.OnRefused($"websocket: http: TLS handshake error from {RemoteEndPoint}: i/o timeout");
        Close(CloseReason.ReadError);
    }
}
