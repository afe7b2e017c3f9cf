using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting;

/// <summary>Adds a NATS server to a host: it starts and stops with it, and logs where the host logs.</summary>
public static class NatsServerServiceCollectionExtensions
{
    /// <summary>
    /// Adds a server that options describe. <see cref="NatsServer"/> can be asked for once the host has started; health
    /// checks <c>nats-ready</c> (tag <c>ready</c>) and <c>nats-live</c> (tag <c>live</c>) come with it. Called more
    /// than once, it is the same server that each call adds to.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options, the defaults or what the other sources said; null: nothing.</param>
    public static IServiceCollection AddNatsServer(this IServiceCollection services, Func<ServerOptions, ServerOptions>? configure = null)
    {
        services.AddOptions<NatsServerHostOptions>();
        if (configure is not null)
        {
            services.Configure<NatsServerHostOptions>(options =>
            {
                var before = options.Configure;
                options.Configure = before is null ? configure : server => configure(before(server));
            });
        }
        services.TryAddSingleton(new HostedSection(null));
        services.TryAddSingleton<HostedOptionsSource>();
        if (services.Any(service => service.ServiceType == typeof(HostedNatsServer))) return services;
        services.AddSingleton<HostedNatsServer>();
        services.AddSingleton(provider => provider.GetRequiredService<HostedNatsServer>().Server);
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<HostedNatsServer>());
        services.AddHealthChecks()
            .AddCheck<NatsServerReadyCheck>("nats-ready", tags: ["ready", "nats"])
            .AddCheck<NatsServerLiveCheck>("nats-live", tags: ["live", "nats"]);
        return services;
    }

    /// <summary>
    /// Adds a server that a section of the host's configuration describes: keys are the properties of
    /// <see cref="ServerOptions"/> (<c>Port</c>, <c>Cluster:Name</c>, <c>Authorization:Users:0:Password</c>) and of
    /// <see cref="NatsServerHostOptions"/>; one that is neither is an error at the start.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="section">As <c>builder.Configuration.GetSection("Nats")</c>.</param>
    /// <param name="configure">Changes what the section said; null: nothing.</param>
    public static IServiceCollection AddNatsServer(
        this IServiceCollection services, IConfiguration section, Func<ServerOptions, ServerOptions>? configure = null)
    {
        services.RemoveAll<HostedSection>();
        services.AddSingleton(new HostedSection(section));
        services.AddSingleton<IOptionsChangeTokenSource<NatsServerHostOptions>>(new ConfigurationChangeTokenSource<NatsServerHostOptions>(section));
        services.Configure<NatsServerHostOptions>(options =>
        {
            options.ConfigFile = section[nameof(options.ConfigFile)] ?? options.ConfigFile;
            options.LameDuckOnStop = section.GetValue(nameof(options.LameDuckOnStop), options.LameDuckOnStop);
            options.ReloadOnChange = section.GetValue(nameof(options.ReloadOnChange), options.ReloadOnChange);
        });
        return services.AddNatsServer(configure);
    }

    /// <summary>Adds a server that a nats.conf describes.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configFile">Path of the file, read at the start.</param>
    /// <param name="configure">Changes what the file said; null: nothing.</param>
    public static IServiceCollection AddNatsServer(
        this IServiceCollection services, string configFile, Func<ServerOptions, ServerOptions>? configure = null)
    {
        services.Configure<NatsServerHostOptions>(options => options.ConfigFile = configFile);
        return services.AddNatsServer(configure);
    }
}
