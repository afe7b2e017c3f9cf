namespace NatsAspire.Server.Configuration;

/// <summary>An option value the server cannot start with; the message says which and why.</summary>
public sealed class ConfigurationValueException(string message) : Exception(message);
