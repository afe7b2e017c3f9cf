#if ASPIRE
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
#endif

namespace NatsAspire.Tests.Optional;

/// <summary>The AppHost as Aspire runs it.</summary>
public sealed class AspireTests
{
#if ASPIRE
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task TheDefaultClusterIsHealthyAndItsCommandsWork()
    {
        using var limit = new CancellationTokenSource(Patience);
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--topology", "cluster"], limit.Token);
        await using var app = await builder.BuildAsync(limit.Token);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("nats", limit.Token);
        var urls = (await app.GetConnectionStringAsync("nats", limit.Token))!.Split(',');
        urls.Length.ShouldBe(3);
        var model = app.Services.GetRequiredService<DistributedApplicationModel>();
        model.Resources.Select(resource => resource.Name).ShouldBe(["nats", "nats-1", "nats-2", "nats-3"], ignoreOrder: true);
        var commands = app.Services.GetRequiredService<ResourceCommandService>();
        (await commands.ExecuteCommandAsync("nats", "step-down-meta", limit.Token)).Success.ShouldBeTrue();
        (await commands.ExecuteCommandAsync("nats-2", "reload", limit.Token)).Success.ShouldBeTrue();
        (await commands.ExecuteCommandAsync("nats-3", "kill", limit.Token)).Success.ShouldBeTrue();
        await app.ResourceNotifications.WaitForResourceAsync("nats-3", KnownResourceStates.TerminalStates, limit.Token);
        (await commands.ExecuteCommandAsync("nats-3", KnownResourceCommands.StartCommand, limit.Token)).Success.ShouldBeTrue();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("nats-3", limit.Token);
        await app.StopAsync(limit.Token);
    }
#else
    [Fact]
    public void NothingIsTestedWithoutAspire() => Assert.Skip("Aspire.Hosting.Testing 13.5.2 does not restore from this machine's feed.");
#endif
}
