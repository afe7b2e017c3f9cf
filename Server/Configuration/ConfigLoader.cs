using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Reads nats.conf into options.</summary>
public static class ConfigLoader
{
    /// <summary>Reads a file with all it includes.</summary>
    /// <param name="path">The file; errors name it as given here.</param>
    /// <param name="validateMapping">Checks mappings; null leaves that to the start of the server.</param>
    /// <exception cref="ConfigException">It cannot be read, or is no valid configuration.</exception>
    public static ConfigLoadResult Load(string path, MappingValidator? validateMapping = null)
    {
        var entries = ConfigParser.ParseFile(path);
        return Read(entries, path, ConfigDigest.Compute(entries), validateMapping);
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="ConfigException">It is no valid configuration.</exception>
    public static ConfigLoadResult LoadText(string text, MappingValidator? validateMapping = null) =>
        Read(ConfigParser.ParseText(ConfigText.Encode(text)), "", null, validateMapping);

    private static ConfigLoadResult Read(
        IReadOnlyDictionary<string, ConfigValue> entries, string path, string? digest, MappingValidator? validateMapping)
    {
        var diagnostics = new ConfigDiagnostics();
        if (entries.Count == 0) diagnostics.Warn($"{path}: config has no values or is empty");
        var options = new OptionsReader(diagnostics, validateMapping).Read(entries);
        if (diagnostics.Errors.Count > 0) throw new ConfigException(diagnostics.ToString());
        options = options with { ConfigFile = path.Length == 0 ? null : path, ConfigDigest = digest };
        return new ConfigLoadResult(OptionsBaseline.Apply(options), diagnostics.ToString());
    }
}

/// <summary>What a configuration holds.</summary>
/// <param name="Options">The options, defaults filled in.</param>
/// <param name="Warnings">What should be changed in it, each with a line feed; empty: nothing.</param>
public sealed record ConfigLoadResult(ServerOptions Options, string Warnings)
{
    public bool HasWarnings => Warnings.Length > 0;
}
