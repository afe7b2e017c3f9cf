using System.Diagnostics;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>Publishes how long services take, in the account that offers them.</summary>
internal static class ServiceLatencyReporter
{
    /// <summary>Whether a request is to be measured: by chance, or because its headers ask for it.</summary>
    public static bool ShouldMeasure(ServiceExport export, ReadOnlySpan<byte> headers, out IReadOnlyDictionary<string, string[]>? sampled)
    {
        sampled = null;
        if (export.Options.Latency is not { } latency) return false;
        if (latency.Sampling >= 100 || (latency.Sampling > 0 && FastRandom.Next(100) < latency.Sampling)) return true;
        sampled = TraceSampling.FromHeaders(headers);
        return sampled is not null;
    }

    /// <summary>An answer has come. One from another server is reported when that server's half of the measurement is here.</summary>
    /// <returns>False when it is not yet.</returns>
    public static bool ReportAnswer(ServiceExport export, LatencyMeasurement measurement, Subscriber responder, FlushBatch batch)
    {
        var took = (long)Stopwatch.GetElapsedTime(measurement.StartedTicks).TotalNanoseconds;
        var requestor = measurement.Requestor.Describe(measurement.Share);
        var answering = responder.Describe(true);
        var report = Report(export, measurement, 200, null) with
        {
            Requestor = requestor,
            Responder = answering,
            Service = Math.Max(0, took - (answering?.RoundTrip ?? 0)),
            Total = took + (requestor?.RoundTrip ?? 0),
        };
        if (responder.Kind is not (SubscriberKind.Route or SubscriberKind.Gateway)) Publish(export, report, batch);
        else if (measurement.Join(report) is { } whole) Publish(export, whole, batch);
        else return false;
        return true;
    }

    /// <summary>The responder's server tells what it measured.</summary>
    /// <returns>False when the answer itself is not here yet.</returns>
    public static bool ReportRemote(ServiceExport export, LatencyMeasurement measurement, ServiceLatency remote)
    {
        if (measurement.JoinRemote(remote) is not { } whole) return false;
        Publish(export, whole, null);
        return true;
    }

    /// <summary>No answer, or nobody who wants it any more.</summary>
    public static void ReportFailure(ServiceExport export, LatencyMeasurement measurement, bool interestLost)
    {
        if (measurement.Answered is { } half)
        {
            // It was answered; only the other server's half never came.
            Publish(export, half, null);
            return;
        }
        var report = interestLost ? Report(export, measurement, 408, "Request Timeout") : Report(export, measurement, 504, "Service Timeout");
        Publish(export, report with { Requestor = measurement.Requestor.Describe(measurement.Share) }, null);
    }

    /// <summary>A request without a reply subject to a service that is measured.</summary>
    public static void ReportBadRequest(ServiceImport import, ReadOnlySpan<byte> headers, Subscriber source, FlushBatch batch)
    {
        if (!ShouldMeasure(import.Export, headers, out var sampled)) return;
        var measurement = new LatencyMeasurement(source, import.Share, sampled);
        var report = Report(import.Export, measurement, 400, "Bad Request") with { Requestor = source.Describe(import.Share) };
        Publish(import.Export, report, batch);
    }

    /// <summary>A request that nobody was there to take.</summary>
    public static void ReportNobody(ServiceExport export, LatencyMeasurement measurement, FlushBatch batch) =>
        Publish(export, Report(export, measurement, 503, "Service Unavailable") with { Requestor = measurement.Requestor.Describe(measurement.Share) }, batch);

    private static ServiceLatency Report(ServiceExport export, LatencyMeasurement measurement, int status, string? error) => new()
    {
        Id = UniqueId.Next(),
        Time = TimeProvider.System.GetUtcNow(),
        Status = status,
        Error = error,
        Headers = measurement.Headers,
        Start = measurement.StartedAt,
    };

    private static void Publish(ServiceExport export, ServiceLatency report, FlushBatch? batch)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(report, LatencyJson.Default.ServiceLatency);
        export.Account.PublishInternal(Encoding.UTF8.GetBytes(export.Options.Latency!.Subject), default, json, batch);
    }
}
