using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /healthz is to check; keys are those of a request to the system account.</summary>
public sealed record HealthzOptions
{
    /// <summary>The old name of <see cref="JetStreamEnabledOnly"/>.</summary>
    [JsonPropertyName("js-enabled")] public bool JetStreamEnabled { get; init; }

    /// <summary>That JetStream runs, and not what it stores.</summary>
    [JsonPropertyName("js-enabled-only")] public bool JetStreamEnabledOnly { get; init; }

    /// <summary>The server without JetStream.</summary>
    [JsonPropertyName("js-server-only")] public bool JetStreamServerOnly { get; init; }

    /// <summary>JetStream's meta group, and not its streams.</summary>
    [JsonPropertyName("js-meta-only")] public bool JetStreamMetaOnly { get; init; }

    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("stream")] public string? Stream { get; init; }
    [JsonPropertyName("consumer")] public string? Consumer { get; init; }

    /// <summary>Every fault with its kind, in place of the first one's text.</summary>
    [JsonPropertyName("details")] public bool Details { get; init; }
}

/// <summary>/healthz: whether the server does what it is there for. Keys are upstream's.</summary>
public sealed record Healthz
{
    private const int Ok = 200;
    private const int BadRequest = 400;
    private const int InternalServerError = 500;

    /// <summary>ok, unavailable or error.</summary>
    [JsonPropertyName("status")] public string Status { get; init; } = "ok";

    /// <summary>What HTTP answers; 0 in HTTP's own body.</summary>
    [JsonPropertyName("status_code"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int StatusCode { get; init; } = Ok;

    [JsonPropertyName("error")] public string? Error { get; init; }

    /// <summary>With <see cref="HealthzOptions.Details"/>: every fault.</summary>
    [JsonPropertyName("errors")] public IReadOnlyList<HealthFault>? Errors { get; init; }

    /// <summary>True when nothing is wrong.</summary>
    [JsonIgnore] public bool IsOk => StatusCode == Ok;

    /// <summary>The health of this moment.</summary>
    public static Healthz Check(MonitoringSource source, HealthzOptions? options = null)
    {
        options ??= new HealthzOptions();
        var asksForStream = !string.IsNullOrEmpty(options.Stream);
        if (asksForStream && string.IsNullOrEmpty(options.Account))
        {
            return Fail(options, BadRequest, "BAD_REQUEST", "\"account\" must not be empty when checking stream health");
        }
        if (!asksForStream && !string.IsNullOrEmpty(options.Consumer))
        {
            return Fail(options, BadRequest, "BAD_REQUEST", "\"stream\" must not be empty when checking consumer health");
        }
        var missing = source.MissingListeners();
        if (missing.Count > 0) return Fail(options, InternalServerError, "CONNECTION", $"failed to be ready for connections after 1ms: {string.Join(", ", missing)}");
        return JetStreamHealth.Check(source, options);
    }

    private static Healthz Fail(HealthzOptions options, int code, string kind, string error) =>
        Of(options, "error", code, [new HealthFault { Type = kind, Error = error }]);

    /// <summary>What is wrong, in the form that is asked for.</summary>
    /// <param name="options">Which says whether all is told, or the first fault's text only.</param>
    /// <param name="status">Told with one fault; with all it is error.</param>
    /// <param name="code">HTTP's.</param>
    /// <param name="faults">Not empty.</param>
    internal static Healthz Of(HealthzOptions options, string status, int code, IReadOnlyList<HealthFault> faults) => options.Details
        ? new Healthz { Status = "error", StatusCode = code, Errors = faults }
        : new Healthz { Status = status, StatusCode = code, Error = faults[0].Error };
}

/// <summary>Something that is wrong.</summary>
public sealed record HealthFault
{
    /// <summary>CONNECTION, BAD_REQUEST, JETSTREAM, ACCOUNT, STREAM or CONSUMER.</summary>
    [JsonPropertyName("type")] public required string Type { get; init; }

    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("stream")] public string? Stream { get; init; }
    [JsonPropertyName("consumer")] public string? Consumer { get; init; }
    [JsonPropertyName("error")] public string? Error { get; init; }
}
