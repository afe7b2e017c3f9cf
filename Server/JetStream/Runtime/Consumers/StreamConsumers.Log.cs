using System.Buffers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// What of consumers stands in the stream's log. Deliveries and acknowledgements that nobody waits for go there
/// together a little later: what is lost of them is delivered again.
/// </summary>
internal sealed partial class StreamConsumers
{
    private const int MostLazyBytes = 64 << 10;

    /// <summary>Nanoseconds that they wait at most.</summary>
    private const long LazyFor = 100_000_000;

    private readonly ArrayBufferWriter<byte> _lazy = new();
    private readonly ArrayBufferWriter<byte> _entry = new();
    private readonly List<ulong> _unneeded = [];
    private long _lazySince;

    /// <summary>The operation of the log that the last read file of consumers stands for.</summary>
    private ulong _fileIndex;

    /// <summary>Notes an entry of a consumer, which it has applied.</summary>
    public void Log(ConsumerHost consumer, ReadOnlySpan<byte> entry)
    {
        if (!consumer.IsKept || !_isRunning) return;
        if (_lazy.WrittenCount == 0)
        {
            _lazy.Write([GroupEntry.Consumers]);
            _lazySince = Host.Now;
        }
        var writer = new SpanWriter(_lazy.GetSpan((2 * SpanWriter.MaxVarintLength) + entry.Length));
        writer.Uvarint(consumer.Record.Id);
        writer.Uvarint((ulong)entry.Length);
        writer.Bytes(entry);
        _lazy.Advance(writer.Count);
        if (_lazy.WrittenCount >= MostLazyBytes) ProposeLazy();
    }

    /// <summary>Puts what consumers have done into the log.</summary>
    public void ProposeLazy()
    {
        if (_lazy.WrittenCount == 0) return;
        Host.Propose(_lazy.WrittenSpan);
        _lazy.ResetWrittenCount();
        _lazySince = 0;
    }

    /// <summary>The same, when it has waited long enough.</summary>
    public void ProposeLazyIfDue(long now)
    {
        if (_lazySince != 0 && now - _lazySince >= LazyFor) ProposeLazy();
    }

    /// <summary>Applies one of the operations that are not the stream's own.</summary>
    /// <param name="index">Its place in the log.</param>
    /// <param name="entry">The operation.</param>
    /// <param name="isReplay">The log shows it again at a start; otherwise what it says of consumers has happened already.</param>
    /// <exception cref="CorruptStoreException">It cannot be read.</exception>
    public void Apply(ulong index, ReadOnlySpan<byte> entry, bool isReplay)
    {
        var body = entry[1..];
        if (entry[0] == GroupEntry.Acknowledged)
        {
            ApplyUnneeded(index, body);
            return;
        }
        if (!isReplay || index <= _fileIndex) return;
        switch (entry[0])
        {
            case GroupEntry.Assigned: ReplayAssigned(ConsumerRecord.Decode(body)); break;
            case GroupEntry.Removed: ReplayRemoved(index, body); break;
            default: ReplayConsumers(index, body); break;
        }
    }

    private void Assign(ConsumerHost consumer)
    {
        if (!consumer.IsKept) return;
        ProposeLazy();
        _entry.ResetWrittenCount();
        _entry.Write([GroupEntry.Assigned]);
        _entry.Write(consumer.Record.Encode());
        Host.Propose(_entry.WrittenSpan);
    }

    private void ProposeRemoval(ConsumerHost consumer)
    {
        ProposeLazy();
        Span<byte> room = stackalloc byte[1 + SpanWriter.MaxVarintLength];
        var writer = new SpanWriter(room);
        writer.Byte(GroupEntry.Removed);
        writer.Uvarint(consumer.Record.Id);
        Host.Propose(room[..writer.Count]);
    }

    private void ProposeUnneeded()
    {
        if (_unneeded.Count == 0) return;
        if (Host.Group is not null)
        {
            RemoveUnneededHere();
            return;
        }
        // The acknowledgements come first: or a crash between would have messages without their consumers' word.
        ProposeLazy();
        _entry.ResetWrittenCount();
        _entry.Write([GroupEntry.Acknowledged]);
        foreach (var sequence in _unneeded)
        {
            var writer = new SpanWriter(_entry.GetSpan(SpanWriter.MaxVarintLength));
            writer.Uvarint(sequence);
            _entry.Advance(writer.Count);
        }
        Host.Propose(_entry.WrittenSpan);
    }

    private void ApplyUnneeded(ulong index, ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadUvarint(out var sequence)) throw Damaged(index);
            _store.Remove(sequence, erase: false);
        }
    }

    private void ReplayAssigned(ConsumerRecord record)
    {
        if (_byId.TryGetValue(record.Id, out var known))
        {
            RemoveInterest(known);
            known.Update(record, 0);
            AddInterest(known);
        }
        else Add(new ConsumerHost(this, record));
    }

    private void ReplayRemoved(ulong index, ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        if (!reader.TryReadUvarint(out var id)) throw Damaged(index);
        if (_byId.TryGetValue(id, out var consumer)) Drop(consumer);
    }

    private void ReplayConsumers(ulong index, ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadUvarint(out var id) || !reader.TryReadUvarint(out var length) || length > int.MaxValue || !reader.TryReadBytes((long)length, out var entry)) throw Damaged(index);
            // Of one that has been deleted since the file was written, nothing is left to be known.
            if (_byId.TryGetValue(id, out var consumer) && !consumer.Replica.Apply(entry, consumer)) throw Damaged(index);
        }
    }

    private CorruptStoreException Damaged(ulong index) => new($"Operation {index} of stream {Host.Configuration.Name}, about consumers, cannot be read.");
}
