using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting;

/// <summary>
/// How a server lives in a host. What it does comes from, each over the one before: the configuration file, the
/// host's configuration section, <see cref="Configure"/>.
/// </summary>
public sealed class NatsServerHostOptions
{
    /// <summary>Path of a nats.conf; null: none.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>
    /// The host's stop waits for lame duck mode: clients are told, given <see cref="ServerOptions.LameDuckGracePeriod"/>,
    /// and closed one after the other. The host's own shutdown timeout, 30 s unless set, cuts that short.
    /// </summary>
    public bool LameDuckOnStop { get; set; }

    /// <summary>A change of the host's configuration section is put into effect as a reload is.</summary>
    public bool ReloadOnChange { get; set; } = true;

    /// <summary>Changes the options as the last; null: nothing to change.</summary>
    public Func<ServerOptions, ServerOptions>? Configure { get; set; }
}
