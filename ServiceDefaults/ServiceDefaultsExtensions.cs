using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using NatsAspire.ServiceDefaults;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service of an Aspire application has: telemetry, health, resilient HTTP clients.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Path that answers 200 while the service can do its work.</summary>
    public const string HealthPath = "/health";

    /// <summary>Path that answers 200 while the service need not be restarted.</summary>
    public const string AlivePath = "/alive";

    /// <summary>
    /// Adds OTLP export (when OTEL_EXPORTER_OTLP_ENDPOINT is set), a health check <c>self</c>, and retries, time limits
    /// and a circuit breaker for HTTP clients.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="sources">Meters and activity sources to export, beside those of NatsAspire, .NET and the application's name.</param>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder, params string[] sources) where TBuilder : IHostApplicationBuilder
    {
        builder.AddOtlpTelemetry(sources);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.ConfigureHttpClientDefaults(client => client.AddStandardResilience());
        return builder;
    }

    /// <summary>Maps <see cref="HealthPath"/> (all checks) and <see cref="AlivePath"/> (those with the tag <c>live</c>).</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication application)
    {
        application.MapHealthChecks(HealthPath);
        application.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") });
        return application;
    }

    /// <summary>Retries, time limits and a circuit breaker for one HTTP client; see <see cref="HttpResilience"/>.</summary>
    public static IHttpClientBuilder AddStandardResilience(this IHttpClientBuilder builder) =>
        builder.AddHttpMessageHandler(() => new ResilienceHandler(HttpResilience.CreatePipeline()));

    private static void AddOtlpTelemetry(this IHostApplicationBuilder builder, string[] sources)
    {
        if (!OtlpTelemetry.IsConfigured(builder.Configuration)) return;
        var name = builder.Environment.ApplicationName is { Length: > 0 } given ? given : "unknown_service";
        builder.Services.AddSingleton(provider => OtlpTelemetry.Start(new OtlpTelemetryOptions
        {
            ServiceName = name,
            ServiceVersion = Assembly.GetEntryAssembly()?.GetName().Version?.ToString(),
            Variables = provider.GetRequiredService<IConfiguration>(),
            Sources = ["NatsAspire.Server", name, .. sources],
        }));
        // The host makes its loggers before anything else, and the export with them.
        builder.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<OtlpTelemetry>().Loggers);
    }
}
