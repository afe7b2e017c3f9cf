using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>A proxy that opens tunnels (HTTP CONNECT), and asks for a password if it is given one.</summary>
public sealed class HttpConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string? _credentials;
    private readonly Task _accepting;
    private int _tunnels;
    private int _refusals;

    /// <param name="credentials">user:password; null: none are asked for.</param>
    public HttpConnectProxy(string? credentials = null)
    {
        _credentials = credentials is null ? null : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))}";
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Tunnels it has opened.</summary>
    public int Tunnels => Volatile.Read(ref _tunnels);

    /// <summary>Requests it has refused.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    private async Task AcceptAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true) served.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var from = client;
        using var to = new TcpClient();
        try
        {
            var head = await ReadHeadAsync(from.GetStream());
            if (_credentials is not null && !head.Contains(_credentials, StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _refusals);
                await from.GetStream().WriteAsync("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"u8.ToArray(), _stop.Token);
                return;
            }
            var target = head.Split(' ')[1].Split(':');
            await to.ConnectAsync(target[0], int.Parse(target[1], System.Globalization.CultureInfo.InvariantCulture), _stop.Token);
            Interlocked.Increment(ref _tunnels);
            await from.GetStream().WriteAsync("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"u8.ToArray(), _stop.Token);
            await Task.WhenAny(from.GetStream().CopyToAsync(to.GetStream(), _stop.Token), to.GetStream().CopyToAsync(from.GetStream(), _stop.Token));
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // One end is gone; so is the tunnel.
        }
    }

    private async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _stop.Token) > 0) head.Append((char)one[0]);
        return head.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }
}
