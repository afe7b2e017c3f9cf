using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Hosting;

/// <summary>The host's configuration section for a server; its keys are the properties of <see cref="ServerOptions"/>.</summary>
/// <param name="Section">The section; null: there is none.</param>
internal sealed record HostedSection(IConfiguration? Section);

/// <summary>Puts a hosted server's options together.</summary>
internal sealed class HostedOptionsSource(IOptionsMonitor<NatsServerHostOptions> host, HostedSection section)
{
    /// <summary>Keys of the section that are about the hosting, and not the server's.</summary>
    private static readonly string[] HostKeys =
        [nameof(NatsServerHostOptions.ConfigFile), nameof(NatsServerHostOptions.LameDuckOnStop), nameof(NatsServerHostOptions.ReloadOnChange)];

    /// <summary>Reads all there is.</summary>
    /// <exception cref="ConfigException">The configuration file is none.</exception>
    /// <exception cref="ConfigurationValueException">The section has a key or value that cannot be, or asks for what cannot be done.</exception>
    public ServerOptions Read()
    {
        var hosting = host.CurrentValue;
        var options = hosting.ConfigFile is { Length: > 0 } file ? ConfigLoader.Load(file, SubjectMappings.Validate).Options : new ServerOptions();
        if (section.Section is { } values) Bind(values, options);
        if (hosting.Configure is { } configure) options = configure(options);
        options = OptionsBaseline.Apply(options);
        OptionsValidator.Validate(options);
        var unsupported = UnsupportedOptions.Find(options);
        return unsupported.Count == 0 ? options : throw new ConfigurationValueException(string.Join('\n', unsupported));
    }

    /// <summary>Sets what the section names. The options are nobody else's yet.</summary>
    private static void Bind(IConfiguration values, ServerOptions options)
    {
        var own = new ConfigurationBuilder()
            .AddInMemoryCollection(Relative(values).Where(value => !HostKeys.Contains(value.Key, StringComparer.OrdinalIgnoreCase)))
            .Build();
        try
        {
            own.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException error)
        {
            var place = values is IConfigurationSection { Path: var path } ? path : "the configuration";
            throw new ConfigurationValueException($"{place}: {error.Message}");
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> Relative(IConfiguration values) => values.AsEnumerable(makePathsRelative: true);
}
