using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.LeafNodes;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>What the server tells of leaf nodes.</summary>
internal sealed partial class SystemServices
{
    /// <summary>A leaf node connection has joined its account: told by the hub.</summary>
    public void OnJoined(LeafConnection leaf)
    {
        if (leaf.Account is not { } account) return;
        var isTold = !leaf.IsSolicited || leaf.Remote!.Options.Hub;
        _mailbox.Post(() =>
        {
            if (isTold) Send($"$SYS.ACCOUNT.{account.Name}.LEAFNODE.CONNECT", new LeafNodeConnectEvent(Identify(), account.Name), SystemJson.Default.LeafNodeConnectEvent);
            TellConnections(account);
        });
    }

    /// <summary>A leaf node connection has left its account.</summary>
    public void OnLeft(LeafConnection leaf)
    {
        if (leaf.Account is { } account) _mailbox.Post(() => TellConnections(account));
    }

    private void TellConnections(Account account)
    {
        if (AreConnectionsWanted(account)) PublishAccount(account.Name, default);
    }
}
