using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Server.Connections;

/// <summary>What a connection talks through: handed from one that opened it (TLS, HTTP) to one that goes on with it.</summary>
/// <param name="Loop">Its loop, for life.</param>
/// <param name="Channel">The topmost layer.</param>
/// <param name="Remote">The peer.</param>
/// <param name="Local">This side.</param>
/// <param name="Tls">Set once a TLS handshake has succeeded.</param>
public sealed record Transport(IoLoop Loop, ByteChannel Channel, IPEndPoint Remote, IPEndPoint Local, TlsState? Tls = null)
{
    /// <summary>The socket below all layers; null: there is none.</summary>
    internal SocketIo? Io { get; init; }

    /// <summary>A socket that was accepted or dialled just now.</summary>
    public static Transport Over(Socket socket, IoLoop loop)
    {
        socket.NoDelay = true;
        var io = loop.CreateIo(socket);
        return new Transport(loop, io, Unmap((IPEndPoint)socket.RemoteEndPoint!), Unmap((IPEndPoint)socket.LocalEndPoint!)) { Io = io };
    }

    /// <summary>An IPv4 address as such, also on a socket that speaks both.</summary>
    private static IPEndPoint Unmap(IPEndPoint address) =>
        address.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(address.Address.MapToIPv4(), address.Port) : address;
}
