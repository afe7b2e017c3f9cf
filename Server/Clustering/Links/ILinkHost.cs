using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>What connections to other servers need of the one they belong to.</summary>
public interface ILinkHost
{
    ServerOptions Options { get; }

    AccountRegistry Accounts { get; }

    ILogger Log { get; }

    string ServerId { get; }

    string ServerName { get; }

    ulong NextConnectionId();

    IoLoop NextLoop();
}
