namespace NatsAspire.Server.Configuration;

/// <summary>What happens to a connection whose write takes longer than the write deadline.</summary>
public enum WriteTimeoutPolicy
{
    /// <summary>Clients are closed, links between servers write again.</summary>
    Default,
    Close,
    Retry,
}
