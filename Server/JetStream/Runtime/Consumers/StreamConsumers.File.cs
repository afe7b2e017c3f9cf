using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// All consumers of a stream in one file, written with each checkpoint that has seen a change.
/// <code>
/// u32 CRC-32C of what follows, "NACS" 1, uvarint operation of the log that it stands for, uvarint last id
/// { uvarint length, JSON (ConsumerRecord), uvarint length, state (clusterwire.md §8.2; empty: none yet) }
/// </code>
/// </summary>
internal sealed partial class StreamConsumers
{
    private static ReadOnlySpan<byte> FileMark => "NACS\u0001"u8;

    /// <summary>All that outlive the server.</summary>
    /// <param name="index">The last operation of the log that is in it.</param>
    public byte[] Encode(ulong index)
    {
        var file = new ArrayBufferWriter<byte>(256);
        file.Write(stackalloc byte[4]);
        file.Write(FileMark);
        Write(file, index);
        Write(file, _lastId);
        var state = new ArrayBufferWriter<byte>();
        foreach (var consumer in All.Where(consumer => consumer.IsKept))
        {
            state.ResetWrittenCount();
            if (consumer.Replica.HasState) consumer.Replica.Encode(state);
            var record = consumer.Record.Encode();
            Write(file, (ulong)record.Length);
            file.Write(record);
            Write(file, (ulong)state.WrittenCount);
            file.Write(state.WrittenSpan);
        }
        var bytes = file.WrittenSpan.ToArray();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Compute(bytes.AsSpan(4)));
        return bytes;
    }

    /// <summary>Takes in what a file says. Before the log is replayed.</summary>
    /// <exception cref="CorruptStoreException">It cannot be trusted.</exception>
    public void Decode(string path, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4 + FileMark.Length || System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Compute(bytes[4..])) throw new CorruptStoreException($"{path} at 0: the checksum is wrong.");
        if (!bytes[4..].StartsWith(FileMark)) throw new CorruptStoreException($"{path} at 4: no file of consumers that this version knows.");
        var reader = new SpanReader(bytes[(4 + FileMark.Length)..]);
        if (!reader.TryReadUvarint(out var index) || !reader.TryReadUvarint(out _lastId)) throw new CorruptStoreException($"{path} ends early.");
        while (!reader.IsAtEnd)
        {
            if (!TryReadBlock(ref reader, out var record) || !TryReadBlock(ref reader, out var state)) throw new CorruptStoreException($"{path} ends early.");
            var consumer = new ConsumerHost(this, ConsumerRecord.Decode(record));
            if (!state.IsEmpty && consumer.Replica.Decode(state) is { } error) throw new CorruptStoreException($"{path}: consumer {consumer.Name}: {error}.");
            Add(consumer);
        }
        _fileIndex = index;
    }

    /// <summary>Takes in a consumer as a Go server or an archive has it.</summary>
    /// <exception cref="CorruptStoreException">It cannot be read.</exception>
    public void Import(SnapshotConsumer consumer)
    {
        if (ApiReader.ReadSingle(consumer.Configuration.Span, new ConsumerConfiguration(), ConsumerConfiguration.Read, out var configuration) is { } unreadable) throw Unreadable(unreadable);
        if (ApiReader.ReadSingle(consumer.Configuration.Span, default(ApiTime), GoStream.ReadCreated, out var created) is { } undated) throw Unreadable(undated);
        var host = new ConsumerHost(this, new ConsumerRecord(++_lastId, created.UnixNanoseconds, consumer.Name, configuration));
        if (!consumer.State.IsEmpty && host.Replica.Decode(consumer.State.Span) is { } damaged) throw Unreadable(damaged);
        Add(host);

        CorruptStoreException Unreadable(string reason) => new($"Consumer {consumer.Name} of stream {Host.Configuration.Name}: {reason}.");
    }

    /// <summary>The consumers for an archive, by name.</summary>
    public IReadOnlyList<SnapshotConsumer> ForSnapshot() => [.. All.Where(consumer => !consumer.Configuration.Direct).Select(consumer =>
    {
        var state = new ArrayBufferWriter<byte>();
        consumer.Replica.Encode(state);
        return new SnapshotConsumer(consumer.Name, MetaOf(consumer), state.WrittenMemory);
    })];

    /// <summary>A Go server's <c>meta.inf</c>: when it was made and its name, before its configuration.</summary>
    private static byte[] MetaOf(ConsumerHost consumer)
    {
        var head = Encoding.UTF8.GetBytes($"{{\"Created\":{JsonSerializer.Serialize(ApiTime.FromUnix(consumer.Record.Created).ToString())},\"Name\":{JsonSerializer.Serialize(consumer.Name)},");
        var configuration = JetStreamJson.Write(consumer.Configuration);
        return [.. head, .. configuration.AsSpan(1)];
    }

    private static void Write(ArrayBufferWriter<byte> target, ulong value)
    {
        var writer = new SpanWriter(target.GetSpan(SpanWriter.MaxVarintLength));
        writer.Uvarint(value);
        target.Advance(writer.Count);
    }

    private static bool TryReadBlock(ref SpanReader reader, out ReadOnlySpan<byte> block)
    {
        block = default;
        return reader.TryReadUvarint(out var length) && length <= int.MaxValue && reader.TryReadBytes((long)length, out block);
    }
}
