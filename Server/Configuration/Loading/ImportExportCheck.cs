using System.Text.RegularExpressions;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>
/// Checks exports and imports against each other once all accounts are known: accounts exist, imports are
/// allowed, and following imports from account to account leads never back.
/// </summary>
internal sealed partial class ImportExportCheck(ConfigDiagnostics diagnostics, ConfigValue at, bool hasSystemAccount)
{
    private const int MaxCycleDepth = 1024;
    private readonly Dictionary<string, AccountOptions> _accounts = [];
    private readonly Dictionary<string, List<ImportOptions>> _services = [];
    private readonly Dictionary<string, List<ImportOptions>> _streams = [];

    public void Run(IReadOnlyList<AccountOptions> accounts)
    {
        foreach (var account in accounts) _accounts[account.Name] = account;
        foreach (var isService in new[] { false, true })
        {
            ForEach(accounts, account => account.Exports.Where(export => export.IsService == isService), CheckExport);
        }
        foreach (var isService in new[] { false, true })
        {
            ForEach(accounts, account => account.Imports.Where(import => import.IsService == isService), CheckImport);
        }
    }

    private static void ForEach<T>(IReadOnlyList<AccountOptions> accounts, Func<AccountOptions, IEnumerable<T>> items, Action<AccountOptions, T> check)
    {
        foreach (var account in accounts)
        {
            foreach (var item in items(account)) check(account, item);
        }
    }

    private void CheckExport(AccountOptions account, ExportOptions export)
    {
        var kind = export.IsService ? "service" : "stream";
        foreach (var name in export.Accounts ?? [])
        {
            if (!_accounts.ContainsKey(name)) diagnostics.Error(at, $"{QuotedText.Quote(name)} account not defined for {kind} export");
        }
        if (export.AccountTokenPosition > 0)
        {
            var tokens = export.Subject.Split('.');
            if (tokens.Length < export.AccountTokenPosition || tokens[export.AccountTokenPosition - 1] != "*")
            {
                diagnostics.Error(at, $"Error adding {kind} export {QuotedText.Quote(export.Subject)}: sublist: invalid subject");
                return;
            }
        }
        if (export.Latency is { } latency) CheckLatency(account, export, latency);
    }

    private void CheckLatency(AccountOptions account, ExportOptions export, ServiceLatencyOptions latency)
    {
        var subject = QuotedText.Quote(export.Subject);
        if (!hasSystemAccount)
        {
            diagnostics.Error(at, $"Error adding service latency sampling for {subject}: system account not setup");
            return;
        }
        var loopsBack = account.Exports.Any(other => other.IsService && SubjectSyntax.IsSubset(latency.Subject, other.Subject));
        var error = !SubjectSyntax.IsValidLiteral(latency.Subject) || loopsBack ? "invalid publish subject"
            : export.Response != ServiceResponse.Single ? "bad service response type"
            : null;
        if (error is null) return;
        diagnostics.Error(at, $"Error adding service latency sampling for {subject} on subject {QuotedText.Quote(latency.Subject)}: {error}");
    }

    private void CheckImport(AccountOptions account, ImportOptions import)
    {
        var kind = import.IsService ? "service" : "stream";
        if (!_accounts.TryGetValue(import.Account, out var exporter))
        {
            diagnostics.Error(at, $"{QuotedText.Quote(import.Account)} account not defined for {kind} import");
            return;
        }
        var error = import.IsService ? FindServiceError(account, exporter, import) : FindStreamError(account, exporter, import);
        if (error is null) return;
        var subject = import.IsService ? import.Subject : import.Subject;
        diagnostics.Error(at, $"Error adding {kind} import {QuotedText.Quote(subject)}: {error}");
    }

    private string? FindServiceError(AccountOptions account, AccountOptions exporter, ImportOptions import)
    {
        if (!SubjectSyntax.IsValid(import.To) || !SubjectSyntax.IsValid(import.Subject)) return "sublist: invalid subject";
        if (!IsApproved(exporter, isService: true, import.Subject, account.Name)) return "service import not authorized";
        var from = SubjectSyntax.HasWildcard(import.Subject) ? Untokenize(import.To) : import.To;
        if (FindServiceCycle(exporter, from, [account.Name]) is { } cycle) return cycle;
        Known(_services, account).Add(import with { To = from });
        return null;
    }

    private string? FindStreamError(AccountOptions account, AccountOptions exporter, ImportOptions import)
    {
        var isApproved = SubjectSyntax.IsValid(import.Subject) && IsApproved(exporter, isService: false, import.Subject, account.Name);
        if (!isApproved) return "stream import not authorized";
        var to = import.To;
        if (import.Prefix.Length > 0)
        {
            if (SubjectSyntax.HasWildcard(import.Prefix)) return "stream import prefix can not contain wildcard tokens";
            to = (import.Prefix.EndsWith('.') ? import.Prefix : import.Prefix + ".") + import.Subject;
        }
        if (to.Length == 0) to = import.Subject;
        if (FindStreamCycle(exporter, to, [account.Name]) is { } cycle) return cycle;
        if (FindStreamCycle(exporter, import.Subject, [account.Name]) is { } other) return other;
        var known = Known(_streams, account);
        if (known.Exists(earlier => earlier.Account == import.Account && earlier.Subject == import.Subject)) return "stream import already exists";
        known.Add(import with { To = SubjectSyntax.HasWildcard(import.Subject) ? Untokenize(to) : to });
        return null;
    }

    private static List<ImportOptions> Known(Dictionary<string, List<ImportOptions>> imports, AccountOptions account)
    {
        if (!imports.TryGetValue(account.Name, out var known)) imports[account.Name] = known = [];
        return known;
    }

    private static bool IsApproved(AccountOptions exporter, bool isService, string subject, string importer)
    {
        var exports = exporter.Exports.Where(export => export.IsService == isService).ToList();
        var exact = exports.Find(export => export.Subject == subject);
        var found = exact ?? exports.Find(export => SubjectSyntax.IsSubset(subject, export.Subject));
        if (found is null) return false;
        if (found.AccountTokenPosition > 0)
        {
            var tokens = exact is null ? subject.Split('.') : [];
            return found.AccountTokenPosition <= tokens.Length && tokens[found.AccountTokenPosition - 1] == importer;
        }
        return found.Accounts is null || found.Accounts.Contains(importer);
    }

    private string? FindServiceCycle(AccountOptions account, string from, HashSet<string> visited)
    {
        if (visited.Count >= MaxCycleDepth) return "search cycle depth exhausted";
        foreach (var import in _services.GetValueOrDefault(account.Name) ?? [])
        {
            if (!SubjectSyntax.Collide(from, import.Subject)) continue;
            if (visited.Contains(import.Account)) return "import forms a cycle";
            visited.Add(account.Name);
            var next = SubjectSyntax.IsSubset(import.To, from) ? import.To : from;
            if (FindServiceCycle(_accounts[import.Account], next, visited) is { } cycle) return cycle;
        }
        return null;
    }

    private string? FindStreamCycle(AccountOptions account, string to, HashSet<string> visited)
    {
        if (visited.Count >= MaxCycleDepth) return "search cycle depth exhausted";
        if (!account.Exports.Any(export => !export.IsService && SubjectSyntax.IsSubset(to, export.Subject))) return null;
        foreach (var import in _streams.GetValueOrDefault(account.Name) ?? [])
        {
            if (!SubjectSyntax.Collide(to, import.To)) continue;
            if (visited.Contains(import.Account)) return "import forms a cycle";
            visited.Add(account.Name);
            var next = SubjectSyntax.IsSubset(import.To, to) ? import.To : to;
            if (FindStreamCycle(_accounts[import.Account], next, visited) is { } cycle) return cycle;
        }
        return null;
    }

    /// <summary>Puts wildcards where <c>$1</c> or <c>{{wildcard(1)}}</c> stand.</summary>
    private static string Untokenize(string subject) =>
        string.Join('.', subject.Split('.').Select(token => Placeholder().IsMatch(token) ? "*" : token));

    [GeneratedRegex(@"^(\$[1-9].*|\{\{\s*[wW]ildcard\s*\(\s*\d+\s*\)\s*\}\})$")]
    private static partial Regex Placeholder();
}
