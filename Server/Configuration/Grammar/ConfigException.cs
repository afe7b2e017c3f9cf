namespace NatsAspire.Server.Configuration;

/// <summary>A configuration that cannot be used; the message names file, line and column, one error a line.</summary>
public sealed class ConfigException(string message) : Exception(message);
