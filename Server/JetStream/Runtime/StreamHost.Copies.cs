using System.Collections.Immutable;
using System.Text;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Copies;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Copies from other streams, and what others copy from this one.</summary>
internal sealed partial class StreamHost
{
    private readonly Dictionary<string, ulong> _positions = [];
    private readonly Queue<(ulong Index, ulong Sequence)> _marks = [];
    private ulong _marked;
    private ImmutableArray<Action> _watchers = [];
    private SourceCopy[] _copies = [];
    private bool _isNudged;

    /// <summary>The last sequence that is durable, and so may be seen elsewhere.</summary>
    public ulong VisibleSequence { get; private set; }

    /// <summary>What the account calls the API of its own server; null: its prefix only.</summary>
    public string LocalApiPrefix => _context.Domain is { } domain ? $"$JS.{domain}.API" : "$JS.API";

    public long Now => _context.Now;

    /// <summary>Mirror or sources, how far they are. From any thread.</summary>
    public IReadOnlyList<StreamSourceInfo> Sources => [.. Volatile.Read(ref _copies).Select(copy => copy.Describe(Now))];

    /// <summary>Another stream of the account; null: there is none. From any thread.</summary>
    public StreamHost? FindNeighbour(string name) => _context.Find?.Invoke(name);

    /// <summary>Has something called, in this mailbox, whenever more has become visible. From any thread.</summary>
    public void Watch(Action watcher) => ImmutableInterlocked.Update(ref _watchers, watchers => watchers.Add(watcher));

    public void Unwatch(Action watcher) => ImmutableInterlocked.Update(ref _watchers, watchers => watchers.Remove(watcher));

    /// <summary>Origins may have come, or come back. From any thread.</summary>
    public void NudgeCopies()
    {
        if (Volatile.Read(ref _copies).Length == 0 || Interlocked.Exchange(ref _isNudged, true)) return;
        Post(() =>
        {
            Volatile.Write(ref _isNudged, false);
            NudgeAll();
        });
    }

    /// <summary>Stores a message of the mirrored stream under its own sequence and time; those left out are left out here too.</summary>
    /// <returns>False: too much is under way, it is to come again.</returns>
    public bool StoreMirrored(in StoredMessage message, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers) =>
        _leader!.TakeMirrored(new StoredMessage { Sequence = message.Sequence, Timestamp = message.Timestamp, Subject = subject, Headers = headers, Payload = message.Payload }, this);

    /// <summary>Stores a message of a source as if it had been published here now.</summary>
    /// <returns>False: too much is under way, it is to come again.</returns>
    public bool StoreSourced(in StoredMessage message, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers) =>
        _leader!.TakeSourced(new StoredMessage { Sequence = 0, Timestamp = Now, Subject = subject, Headers = headers, Payload = message.Payload }, this);

    /// <summary>Answers flow control of a consumer that is copied from, when all that was stored of it is durable.</summary>
    public void AnswerFlowControl(in FlowConfirmation confirmation) => _leader!.AnswerFlowControl(confirmation.Reply, confirmation.Consumer, confirmation.Stream, this);

    /// <summary>Clock and timers.</summary>
    internal TimeProvider Time => _context.Time;

    /// <summary>What is to be copied, as the configuration says.</summary>
    private void MakeCopies()
    {
        StopCopies();
        var configuration = Configuration;
        if (configuration.Mirror is { } mirror)
        {
            ulong? next = _store.State.LastSequence > 0 ? _store.State.LastSequence + 1 : null;
            _copies = [new SourceCopy(this, mirror, next)];
        }
        else
        {
            FindPositions();
            _copies = [.. configuration.Sources.Select(source => new SourceCopy(this, source, _positions.TryGetValue(source.IndexName, out var last) ? last + 1 : null))];
        }
    }

    /// <summary>By which origins know it.</summary>
    public CopyIdentity CopyIdentity => IdentityOf(Configuration);

    private CopyIdentity IdentityOf(StreamConfiguration configuration) => new(configuration, Account.Name, _context.Domain);

    /// <summary>Consumers that were made for this stream at its origins, and are for nothing any more, go.</summary>
    /// <param name="before">What it was.</param>
    /// <param name="after">What it is; null: it is no more.</param>
    private void RemoveCopyConsumers(StreamConfiguration before, StreamConfiguration? after)
    {
        if (!_leads) return;
        var needed = after is null ? [] : IdentityOf(after).Consumers.Keys.ToHashSet();
        foreach (var (key, source) in IdentityOf(before).Consumers)
        {
            var isReadDirectly = source.External is null && FindNeighbour(source.Name) is { Configuration.Retention: RetentionPolicy.Limits };
            if (!isReadDirectly && !needed.Contains(key)) Account.PublishInternal(FeedRequest.RemovalOf(source, key.Consumer), default, default, null);
        }
    }

    private void NudgeAll()
    {
        foreach (var copy in _copies) copy.Nudge();
    }

    private bool HasHeldCopies => Array.Exists(_copies, static copy => copy.IsHeldUp);

    /// <summary>Some of what was under way may have been agreed on.</summary>
    private void GoOnWithCopies()
    {
        if (!_leads || Fault is not null || _isStopping) return;
        foreach (var copy in _copies) copy.GoOn();
    }

    private void StopCopies()
    {
        NotePositions();
        foreach (var copy in _copies) copy.Stop();
        _copies = [];
    }

    /// <summary>What has been read is stored, with a stream alone; members of a group note what has been agreed on.</summary>
    private void NotePositions()
    {
        if (Configuration.Sources.IsEmpty || _group is not null) return;
        foreach (var copy in _copies)
        {
            if (copy.Next > 1) NotePosition(copy.IndexName, copy.Next - 1);
        }
    }

    /// <summary>How far sources are is part of the checkpoint that begins.</summary>
    private void KeepPositions()
    {
        if (Configuration.Sources.IsEmpty) return;
        NotePositions();
        Record = Record with { Positions = new Dictionary<string, ulong>(_positions) };
    }

    /// <summary>How far each source is: what the record says, or the stored messages.</summary>
    private void FindPositions()
    {
        if (Configuration.Sources.IsEmpty) return;
        foreach (var (name, sequence) in Record.Positions) NotePosition(name, sequence);
        var missing = Configuration.Sources.Select(source => source.IndexName).Where(name => !_positions.ContainsKey(name)).ToHashSet();
        var message = new MessageBuffer();
        for (var sequence = _store.State.LastSequence; missing.Count > 0 && sequence > 0 && _store.TryLoadPrevious(SubjectFilter.All, sequence, message); sequence = message.Sequence - 1)
        {
            if (NotePosition(message.Headers) is { } name) missing.Remove(name);
        }
    }

    /// <summary>Notes which source a message came from.</summary>
    /// <returns>The source; null: none.</returns>
    private string? NotePosition(ReadOnlySpan<byte> headers)
    {
        var origin = new PublishHeaders(headers).StreamSource;
        if (origin.IsEmpty) return null;
        var fields = Encoding.UTF8.GetString(origin).Split(' ');
        if (fields.Length < 4 || !ulong.TryParse(fields[1], out var sequence)) return null;
        var name = $"{fields[0]} {fields[2]} {fields[3]}";
        NotePosition(name, sequence);
        return name;
    }

    /// <summary>Of a source it has: anybody may write the header.</summary>
    private void NotePosition(string name, ulong sequence)
    {
        if (Configuration.Sources.Any(source => source.IndexName == name)) _positions[name] = Math.Max(sequence, _positions.GetValueOrDefault(name));
    }

    /// <summary>What the log has by now may be seen, once it is durable.</summary>
    private void MarkVisible()
    {
        var last = _store.State.LastSequence;
        if (last == _marked) return;
        _marked = last;
        _marks.Enqueue((AnswersAtOnce ? 0 : _index, last));
    }

    private void ShowVisible()
    {
        var before = VisibleSequence;
        while (_marks.TryPeek(out var mark) && mark.Index <= _durable) VisibleSequence = _marks.Dequeue().Sequence;
        if (VisibleSequence == before) return;
        _consumers.Show(VisibleSequence);
        if (_consumers.HasDue) Wake();
        foreach (var watcher in _watchers) watcher();
    }
}
