using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Listens for what clients tell the consumers of a stream.</summary>
internal sealed class ConsumerCapture(StreamConsumers consumers) : ServiceSubscriber
{
    private readonly SubjectFollower _follower = new();

    public override string Name => consumers.Host.Configuration.Name;

    public override bool TakesRoutedMessages => true;

    /// <summary>Listens on these subjects and on no others. Not from two threads at a time.</summary>
    public void Follow(IEnumerable<string> subjects) => _follower.Follow(consumers.Host.Account, this, subjects);

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (subscription.IsClosed) return false;
        consumers.Take(message, batch);
        return true;
    }
}

/// <summary>The subscriptions of a subscriber whose subjects change.</summary>
internal sealed class SubjectFollower
{
    private readonly Dictionary<string, Subscription> _subscriptions = [];

    /// <summary>Subscribes to these subjects and to no others. Not from two threads at a time.</summary>
    public void Follow(Account account, Subscriber subscriber, IEnumerable<string> subjects)
    {
        var wanted = subjects.ToHashSet();
        foreach (var (subject, subscription) in _subscriptions.Where(entry => !wanted.Contains(entry.Key)).ToList())
        {
            _subscriptions.Remove(subject);
            account.Unsubscribe(subscription);
        }
        foreach (var subject in wanted.Where(subject => !_subscriptions.ContainsKey(subject)))
        {
            var subscription = new Subscription(subscriber, Encoding.UTF8.GetBytes(subject));
            _subscriptions.Add(subject, subscription);
            account.Subscribe(subscription);
        }
    }
}
