using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>What leaf node connections need of the server they belong to.</summary>
public interface ILeafHost : ILinkHost
{
    /// <summary>TLS of the listener; null: none.</summary>
    TlsContext? Tls { get; }

    /// <summary>Name of the cluster, or of the server for one that stands alone and has remotes; empty: none.</summary>
    string ClusterName { get; }

    /// <summary>host:port addresses of WebSocket listeners, this server's and those of its cluster; empty: none.</summary>
    IReadOnlyList<string> WebSocketUrls { get; }

    /// <summary>Users of all kinds, for those who are not named in the leafnodes block.</summary>
    Authenticator Users { get; }

    /// <summary>The same for those who come through a WebSocket.</summary>
    Authenticator WebSocketUsers { get; }

    /// <summary>Whether an account has JetStream here.</summary>
    bool HasJetStream(Account account);

    /// <summary>The address under which others reach a listener bound to this one.</summary>
    string FindAddress(string bound);

    /// <summary>Whether this server may lead the replicated streams of an account: not while its hub cannot be reached.</summary>
    void LetLead(Account account, bool mayLead);

    /// <summary>The system account has been joined to a hub's, of the same JetStream domain or of another.</summary>
    /// <param name="isExtension">The hub's JetStream is to be this server's too.</param>
    void OnSystemShared(bool isExtension);

    /// <summary>A leaf node connection has joined its account.</summary>
    void OnJoined(LeafConnection leaf);

    /// <summary>A leaf node connection that had joined is closed.</summary>
    void OnLeft(LeafConnection leaf);
}
