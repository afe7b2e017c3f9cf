using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Serves direct gets.</summary>
internal interface IDirectGets
{
    /// <summary>Has a request answered from what a stream holds here; on the requestor's loop.</summary>
    void Serve(StreamHost stream, in Message request, FlushBatch batch);
}

/// <summary>
/// A stream as one of those that answer direct gets: all members that have what was agreed on, and mirrors that offer to,
/// are one queue group, so that each request is served once, and near its client (ADR-31).
/// </summary>
internal sealed class DirectCapture(StreamHost stream) : ServiceSubscriber
{
    private static readonly byte[] Group = [.. "_sys_"u8];

    private readonly List<Subscription> _subscriptions = [];
    private volatile string _served = "";

    public override string Name => stream.Configuration.Name;

    public override bool TakesRoutedMessages => true;

    /// <summary>It answers for some stream. From any thread.</summary>
    public bool IsServing => _served.Length > 0;

    /// <summary>Answers for a stream, and for no other. In the mailbox.</summary>
    /// <param name="name">Its own, or the one it is a mirror of; empty: for none.</param>
    /// <param name="domain">The server's; null: none.</param>
    public void Follow(string name, string? domain)
    {
        if (name == _served) return;
        _served = name;
        foreach (var subscription in _subscriptions) stream.Account.Unsubscribe(subscription);
        _subscriptions.Clear();
        if (name.Length == 0) return;
        Listen($"$JS.API.DIRECT.GET.{name}");
        if (domain is not null) Listen($"$JS.{domain}.API.DIRECT.GET.{name}");
    }

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (subscription.IsClosed || stream.DirectGets is not { } gets) return false;
        if (!message.Reply.IsEmpty) gets.Serve(stream, message, batch);
        return true;
    }

    private void Listen(string subject)
    {
        foreach (var one in new[] { subject, subject + ".>" })
        {
            var subscription = new Subscription(this, Encoding.UTF8.GetBytes(one), Group);
            _subscriptions.Add(subscription);
            stream.Account.Subscribe(subscription);
        }
    }
}
