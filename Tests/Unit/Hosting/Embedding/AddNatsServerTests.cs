using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting.Embedding;

/// <summary>A server as a hosted service: where its options come from, its health, its end.</summary>
public sealed class AddNatsServerTests
{
    private static readonly Func<ServerOptions, ServerOptions> FreePort = options => options with { Host = "127.0.0.1", Port = Defaults.RandomPort };

    [Fact]
    public async Task StartsAndStopsWithTheHostAndLogsThere()
    {
        using var log = new CapturedLog(LogLevel.Information);
        var builder = Builder();
        builder.Logging.AddProvider(log);
        builder.Services.AddNatsServer(FreePort);
        NatsServer server;
        using (var host = builder.Build())
        {
            Should.Throw<InvalidOperationException>(() => host.Services.GetRequiredService<NatsServer>()).Message.ShouldContain("starts with the host");
            await host.StartAsync();
            server = host.Services.GetRequiredService<NatsServer>();
            using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
            log.Contains("Information Server is ready").ShouldBeTrue();
            log.Contains($"Listening for client connections on 127.0.0.1:{server.ClientEndPoint!.Port}").ShouldBeTrue();
            await host.StopAsync();
            await client.ReadToCloseAsync();
        }
        server.Stopped.IsCompleted.ShouldBeTrue();
        log.Contains("Server Exiting..").ShouldBeTrue();
    }

    [Fact]
    public async Task ReadsTheHostsConfiguration()
    {
        var builder = Builder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Nats:ServerName"] = "from-settings",
            ["Nats:Host"] = "127.0.0.1",
            ["Nats:Port"] = "-1",
            ["nats:limits:maxpayload"] = "1000",
            ["Nats:LameDuckGracePeriod"] = "00:00:05",
            ["Nats:Accounts:0:Name"] = "A",
            ["Nats:Accounts:0:Users:0:Username"] = "u",
            ["Nats:Accounts:0:Users:0:Password"] = "12345",
            ["Nats:Accounts:0:Users:0:Permissions:Publish:Allow:0"] = "x.>",
            ["Nats:Cluster:Enabled"] = null,
            ["Nats:Tags:0"] = "t1",
            ["Nats:Metadata:Region"] = "eu",
        });
        builder.Services.AddNatsServer(builder.Configuration.GetSection("Nats"));
        using var host = builder.Build();
        await host.StartAsync();
        var server = host.Services.GetRequiredService<NatsServer>();
        (server.Name, server.Options.Limits.MaxPayload, server.Options.LameDuckGracePeriod).ShouldBe(("from-settings", 1000, TimeSpan.FromSeconds(5)));
        server.Options.Metadata["Region"].ShouldBe("eu");
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!, """CONNECT {"verbose":false,"user":"u","pass":"12345"}""" + "\r\n");
        await client.SendAsync("PUB x.1 0\r\n\r\nPUB y 0\r\n\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Publish to \"y\"'\r\n");
        await host.StopAsync();
    }

    [Theory]
    [InlineData("Nats:Prot", "4222", "Prot")]
    [InlineData("Nats:Port", "many", "Port")]
    [InlineData("Nats:Cluster:Nmae", "C", "Nmae")]
    [InlineData("Nats:Mqtt:Port", "1883", "mqtt")]
    [InlineData("Nats:Limits:MaxPending", "10", "max_payload")]
    public async Task WhatCannotBeIsSaidAtTheStart(string key, string value, string named)
    {
        var builder = Builder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { [key] = value });
        builder.Services.AddNatsServer(builder.Configuration.GetSection("Nats"), FreePort);
        using var host = builder.Build();
        (await Should.ThrowAsync<ConfigurationValueException>(host.StartAsync())).Message.ShouldContain(named);
    }

    [Fact]
    public async Task EachSourceGoesOverTheOneBefore()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("nats.conf", "server_name: file\nmax_payload: 5000\nmax_control_line: 2000\nlisten: 127.0.0.1:-1\n");
        var builder = Builder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Nats:ConfigFile"] = file,
            ["Nats:ServerName"] = "section",
            ["Nats:Limits:MaxPayload"] = "6000",
        });
        builder.Services.AddNatsServer(builder.Configuration.GetSection("Nats"), options => options with { ServerName = options.ServerName + "-and-delegate" });
        using var host = builder.Build();
        await host.StartAsync();
        var options = host.Services.GetRequiredService<NatsServer>().Options;
        (options.ServerName, options.Limits.MaxPayload, options.Limits.MaxControlLine).ShouldBe(("section-and-delegate", 6000, 2000));
        await host.StopAsync();
    }

    [Fact]
    public async Task AConfigurationFileAlone()
    {
        using var folder = new TemporaryFolder();
        var builder = Builder();
        builder.Services.AddNatsServer(folder.Write("nats.conf", "server_name: file\nlisten: 127.0.0.1:-1\n"));
        using var host = builder.Build();
        await host.StartAsync();
        host.Services.GetRequiredService<NatsServer>().Name.ShouldBe("file");
        await host.StopAsync();
        var broken = Builder();
        broken.Services.AddNatsServer(folder.Write("bad.conf", "port: [\n"));
        using var never = broken.Build();
        await Should.ThrowAsync<ConfigException>(never.StartAsync());
    }

    [Fact]
    public async Task HealthFollowsItsLife()
    {
        var builder = Builder();
        builder.Services.AddNatsServer(FreePort);
        using var host = builder.Build();
        var health = host.Services.GetRequiredService<HealthCheckService>();
        (await StatusAsync("ready")).ShouldBe(HealthStatus.Unhealthy);
        (await StatusAsync("live")).ShouldBe(HealthStatus.Healthy);
        await host.StartAsync();
        (await StatusAsync("ready")).ShouldBe(HealthStatus.Healthy);
        (await StatusAsync("live")).ShouldBe(HealthStatus.Healthy);
        var server = host.Services.GetRequiredService<NatsServer>();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        var lameDuck = server.EnterLameDuckAsync();
        (await StatusAsync("ready")).ShouldBe(HealthStatus.Unhealthy);
        (await StatusAsync("live")).ShouldBe(HealthStatus.Healthy);
        await host.StopAsync();
        await lameDuck;
        (await StatusAsync("live")).ShouldBe(HealthStatus.Healthy);

        async Task<HealthStatus> StatusAsync(string tag) => (await health.CheckHealthAsync(check => check.Tags.Contains(tag))).Status;
    }

    [Fact]
    public async Task TheStopMayBeALameDucks()
    {
        using var log = new CapturedLog();
        var builder = Builder();
        builder.Logging.AddProvider(log);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(300));
        builder.Services.Configure<NatsServerHostOptions>(options => options.LameDuckOnStop = true);
        builder.Services.AddNatsServer(options => FreePort(options) with { LameDuckGracePeriod = TimeSpan.FromSeconds(10) });
        using var host = builder.Build();
        await host.StartAsync();
        using var client = await RawClient.OpenAsync(host.Services.GetRequiredService<NatsServer>().ClientEndPoint!, RawClient.Quiet.Replace("\"protocol\":0", "\"protocol\":1", StringComparison.Ordinal));
        var stopping = host.StopAsync();
        (await client.ReadThroughAsync("\"ldm\":true")).ShouldContain("INFO");
        await client.ReadToCloseAsync();
        await stopping;
        log.Contains("Entering lame duck mode").ShouldBeTrue();
        log.Contains("cut lame duck mode short").ShouldBeTrue();
    }

    [Theory]
    [InlineData("true", 2000)]
    [InlineData("false", 1000)]
    public async Task AChangeOfTheSectionIsAReload(string reloads, int expected)
    {
        using var log = new CapturedLog(LogLevel.Information);
        var builder = Builder();
        builder.Logging.AddProvider(log);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Nats:Limits:MaxPayload"] = "1000",
            ["Nats:ReloadOnChange"] = reloads,
        });
        builder.Services.AddNatsServer(builder.Configuration.GetSection("Nats"), FreePort);
        using var host = builder.Build();
        await host.StartAsync();
        var server = host.Services.GetRequiredService<NatsServer>();
        var configuration = (IConfigurationRoot)builder.Configuration;
        configuration["Nats:Limits:MaxPayload"] = "2000";
        configuration.Reload();
        if (expected == 2000)
        {
            await Wait.Until("the reload", () => server.Options.Limits.MaxPayload == expected, () => string.Join('\n', log.Lines));
            configuration["Nats:Limits:MaxPayload"] = "many";
            configuration.Reload();
            await Wait.Until("the refusal is logged", () => log.Contains("Failed to reload server configuration: Nats: "));
        }
        server.Options.Limits.MaxPayload.ShouldBe(expected);
        await host.StopAsync();
    }

    [Fact]
    public async Task CallsAddToTheSameServer()
    {
        var builder = Builder();
        builder.Services.AddNatsServer(FreePort).AddNatsServer(options => options with { ServerName = "twice" });
        using var host = builder.Build();
        await host.StartAsync();
        host.Services.GetServices<NatsServer>().Count().ShouldBe(1);
        host.Services.GetRequiredService<NatsServer>().Name.ShouldBe("twice");
        await host.StopAsync();
    }

    private static HostApplicationBuilder Builder()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddOptions();
        return builder;
    }
}
