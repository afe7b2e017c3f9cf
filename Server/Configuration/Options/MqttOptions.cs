namespace NatsAspire.Server.Configuration;

/// <summary>The <c>mqtt</c> block.</summary>
public sealed record MqttOptions
{
    public string Host { get; init; } = "";

    /// <summary>0: no listener, -1: a free port.</summary>
    public int Port { get; init; }

    public TlsOptions? Tls { get; init; }

    public SimpleAuthorizationOptions Authorization { get; init; } = new();

    public string? NoAuthUser { get; init; }

    /// <summary>Redelivery of QoS 1 and 2 messages; zero: 30 s.</summary>
    public TimeSpan AckWait { get; init; }

    /// <summary>Zero: 5 s.</summary>
    public TimeSpan JetStreamApiTimeout { get; init; }

    /// <summary>0..65535.</summary>
    public int MaxAckPending { get; init; }

    public string? JetStreamDomain { get; init; }

    /// <summary>0 or less: chosen from the size of the cluster.</summary>
    public int StreamReplicas { get; init; }

    public bool ConsumerMemoryStorage { get; init; }

    /// <summary>Zero: consumers are kept.</summary>
    public TimeSpan ConsumerInactiveThreshold { get; init; }

    public bool RejectQos2Publish { get; init; }

    public bool DowngradeQos2Subscribe { get; init; }
}
