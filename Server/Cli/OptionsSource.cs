using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>Where the options of a server come from; a reload reads them again.</summary>
/// <param name="ConfigFile">The configuration; null: none.</param>
/// <param name="Flags">What the command line says, which goes before the configuration.</param>
public sealed record OptionsSource(string? ConfigFile, FlagOverrides Flags)
{
    /// <summary>Reads the configuration and puts the flags over it.</summary>
    /// <exception cref="ConfigException">The configuration cannot be used.</exception>
    /// <exception cref="CliException">The flags do not fit.</exception>
    public ConfigLoadResult Load()
    {
        var configured = ConfigFile is null
            ? new ConfigLoadResult(OptionsBaseline.Empty, "")
            : ConfigLoader.Load(ConfigFile, CommandLine.Checks);
        return configured with { Options = OptionsBaseline.Apply(Flags.ApplyTo(configured.Options)) };
    }
}
