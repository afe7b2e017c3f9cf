using System.Net;
using System.Net.NetworkInformation;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>Under which host other clusters reach a listener.</summary>
internal static class GatewayAddress
{
    /// <summary>The host itself, or for a listener on all interfaces the first address that others can reach.</summary>
    public static string Of(string host)
    {
        if (!IPAddress.TryParse(host, out var address) || !(address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))) return host;
        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .FirstOrDefault(candidate => !IPAddress.IsLoopback(candidate) && !candidate.IsIPv6LinkLocal)?.ToString() ?? host;
    }
}
