namespace NatsAspire.Server.Configuration;

/// <summary>One user or token that replaces the authorization block for a kind of listener.</summary>
public sealed record SimpleAuthorizationOptions
{
    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? Token { get; init; }

    /// <summary>Zero: the default.</summary>
    public TimeSpan Timeout { get; init; }
}
