namespace NatsAspire.Server.Configuration;

/// <summary>The <c>gateway</c> block: this cluster's place in a super cluster.</summary>
public sealed record GatewayOptions
{
    public string? Name { get; init; }

    /// <summary>True when a gateway block asked for a place among other clusters.</summary>
    public bool Enabled => !string.IsNullOrEmpty(Name) && Port != 0;

    public string Host { get; init; } = "";

    /// <summary>0: none, -1: a free port.</summary>
    public int Port { get; init; }

    public string? Advertise { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>Zero: the default.</summary>
    public TimeSpan AuthTimeout { get; init; }

    public TlsOptions? Tls { get; init; }

    public int ConnectRetries { get; init; }

    public bool ConnectBackoff { get; init; }

    public IReadOnlyList<RemoteGatewayOptions> Gateways { get; init; } = [];

    /// <summary>Refuse gateways that are not in <see cref="Gateways"/>.</summary>
    public bool RejectUnknown { get; init; }

    /// <summary>Zero: the server's.</summary>
    public TimeSpan WriteDeadline { get; init; }

    public WriteTimeoutPolicy WriteTimeout { get; init; }
}

/// <summary>Another cluster of a super cluster.</summary>
public sealed record RemoteGatewayOptions
{
    public string? Name { get; init; }

    public IReadOnlyList<Uri> Urls { get; init; } = [];

    public TlsOptions? Tls { get; init; }
}
