using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>A stream as a subscriber of its subjects.</summary>
internal sealed class StreamCapture(StreamHost stream) : ServiceSubscriber
{
    private readonly Dictionary<string, Subscription> _subscriptions = [];

    public override string Name => stream.Configuration.Name;

    public override bool TakesRoutedMessages => true;

    /// <summary>Listens on these subjects and on no others. Not from two threads at a time.</summary>
    public void Follow(IEnumerable<string> subjects)
    {
        var wanted = subjects.ToHashSet();
        foreach (var (subject, subscription) in _subscriptions.Where(entry => !wanted.Contains(entry.Key)).ToList())
        {
            _subscriptions.Remove(subject);
            stream.Account.Unsubscribe(subscription);
        }
        foreach (var subject in wanted.Where(subject => !_subscriptions.ContainsKey(subject)))
        {
            var subscription = new Subscription(this, Encoding.UTF8.GetBytes(subject));
            _subscriptions.Add(subject, subscription);
            stream.Account.Subscribe(subscription);
        }
    }

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (subscription.IsClosed) return false;
        stream.Ingest(message, batch);
        return true;
    }
}
