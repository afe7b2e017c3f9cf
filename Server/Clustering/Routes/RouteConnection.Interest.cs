using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Interest: ours told with RS+ and RS-, the peer's kept as subscriptions of this connection.</summary>
public sealed partial class RouteConnection
{
    bool IInterestListener.KeepsOriginsApart => _remoteInfo?.LeafNodeOriginCluster == true;

    /// <summary>What is wanted on this server, and by the leaf nodes whose hub it is.</summary>
    bool IInterestListener.Wants(InterestSource source, byte[] subject) => source.Kind == SubscriberKind.Client || source.IsOwnLeaf;

    /// <summary>Called under the interest's lock, on any thread.</summary>
    void IInterestListener.OnInterest(Account account, byte[] subject, byte[]? queue, int weight, byte[]? origin)
    {
        if (IsClosing || !_permissions.MayImport(subject)) return;
        var line = new ByteBuilder(subject.Length + (queue?.Length ?? 0) + account.NameBytes.Length + (origin?.Length ?? 0) + 24);
        if (origin is null) line.Add(weight > 0 ? "RS+ "u8 : "RS- "u8);
        else line.Add(weight > 0 ? "LS+ "u8 : "LS- "u8);
        // A server that does not know better takes what stands first in LS- for the account.
        if (origin is not null && (weight > 0 || _remoteInfo!.LeafNodeOriginClusterUnsubscribe))
        {
            line.Add(origin);
            line.Add(" "u8);
        }
        if (PinnedAccount is null)
        {
            line.Add(account.NameBytes);
            line.Add(" "u8);
        }
        InterestLine.Finish(ref line, subject, queue, weight);
        EnqueueNow(line.Written);
    }

    private bool ProcessRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (IsTraced) LinkLog.In(Log, Label, (origin ? "LS+ " : "RS+ ") + Encoding.UTF8.GetString(arguments));
        if (!InterestLine.TryParse(origin, PinnedAccount is null, hasWeight: true, arguments, out var line)) return BadArguments(arguments);
        if (!_permissions.MayExport(line.Subject)) return true;
        var key = line.Key(origin);
        if (_remote.TryUpdate(key, line.Weight)) return true;
        var account = FindAccount(line.Account);
        if (_remote.Add(key, account, line) is not { } subscription)
        {
            LinkLog.Error(Log, Label, $"Could not insert subscription for \"{Encoding.UTF8.GetString(line.Subject)}\"");
            return true;
        }
        account.ClusterInterest?.AddRemote(subscription);
        _interestChanges++;
        return true;
    }

    private bool ProcessRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (IsTraced) LinkLog.In(Log, Label, (origin ? "LS- " : "RS- ") + Encoding.UTF8.GetString(arguments));
        if (!InterestLine.TryParse(origin, PinnedAccount is null, hasWeight: false, arguments, out var line)) return BadArguments(arguments);
        if (_remote.Remove(line.Key(origin)) is not { } gone) return true;
        gone.Account.ClusterInterest?.RemoveRemote(gone.Subscription);
        _interestChanges++;
        return true;
    }

    private bool ProcessRemoteError(ReadOnlySpan<byte> text)
    {
        LinkLog.Error(Log, Label, $"Route Error {Redaction.HideSecrets(text)}");
        return true;
    }
}
