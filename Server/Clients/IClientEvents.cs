using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Clients;

/// <summary>Told of clients that come and go; on their loops, so it must not block.</summary>
public interface IClientEvents
{
    /// <summary>A client has joined an account.</summary>
    void OnConnected(ClientConnection client, Account account);

    /// <summary>A client has left its account for good.</summary>
    void OnDisconnected(ClientConnection client, Account account, CloseReason reason);

    /// <summary>A client was not let in.</summary>
    void OnRefused(ClientConnection client, CloseReason reason);
}
