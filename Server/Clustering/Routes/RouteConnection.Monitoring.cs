using System.Text;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What others may ask of a route, from any thread; the figures may be a moment old.</summary>
public sealed partial class RouteConnection
{
    private long _interestChanges;

    /// <summary>True when the configuration names the peer's address, whichever side dialled in the end.</summary>
    public bool IsConfigured => Target is { IsExplicit: true } || _manager.IsConfigured(RemoteId);

    /// <summary>What the peer lets in; null: everything.</summary>
    public SubjectLists? RemoteImport => _remoteInfo?.Import;

    /// <summary>What the peer lets out; null: everything.</summary>
    public SubjectLists? RemoteExport => _remoteInfo?.Export;

    /// <summary>Subjects the peer wants, per account.</summary>
    public int RemoteSubscriptionCount => _remote.Count;

    /// <summary>The peer's interest: each with the account it is for.</summary>
    public IReadOnlyList<RemoteSubscription> SnapshotSubscriptions() => [.. _remote.Snapshot().Select(DescribeInterest)];

    private RemoteSubscription DescribeInterest(RemoteInterest interest)
    {
        var subject = Encoding.UTF8.GetString(interest.Subscription.Subject);
        var queue = interest.Subscription.Queue is { } name ? Encoding.UTF8.GetString(name) : null;
        var account = PinnedAccount is null ? interest.Account.Name + " " : "";
        return new RemoteSubscription(subject, queue, $"R {account}{subject}{(queue is null ? "" : " " + queue)}", interest.Subscription.Delivered);
    }
}
