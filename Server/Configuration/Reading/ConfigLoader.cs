namespace NatsAspire.Server.Configuration;

/// <summary>A loaded configuration.</summary>
/// <param name="Options">What it says.</param>
/// <param name="Warnings">Deprecated uses, each with its place.</param>
public sealed record LoadedConfig(ServerOptions Options, IReadOnlyList<string> Warnings);

/// <summary>Checks that belong to rooms above: the composition root passes them in.</summary>
/// <param name="Mapping">What is wrong with a subject mapping; null: nothing.</param>
/// <param name="Subject">Whether a subject, wildcards included, is valid.</param>
public sealed record ConfigChecks(Func<SubjectMappingOptions, string?> Mapping, Func<string, bool> Subject);

/// <summary>From a file to options.</summary>
public static class ConfigLoader
{
    /// <summary>Reads and checks a configuration file.</summary>
    /// <exception cref="ConfigException">All errors, and the warnings before them, a line each.</exception>
    public static LoadedConfig Load(string path, ConfigChecks checks, ServerOptions? basis = null)
    {
        var map = ConfigParser.ParseFile(path);
        var loaded = Read(map, path, checks, basis);
        return loaded with { Options = loaded.Options with { ConfigFile = path, ConfigDigest = ConfigDigest.Compute(map) } };
    }

    /// <summary>Reads and checks a configuration text.</summary>
    public static LoadedConfig LoadText(string text, ConfigChecks checks) =>
        Read(ConfigParser.Parse(text), "", checks, null);

    private static LoadedConfig Read(ConfigMap map, string path, ConfigChecks checks, ServerOptions? basis)
    {
        var report = new ConfigReport();
        if (map.Count == 0) report.Warnings.Add($"{path}: config has no values or is empty");
        var options = new OptionsReader(report, checks, basis ?? new ServerOptions()).Read(map);
        if (report.Errors.Count == 0) return new LoadedConfig(options, report.Warnings);
        throw new ConfigException(string.Concat(report.Warnings.Concat(report.Errors).Select(line => line + "\n")));
    }
}

/// <summary>What was found wrong.</summary>
internal sealed class ConfigReport
{
    public List<string> Errors { get; } = [];

    public List<string> Warnings { get; } = [];

    public void Error(ConfigValue? at, string text) => Errors.Add(at is null ? text : $"{at.Place}: {text}");

    public void Misuse(ConfigValue at, string field, string text) =>
        Warnings.Add($"{at.Place}: invalid use of field \"{field}\": {text}");
}

/// <summary>One value is wrong: reported with its place, and reading goes on behind it.</summary>
internal sealed class ConfigValueError(ConfigValue? at, string text) : Exception(text)
{
    /// <summary>Null where upstream names no place.</summary>
    public ConfigValue? At { get; } = at;
}
