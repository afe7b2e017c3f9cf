using System.Collections.Concurrent;

namespace NatsAspire.Server.Accounts;

/// <summary>
/// How many connections of an account the other servers hold, as they tell. A server that has not confirmed its number
/// for <see cref="Lifetime"/> is taken for gone.
/// </summary>
public sealed class RemoteConnections
{
    /// <summary>Two and a half of the intervals at which servers repeat their number.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(75);

    private readonly ConcurrentDictionary<string, (int Count, long Milliseconds)> _byServer = new();

    /// <summary>Connections elsewhere.</summary>
    public int Total
    {
        get
        {
            if (_byServer.IsEmpty) return 0;
            var oldest = Environment.TickCount64 - (long)Lifetime.TotalMilliseconds;
            return _byServer.Values.Where(told => told.Milliseconds >= oldest).Sum(told => told.Count);
        }
    }

    /// <summary>A server tells its number.</summary>
    public void Set(string serverId, int count) => _byServer[serverId] = (count, Environment.TickCount64);

    /// <summary>A server is gone.</summary>
    public void Remove(string serverId) => _byServer.TryRemove(serverId, out _);
}
