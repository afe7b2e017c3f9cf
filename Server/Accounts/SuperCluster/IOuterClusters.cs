using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Accounts.SuperCluster;

/// <summary>The other clusters, as accounts know them.</summary>
public interface IOuterClusters
{
    /// <summary>Whether a <see cref="RoutedReply"/> subject names this cluster.</summary>
    bool LeadsHere(ReadOnlySpan<byte> subject);

    /// <summary>Sends an answer straight back to the cluster that its subject names.</summary>
    /// <param name="account">Its account.</param>
    /// <param name="message">On a <see cref="RoutedReply"/> subject, or with one for its address.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>False when there is no way to that cluster.</returns>
    bool SendBack(Account account, in Message message, FlushBatch batch);
}
