using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>Connecting to another server.</summary>
internal static class LinkSocket
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(16);

    /// <summary>One attempt, given up after <see cref="Defaults.RouteDial"/>.</summary>
    /// <returns>The socket, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">The server stops.</exception>
    public static async Task<(Socket? Socket, Exception? Error)> TryConnectAsync(string host, int port, CancellationToken stop)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timeout.CancelAfter(Defaults.RouteDial);
        try
        {
            return (await ConnectAsync(host, port, timeout.Token).ConfigureAwait(false), null);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return (null, error);
        }
    }

    /// <summary>
    /// Connects to the first address of a host that takes the connection. The socket has never waited with the runtime's own means:
    /// those would go on to watch it, and wake two threads for all that comes, beside the loop it belongs to.
    /// </summary>
    /// <exception cref="SocketException">No address takes it, or there is none.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellation)
    {
        SocketException? refused = null;
        foreach (var address in await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false))
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(address, port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException error)
            {
                refused = error;
            }
        }
        throw refused ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>What an error of an attempt is called in the log.</summary>
    public static string TextOf(Exception error) => error is OperationCanceledException ? "i/o timeout" : error.Message;

    private static async Task<Socket> ConnectAsync(IPEndPoint peer, CancellationToken cancellation)
    {
        var socket = new Socket(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            if (Begin(socket, peer)) return socket;
            for (var pause = FirstLook; !socket.Poll(0, SelectMode.SelectWrite) && !socket.Poll(0, SelectMode.SelectError); pause = Longer(pause))
            {
                await Task.Delay(pause, cancellation).ConfigureAwait(false);
            }
            var outcome = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            return outcome == (int)SocketError.Success ? socket : throw new SocketException(outcome);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether it is connected at once.</summary>
    private static bool Begin(Socket socket, IPEndPoint peer)
    {
        try
        {
            socket.Connect(peer);
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            return false;
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause < LongestPause ? pause * 2 : pause;
}
