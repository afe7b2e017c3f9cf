using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>What the server tells of leaf nodes.</summary>
internal sealed partial class SystemServices
{
    /// <summary>A leaf node connection has joined its account: told by the hub, and as a connection by who dialled.</summary>
    public void OnJoined(LeafConnection leaf)
    {
        if (leaf.Account is not { } account) return;
        var isTold = !leaf.IsSolicited || leaf.Remote!.Options.Hub;
        _mailbox.Post(() =>
        {
            if (isTold) Send($"$SYS.ACCOUNT.{account.Name}.LEAFNODE.CONNECT", new LeafNodeConnectEvent(Identify(), account.Name), SystemJson.Default.LeafNodeConnectEvent);
            if (leaf is { IsSolicited: true, Info: { } info } && IsWanted($"$SYS.ACCOUNT.{account.Name}.CONNECT"))
            {
                var message = new ConnectEvent { Id = UniqueId.Next(), Time = MonitoringSource.Now, Server = Identify(), Client = info with { Start = leaf.StartedAt } };
                Send($"$SYS.ACCOUNT.{account.Name}.CONNECT", message, SystemJson.Default.ConnectEvent);
            }
            TellConnections(account);
        });
    }

    /// <summary>A leaf node connection has left its account.</summary>
    public void OnLeft(LeafConnection leaf)
    {
        if (leaf.Account is not { } account) return;
        _mailbox.Post(() =>
        {
            if (leaf.Info is { } info && IsWanted($"$SYS.ACCOUNT.{account.Name}.DISCONNECT"))
            {
                Send($"$SYS.ACCOUNT.{account.Name}.DISCONNECT", Describe(leaf, info), SystemJson.Default.DisconnectEvent);
            }
            TellConnections(account);
        });
    }

    private DisconnectEvent Describe(LeafConnection leaf, Protocol.ClientInfo info)
    {
        var (none, now) = (new Volume(0, 0), MonitoringSource.Now);
        return new DisconnectEvent
        {
            Id = UniqueId.Next(),
            Time = now,
            Server = Identify(),
            Client = info with { Start = leaf.StartedAt, Stop = now, RoundTrip = (long)leaf.RoundTrip.TotalNanoseconds },
            Sent = DataStatistics.Of(new Volume(leaf.InMessages, leaf.InBytes), none, none, none),
            Received = DataStatistics.Of(new Volume(leaf.OutMessages, leaf.OutBytes), none, none, none),
            Reason = leaf.CloseReason.Text(),
        };
    }

    private void TellConnections(Account account)
    {
        if (AreConnectionsWanted(account)) PublishAccount(account.Name, default);
    }
}
