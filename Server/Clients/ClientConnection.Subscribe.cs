using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>SUB and UNSUB. The loop's thread alone changes the table by sid, under its lock; it reads without.</summary>
public sealed partial class ClientConnection
{
    /// <summary>Queue group of the server itself.</summary>
    private static ReadOnlySpan<byte> SystemQueue => "_sys_"u8;

    private readonly Dictionary<byte[], Subscription> _subscriptions = new(ByteArrayComparer.Instance);
    private int _maxSubscriptions = int.MaxValue;
    private volatile bool _checksDelivery;

    /// <summary>Subscriptions held now.</summary>
    public int SubscriptionCount => _subscriptions.Count;

    private bool ProcessSubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid)
    {
        _active = true;
        if (_trace) ClientLog.In(Log, _label, $"SUB {Text(subject)} {(queue.IsEmpty ? "" : Text(queue) + " ")}{Text(sid)}");
        if (Account is null || !MaySubscribe(subject, queue, sid)) return true;
        if (_subscriptions.Count >= _maxSubscriptions)
        {
            ClientLog.Error(Log, _label, "maximum subscriptions exceeded");
            SendError("maximum subscriptions exceeded");
            return true;
        }
        if (!_subscriptions.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(sid))
        {
            var subscription = new Subscription(
                _subscriber, subject.ToArray(), queue.IsEmpty ? null : queue.ToArray(), sid.ToArray());
            if (!SubjectRules.IsValid(subject) || !Account.Subscribe(subscription))
            {
                SendError("Invalid Subject");
                return true;
            }
            lock (_subscriptions) _subscriptions.Add(subscription.Sid, subscription);
        }
        if (_verbose) SendOk();
        return true;
    }

    private bool MaySubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid)
    {
        var allowed = Permissions is null || Permissions.MaySubscribe(subject, queue);
        if (!allowed || queue.SequenceEqual(SystemQueue))
        {
            var byQueue = queue.IsEmpty ? "" : $" using queue \"{Text(queue)}\"";
            SendError($"Permissions Violation for Subscription to \"{Text(subject)}\"{byQueue}");
            var queueText = queue.IsEmpty ? "" : $" Queue: \"{Text(queue)}\",";
            ClientLog.Error(Log, _label, $"Subscription Violation - Subject \"{Text(subject)}\",{queueText} SID {Text(sid)}");
            return false;
        }
        var maxTokens = _hub.Options.Limits.MaxSubscriptionTokens;
        if (maxTokens > 0 && subject.Count((byte)'.') + 1 > maxTokens)
        {
            SendError($"Permissions Violation for Subscription to \"{Text(subject)}\", too many tokens");
            ClientLog.Error(Log, _label, $"Subscription Violation Too Many Tokens - Subject \"{Text(subject)}\", SID {Text(sid)}");
            return false;
        }
        if (Permissions is not null && Permissions.NeedsDeliveryCheck(subject)) _checksDelivery = true;
        return true;
    }

    private bool ProcessUnsubscribe(ReadOnlySpan<byte> sid, int max)
    {
        _active = true;
        if (_trace) ClientLog.In(Log, _label, max > 0 ? $"UNSUB {Text(sid)} {max}" : $"UNSUB {Text(sid)}");
        if (_subscriptions.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(sid, out var subscription))
        {
            if (!LimitDeliveries(subscription, max)) RemoveSubscription(subscription);
        }
        if (_verbose) SendOk();
        return true;
    }

    /// <summary>Lets a subscription end after <paramref name="max"/> messages; false when that is now.</summary>
    private bool LimitDeliveries(Subscription subscription, int max)
    {
        Loop.Batch.Hold(this);
        var later = max > 0 && max > subscription.Delivered;
        subscription.MaxMessages = later ? max : 0;
        return later;
    }

    private void RemoveSubscription(Subscription subscription)
    {
        if (!_subscriptions.TryGetValue(subscription.Sid, out var current) || !ReferenceEquals(current, subscription)) return;
        lock (_subscriptions) _subscriptions.Remove(subscription.Sid);
        Account?.Unsubscribe(subscription);
        if (_trace) ClientLog.Out(Log, _label, $"DELSUB {Text(subscription.Sid)}");
    }

    private void DropSubscriptions()
    {
        Account?.Unsubscribe(_subscriptions.Values);
        lock (_subscriptions) _subscriptions.Clear();
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
