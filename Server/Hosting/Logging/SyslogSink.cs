using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>Where a syslog daemon listens.</summary>
/// <param name="Network"><c>udp</c>, <c>tcp</c>, <c>unix</c>, or empty for the daemon of this machine.</param>
/// <param name="Address">host:port, a path, or empty.</param>
internal sealed record SyslogAddress(string Network, string Address)
{
    /// <summary>The daemon of this machine, wherever its socket is.</summary>
    public static readonly SyslogAddress Local = new("", "");

    /// <summary>Reads <c>udp://host:port</c>, <c>tcp://host:port</c> or <c>unix:///path</c>.</summary>
    /// <exception cref="IOException">It is none of these.</exception>
    public static SyslogAddress Parse(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        var network = scheme < 0 ? "" : url[..scheme].ToLowerInvariant();
        if (network is not ("udp" or "tcp" or "unix")) throw new IOException($"error invalid network type: \"{network}\" in remote_syslog: use udp://, tcp:// or unix://");
        var rest = url[(scheme + 3)..];
        if (network != "unix" && rest.IndexOf('/') is >= 0 and var end) rest = rest[..end];
        return new SyslogAddress(network, rest);
    }
}

/// <summary>Sends lines to a syslog daemon; connects anew, once a line, when the connection broke.</summary>
internal sealed class SyslogSink : ILogSink
{
    private const int SyslogPort = 514;
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);
    private static readonly string[] LocalPaths = ["/dev/log", "/var/run/syslog", "/var/run/log"];
    private readonly SyslogAddress _address;
    private Socket? _socket;

    /// <exception cref="IOException">There is no daemon.</exception>
    public SyslogSink(SyslogAddress address)
    {
        _address = address;
        try
        {
            _socket = Connect();
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            throw new IOException($"error connecting to syslog: \"{error.Message}\"", error);
        }
    }

    public void Write(ReadOnlySpan<byte> line)
    {
        if (_socket is not null && TrySend(_socket, line)) return;
        Reopen();
        if (!TrySend(_socket!, line)) throw new IOException("The syslog daemon does not take the line.");
    }

    public void Reopen()
    {
        _socket?.Dispose();
        _socket = null;
        _socket = Connect();
    }

    public void Dispose() => _socket?.Dispose();

    private static bool TrySend(Socket socket, ReadOnlySpan<byte> line)
    {
        try
        {
            if (socket.SocketType == SocketType.Dgram) return socket.Send(line) == line.Length;
            while (!line.IsEmpty) line = line[socket.Send(line)..];
            return true;
        }
        catch (SocketException)
        {
            // Whether it is worth another connection, the caller decides.
            return false;
        }
    }

    private Socket Connect() => _address.Network switch
    {
        "udp" => ConnectTo(SocketType.Dgram, ProtocolType.Udp),
        "tcp" => ConnectTo(SocketType.Stream, ProtocolType.Tcp),
        "unix" => ConnectUnix([_address.Address], [SocketType.Stream, SocketType.Dgram]),
        _ => ConnectUnix(LocalPaths, [SocketType.Dgram, SocketType.Stream]),
    };

    private Socket ConnectTo(SocketType type, ProtocolType protocol)
    {
        var colon = _address.Address.LastIndexOf(':');
        var bracket = _address.Address.LastIndexOf(']');
        var host = (colon > bracket ? _address.Address[..colon] : _address.Address).Trim('[', ']');
        var port = colon > bracket && int.TryParse(_address.Address[(colon + 1)..], out var given) ? given : SyslogPort;
        var target = IPAddress.TryParse(host, out var address) ? address : Resolve(host);
        var socket = new Socket(target.AddressFamily, type, protocol);
        try
        {
            if (!socket.ConnectAsync(new IPEndPoint(target, port)).Wait(ConnectTime)) throw new SocketException((int)SocketError.TimedOut);
            // A daemon that takes nothing must not hold the lines of all others for ever.
            socket.SendTimeout = (int)ConnectTime.TotalMilliseconds;
            return socket;
        }
        catch (AggregateException error) when (error.InnerException is SocketException inner)
        {
            socket.Dispose();
            throw new IOException(inner.Message, inner);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static IPAddress Resolve(string host)
    {
        var found = Dns.GetHostAddresses(host);
        return Array.Find(found, address => address.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
    }

    private static Socket ConnectUnix(string[] paths, SocketType[] types)
    {
        foreach (var type in types)
        {
            foreach (var path in paths)
            {
                var socket = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
                try
                {
                    socket.Connect(new UnixDomainSocketEndPoint(path));
                    return socket;
                }
                catch (SocketException)
                {
                    // Not this one; the next may be.
                    socket.Dispose();
                }
            }
        }
        throw new IOException("Unix syslog delivery error");
    }
}
