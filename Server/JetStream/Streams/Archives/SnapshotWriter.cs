using System.Buffers;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>A consumer to go into an archive.</summary>
/// <param name="Name">Of the consumer.</param>
/// <param name="Configuration">JSON of <c>meta.inf</c>: the configuration with <c>Created</c> and <c>Name</c>.</param>
/// <param name="State">Of <c>o.dat</c> (<see cref="GoConsumerState"/>).</param>
public sealed record SnapshotConsumer(string Name, ReadOnlyMemory<byte> Configuration, ReadOnlyMemory<byte> State);

/// <summary>
/// Makes a stream's archive as it is asked for, piece by piece: upstream's format, which a Go server restores. Holds about
/// two blocks in memory. Belongs to the stream's mailbox like the store. Messages that come later are not in it; those
/// removed in the meantime may be missing.
/// </summary>
/// <remarks>
/// No <c>index.db</c> is written: servers that find none read the blocks. What is deleted within a block has the record of a
/// sequence left out, which all versions know; a large gap begins another block.
/// </remarks>
public sealed class SnapshotWriter
{
    private const int BlockSize = 2 * 1024 * 1024;

    /// <summary>A larger gap begins another block: within a block each sequence left out has a record.</summary>
    private const ulong MaxGap = 1024;

    private readonly IMessageStore _store;
    private readonly string _stream;
    private readonly DateTimeOffset _time;
    private readonly IEnumerator<(string Name, ReadOnlyMemory<byte> Content)> _files;
    private readonly S2Encoder _encoder = new();
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly MessageBuffer _message = new();
    private readonly ulong _last;
    private readonly long _lastTimestamp;
    private byte[] _encoded = [];
    private int _taken;
    private int _count;
    private bool _isEnded;
    private ulong _next;
    private long _timestamp;

    /// <param name="configuration">As it is stored.</param>
    /// <param name="created">When the stream was created.</param>
    /// <param name="store">Its messages.</param>
    /// <param name="consumers">Those that go along.</param>
    /// <param name="time">Present time; that of the files in the archive.</param>
    public SnapshotWriter(StreamConfiguration configuration, ApiTime created, IMessageStore store, IReadOnlyList<SnapshotConsumer> consumers, DateTimeOffset time)
    {
        (_store, _stream, _time) = (store, configuration.Name, time);
        var state = store.State;
        (_next, _last, _lastTimestamp) = (state.FirstSequence, state.LastSequence, state.LastTimestamp);
        _timestamp = state.FirstTimestamp;
        _files = Files(Meta(configuration, created), consumers).GetEnumerator();
    }

    /// <summary>Writes the next bytes of the archive.</summary>
    /// <returns>Bytes written, as many as fit until the end comes; 0: this is the end.</returns>
    /// <exception cref="CorruptStoreException">A message cannot be read.</exception>
    /// <exception cref="Storage.Disk.DiskException">The disk failed.</exception>
    public int Read(Span<byte> target)
    {
        var written = 0;
        while (written < target.Length)
        {
            if (_taken == _count && !EncodeNext()) break;
            var count = Math.Min(target.Length - written, _count - _taken);
            _encoded.AsSpan(_taken, count).CopyTo(target[written..]);
            _taken += count;
            written += count;
        }
        return written;
    }

    /// <summary>What stands in a stream's <c>meta.inf</c>.</summary>
    internal static byte[] Meta(StreamConfiguration configuration, ApiTime created) =>
        [.. Encoding.UTF8.GetBytes($$"""{"Created":"{{created}}","""), .. JetStreamJson.Write(configuration).AsSpan(1)];

    /// <summary>Encodes one more file, or the end.</summary>
    private bool EncodeNext()
    {
        if (_isEnded) return false;
        (_taken, _count) = (0, 0);
        if (!_files.MoveNext())
        {
            _isEnded = true;
            Encode(new byte[2 * TarFormat.Block]);
            return true;
        }
        var (name, content) = _files.Current;
        Encode(TarFormat.Header(name, content.Length, _time));
        Encode(content.Span);
        Encode(new byte[TarFormat.Padding(content.Length)]);
        return true;
    }

    private void Encode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var needed = _count + _encoder.MaxLength(bytes.Length);
        if (_encoded.Length < needed) Array.Resize(ref _encoded, needed);
        _count += _encoder.Encode(bytes, _encoded.AsSpan(_count));
    }

    private IEnumerable<(string Name, ReadOnlyMemory<byte> Content)> Files(byte[] meta, IReadOnlyList<SnapshotConsumer> consumers)
    {
        yield return (GoMetaFile.Name, meta);
        yield return (GoMetaFile.SumName, Encoding.ASCII.GetBytes(GoMetaFile.Sum(_stream, meta)));
        for (uint number = 1; FillBlock(number); number++) yield return ($"msgs/{number}.blk", _block.WrittenMemory);
        foreach (var consumer in consumers)
        {
            var directory = "obs/" + consumer.Name;
            yield return ($"{directory}/{GoMetaFile.Name}", consumer.Configuration);
            yield return ($"{directory}/{GoMetaFile.SumName}", Encoding.ASCII.GetBytes(GoMetaFile.Sum($"{_stream}/{consumer.Name}", consumer.Configuration.Span)));
            yield return ($"{directory}/o.dat", consumer.State);
        }
    }

    /// <summary>Makes the next block; false: there is nothing left for one.</summary>
    private bool FillBlock(uint number)
    {
        _block.ResetWrittenCount();
        var key = GoBlockFormat.KeyOf(_stream, number);
        while (_store.TryLoadNext(SubjectFilter.All, _next, _message) && _message.Sequence <= _last)
        {
            var gap = _message.Sequence - _next;
            if (_block.WrittenCount > 0 && gap > MaxGap) return true;
            if (_block.WrittenCount > 0) SkipThrough(_message.Sequence - 1, _timestamp, key);
            if (_block.WrittenCount >= BlockSize) return true;
            Write(key);
        }
        // The sequences at the end may be gone; the last one has been given all the same.
        if (_block.WrittenCount > 0 && _last - _next < MaxGap) SkipThrough(_last, _lastTimestamp, key);
        else if (_block.WrittenCount == 0 && _last > 0 && (_next <= _last || number == 1)) Skip(_last, _lastTimestamp, key);
        return _block.WrittenCount > 0;
    }

    /// <summary>Each sequence left out within a block: servers before 2.10 count records to find a sequence.</summary>
    private void SkipThrough(ulong last, long timestamp, byte[] key)
    {
        while (_next <= last) Skip(_next, timestamp, key);
    }

    private void Write(byte[] key)
    {
        var length = GoBlockFormat.LengthOf(_message.Subject.Length, _message.Headers.Length, _message.Payload.Length);
        var message = new StoredMessage
        {
            Sequence = _message.Sequence,
            Timestamp = _message.Timestamp,
            Subject = _message.Subject,
            Headers = _message.Headers,
            Payload = _message.Payload,
        };
        _block.Advance(GoBlockFormat.Write(_block.GetSpan(length), message, key));
        (_next, _timestamp) = (_message.Sequence + 1, _message.Timestamp);
    }

    private void Skip(ulong sequence, long timestamp, byte[] key)
    {
        _block.Advance(GoBlockFormat.WriteSkip(_block.GetSpan(GoBlockFormat.EmptyRecord), sequence, timestamp, key));
        _next = sequence + 1;
    }
}
