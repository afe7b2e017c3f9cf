using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clients;

/// <summary>
/// What comes before the protocol: PROXY header, INFO before or after a TLS handshake, the choice between TLS and
/// plain text. Each step waits for bytes at most so long.
/// </summary>
public sealed partial class ClientConnection
{
    private const byte TlsHandshakeRecord = 0x16;
    private static readonly TimeSpan ProxyHeaderTimeout = TimeSpan.FromSeconds(5);
    private readonly TlsContext? _tlsContext;
    private readonly bool _expectsProxyHeader;
    private readonly string _nonce;
    private OpeningStep _step;
    private LoopTimer? _openingTimer;
    private bool _infoSent;

    private enum OpeningStep
    {
        /// <summary>Over: the protocol is spoken.</summary>
        Done,

        /// <summary>The PROXY header decides who the client is.</summary>
        ProxyHeader,

        /// <summary>A client that begins with TLS gets INFO inside of it; the others after a while.</summary>
        TlsFirst,

        /// <summary>The first byte tells TLS from plain text.</summary>
        TlsOrPlain,

        /// <summary>The handshake is under way.</summary>
        Handshake,
    }

    /// <summary>The TLS handshake came before INFO.</summary>
    public bool TlsCameFirst { get; private set; }

    private void StartOpening()
    {
        if (_tlsContext is not { HandshakeFirst: true }) SendGreeting();
        if (_expectsProxyHeader)
        {
            Await(OpeningStep.ProxyHeader, ProxyHeaderTimeout);
            return;
        }
        StartTlsOrProtocol(default);
    }

    /// <summary>Handles bytes before the protocol.</summary>
    /// <returns>Bytes consumed.</returns>
    private int ReceiveOpening(ReadOnlySpan<byte> data)
    {
        switch (_step)
        {
            case OpeningStep.ProxyHeader:
                return ReceiveProxyHeader(data);
            case OpeningStep.TlsFirst:
                StartHandshake(data);
                return data.Length;
            case OpeningStep.TlsOrPlain when data[0] == TlsHandshakeRecord:
                StartHandshake(data);
                return data.Length;
            default:
                StartProtocol();
                return ParseOperations(data);
        }
    }

    private int ReceiveProxyHeader(ReadOnlySpan<byte> data)
    {
        var outcome = ProxyHeader.Read(data, out var consumed, out var source, out var error);
        if (outcome == ProxyHeaderOutcome.Incomplete) return 0;
        if (outcome == ProxyHeaderOutcome.Invalid)
        {
            ClientLog.Warning(Log, _label, $"Error reading PROXY protocol header from {RemoteEndPoint}: {error}");
            Close(CloseReason.ProtocolViolation);
            return 0;
        }
        if (source is not null)
        {
            RemoteEndPoint = source;
            _label = Peer;
        }
        var rest = data[consumed..];
        if (StartTlsOrProtocol(rest)) return consumed + (rest.IsEmpty ? 0 : ReceiveRest(rest));
        return data.Length;
    }

    private int ReceiveRest(ReadOnlySpan<byte> rest) => _step == OpeningStep.Done ? ParseOperations(rest) : ReceiveOpening(rest);

    /// <summary>Goes on behind the PROXY header.</summary>
    /// <param name="received">Bytes behind it.</param>
    /// <returns>False when those bytes went into a handshake.</returns>
    private bool StartTlsOrProtocol(ReadOnlySpan<byte> received)
    {
        if (_tlsContext is null)
        {
            StartProtocol();
            return true;
        }
        if (_tlsContext.HandshakeFirst)
        {
            if (_tlsContext.HandshakeFirstFallback == TimeSpan.Zero)
            {
                StartHandshake(received);
                return false;
            }
            Await(OpeningStep.TlsFirst, _tlsContext.HandshakeFirstFallback);
            return true;
        }
        return StartTlsAfterInfo(received);
    }

    private bool StartTlsAfterInfo(ReadOnlySpan<byte> received)
    {
        if (_settings.Options.AllowNonTls)
        {
            Await(OpeningStep.TlsOrPlain, _tlsContext!.Timeout);
            return true;
        }
        StartHandshake(received);
        return false;
    }

    private void Await(OpeningStep step, TimeSpan timeout)
    {
        _step = step;
        _openingTimer ??= Loop.CreateTimer(OnOpeningTimeout);
        Loop.Schedule(_openingTimer, timeout);
    }

    private void OnOpeningTimeout()
    {
        if (IsClosing) return;
        switch (_step)
        {
            case OpeningStep.ProxyHeader:
                ClientLog.Warning(Log, _label, $"Error reading PROXY protocol header from {RemoteEndPoint}: timeout reading PROXY protocol header");
                Close(CloseReason.ProtocolViolation);
                break;
            case OpeningStep.TlsFirst:
                SendGreeting();
                StartTlsAfterInfo(default);
                break;
            case OpeningStep.TlsOrPlain:
                StartProtocol();
                break;
            case OpeningStep.Handshake:
                ClientLog.Debug(Log, _label, "TLS handshake timeout");
                Close(CloseReason.TlsHandshakeError);
                break;
            case OpeningStep.Done:
                break;
        }
    }

    private void StartHandshake(ReadOnlySpan<byte> received)
    {
        if (_tlsContext!.Limiter is { } limiter && !limiter.TryBegin(Loop.NowMilliseconds))
        {
            SendError("Connection throttling is active. Please try again later.");
            Close(CloseReason.MaxConnectionsExceeded);
            return;
        }
        TlsCameFirst = !_infoSent;
        Await(OpeningStep.Handshake, _tlsContext.Timeout);
        ClientLog.Debug(Log, _label, "Starting TLS client connection handshake");
        StartTls(_tlsContext.ForServer, received, OnHandshakeDone);
    }

    private void OnHandshakeDone(Exception? fault)
    {
        _openingTimer?.Cancel();
        if (fault is not null || !_tlsContext!.IsPinned(Tls?.PeerCertificate))
        {
            var text = $"TLS handshake error: {fault?.Message ?? "certificate not pinned"}";
            if (PeerSpeaksNoTls) ClientLog.Debug(Log, _label, text);
            else ClientLog.Error(Log, _label, text);
            Close(CloseReason.TlsHandshakeError);
            return;
        }
        ClientLog.Debug(Log, _label, $"TLS handshake complete, version TLS {Tls!.Version}, cipher suite {Tls.CipherSuite}");
        if (!_infoSent) SendGreeting();
        StartProtocol();
    }

    private void SendGreeting()
    {
        _infoSent = true;
        var greeting = BuildGreeting();
        // The address before a PROXY header is the proxy's, which is nobody's business.
        if (_expectsProxyHeader) greeting = greeting with { ClientIp = null };
        if (_tlsContext is not null && TlsCameFirst) greeting = greeting with { TlsRequired = true };
        Enqueue(greeting.ToProtocolLine());
    }

    private void StartProtocol()
    {
        _step = OpeningStep.Done;
        _openingTimer?.Cancel();
        if (Authenticator.IsRequired) StartAuthenticationTimer();
        else JoinAccount(Identity.Anonymous);
        SchedulePing(first: true);
    }
}
