using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>Interest: this side's told with LS+ and LS-, the peer's kept as subscriptions of this connection.</summary>
public sealed partial class LeafConnection
{
    private const long LimitReportMilliseconds = 2000;
    private static readonly TimeSpan ViolationDelay = TimeSpan.FromSeconds(30);
    private long? _limitReportedAt;
    private volatile LeafPermissions _permissions = LeafPermissions.None;

    /// <summary>What a subject of loop detection begins with.</summary>
    internal static ReadOnlySpan<byte> LoopPrefix => "$LDS."u8;

    /// <summary>Subjects the peer wants.</summary>
    public int RemoteSubscriptionCount => _remote.Count;

    bool IInterestListener.KeepsOriginsApart => false;

    /// <summary>
    /// A spoke tells of its own and of its leaf nodes, since the servers of its cluster have connections of their own; subjects of
    /// loop detection go everywhere. Nothing is told back to where it comes from.
    /// </summary>
    bool IInterestListener.Wants(InterestSource source, byte[] subject)
    {
        if (ReferenceEquals(source.Owner, _subscriber)) return false;
        if (source.Origin is { } origin && origin.AsSpan().SequenceEqual(_cluster)) return false;
        if (source.Kind == SubscriberKind.Leaf && IsIsolated) return false;
        if (!IsSpoke || subject.AsSpan().StartsWith(LoopPrefix)) return true;
        return source.Kind is SubscriberKind.Client or SubscriberKind.Internal || source.IsOwnLeaf;
    }

    /// <summary>Called under the interest's lock, on any thread.</summary>
    void IInterestListener.OnInterest(Account account, byte[] subject, byte[]? queue, int weight, byte[]? origin)
    {
        if (IsClosing || !(IsUnchecked(subject) || IsToldByHub(subject) || _permissions.MayTell(subject, queue))) return;
        var line = new ByteBuilder(subject.Length + (queue?.Length ?? 0) + 20);
        line.Add(weight > 0 ? "LS+ "u8 : "LS- "u8);
        InterestLine.Finish(ref line, subject, queue, weight);
        if (IsTraced) LinkLog.Out(Log, Label, Encoding.UTF8.GetString(line.Written).TrimEnd());
        EnqueueNow(line.Written);
    }

    /// <summary>
    /// JetStream's API is a service that accounts import, which a hub always tells of: a leaf that has a domain of its own
    /// keeps its requests to itself, one whose default domain is the empty one may ask the hub.
    /// </summary>
    private bool IsToldByHub(ReadOnlySpan<byte> subject) => !IsSpoke && subject.SequenceEqual("$JS.API.>"u8);

    /// <summary>What servers need among themselves.</summary>
    private static bool IsUnchecked(ReadOnlySpan<byte> subject) =>
        subject.StartsWith(LoopPrefix) || subject.StartsWith("$GR."u8) || subject.StartsWith("_GR_."u8);

    private bool ProcessRemoteSubscribe(ReadOnlySpan<byte> arguments)
    {
        if (IsTraced) LinkLog.In(Log, Label, "LS+ " + Encoding.UTF8.GetString(arguments));
        _interestChanges++;
        if (!InterestLine.TryParse(false, false, hasWeight: true, arguments, out var line) || line.Queue.IsEmpty == line.HasWeight) return BadArguments(arguments);
        if (!HasJoined)
        {
            Fail("Authorization Violation", CloseReason.ProtocolViolation);
            return false;
        }
        if (line.Subject.SequenceEqual(_manager.LoopSubject(Account!)))
        {
            CloseForLoop(tell: true);
            return false;
        }
        if (!IsUnchecked(line.Subject) && !SubjectRules.HasWildcard(line.Subject) && !_permissions.MaySend(line.Subject)) return RefuseSubscription(line.Subject);
        if (!line.Queue.IsEmpty && !SubjectRules.HasWildcard(line.Subject) && _permissions.IsKeptFrom(line.Queue, line.Subject)) return true;
        Subscribe(line);
        return !IsClosing;
    }

    private void Subscribe(in InterestLine told)
    {
        var key = told.Key(false);
        if (_remote.TryUpdate(key, told.Weight)) return;
        if (_host.Options.Limits.MaxSubscriptions is > 0 and var limit && _remote.Count >= limit)
        {
            RefuseForLimit();
            return;
        }
        var line = new InterestLine { Origin = _cluster, Account = default, Subject = told.Subject, Queue = told.Queue, Weight = told.Weight };
        if (_remote.Add(key, Account!, line) is not { } subscription)
        {
            LogError($"Could not insert subscription for \"{Encoding.UTF8.GetString(told.Subject)}\"");
            Enqueue("-ERR 'Invalid Subscription'\r\n"u8);
            return;
        }
        // Who asks from there may be answered by another cluster before it hears of this, as with a client's.
        if (!IsSpoke) Account!.Recent?.Add(subscription);
        Account!.Imports.CastShadows(subscription);
    }

    /// <summary>The connection stays, and what it has; a peer that wants too much is not worth a line for each.</summary>
    private void RefuseForLimit()
    {
        Enqueue("-ERR 'maximum subscriptions exceeded'\r\n"u8);
        var now = Loop.NowMilliseconds;
        if (_limitReportedAt is { } last && now - last < LimitReportMilliseconds) return;
        _limitReportedAt = now;
        LogError("maximum subscriptions exceeded");
    }

    /// <summary>A hub cuts off who asks for what it may not have; a spoke knows that the hub knows better.</summary>
    private bool RefuseSubscription(ReadOnlySpan<byte> subject) => IsSpoke || Violate("Subscription", subject);

    private bool Violate(string action, ReadOnlySpan<byte> subject)
    {
        var text = Encoding.UTF8.GetString(subject);
        Remote?.Delay(ViolationDelay);
        Enqueue(Encoding.UTF8.GetBytes($"-ERR 'Permissions Violation for {action} to \"{text}\"'\r\n"));
        LogError($"{action} Violation on \"{text}\" - Check other side configuration");
        Close(CloseReason.ProtocolViolation);
        return false;
    }

    private bool ProcessRemoteUnsubscribe(ReadOnlySpan<byte> arguments)
    {
        if (IsTraced) LinkLog.In(Log, Label, "LS- " + Encoding.UTF8.GetString(arguments));
        _interestChanges++;
        if (!HasJoined)
        {
            Fail("Authorization Violation", CloseReason.ProtocolViolation);
            return false;
        }
        if (!InterestLine.TryParse(false, false, hasWeight: false, arguments, out var line)) return BadArguments(arguments);
        if (_remote.Remove(line.Key(false)) is { } gone) Account!.Imports.DropShadows(gone.Subscription);
        return true;
    }

    /// <summary>The peer's interest.</summary>
    public IReadOnlyList<RemoteSubscription> SnapshotSubscriptions() => [.. _remote.Snapshot().Select(static interest => new RemoteSubscription(
        Encoding.UTF8.GetString(interest.Subscription.Subject),
        interest.Subscription.Queue is null ? null : Encoding.UTF8.GetString(interest.Subscription.Queue),
        "",
        interest.Subscription.Delivered))];
}
