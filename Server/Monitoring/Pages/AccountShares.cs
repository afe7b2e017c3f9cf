using System.Text.Json.Serialization;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What an account lets others use.</summary>
public sealed record ExportDetail
{
    [JsonPropertyName("subject")] public required string Subject { get; init; }

    /// <summary>service or stream.</summary>
    [JsonPropertyName("type")] public required string Type { get; init; }

    /// <summary>Of a service: Singleton, Streamed or Chunked.</summary>
    [JsonPropertyName("response_type")] public string? ResponseType { get; init; }

    [JsonPropertyName("service_latency")] public LatencyDetail? Latency { get; init; }

    /// <summary>Null: everybody may import it.</summary>
    [JsonPropertyName("approved_accounts")] public IReadOnlyList<string>? ApprovedAccounts { get; init; }

    internal static ExportDetail Of(ExportOptions export) => new()
    {
        Subject = export.Subject,
        Type = export.IsService ? "service" : "stream",
        ResponseType = !export.IsService ? null : export.Response switch
        {
            ServiceResponse.Single => "Singleton",
            ServiceResponse.Stream => "Streamed",
            _ => "Chunked",
        },
        Latency = export.Latency is { } latency ? new LatencyDetail(latency.Sampling, latency.Subject) : null,
        ApprovedAccounts = export.Accounts is { Count: > 0 } accounts ? accounts : null,
    };
}

/// <summary>How a service is measured.</summary>
/// <param name="Sampling">Share of requests in percent; 0: those whose headers ask for it.</param>
/// <param name="Results">Where the measurements go.</param>
public sealed record LatencyDetail([property: JsonPropertyName("sampling")] int Sampling, [property: JsonPropertyName("results")] string Results);

/// <summary>What an account uses of others.</summary>
public sealed record ImportDetail
{
    [JsonPropertyName("subject")] public required string Subject { get; init; }
    [JsonPropertyName("account")] public required string Account { get; init; }

    /// <summary>Of a service: the subject it has here, under upstream's old name.</summary>
    [JsonPropertyName("to")] public string? To { get; init; }

    /// <summary>Subject it has here.</summary>
    [JsonPropertyName("local_subject")] public required string LocalSubject { get; init; }

    [JsonPropertyName("type")] public required string Type { get; init; }
    [JsonPropertyName("invalid")] public bool Invalid { get; init; }
    [JsonPropertyName("share")] public bool Share { get; init; }
    [JsonPropertyName("tracking")] public bool Tracking { get; init; }

    internal static List<ImportDetail> Of(AccountImports imports) =>
    [
        .. imports.Streams.Select(stream => new ImportDetail
        {
            Subject = stream.Mapping.ExporterText,
            Account = stream.Exporter.Name,
            LocalSubject = stream.Mapping.LocalText,
            Type = "stream",
        }),
        .. imports.Services.Select(service => new ImportDetail
        {
            Subject = service.Mapping.ExporterText,
            Account = service.Export.Account.Name,
            To = service.Mapping.LocalText,
            LocalSubject = service.Mapping.LocalText,
            Type = "service",
            Share = service.Share,
        }),
    ];
}
