using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Hosting;

/// <summary>Gives out ports.</summary>
public interface IPortAllocator
{
    /// <summary>Ports that nobody listens on now, all different.</summary>
    IReadOnlyList<int> Take(int count);
}

/// <summary>
/// Free loopback ports, as the system gives them. All of one call are held until the last is found, so they
/// differ; between the call and their use another process may take one, which its server then says.
/// </summary>
public sealed class FreePorts : IPortAllocator
{
    private readonly HashSet<int> _given = [];

    public IReadOnlyList<int> Take(int count)
    {
        var held = new List<Socket>();
        var ports = new List<int>();
        try
        {
            while (ports.Count < count)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                held.Add(socket);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
                if (_given.Add(port)) ports.Add(port);
            }
            return ports;
        }
        finally
        {
            foreach (var socket in held) socket.Dispose();
        }
    }
}
