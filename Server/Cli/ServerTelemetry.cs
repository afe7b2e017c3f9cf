using System.Runtime.CompilerServices;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.ServiceDefaults;

namespace NatsAspire.Server.Cli;

/// <summary>
/// The executable's own export of traces, metrics and logs by OTLP. Asked for by OTEL_EXPORTER_OTLP_ENDPOINT; the
/// other standard OTEL_* variables do what they do everywhere.
/// </summary>
internal static class ServerTelemetry
{
    private const string ServiceName = "nats-server";

    /// <summary>Begins the export if the variables ask for it; null: they do not, and nothing was loaded for it.</summary>
    public static IDisposable? StartIfAsked(ServerOptions options, NatsLoggerProvider logs) =>
        Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } ? Start(options, logs) : null;

    /// <summary>Apart, so that a server that exports nothing does not even load the libraries.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static OtlpTelemetry? Start(ServerOptions options, NatsLoggerProvider logs)
    {
        if (!OtlpTelemetry.IsConfigured(Environment.GetEnvironmentVariable)) return null;
        var telemetry = OtlpTelemetry.Start(new OtlpTelemetryOptions
        {
            ServiceName = ServiceName,
            ServiceVersion = Defaults.Version,
            InstanceId = options.ServerName,
            Sources = [MessageSpans.SourceName],
        });
        logs.AddProvider(telemetry.Loggers);
        return telemetry;
    }
}
