using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>A connection that has said CONNECT and then nothing; small, since a thousand of them are held.</summary>
internal sealed class LoadClientShell : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);

    public LoadClientShell(IPEndPoint address)
    {
        _socket.Connect(address);
        _socket.Send(Encoding.ASCII.GetBytes("CONNECT {\"verbose\":false,\"protocol\":0}\r\nPING\r\n"));
        var buffer = new byte[2048];
        var text = "";
        while (!text.Contains("PONG", StringComparison.Ordinal)) text += Encoding.ASCII.GetString(buffer, 0, _socket.Receive(buffer));
    }

    public void Dispose() => _socket.Dispose();
}
