using Microsoft.Extensions.Logging;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Takes over the streams that a Go server has left in the same store directory, each once: the originals stay as they
/// are, and a note keeps what was imported from coming back, be it deleted later. Nothing in them fails the start.
/// </summary>
/// <param name="engine">Gets the streams; recovered.</param>
/// <param name="secrets">Encryption keys, the present one first.</param>
/// <param name="log">The server's log.</param>
internal sealed class GoMigration(JetStreamEngine engine, IReadOnlyList<string> secrets, ILogger log)
{
    private string Root => $"{engine.StoreDirectory}/jetstream";

    /// <summary>Imports what is there and has not been.</summary>
    public void Run()
    {
        foreach (var account in engine.Accounts.Values.OrderBy(account => account.Account.Name, StringComparer.Ordinal))
        {
            // Upstream makes a directory of the name as it is; one that would lead elsewhere never held streams.
            if (account.Account.Name is "." or ".." || account.Account.Name.Contains('/')) continue;
            var report = new GoStoreReport();
            var files = new GoDirectory($"{Root}/{account.Account.Name}");
            foreach (var name in GoStream.Names(files, report)) TryImport(account, files, name);
            if (!report.IsClean) JetStreamLog.ImportUnreadable(log, account.Account.Name, report.ToString());
        }
    }

    private void TryImport(AccountStreams account, GoDirectory files, string name)
    {
        try
        {
            if (!engine.Files.IsImported(account.Account.Name, name)) Import(account, files, name);
        }
        catch (Exception fault)
        {
            // One stream's fault is neither its neighbours' nor the server's: it is tried again at the next start.
            LeaveOut(account, name, fault.Message);
        }
    }

    private void Import(AccountStreams account, GoDirectory files, string name)
    {
        var report = new GoStoreReport();
        var stream = GoStream.Open(files, name, new GoKeys(account.Account.Name, secrets), report);
        if (stream is null)
        {
            LeaveOut(account, name, report.ToString());
            return;
        }
        if (engine.Files.HasRecord(account.Account.Name, name))
        {
            NoteExisting(account, name, stream.Created);
            return;
        }
        if (Check(account, stream.Configuration, out var configuration) is { } reason)
        {
            LeaveOut(account, name, reason);
            return;
        }
        using var draft = new StreamDraft(engine, account.Account.Name, configuration);
        draft.Import(stream);
        var host = account.Adopt(draft);
        engine.Files.MarkImported(account.Account.Name, name);
        JetStreamLog.Imported(log, host.State.Messages, account.Account.Name, name, $"{Root}/{account.Account.Name}/streams/{name}");
        if (!stream.Report.IsClean) JetStreamLog.ImportedInPart(log, account.Account.Name, name, stream.Report.ToString());
        if (stream.Consumers.Count > 0) JetStreamLog.ConsumersKept(log, stream.Consumers.Count, account.Account.Name, name);
    }

    /// <summary>The crash of a server may have come between the stream and the note of it.</summary>
    private void NoteExisting(AccountStreams account, string name, ApiTime created)
    {
        var isTheSame = account.Find(name)?.Record.Created == created.UnixNanoseconds;
        if (!isTheSame) JetStreamLog.NotImported(log, account.Account.Name, name, "there is another stream of that name");
        engine.Files.MarkImported(account.Account.Name, name);
    }

    /// <summary>Whether a stream can run here. Its size is no question: it is there already.</summary>
    private static string? Check(AccountStreams account, StreamConfiguration stored, out StreamConfiguration configuration)
    {
        var environment = account.Environment with { MaxDuplicateWindow = 0, Tiers = AccountTiers.Unlimited, Server = new ServerReservations() };
        configuration = stored;
        if (stored.Storage == StorageType.Memory) return "it was in memory";
        if (!stored.Metadata.IsSupported) return $"it needs API level {stored.Metadata.RequiredLevel}";
        if (StreamValidation.Check(stored, environment, pedantic: false, out configuration) is { } invalid) return invalid.Description;
        return StreamAdmission.CompleteRestore(configuration, environment)?.Description;
    }

    private void LeaveOut(AccountStreams account, string name, string reason) => JetStreamLog.NotImported(log, account.Account.Name, name, reason);
}
