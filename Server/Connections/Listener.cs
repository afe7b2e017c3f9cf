using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Server.Connections;

/// <summary>Accepts connections on one address and hands them over; goes on after errors that pass.</summary>
public sealed class Listener : IAsyncDisposable
{
    private const int Backlog = 1024;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private readonly Socket _socket;
    private readonly Action<Socket> _onAccepted;
    private readonly Action<SocketException> _onError;
    private readonly CancellationTokenSource _stop = new();
    private Task _accepting = Task.CompletedTask;
    private int _disposed;

    private Listener(Socket socket, Action<Socket> onAccepted, Action<SocketException> onError)
    {
        _socket = socket;
        _onAccepted = onAccepted;
        _onError = onError;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>The bound address.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Binds; connections wait in the backlog until <see cref="Start"/>.</summary>
    /// <param name="host">Name or address; empty, 0.0.0.0 or ::: all interfaces.</param>
    /// <param name="port">-1: a free one.</param>
    /// <param name="onAccepted">Gets each socket.</param>
    /// <param name="onError">Gets errors of accept.</param>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static Listener Bind(string host, int port, Action<Socket> onAccepted, Action<SocketException> onError)
    {
        var address = Resolve(host);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(new IPEndPoint(address, Math.Max(port, 0)));
            socket.Listen(Backlog);
            return new Listener(socket, onAccepted, onError);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Start() => _accepting = AcceptAsync();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var pause = FirstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var accepted = await _socket.AcceptAsync(_stop.Token).ConfigureAwait(false);
                pause = FirstPause;
                _onAccepted(accepted);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException error)
            {
                if (_stop.IsCancellationRequested) return;
                // Out of descriptors, most likely: they come back as connections close.
                _onError(error);
                await Task.Delay(pause).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private static IPAddress Resolve(string host)
    {
        if (host.Length == 0 || host == "0.0.0.0") return Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        if (IPAddress.TryParse(host.Trim('[', ']'), out var address)) return address;
        var found = Dns.GetHostAddresses(host);
        return Array.Find(found, a => a.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
    }
}
