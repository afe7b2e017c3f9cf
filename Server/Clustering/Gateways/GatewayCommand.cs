namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>What an INFO between clusters is for (gateway_cmd).</summary>
internal static class GatewayCommand
{
    /// <summary>It tells of another cluster.</summary>
    public const byte Gossip = 1;

    /// <summary>All interest of an account follows.</summary>
    public const byte AllInterestBegins = 2;

    /// <summary>It was told; nothing is to be sent from now on that nobody asked for.</summary>
    public const byte AllInterestComplete = 3;
}
