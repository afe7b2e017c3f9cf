namespace NatsAspire.Server.Configuration;

/// <summary>Defaults of nats-server 2.14 (const.go, features.md §1 and §6).</summary>
public static class Defaults
{
    public const string Version = "2.14.5";
    public const string Host = "0.0.0.0";
    public const int ClientPort = 4222;
    public const int LeafNodePort = 7422;
    public const int MonitoringPort = 8222;
    public const int RandomPort = -1;
    public const int MaxControlLine = 4096;
    public const int MaxPayload = 1024 * 1024;
    public const long MaxPending = 64 * 1024 * 1024;
    public const int MaxConnections = 64 * 1024;
    public const int RoutePoolSize = 3;
    public const int MaxPingsOut = 2;
    public static readonly TimeSpan PingInterval = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan RoutePingInterval = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan TlsTimeout = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan AuthTimeout = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan LameDuckDuration = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan LameDuckGracePeriod = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan RouteDial = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan RouteReconnect = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan RouteReconnectMax = TimeSpan.FromSeconds(30);
}
