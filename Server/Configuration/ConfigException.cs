namespace NatsAspire.Server.Configuration;

/// <summary>A configuration that cannot be used; the message has upstream's words, one problem per line.</summary>
public sealed class ConfigException(string message) : Exception(message);
