using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>A block that is given up at its first problem.</summary>
internal sealed class ConfigRefusedException : Exception
{
    public ConfigRefusedException(string message)
        : base(message)
    {
    }

    public ConfigRefusedException(ConfigValue at, string message)
        : base($"{at.Source}: {message}")
    {
    }
}
