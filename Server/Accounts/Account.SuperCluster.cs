using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>What an account knows of other clusters; nothing of it on a server without gateways.</summary>
public sealed partial class Account
{
    private ReplyRoutes? _answers;

    /// <summary>What is wanted in the whole cluster; null: there are no others that must know.</summary>
    public ClusterInterest? ClusterInterest { get; private set; }

    /// <summary>What was subscribed to a moment ago; null on a server without gateways.</summary>
    public RecentInterest? Recent { get; private set; }

    /// <summary>No request of another cluster was taken by a service of this account lately.</summary>
    private bool ExpectsNoAnswers => _answers is not { IsEmpty: false };

    /// <summary>
    /// Those who take a message, and the services of the account, are about to get a request of another cluster.
    /// </summary>
    /// <param name="match">Who takes it.</param>
    /// <param name="reply">The reply subject they are shown.</param>
    /// <param name="routed">The one that leads back.</param>
    public void ExpectAnswers(MatchResult match, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed)
    {
        foreach (var subscription in match.Plain) subscription.Subscriber.ExpectAnswer(reply, routed);
        var takenInside = match.Services.Length > 0;
        foreach (var group in match.Queues)
        {
            foreach (var member in group.Local)
            {
                takenInside |= member.Subscriber.Kind == SubscriberKind.Internal;
                member.Subscriber.ExpectAnswer(reply, routed);
            }
        }
        if (!takenInside) return;
        if (_answers is null) Interlocked.CompareExchange(ref _answers, new ReplyRoutes(), null);
        _answers.Add(reply, routed, Environment.TickCount64);
    }

    /// <summary>Whether a request of another cluster that came a moment ago is to be answered on this subject.</summary>
    public bool IsAwaitedElsewhere(ReadOnlySpan<byte> subject) =>
        _answers is { IsEmpty: false } answers && answers.Find(subject, Environment.TickCount64) is not null;

    /// <summary>Sends what a service answers to another cluster straight back.</summary>
    /// <returns>False when it is no such answer.</returns>
    internal bool TrySendBack(in Message message, FlushBatch batch) =>
        _answers is { IsEmpty: false } answers
        && answers.Find(message.Address.IsEmpty ? message.Subject : message.Address, Environment.TickCount64) is { } routed
        && SendBack(routed, message, batch);

    /// <summary>Sends an answer straight back to another cluster.</summary>
    /// <param name="routed">The subject that leads there.</param>
    /// <param name="message">The answer.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>False when there is no way to it.</returns>
    public bool SendBack(byte[] routed, in Message message, FlushBatch batch)
    {
        var back = message.Address.IsEmpty ? message.WithSubject(routed) : message.WithAddress(routed);
        if (_context.Outer is { } outer) return outer.SendBack(this, back, batch);
        // A leaf node knows no clusters: its hub wants these subjects, and knows the way.
        var match = Subscriptions.Match(routed);
        return !match.IsEmpty && MessageRouter.RouteBack(this, match, back, _server, batch);
    }

    private void TrackCluster()
    {
        Recent = new RecentInterest();
        ClusterInterest = new ClusterInterest(this);
        Interest!.Attach(ClusterInterest);
    }
}
