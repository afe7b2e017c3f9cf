using System.Globalization;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Exports of accounts.</summary>
internal sealed partial class OptionsReader
{
    private const int DefaultSampling = 100;

    private List<ExportOptions> ReadExports(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"Exports should be an array, got {value.TypeName}");
        }
        var exports = new List<ExportOptions>();
        foreach (var item in items)
        {
            diagnostics.GuardRefused(() =>
            {
                ExpectMap(item, type => $"Export Items should be a map with type entry, got {type}");
                if (Fold(item, new ExportDraft(), ReadExportEntry(item)).ToOptions() is { } export) exports.Add(export);
            });
        }
        return exports;
    }

    private Func<ExportDraft, string, ConfigValue, ExportDraft> ReadExportEntry(ConfigValue block) => (draft, key, value) => key switch
    {
        "stream" => WithStream(draft, value),
        "service" => WithService(draft, value),
        "response" or "response_type" => WithResponse(draft, value),
        "threshold" or "response_threshold" or "response_max_time" or "response_time" => WithThreshold(draft, value),
        "accounts" => draft with { Accounts = [.. draft.Accounts ?? [], .. value.AsArray().Select(item => item.AsString())] },
        "latency" => OnService(draft with { LatencyAt = value, Latency = ReadLatency(value) }, "latency", value),
        "account_token_position" => draft with { TokenPosition = ToInt(value) },
        "allow_trace" => OnService(draft with { AllowTraceAt = value, AllowTrace = value.AsBoolean() }, "allow_trace", value),
        _ => Unknown(draft, block, value),
    };

    private ExportDraft OnService(ExportDraft draft, string directive, ConfigValue value)
    {
        if (draft.Stream is not null) diagnostics.Error(value, $"Detected {directive} directive on non-service");
        return draft;
    }

    private static ExportDraft WithStream(ExportDraft draft, ConfigValue value)
    {
        if (draft.Service is not null) throw new ConfigRefusedException(value, $"Detected stream {QuotedText.Quote(value.ToString())} but already saw a service");
        if (draft.ResponseAt is { } response) throw new ConfigRefusedException(response, "Detected response directive on non-service");
        if (draft.LatencyAt is { } latency) throw new ConfigRefusedException(latency, "Detected latency directive on non-service");
        if (draft.AllowTraceAt is { } trace) throw new ConfigRefusedException(trace, "Detected allow_trace directive on non-service");
        return value.Is<string>(out var subject)
            ? draft with { Stream = subject }
            : throw new ConfigRefusedException(value, $"Expected stream name to be string, got {value.TypeName}");
    }

    private static ExportDraft WithService(ExportDraft draft, ConfigValue value)
    {
        if (draft.Stream is not null) throw new ConfigRefusedException(value, $"Detected service {QuotedText.Quote(value.ToString())} but already saw a stream");
        return value.Is<string>(out var subject)
            ? draft with { Service = subject }
            : throw new ConfigRefusedException(value, $"Expected service name to be string, got {value.TypeName}");
    }

    private ExportDraft WithResponse(ExportDraft draft, ConfigValue value)
    {
        if (draft.ResponseAt is not null) throw new ConfigRefusedException(value, "Duplicate response type definition");
        if (!value.Is<string>(out var text)) throw new ConfigRefusedException(value, $"Expected response type to be string, got {value.TypeName}");
        var response = text.ToLowerInvariant() switch
        {
            "single" or "singleton" => ServiceResponse.Single,
            "stream" => ServiceResponse.Stream,
            "chunk" or "chunked" => ServiceResponse.Chunked,
            _ => throw new ConfigRefusedException(value, $"Unknown response type: {QuotedText.Quote(text)}"),
        };
        return OnService(draft with { ResponseAt = value, Response = response }, "response", value);
    }

    private ExportDraft WithThreshold(ExportDraft draft, ConfigValue value)
    {
        const string expectation = "Expected response threshold to be a parseable time duration, got";
        if (draft.Threshold is not null) throw new ConfigRefusedException(value, "Duplicate response threshold detected");
        if (!value.Is<string>(out var text)) throw new ConfigRefusedException(value, $"{expectation} {value.TypeName}");
        if (DurationText.Parse(text, out var threshold) is not null) throw new ConfigRefusedException(value, $"{expectation} {QuotedText.Quote(text)}");
        return OnService(draft with { Threshold = threshold }, "response", value);
    }

    private static ServiceLatencyOptions ReadLatency(ConfigValue value)
    {
        if (value.Is<string>(out var plain)) return new ServiceLatencyOptions(plain, DefaultSampling);
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(value, $"Expected latency entry to be a map/struct or string, got {value.TypeName}");
        }
        var sampling = entries.TryGetValue("sampling", out var sample) ? ReadSampling(sample) : DefaultSampling;
        if (!entries.TryGetValue("subject", out var subject)) throw new ConfigRefusedException(value, "Latency subject required, but missing");
        return subject.Is<string>(out var text)
            ? new ServiceLatencyOptions(text, sampling)
            : throw new ConfigRefusedException(subject, "Expected latency subject to be a string, got string");
    }

    private static int ReadSampling(ConfigValue value)
    {
        if (value.Is<string>(out var text))
        {
            if (text.Trim().Equals("headers", StringComparison.OrdinalIgnoreCase)) return 0;
            var digits = text.EndsWith('%') ? text[..^1] : text;
            if (!long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed))
            {
                throw new ConfigRefusedException(value, $"Failed to parse latency sample: strconv.Atoi: parsing {QuotedText.Quote(digits)}: invalid syntax");
            }
            return CheckSampling(parsed, value);
        }
        return value.Is<long>(out var sampling)
            ? CheckSampling(sampling, value)
            : throw new ConfigRefusedException(value, $"Expected latency sample to be a string or map/struct, got {value.TypeName}");
    }

    private static int CheckSampling(long sampling, ConfigValue value) => sampling is >= 1 and <= 100
        ? (int)sampling
        : throw new ConfigRefusedException(value, "bad sampling percentage, should be 1-100");

    /// <summary>An export while its entries, in any order, are read.</summary>
    private sealed record ExportDraft
    {
        public string? Stream { get; init; }

        public string? Service { get; init; }

        public IReadOnlyList<string>? Accounts { get; init; }

        public ConfigValue? ResponseAt { get; init; }

        public ServiceResponse Response { get; init; }

        public TimeSpan? Threshold { get; init; }

        public ConfigValue? LatencyAt { get; init; }

        public ServiceLatencyOptions? Latency { get; init; }

        public ConfigValue? AllowTraceAt { get; init; }

        public bool AllowTrace { get; init; }

        public int TokenPosition { get; init; }

        public ExportOptions? ToOptions() => (Service ?? Stream) is not { } subject ? null : new ExportOptions
        {
            Subject = subject,
            IsService = Service is not null,
            Accounts = Accounts,
            AccountTokenPosition = TokenPosition,
            Response = Response,
            ResponseThreshold = Threshold ?? TimeSpan.Zero,
            Latency = Latency,
            AllowTrace = AllowTrace,
        };
    }
}
