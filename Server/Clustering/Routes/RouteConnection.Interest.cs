using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Interest: ours told with RS+ and RS-, the peer's kept as subscriptions of this connection.</summary>
public sealed partial class RouteConnection
{
    /// <summary>
    /// By the whole argument list without the weight: account, subject, queue, and origin for LS+. The loop's thread
    /// alone changes it, under its lock; it reads without.
    /// </summary>
    private readonly Dictionary<byte[], RemoteInterest> _remote = new(ByteArrayComparer.Instance);

    /// <summary>Subjects the peer wants, per account.</summary>
    public int RemoteSubscriptionCount => _remote.Count;

    /// <summary>Called under the interest's lock, on any thread.</summary>
    void IInterestListener.OnInterest(Account account, byte[] subject, byte[]? queue, int weight)
    {
        if (IsClosing || !_permissions.MayImport(subject)) return;
        var line = new ByteBuilder(subject.Length + (queue?.Length ?? 0) + account.NameBytes.Length + 24);
        line.Add(weight > 0 ? "RS+ "u8 : "RS- "u8);
        if (PinnedAccount is null)
        {
            line.Add(account.NameBytes);
            line.Add(" "u8);
        }
        line.Add(subject);
        if (queue is not null)
        {
            line.Add(" "u8);
            line.Add(queue);
            if (weight > 0)
            {
                line.Add(" "u8);
                line.Add(weight);
            }
        }
        line.Add("\r\n"u8);
        EnqueueNow(line.Written);
    }

    private bool ProcessRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (_trace) RouteLog.In(Log, _label, (origin ? "LS+ " : "RS+ ") + Encoding.UTF8.GetString(arguments));
        if (!TrySplit(origin, hasWeight: true, arguments, out var parts)) return BadArguments(arguments);
        if (!_permissions.MayExport(parts.Subject)) return true;
        var key = parts.Key(origin);
        if (_remote.TryGetValue(key, out var known))
        {
            known.Subscription.QueueWeight = Math.Max(1, parts.Weight);
            return true;
        }
        var account = AccountFor(parts.Account);
        var subscription = new Subscription(
            _subscriber, parts.Subject.ToArray(), parts.Queue.IsEmpty ? null : parts.Queue.ToArray())
        {
            QueueWeight = Math.Max(1, parts.Weight),
        };
        if (!SubjectRules.IsValid(parts.Subject) || !account.Subscriptions.Insert(subscription))
        {
            RouteLog.Error(Log, _label, $"Could not insert subscription for \"{Encoding.UTF8.GetString(parts.Subject)}\"");
            return true;
        }
        lock (_remote) _remote[key] = new RemoteInterest(account, subscription);
        _interestChanges++;
        return true;
    }

    private bool ProcessRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (_trace) RouteLog.In(Log, _label, (origin ? "LS- " : "RS- ") + Encoding.UTF8.GetString(arguments));
        if (!TrySplit(origin, hasWeight: false, arguments, out var parts)) return BadArguments(arguments);
        RemoteInterest gone;
        lock (_remote)
        {
            if (!_remote.Remove(parts.Key(origin), out gone)) return true;
        }
        _interestChanges++;
        gone.Subscription.Close();
        gone.Account.Subscriptions.Remove(gone.Subscription);
        return true;
    }

    private void DropRemoteInterest()
    {
        foreach (var interest in _remote.Values)
        {
            interest.Subscription.Close();
            interest.Account.Subscriptions.Remove(interest.Subscription);
        }
        lock (_remote) _remote.Clear();
    }

    private bool TrySplit(bool hasOrigin, bool hasWeight, ReadOnlySpan<byte> line, out InterestParts parts)
    {
        var origin = hasOrigin ? ControlLine.TakeToken(ref line) : default;
        var account = PinnedAccount is null ? ControlLine.TakeToken(ref line) : default;
        var subject = ControlLine.TakeToken(ref line);
        var queue = ControlLine.TakeToken(ref line);
        var weight = hasWeight ? ControlLine.TakeToken(ref line) : default;
        parts = new InterestParts
        {
            Origin = origin,
            Account = account,
            Subject = subject,
            Queue = queue,
            Weight = weight.IsEmpty ? 1 : ControlLine.ParseSize(weight),
        };
        var complete = !subject.IsEmpty && (PinnedAccount is not null || !account.IsEmpty) && (!hasOrigin || !origin.IsEmpty);
        return complete && parts.Weight >= 0 && ControlLine.TakeToken(ref line).IsEmpty;
    }

    private bool BadArguments(ReadOnlySpan<byte> arguments)
    {
        ProcessFault(ProtocolFault.BadArguments, arguments);
        return false;
    }

    private Account AccountFor(ReadOnlySpan<byte> name) =>
        _host.Accounts.GetOrAdd(PinnedAccount ?? Encoding.UTF8.GetString(name));

    private void ProcessFault(ProtocolFault fault, ReadOnlySpan<byte> line)
    {
        var shown = Redaction.Snippet(line);
        if (fault == ProtocolFault.UnknownOperation) Fail("Unknown Protocol Operation", CloseReason.ProtocolViolation);
        else
        {
            RouteLog.Error(Log, _label, $"{(fault == ProtocolFault.ControlLineTooLong ? "maximum control line exceeded" : "parse error")}: \"{shown}\"");
            Close(CloseReason.ProtocolViolation);
        }
    }

    private bool ProcessRemoteError(ReadOnlySpan<byte> text)
    {
        RouteLog.Error(Log, _label, $"Route Error {Redaction.HideSecrets(text)}");
        return true;
    }

    private readonly record struct RemoteInterest(Account Account, Subscription Subscription);

    private readonly ref struct InterestParts
    {
        public required ReadOnlySpan<byte> Origin { get; init; }

        public required ReadOnlySpan<byte> Account { get; init; }

        public required ReadOnlySpan<byte> Subject { get; init; }

        public required ReadOnlySpan<byte> Queue { get; init; }

        public required int Weight { get; init; }

        public byte[] Key(bool origin) =>
            [origin ? (byte)'L' : (byte)'R', .. Origin, (byte)' ', .. Account, (byte)' ', .. Subject, (byte)' ', .. Queue];
    }
}
