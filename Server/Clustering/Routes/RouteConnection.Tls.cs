using System.Security.Authentication;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What certificates of peers must name.</summary>
public sealed partial class RouteConnection
{
    private readonly TlsContext? _tlsContext;
    private bool _expectsConfiguredName;

    private string ExpectedName(Uri url)
    {
        if (url.HostNameType == UriHostNameType.Dns || _manager.TlsName is not { } name) return url.Host;
        _expectsConfiguredName = true;
        return name;
    }

    private protected override void OnHandshakeFailed(Exception? fault)
    {
        // The next attempt expects the number itself.
        if (_expectsConfiguredName && fault is AuthenticationException) _manager.TlsName = null;
    }
}
