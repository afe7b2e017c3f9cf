using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>What a server has been told that others want, over leaf node connections and gateways.</summary>
internal static class ToldInterest
{
    /// <summary>Waits until exactly this subject is wanted: a wildcard that covers it says nothing.</summary>
    public static Task WaitAsync(NatsServer server, string subject) =>
        Wait.Until($"{server.Name} is told of {subject}", () => Of(server).Contains(subject), () => string.Join(", ", Of(server).Take(50)));

    private static IEnumerable<string> Of(NatsServer server)
    {
        var leafs = server.LeafNodes?.Snapshot().SelectMany(leaf => leaf.SnapshotSubscriptions().Select(one => one.Subject)) ?? [];
        var gateways = server.Gateways?.Snapshot().Outbound.SelectMany(gateway => gateway.SnapshotInterest().Select(one => Encoding.UTF8.GetString(one.Subscription.Subject))) ?? [];
        return leafs.Concat(gateways);
    }
}
