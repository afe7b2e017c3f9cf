using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// What an account takes from others. Replaced whole when the configuration changes; the subscriptions of clients
/// then cast new shadows.
/// </summary>
public sealed class AccountImports(Account account)
{
    private readonly OuterLock _lock = new();
    private volatile StreamImport[] _streams = [];
    private volatile ServiceImport[] _services = [];

    public IReadOnlyList<StreamImport> Streams => _streams;

    public IReadOnlyList<ServiceImport> Services => _services;

    /// <summary>Takes these imports in place of what there was.</summary>
    /// <param name="options">Imports, already validated.</param>
    /// <param name="find">Gives accounts by name.</param>
    /// <exception cref="ConfigurationValueException">An account or export that is not there.</exception>
    internal void Replace(IReadOnlyList<ImportOptions> options, Func<string, Account?> find)
    {
        var streams = options.Where(option => !option.IsService).Select(option => ToStream(option, find)).ToArray();
        var services = options.Where(option => option.IsService).Select(option => ToService(option, find)).ToArray();
        using (_lock.Enter())
        {
            foreach (var service in _services) account.RemoveImport(service);
            _services = services;
            foreach (var service in services) account.InsertImport(service);
            if (streams.Length == 0 && _streams.Length == 0) return;
            _streams = streams;
            foreach (var subscription in account.Subscriptions.ToList())
            {
                if (!CastsShadows(subscription)) continue;
                RemoveShadows(subscription);
                AddShadows(subscription);
            }
        }
    }

    internal void CastShadows(Subscription subscription)
    {
        if (_streams.Length == 0 || !CastsShadows(subscription)) return;
        using (_lock.Enter()) AddShadows(subscription);
    }

    /// <summary>Those of clients, of leaf nodes and of services that want it; a shadow casts none.</summary>
    private static bool CastsShadows(Subscription subscription) => subscription.Subscriber is not IImportShadow
        && subscription.Subscriber is { Kind: SubscriberKind.Client or SubscriberKind.Leaf } or ServiceSubscriber { TakesImports: true };

    internal void DropShadows(Subscription subscription)
    {
        if (subscription.Shadows is null) return;
        using (_lock.Enter()) RemoveShadows(subscription);
    }

    private void AddShadows(Subscription subscription)
    {
        if (subscription.IsClosed || subscription.Shadows is not null) return;
        List<Subscription>? shadows = null;
        foreach (var stream in _streams)
        {
            if (stream.Shadow(subscription) is not { } shadow || !stream.Exporter.InsertLocal(shadow)) continue;
            (shadows ??= []).Add(shadow);
        }
        subscription.Shadows = shadows?.ToArray();
    }

    private void RemoveShadows(Subscription subscription)
    {
        var shadows = subscription.Shadows;
        subscription.Shadows = null;
        foreach (var shadow in shadows ?? [])
        {
            shadow.Close();
            ((IImportShadow)shadow.Subscriber).Exporter.RemoveLocal(shadow);
        }
    }

    private StreamImport ToStream(ImportOptions option, Func<string, Account?> find)
    {
        var exporter = find(option.Account) ?? throw Missing(option);
        if (FindExport(exporter, option) is null) throw Unauthorized(option);
        var prefix = option.Prefix.EndsWith('.') ? option.Prefix : option.Prefix + ".";
        var local = option.Prefix.Length > 0 ? prefix + option.Subject : option.To;
        return new StreamImport(account, exporter, new ImportMapping(option.Subject, local), option.AllowTrace);
    }

    private ServiceImport ToService(ImportOptions option, Func<string, Account?> find)
    {
        var exporter = find(option.Account) ?? throw Missing(option);
        if (FindExport(exporter, option) is not { } export) throw Unauthorized(option);
        return new ServiceImport(account, exporter.ExportOf(export), new ImportMapping(option.Subject, option.To), option.Share, export.AllowTrace);
    }

    /// <summary>The export an import is covered by, when this account may import it.</summary>
    private ExportOptions? FindExport(Account exporter, ImportOptions option)
    {
        var subject = System.Text.Encoding.UTF8.GetBytes(option.Subject);
        var exports = exporter.Options.Exports.Where(export => export.IsService == option.IsService).ToList();
        var found = exports.Find(export => export.Subject == option.Subject)
            ?? exports.Find(export => SubjectRules.IsSubsetMatch(subject, System.Text.Encoding.UTF8.GetBytes(export.Subject)));
        if (found is null) return null;
        if (found.AccountTokenPosition > 0)
        {
            var tokens = option.Subject.Split('.');
            return found.AccountTokenPosition <= tokens.Length && tokens[found.AccountTokenPosition - 1] == account.Name ? found : null;
        }
        return found.Accounts is null || found.Accounts.Contains(account.Name) ? found : null;
    }

    private ConfigurationValueException Missing(ImportOptions option) =>
        new($"account \"{account.Name}\" imports \"{option.Subject}\" from account \"{option.Account}\", which does not exist");

    private ConfigurationValueException Unauthorized(ImportOptions option) =>
        new($"account \"{account.Name}\" imports \"{option.Subject}\" from account \"{option.Account}\": {(option.IsService ? "service" : "stream")} import not authorized");
}
