using System.Net.Sockets;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>Connecting to another server.</summary>
internal static class LinkSocket
{
    /// <summary>One attempt, given up after <see cref="Defaults.RouteDial"/>.</summary>
    /// <returns>The socket, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">The server stops.</exception>
    public static async Task<(Socket? Socket, Exception? Error)> TryConnectAsync(string host, int port, CancellationToken stop)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timeout.CancelAfter(Defaults.RouteDial);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(host, port, timeout.Token).ConfigureAwait(false);
            return (socket, null);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            socket.Dispose();
            return (null, error);
        }
    }

    /// <summary>What an error of an attempt is called in the log.</summary>
    public static string TextOf(Exception error) => error is OperationCanceledException ? "i/o timeout" : error.Message;
}
