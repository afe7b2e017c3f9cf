using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>
/// <c>$SYS.DEBUG.SUBSCRIBERS</c>: how many clients of the whole cluster subscribe to a subject. The asker's server counts
/// its own and asks the others over <c>$SYS.REQ.ACCOUNT.NSUBS</c>.
/// <code>
/// request  = subject [SP queue]
/// answer   = count
/// </code>
/// </summary>
internal sealed partial class SystemServices
{
    private const string CountSubject = "$SYS.REQ.ACCOUNT.NSUBS";

    /// <summary>Counts under way at once; more are answered with what this server knows.</summary>
    private const int MaxCounts = 64;

    /// <summary>A server without clients of the account may not answer: upstream's does not.</summary>
    private static readonly TimeSpan CountPatience = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<string, SubscriberCount> _counts = new(StringComparer.Ordinal);
    private ulong _lastCount;

    /// <summary>One question that others are asked.</summary>
    private sealed class SubscriberCount(byte[] reply, Subscription inbox, int found, int missing)
    {
        public byte[] Reply => reply;

        public Subscription Inbox => inbox;

        public int Found { get; set; } = found;

        public int Missing { get; set; } = missing;

        public Timer? Patience { get; set; }
    }

    private void ListenForCounts()
    {
        ListenHere("$SYS.DEBUG.SUBSCRIBERS", CountSubscribers);
        Listen(CountSubject, AnswerCount);
    }

    private void CountSubscribers(SystemRequest request)
    {
        // Told to this server's clients only; what another server forwards has been counted there.
        if (request.ConnectionId == 0 || request.Reply.Length == 0) return;
        var asking = ReadRequestor(request);
        var name = asking is null ? _system.Name : string.IsNullOrEmpty(asking.Service) ? asking.Account : asking.Service;
        if (name is null || _source.Accounts.Find(name) is not { } account) return;
        var words = Encoding.UTF8.GetString(request.Payload).Trim().Split(' ');
        var asked = new SubscriberCountRequest(name, words[0], words.Length > 1 ? Encoding.UTF8.GetBytes(words[1]) : null);
        var found = CountHere(account, asked);
        var others = _source.Routes?.CompletePeerCount ?? 0;
        if (others == 0 || _counts.Count >= MaxCounts) SendCount(request.Reply, found);
        else AskOthers(request.Reply, asked, found, others);
    }

    private void AskOthers(byte[] reply, SubscriberCountRequest asked, int found, int others)
    {
        var inbox = string.Create(CultureInfo.InvariantCulture, $"$SYS._INBOX.{_system.ServerHash}.NSUBS{++_lastCount}");
        var subscription = new Subscription(new SystemService(_mailbox, true, TakeCount), Encoding.UTF8.GetBytes(inbox));
        var count = new SubscriberCount(reply, subscription, found, others);
        _counts.Add(inbox, count);
        _system.Subscribe(subscription);
        count.Patience = new Timer(_ => _mailbox.Post(() => EndCount(inbox)), null, CountPatience, Timeout.InfiniteTimeSpan);
        var body = JsonSerializer.SerializeToUtf8Bytes(asked, SystemJson.Default.SubscriberCountRequest);
        _system.PublishInternal(Encoding.UTF8.GetBytes(CountSubject), subscription.Subject, body, null);
    }

    private void TakeCount(SystemRequest answer)
    {
        if (!_counts.TryGetValue(answer.Subject, out var count)) return;
        if (Utf8Parser.TryParse(answer.Payload, out int found, out _)) count.Found += found;
        if (--count.Missing == 0) EndCount(answer.Subject);
    }

    private void EndCount(string inbox)
    {
        if (!_counts.Remove(inbox, out var count)) return;
        count.Patience?.Dispose();
        _system.Unsubscribe(count.Inbox);
        SendCount(count.Reply, count.Found);
    }

    /// <summary>Another server asks for a client of its own.</summary>
    private void AnswerCount(SystemRequest request)
    {
        // This server's own question comes back to it too; what it has is counted.
        if (request.Reply.Length == 0 || Encoding.UTF8.GetString(request.Reply) is var inbox && _counts.ContainsKey(inbox)) return;
        SubscriberCountRequest? asked;
        try
        {
            asked = JsonSerializer.Deserialize(request.Payload, SystemJson.Default.SubscriberCountRequest);
        }
        catch (JsonException error)
        {
            MonitoringLog.CountNotUnderstood(_source.Log, error.Message);
            return;
        }
        var account = asked?.Account is { } name ? _source.Accounts.Find(name) : null;
        SendCount(request.Reply, account is null ? 0 : CountHere(account, asked!));
    }

    private static int CountHere(Account account, SubscriberCountRequest asked)
    {
        var subject = Encoding.UTF8.GetBytes(asked.Subject ?? "");
        if (!SubjectRules.IsValid(subject)) return 0;
        var isLiteral = !SubjectRules.HasWildcard(subject);
        return account.Subscriptions.ToList().Count(subscription =>
            subscription.Subscriber.Kind == SubscriberKind.Client
            && (asked.Queue is not { Length: > 0 } queue || subscription.Queue.AsSpan().SequenceEqual(queue))
            && (isLiteral ? SubjectRules.Matches(subject, subscription.Subject) : SubjectRules.IsSubsetMatch(subscription.Subject, subject)));
    }

    private void SendCount(ReadOnlySpan<byte> reply, int count) =>
        _system.PublishInternal(reply, default, Encoding.UTF8.GetBytes(count.ToString(CultureInfo.InvariantCulture)), null);
}
