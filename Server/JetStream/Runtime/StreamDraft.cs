using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// A stream that is made whole in a directory of its own before it is one: what a restore or an import fills. Adopting it
/// gives the directory its name at one stroke; otherwise nothing is left of it, a crash's rest goes at the next start.
/// </summary>
internal sealed class StreamDraft : IDisposable
{
    private readonly JetStreamEngine _engine;
    private readonly string _account;
    private readonly long? _created;
    private StreamRestore? _restore;
    private bool _isAdopted;

    /// <param name="engine">Where it will run.</param>
    /// <param name="account">Whose it will be.</param>
    /// <param name="configuration">As it will be stored.</param>
    /// <param name="created">When it counts as made, nanoseconds since 1970; null: as what it is made of says.</param>
    public StreamDraft(JetStreamEngine engine, string account, StreamConfiguration configuration, long? created = null)
    {
        (_engine, _account, _created) = (engine, account, created);
        Record = new StreamRecord(engine.NextId(), 0, configuration);
        Directory = engine.Files.DraftOf(account, Record);
    }

    /// <summary>What the stream will be.</summary>
    public StreamRecord Record { get; private set; }

    /// <summary>Where it is made.</summary>
    public string Directory { get; }

    /// <summary>The restore that fills it.</summary>
    public StreamRestore Restore => _restore ?? throw new InvalidOperationException("There is no restore.");

    private string Messages => $"{Directory}/messages";

    /// <summary>Begins to take an archive.</summary>
    /// <param name="room">Bytes it may have, unpacked.</param>
    /// <exception cref="DiskException">The disk failed; nothing is left.</exception>
    public void BeginRestore(long room)
    {
        try
        {
            var limits = new SnapshotLimits { MaxBytes = room };
            _restore = new StreamRestore(_engine.Disk, Messages, _engine.FileOptionsOf(Record), Record.Configuration.Name, limits);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Ends the archive; all of it is durable then.</summary>
    /// <returns>Null, or why the archive is refused.</returns>
    /// <exception cref="DiskException">The disk failed.</exception>
    public string? Finish()
    {
        if (Restore.Finish(out var restored, out var store) is { } error) return error;
        using (store)
        {
            // The archive's limits have been enforced; those asked for may be tighter.
            if (restored!.Configuration != Record.Configuration) Enforce(store!);
        }
        Complete(restored.Created.UnixNanoseconds, restored.Consumers);
        return null;
    }

    /// <summary>Takes the messages of a Go server's stream; all of them are durable then.</summary>
    /// <exception cref="DiskException">The disk failed.</exception>
    public void Import(GoStream stream)
    {
        using (var store = FileMessageStore.Open(_engine.Disk, Messages, _engine.FileOptionsOf(Record)))
        {
            stream.Import(store);
            Checkpoint(store);
        }
        Complete(stream.Created.UnixNanoseconds, stream.Consumers);
    }

    /// <summary>It is a stream's directory from now on.</summary>
    public void Adopt()
    {
        _engine.Files.Adopt(_account, Directory, Record);
        _isAdopted = true;
    }

    public void Dispose()
    {
        _restore?.Dispose();
        if (!_isAdopted) _engine.Files.RemoveDraft(Directory);
    }

    private void Enforce(FileMessageStore store)
    {
        new StreamLimits(Record.Configuration, store).EnforceAll();
        Checkpoint(store);
    }

    private static void Checkpoint(FileMessageStore store)
    {
        var checkpoint = store.BeginCheckpoint(0);
        checkpoint.Run();
        checkpoint.Complete();
    }

    private void Complete(long created, IReadOnlyList<GoConsumer> consumers)
    {
        Record = Record with { Created = _created ?? (created == 0 ? (long)Record.Id : created) };
        _engine.Files.WriteConsumers(Directory, consumers);
        _engine.Files.WriteRecordInto(Directory, Record);
    }
}
