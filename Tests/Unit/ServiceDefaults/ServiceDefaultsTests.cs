using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Hosting;
using NatsAspire.ServiceDefaults;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.ServiceDefaults;

/// <summary>What AddServiceDefaults gives a service.</summary>
public sealed class ServiceDefaultsTests
{
    [Fact]
    public async Task HealthAndLifeHaveEndpoints()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        var ready = HealthCheckResult.Unhealthy();
        builder.Services.AddHealthChecks().AddCheck("later", () => ready, ["ready"]);
        await using var application = builder.Build();
        application.MapDefaultEndpoints();
        await application.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(application.Urls.First()) };
        (await http.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await http.GetAsync("/alive")).StatusCode.ShouldBe(HttpStatusCode.OK);
        ready = HealthCheckResult.Healthy();
        (await http.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await application.StopAsync();
    }

    [Fact]
    public async Task AHostWithAServerExportsWhenAskedTo()
    {
        await using var collector = await OtlpCollector.StartAsync();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "shop" });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        });
        builder.AddServiceDefaults();
        builder.Services.AddNatsServer(_ => TestServer.Options with { ServerName = "embedded" });
        using (var host = builder.Build())
        {
            await host.StartAsync();
            host.Services.GetRequiredService<ILogger<ServiceDefaultsTests>>().LogInformation("sold {Count}", 3);
            await host.StopAsync();
        }
        collector.Services.Keys.ShouldBe(["shop"]);
        collector.Logs.Select(log => log.Text).ShouldContain("sold 3");
        collector.Logs.Select(log => log.Text).ShouldContain("Server is ready");
    }

    [Fact]
    public void NothingIsMadeWhenNotAskedTo()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.AddServiceDefaults();
        builder.Services.ShouldNotContain(service => service.ServiceType == typeof(OtlpTelemetry));
        OtlpTelemetry.IsConfigured(name => name == "OTEL_SDK_DISABLED" ? "true" : "http://x").ShouldBeFalse();
        OtlpTelemetry.IsConfigured(name => null).ShouldBeFalse();
    }

    [Theory]
    [InlineData("GET", 2, HttpStatusCode.OK, 3)]
    [InlineData("GET", 9, HttpStatusCode.ServiceUnavailable, 4)]
    [InlineData("POST", 2, HttpStatusCode.ServiceUnavailable, 1)]
    public async Task HttpClientsTryAgainWhatMayBeRepeated(string method, int failures, HttpStatusCode expected, int tries)
    {
        var handler = new FailingHandler(failures);
        var services = new ServiceCollection();
        services.AddHttpClient("flaky").AddStandardResilience().ConfigurePrimaryHttpMessageHandler(() => handler);
        await using var provider = services.BuildServiceProvider();
        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("flaky");
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), "http://nowhere/"));
        response.StatusCode.ShouldBe(expected);
        handler.Tries.ShouldBe(tries);
    }

    private sealed class FailingHandler(int failures) : HttpMessageHandler
    {
        public int Tries { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(++Tries > failures ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable));
    }
}
