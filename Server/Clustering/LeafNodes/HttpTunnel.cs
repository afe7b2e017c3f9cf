using System.Net.Sockets;
using System.Text;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections.WebSockets;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>A way through an HTTP proxy (CONNECT).</summary>
internal static class HttpTunnel
{
    /// <summary>Connects to a server behind a proxy.</summary>
    /// <param name="proxy">The proxy.</param>
    /// <param name="target">The server.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <exception cref="IOException">The proxy refuses, or does not speak HTTP.</exception>
    /// <exception cref="SocketException">The proxy cannot be reached.</exception>
    public static async Task<Socket> OpenAsync(HttpProxyOptions proxy, Uri target, CancellationToken cancellation)
    {
        var address = new Uri(proxy.Url);
        var socket = await LinkSocket.ConnectAsync(address.Host, address.Port, cancellation).ConfigureAwait(false);
        try
        {
            await AskAsync(socket, proxy, target, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task AskAsync(Socket socket, HttpProxyOptions proxy, Uri target, CancellationToken cancellation)
    {
        var host = $"{target.Host}:{(target.Port > 0 ? target.Port : target.Scheme == "wss" ? 443 : 80)}";
        var credentials = proxy.Username.Length > 0 && proxy.Password.Length > 0
            ? $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{proxy.Username}:{proxy.Password}"))}\r\n"
            : "";
        await socket.SendAsync(Encoding.ASCII.GetBytes($"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{credentials}\r\n"), cancellation).ConfigureAwait(false);
        var head = await ReadHeadAsync(socket, cancellation).ConfigureAwait(false);
        if (head.Status != 200) throw new IOException($"proxy CONNECT failed: {head.Status}");
    }

    /// <summary>Byte by byte: what follows the head is the server's.</summary>
    private static async Task<HttpResponseHead> ReadHeadAsync(Socket socket, CancellationToken cancellation)
    {
        var received = new byte[HttpHead.MaxLength];
        for (var length = 0; length < received.Length;)
        {
            if (await socket.ReceiveAsync(received.AsMemory(length, 1), cancellation).ConfigureAwait(false) == 0) break;
            length++;
            switch (HttpResponseHead.Read(received.AsSpan(0, length), out _, out var head))
            {
                case HttpHeadOutcome.Head:
                    return head!;
                case HttpHeadOutcome.Malformed or HttpHeadOutcome.TooLarge:
                    throw new IOException("failed to read proxy response");
            }
        }
        throw new IOException("failed to read proxy response");
    }
}
