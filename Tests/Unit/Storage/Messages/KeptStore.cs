using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>
/// A store of a kind with the log of what was done to it, as a server would have: a file store may be closed and opened,
/// or lose what no checkpoint kept and be told it again. One in memory stays as it is.
/// </summary>
internal sealed class KeptStore : IDisposable
{
    private readonly FileStoreOptions _options;
    private readonly List<Action<IMessageStore>> _log = [];
    private readonly MessageBuffer _buffer = new();

    /// <param name="kind">"memory", or what <see cref="FileMessageStoreTests.OptionsFor"/> knows.</param>
    /// <param name="blockSize">Bytes of a file; 0: small ones.</param>
    public KeptStore(string kind, int blockSize = 0)
    {
        _options = FileMessageStoreTests.OptionsFor(kind);
        if (blockSize > 0) _options = _options with { BlockSize = blockSize };
        Store = kind == "memory" ? new MemoryMessageStore() : Open();
    }

    public static TheoryData<string> Kinds => ["memory", "plain", "compressed", "chacha", "aes", "all"];

    public static TheoryData<string> FileKinds => ["plain", "compressed", "chacha", "aes", "all"];

    public SimulatedDisk Disk { get; private set; } = new();

    public IMessageStore Store { get; private set; }

    public FileMessageStore File => (FileMessageStore)Store;

    public StoreState State => Store.State;

    /// <summary>Messages, first and last sequence.</summary>
    public (ulong Messages, ulong First, ulong Last) Ends => (State.Messages, State.FirstSequence, State.LastSequence);

    /// <summary>Sequences removed between the ends.</summary>
    public IEnumerable<ulong> Deleted => Store.Deleted().SelectMany(range => Sequences(range.First, range.Last));

    public static IEnumerable<ulong> Sequences(ulong first, ulong last)
    {
        for (var sequence = first; sequence <= last; sequence++) yield return sequence;
    }

    public ulong Append(string subject, string payload = "", string headers = "", long? at = null)
    {
        var sequence = State.LastSequence + 1;
        var (name, head, body) = (Encoding.UTF8.GetBytes(subject), Encoding.UTF8.GetBytes(headers), Encoding.UTF8.GetBytes(payload));
        Do(store => store.Append(new StoredMessage { Sequence = sequence, Timestamp = at ?? (long)sequence, Subject = name, Headers = head, Payload = body }));
        return sequence;
    }

    public void AppendMany(int count, string subject, string payload = "")
    {
        for (var i = 0; i < count; i++) Append(subject, payload);
    }

    public bool Remove(ulong sequence, bool erase = false) => Do(store => store.Remove(sequence, erase));

    public void RemoveAll(IEnumerable<ulong> sequences)
    {
        foreach (var sequence in sequences) Remove(sequence).ShouldBeTrue($"{sequence} is not there");
    }

    public ulong Purge(string subject = "", ulong below = 0, ulong keep = 0)
    {
        var filter = subject.Length == 0 ? SubjectFilter.All : SubjectFilter.Of(subject);
        return Do(store => store.Purge(filter, below, keep));
    }

    public ulong Compact(ulong first) => Do(store => store.Compact(first));

    public void Truncate(ulong last) => Do(store => store.Truncate(last));

    public void Skip(ulong count, long at) => Do(store => store.Skip(count, at));

    /// <summary>The payload of a message; null: it is not there.</summary>
    public string? Text(ulong sequence) => Store.TryLoad(sequence, _buffer) ? Encoding.UTF8.GetString(_buffer.Payload) : null;

    /// <summary>The first sequence at or above one that filters let through; 0: none.</summary>
    public ulong Next(ulong atLeast, params string[] filters) => Store.TryLoadNext(SubjectFilter.Of(filters), atLeast, _buffer) ? _buffer.Sequence : 0;

    /// <summary>The first sequence at or below one, going down, that filters let through; 0: none.</summary>
    public ulong Previous(ulong atMost, params string[] filters) => Store.TryLoadPrevious(SubjectFilter.Of(filters), atMost, _buffer) ? _buffer.Sequence : 0;

    /// <summary>The last sequence of a literal subject; 0: none.</summary>
    public ulong Last(string subject) => Store.TryLoadLast(Encoding.UTF8.GetBytes(subject), ulong.MaxValue, _buffer) ? _buffer.Sequence : 0;

    public FilteredState Filtered(string filter, ulong atLeast = 1) => Store.Filtered(filter.Length == 0 ? SubjectFilter.All : SubjectFilter.Of(filter), atLeast);

    public ulong Pending(ulong atLeast, bool lastPerSubject, params string[] filters) => Store.CountPending(SubjectFilter.Of(filters), atLeast, lastPerSubject);

    public IReadOnlyList<ulong> LastSequences(ulong atMost, params string[] filters) => Store.LastSequences(SubjectFilter.Of(filters), atMost, int.MaxValue).ShouldNotBeNull();

    /// <summary>How often something read the disk.</summary>
    public int ReadsOf(Action action)
    {
        var reads = 0;
        Disk.Intercept = (call, _) => reads += call == DiskCall.Read ? 1 : 0;
        action();
        Disk.Intercept = null;
        return reads;
    }

    public void Checkpoint()
    {
        var checkpoint = Store.BeginCheckpoint((ulong)_log.Count);
        checkpoint.Run();
        checkpoint.Complete();
    }

    /// <summary>Closed after a checkpoint and opened: nothing is left for the log to tell.</summary>
    public void Restart()
    {
        if (Store is MemoryMessageStore) return;
        Checkpoint();
        Reopen();
        Store.AppliedIndex.ShouldBe((ulong)_log.Count);
    }

    /// <summary>The same of a store that another wrote to.</summary>
    /// <param name="applied">Operations the log has.</param>
    public void Restart(int applied)
    {
        var checkpoint = Store.BeginCheckpoint((ulong)applied);
        checkpoint.Run();
        checkpoint.Complete();
        Reopen();
    }

    /// <summary>The power fails: what the last checkpoint kept is there, the log tells the rest.</summary>
    public void LosePower()
    {
        if (Store is MemoryMessageStore) return;
        Disk = Disk.PowerCut();
        Reopen();
    }

    /// <summary>Whatever ends the server, what the store says of itself stays.</summary>
    public void ShouldStayAsItIs()
    {
        var (state, deleted, subjects) = (State, Deleted.ToList(), Subjects());
        foreach (var end in new[] { LosePower, Restart, LosePower })
        {
            end();
            State.ShouldBe(state);
            Deleted.ShouldBe(deleted);
            Subjects().ShouldBe(subjects);
        }
    }

    public void Dispose() => Store.Dispose();

    private List<string> Subjects() =>
        [.. Store.Subjects(SubjectFilter.All).Select(entry => $"{Encoding.UTF8.GetString(entry.Subject)} {entry.Messages} {entry.FirstSequence} {entry.LastSequence}").Order(StringComparer.Ordinal)];

    private FileMessageStore Open() => FileMessageStore.Open(Disk, FileStoreScript.Directory, _options);

    private void Reopen()
    {
        Store.Dispose();
        Store = Open();
        foreach (var operation in _log.Skip((int)Store.AppliedIndex)) operation(Store);
    }

    private void Do(Action<IMessageStore> operation)
    {
        _log.Add(operation);
        operation(Store);
    }

    private T Do<T>(Func<IMessageStore, T> operation)
    {
        _log.Add(store => operation(store));
        return operation(Store);
    }
}
