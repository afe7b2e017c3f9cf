using System.Globalization;
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
/// Free loopback ports below those that the system gives to outgoing connections, so that none of these takes one while
/// its server does not listen yet, or is down for a restart. This process gives out each once in a round; where it begins
/// is drawn, so that another process seldom gives out the same. If it does, one of the servers says so.
/// </summary>
public sealed class FreePorts : IPortAllocator
{
    private const int First = 12_000, UsualLast = 32_767, LeastCount = 4_000;
    private const string OutgoingRange = "/proc/sys/net/ipv4/ip_local_port_range";
    private static readonly int Count = FindLast() - First + 1;
    private static int _next = Random.Shared.Next(Count);

    public IReadOnlyList<int> Take(int count)
    {
        var ports = new List<int>();
        for (var tries = 0; ports.Count < count; tries++)
        {
            if (tries >= Count) throw new IOException($"There are no {count} free ports between {First} and {First + Count - 1}.");
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % (uint)Count);
            if (IsFree(port)) ports.Add(port);
        }
        return ports;
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            // Somebody has it.
            return false;
        }
    }

    /// <summary>The highest port that outgoing connections leave alone.</summary>
    private static int FindLast()
    {
        if (!File.Exists(OutgoingRange)) return UsualLast;
        var lowest = File.ReadAllText(OutgoingRange).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0];
        return Math.Max(First + LeastCount, int.Parse(lowest, CultureInfo.InvariantCulture) - 1);
    }
}
