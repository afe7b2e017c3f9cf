using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Imports of accounts.</summary>
internal sealed partial class OptionsReader
{
    private List<ImportOptions> ReadImports(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"Imports should be an array, got {value.TypeName}");
        }
        var imports = new List<ImportOptions>();
        foreach (var item in items)
        {
            diagnostics.GuardRefused(() =>
            {
                ExpectMap(item, type => $"Import Items should be a map with type entry, got {type}");
                if (Fold(item, new ImportDraft(), ReadImportEntry(item)).ToOptions() is not { } import) return;
                CheckDuplicate(imports, import, item);
                imports.Add(import);
            });
        }
        return imports;
    }

    private static void CheckDuplicate(List<ImportOptions> imports, ImportOptions import, ConfigValue at)
    {
        if (!import.IsService) return;
        var earlier = imports.Find(other => other.IsService && other.To == import.To && other.Account == import.Account);
        if (earlier is null) return;
        throw new ConfigRefusedException(at, $"Duplicate service import subject {QuotedText.Quote(import.To)}, previously used in import " +
            $"for account {QuotedText.Quote(earlier.Account)}, subject {QuotedText.Quote(earlier.Subject)}");
    }

    private Func<ImportDraft, string, ConfigValue, ImportDraft> ReadImportEntry(ConfigValue block) => (draft, key, value) => key switch
    {
        "stream" => WithImportedStream(draft, value),
        "service" => WithImportedService(draft, value),
        "prefix" => draft with { Prefix = value.AsString() },
        "to" => WithTo(draft, value),
        "share" => draft with { Share = value.AsBoolean() },
        "allow_trace" => WithTrace(draft, value),
        _ => Unknown(draft, block, value),
    };

    private ImportDraft WithImportedStream(ImportDraft draft, ConfigValue value)
    {
        if (draft.Kind == ImportKind.Service) throw new ConfigRefusedException(value, "Detected stream but already saw a service");
        return ReadImportSource(draft, "Stream", value) with { Kind = ImportKind.Stream };
    }

    private ImportDraft WithImportedService(ImportDraft draft, ConfigValue value)
    {
        if (draft.Kind == ImportKind.Stream) throw new ConfigRefusedException(value, "Detected service but already saw a stream");
        if (draft.TraceAt is { } trace) throw new ConfigRefusedException(trace, "Detected allow_trace directive on a non-stream");
        return ReadImportSource(draft, "Service", value) with { Kind = ImportKind.Service };
    }

    private ImportDraft ReadImportSource(ImportDraft draft, string what, ConfigValue value)
    {
        ExpectMap(value, type => $"{what} entry should be an account map, got {type}");
        var read = Fold(value, draft with { Account = "", Subject = "" }, (source, key, setting) => key switch
        {
            "account" => source with { Account = setting.AsString() },
            "subject" => source with { Subject = setting.AsString() },
            _ => Unknown(source, value, setting),
        });
        return read.Account.Length == 0 || read.Subject.Length == 0
            ? throw new ConfigRefusedException(value, "Expect an account name and a subject")
            : read;
    }

    private ImportDraft WithTo(ImportDraft draft, ConfigValue value)
    {
        if (draft.Kind == ImportKind.Stream && draft.Prefix.Length > 0)
        {
            diagnostics.Error(value, "Stream import can not have a 'prefix' and a 'to' property");
        }
        return draft with { To = value.AsString() };
    }

    private static ImportDraft WithTrace(ImportDraft draft, ConfigValue value) => draft.Kind == ImportKind.Service
        ? throw new ConfigRefusedException(value, "Detected allow_trace directive on a non-stream")
        : draft with { TraceAt = value, AllowTrace = value.AsBoolean() };

    private enum ImportKind
    {
        Unknown,
        Stream,
        Service,
    }

    /// <summary>An import while its entries, in any order, are read.</summary>
    private sealed record ImportDraft
    {
        public ImportKind Kind { get; init; }

        public string Account { get; init; } = "";

        public string Subject { get; init; } = "";

        public string Prefix { get; init; } = "";

        public string To { get; init; } = "";

        public bool Share { get; init; }

        public ConfigValue? TraceAt { get; init; }

        public bool AllowTrace { get; init; }

        public ImportOptions? ToOptions() => Kind == ImportKind.Unknown ? null : new ImportOptions
        {
            Account = Account,
            Subject = Subject,
            IsService = Kind == ImportKind.Service,
            To = Kind == ImportKind.Service && To.Length == 0 ? Subject : To,
            Prefix = Prefix,
            Share = Share,
            AllowTrace = AllowTrace,
        };
    }
}
