using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>The side that was dialled: tells what this cluster wants, and takes the messages.</summary>
public sealed partial class GatewayConnection
{
    /// <summary>Accounts the other side has been told are not known here, at most.</summary>
    private const int MostRefused = 1024;

    private readonly HashSet<byte[]> _refused = new(ByteArrayComparer.Instance);

    bool IInterestListener.KeepsOriginsApart => false;

    /// <summary>All that the cluster wants: <see cref="ClusterInterest"/> has chosen already.</summary>
    bool IInterestListener.Wants(InterestSource source, byte[] subject) => true;

    /// <summary>Called under the interest's lock, on any thread.</summary>
    void IInterestListener.OnInterest(Account account, byte[] subject, byte[]? queue, int weight, byte[]? origin)
    {
        if (IsClosing) return;
        var line = new ByteBuilder(subject.Length + (queue?.Length ?? 0) + account.NameBytes.Length + 16);
        line.Add(weight > 0 ? "RS+ "u8 : "RS- "u8);
        line.Add(account.NameBytes);
        line.Add(" "u8);
        line.Add(subject);
        if (queue is not null)
        {
            line.Add(" "u8);
            line.Add(queue);
            // How many there are does not concern another cluster.
            if (weight > 0) line.Add(" 1"u8);
        }
        line.Add("\r\n"u8);
        EnqueueNow(line.Written);
    }

    /// <summary>Tells all that is wanted of an account, then every change.</summary>
    internal void Tell(Account account) => account.ClusterInterest?.Attach(
        this,
        () => EnqueueNow(_manager.CommandLine(GatewayCommand.AllInterestBegins, account)),
        () => EnqueueNow(_manager.CommandLine(GatewayCommand.AllInterestComplete, account)));

    private protected override Account? FindAccount(ReadOnlySpan<byte> name) => _host.Accounts.Find(Encoding.UTF8.GetString(name));

    private protected override void Route(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        if (RoutedReply.Is(message.Subject))
        {
            RouteAnswer(matches, message);
            return;
        }
        var match = matches.Cache.Lookup(message.Subject, matches.Account.Subscriptions).Result;
        if (match.IsEmpty) return;
        var local = Localize(matches.Account, match, message);
        NoteMeasured(matches.Account, local);
        MessageRouter.RouteFromGateway(matches.Account, match, local, message, queues, _subscriber, Loop.Batch);
    }

    private bool ProcessRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        if (IsOutbound || !arguments.Origin.IsEmpty)
        {
            ProcessFault(ProtocolFault.UnknownOperation, arguments.Subject);
            return false;
        }
        if (MatchesFor(arguments.Account) is { } matches) Take(matches, arguments, bodyAndCrlf);
        else Refuse(arguments.Account);
        return true;
    }

    /// <summary>An answer is for the server that asked, which need not be this one.</summary>
    private void RouteAnswer(AccountMatches matches, in Message message)
    {
        if (!_manager.LeadsHere(message.Subject)) return;
        var server = RoutedReply.ServerOf(message.Subject);
        var other = server.IsEmpty || _manager.IsThisServer(server) ? null : _host.FindPeer(server, matches.Account);
        if (other is null) RouteReturned(matches, message);
        else other.DeliverToLink(matches.Account, message, [], Loop.Batch);
    }

    /// <summary>An old server sends until it is told that nobody here knows the account.</summary>
    private void Refuse(ReadOnlySpan<byte> account)
    {
        LinkLog.Debug(Log, Label, $"Unknown account \"{Encoding.UTF8.GetString(account)}\" for gateway message");
        if (_refused.Count >= MostRefused || !_refused.Add(account.ToArray())) return;
        Enqueue([.. "A- "u8, .. account, .. "\r\n"u8]);
    }
}
