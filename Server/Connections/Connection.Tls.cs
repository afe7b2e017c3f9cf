using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace NatsAspire.Server.Connections;

/// <summary>TLS: a handshake on the loop's thread, then a layer like any other.</summary>
public abstract partial class Connection
{
    private TlsChannel? _handshake;

    /// <summary>Set once a TLS handshake has succeeded.</summary>
    public TlsState? Tls { get; private set; }

    /// <summary>A handshake failed because the peer does not speak TLS: a probe, or a client of another configuration.</summary>
    protected bool PeerSpeaksNoTls { get; private set; }

    /// <summary>True from the start of a handshake to its end.</summary>
    protected bool IsHandshaking => _handshake is not null;

    /// <summary>
    /// Begins a handshake as the server; <paramref name="onDone"/> gets null or what went wrong, on the loop's
    /// thread. On the loop's thread.
    /// </summary>
    /// <param name="choose">Gives certificates and rules for the server name the peer asks for.</param>
    /// <param name="received">Bytes of it that have been read already.</param>
    /// <param name="onDone">Called once, unless the connection closes first.</param>
    protected void StartTls(
        Func<string, SslServerAuthenticationOptions> choose, ReadOnlySpan<byte> received, Action<Exception?> onDone) =>
        StartTls(
            received,
            ssl => ssl.AuthenticateAsServerAsync((_, hello, _, _) => ValueTask.FromResult(choose(hello.ServerName)), null),
            onDone);

    /// <summary>The same as the client.</summary>
    protected void StartTls(SslClientAuthenticationOptions options, Action<Exception?> onDone) =>
        StartTls(default, ssl => ssl.AuthenticateAsClientAsync(options), onDone);

    private void StartTls(ReadOnlySpan<byte> received, Func<SslStream, Task> authenticate, Action<Exception?> onDone)
    {
        Flush();
        // Until the handshake is over nobody else may send: to them, somebody already does.
        using (EnterGateOnly())
        {
            if (_sending || _pending > 0)
            {
                onDone(new IOException("The peer does not read what comes before the handshake."));
                return;
            }
            _sending = true;
        }
        var tls = new TlsChannel(Channel, received);
        Channel = tls;
        _handshake = tls;
        _ = CompleteHandshakeAsync(tls, authenticate, onDone);
        if (!tls.Advance()) Close(CloseReason.TlsHandshakeError);
    }

    private async Task CompleteHandshakeAsync(TlsChannel tls, Func<SslStream, Task> authenticate, Action<Exception?> onDone)
    {
        Exception? fault = null;
        try
        {
            await authenticate(tls.Ssl).ConfigureAwait(false);
        }
        catch (Exception error) when (error is AuthenticationException or IOException or InvalidOperationException or System.ComponentModel.Win32Exception or NotSupportedException)
        {
            fault = error;
        }
        Loop.Post(() => EndHandshake(tls, fault, onDone));
    }

    private void EndHandshake(TlsChannel tls, Exception? fault, Action<Exception?> onDone)
    {
        _handshake = null;
        PeerSpeaksNoTls = tls.BeganOtherwise;
        if (fault is null)
        {
            Tls = Describe(tls.Ssl);
            tls.Establish();
        }
        tls.Advance();
        using (EnterGateOnly()) _sending = false;
        if (IsClosing) return;
        onDone(fault);
        if (IsClosing) return;
        Flush();
        SignalReadable();
    }

    private static TlsState Describe(SslStream ssl) => new(
        ssl.SslProtocol == SslProtocols.Tls13 ? "1.3" : "1.2",
        ssl.NegotiatedCipherSuite.ToString(),
        ssl.RemoteCertificate as X509Certificate2);
}
