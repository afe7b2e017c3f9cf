namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>A value is of another type than its key asks for.</summary>
public sealed class ConfigTypeException(ConfigValue value, string message) : Exception(message)
{
    public ConfigValue Value { get; } = value;
}
