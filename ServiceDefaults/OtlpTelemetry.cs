using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace NatsAspire.ServiceDefaults;

/// <summary>What is exported, and as whose.</summary>
public sealed record OtlpTelemetryOptions
{
    /// <summary>service.name, unless OTEL_SERVICE_NAME says another.</summary>
    public required string ServiceName { get; init; }

    /// <summary>service.version; null: none.</summary>
    public string? ServiceVersion { get; init; }

    /// <summary>service.instance.id, unless OTEL_RESOURCE_ATTRIBUTES has one; null: a random one.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Where the OTEL_* variables are read; null: the process's environment.</summary>
    public IConfiguration? Variables { get; init; }

    /// <summary>Meters and activity sources of the application, beside those of .NET and ASP.NET Core.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];
}

/// <summary>
/// Export of traces, metrics and logs by OTLP, as the standard OTEL_* variables ask for it. Without them nothing is
/// made and nothing costs.
/// </summary>
public sealed class OtlpTelemetry : IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private static readonly string[] DotNetMeters =
        ["System.Runtime", "System.Net.Http", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];
    private static readonly string[] DotNetSources = ["System.Net.Http", "Microsoft.AspNetCore"];

    /// <summary>Longest the end waits for what was not exported yet.</summary>
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(3);

    private readonly OpenTelemetrySdk _sdk;

    private OtlpTelemetry(OpenTelemetrySdk sdk)
    {
        _sdk = sdk;
        Loggers = new ForwardingLoggerProvider(sdk.GetLoggerFactory());
    }

    /// <summary>Exports what is logged to it. Every level: who logs chooses.</summary>
    public ILoggerProvider Loggers { get; }

    /// <summary>Whether the variables ask for an export.</summary>
    public static bool IsConfigured(IConfiguration variables) =>
        IsConfigured(name => variables[name]);

    /// <summary>Whether the variables ask for an export.</summary>
    /// <param name="variable">Value of a variable, or null.</param>
    public static bool IsConfigured(Func<string, string?> variable) =>
        !string.IsNullOrWhiteSpace(variable(Endpoint)) && !string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Begins to export to OTEL_EXPORTER_OTLP_ENDPOINT.</summary>
    public static OtlpTelemetry Start(OtlpTelemetryOptions options)
    {
        var sdk = OpenTelemetrySdk.Create(builder =>
        {
            if (options.Variables is { } variables) builder.Services.AddSingleton(variables);
            builder.Services.Configure<LoggerFilterOptions>(filter => filter.MinLevel = LogLevel.Trace);
            builder.ConfigureResource(resource => Describe(resource, options))
                .WithTracing(tracing => tracing.AddSource([.. options.Sources, .. DotNetSources]))
                .WithMetrics(metrics => metrics.AddMeter([.. options.Sources, .. DotNetMeters]))
                .WithLogging(configureBuilder: null, logging =>
                {
                    logging.IncludeFormattedMessage = true;
                    logging.IncludeScopes = true;
                })
                .UseOtlpExporter();
        });
        return new OtlpTelemetry(sdk);
    }

    /// <summary>Exports what waits, for three seconds at most.</summary>
    public void Dispose() => Task.Run(_sdk.Dispose).Wait(FlushTime);

    private static void Describe(ResourceBuilder resource, OtlpTelemetryOptions options) => resource
        .AddService(options.ServiceName, serviceVersion: options.ServiceVersion, autoGenerateServiceInstanceId: options.InstanceId is null, serviceInstanceId: options.InstanceId)
        // Once more, and last: what the variables say goes over what we say.
        .AddEnvironmentVariableDetector();

    /// <summary>The SDK's logger factory for another factory to log to.</summary>
    private sealed class ForwardingLoggerProvider(ILoggerFactory target) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => target.CreateLogger(categoryName);

        public void Dispose()
        {
            // The SDK disposes its factory, after all it was given is exported.
        }
    }
}
