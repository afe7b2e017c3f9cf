using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>Speaks the protocol as text, inside TLS from the moment the test asks for it.</summary>
public sealed class TlsRawClient : IDisposable
{
    private readonly Socket _socket;
    private readonly StringBuilder _received = new();
    private Stream _stream;

    private TlsRawClient(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: false);
    }

    public SslStream Ssl => (SslStream)_stream;

    public static async Task<TlsRawClient> ConnectAsync(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
        return new TlsRawClient(socket);
    }

    /// <summary>Begins TLS with whatever certificate the server shows.</summary>
    public async Task StartTlsAsync(X509Certificate2? certificate = null, SslProtocols protocols = SslProtocols.None, string host = "localhost")
    {
        var ssl = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = ssl;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = protocols,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
            ClientCertificates = certificate is null ? null : [certificate],
            LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
        };
        await ssl.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken).WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        await _stream.WriteAsync(bytes, TestContext.Current.CancellationToken);
        await _stream.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Everything up to and with <paramref name="text"/>; fails with what came instead.</summary>
    public async Task<string> ReadThroughAsync(string text)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var all = _received.ToString();
            var at = all.IndexOf(text, StringComparison.Ordinal);
            if (at >= 0)
            {
                _received.Remove(0, at + text.Length);
                return all[..(at + text.Length)];
            }
            var count = await Wait.For($"\"{text}\" after \"{all}\"", _stream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask());
            if (count == 0) throw new EndOfStreamException($"The connection ended before \"{text}\"; received \"{all}\".");
            _received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }

    /// <summary>Everything until the server closes, however it does.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (await Wait.For("the end of the connection", _stream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask()) is > 0 and var count)
            {
                _received.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (IOException)
        {
            // A reset is an end as well.
            return _received.ToString();
        }
        return _received.ToString();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }
}
