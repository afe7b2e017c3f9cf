using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>RMSG and HMSG from the peer.</summary>
public sealed partial class RouteConnection
{
    private protected override string Kind => "route";

    private protected override LinkSubscriber AsSubscriber => _subscriber;

    private protected override bool MayTraceTo(ReadOnlySpan<byte> subject) => _permissions.MayImport(subject);

    private protected override Account FindAccount(ReadOnlySpan<byte> name) =>
        _host.Accounts.GetOrAdd(PinnedAccount ?? Encoding.UTF8.GetString(name));

    private protected override void Route(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        if (RoutedReply.Is(message.Subject) && _host.Accounts.Outer is { } outer)
        {
            // From the server of this cluster that another cluster sent it to.
            if (outer.LeadsHere(message.Subject)) RouteReturned(matches, message);
            return;
        }
        var match = matches.Cache.Lookup(message.Subject, matches.Account.Subscriptions).Result;
        if (match.IsEmpty) return;
        var local = Localize(matches.Account, match, message);
        NoteMeasured(matches.Account, local);
        MessageRouter.RouteFromCluster(matches.Account, match, local, message, queues, _subscriber, Loop.Batch);
    }

    /// <summary>What a leaf node sent goes on as such, if the peer wants to know.</summary>
    private protected override bool AppendOperation(in Message message, bool headers)
    {
        if (message.Origin.IsEmpty || !_remoteInfo!.LeafNodeOriginCluster) return base.AppendOperation(message, headers);
        Append("LMSG "u8);
        Append(message.Origin);
        Append(" "u8);
        return true;
    }

    private bool ProcessRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        Take(MatchesFor(arguments.Account)!, arguments, bodyAndCrlf);
        return true;
    }
}
