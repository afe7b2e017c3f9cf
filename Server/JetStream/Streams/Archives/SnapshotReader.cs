using System.Buffers;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>What an archive may hold.</summary>
public sealed record SnapshotLimits
{
    /// <summary>Bytes of the archive when it is unpacked.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>Files in it.</summary>
    public int MaxFiles { get; init; } = 1_000_000;

    /// <summary>Bytes of all consumers' files, which are held in memory.</summary>
    public long MaxConsumerBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>Take what can be read of a damaged archive and report the rest, where otherwise it is refused.</summary>
    public bool Salvage { get; init; }
}

/// <summary>What an archive held besides its messages.</summary>
/// <param name="Configuration">Of the stream when the snapshot was taken; not validated.</param>
/// <param name="Created">When that stream was created.</param>
/// <param name="Consumers">By name.</param>
/// <param name="Report">What was wrong; clean unless <see cref="SnapshotLimits.Salvage"/> was asked for.</param>
public sealed record RestoredStream(StreamConfiguration Configuration, ApiTime Created, IReadOnlyList<GoConsumer> Consumers, GoStoreReport Report);

/// <summary>
/// Takes a stream's archive in pieces (an S2 stream of a tar archive: <c>meta.inf</c>, <c>meta.sum</c>, <c>msgs/N.blk</c>,
/// <c>msgs/index.db</c>, <c>obs/NAME/…</c>) and puts its messages into a store. Holds one block in memory, and writes no
/// files of its own: names in the archive never become paths. After an error the store is to be dropped.
/// </summary>
public sealed partial class SnapshotReader : IDisposable
{
    private const int PieceLength = 64 * 1024;

    private readonly string _stream;
    private readonly IMessageStore _target;
    private readonly SnapshotLimits _limits;
    private readonly GoStoreReport _report = new();
    private readonly GoMessageImport _import;
    private readonly ArchiveReader _archive;
    private readonly S2Decoder _decoder = new();
    private long _unpacked;
    private bool _isFirst = true;
    private string? _error;

    /// <param name="stream">Name that the archive's stream must have.</param>
    /// <param name="target">An empty store.</param>
    /// <param name="limits">What it may hold.</param>
    public SnapshotReader(string stream, IMessageStore target, SnapshotLimits limits)
    {
        (_stream, _target, _limits) = (stream, target, limits);
        _import = new GoMessageImport(stream, target, _report);
        _archive = new ArchiveReader(this);
    }

    /// <summary>Bytes taken so far, as they came.</summary>
    public long Received { get; private set; }

    /// <summary>It is refused because it holds more than it may.</summary>
    public bool IsTooLarge => _unpacked > _limits.MaxBytes;

    /// <summary>Takes the next bytes.</summary>
    /// <returns>Null, or why the archive is refused; it stays so.</returns>
    /// <exception cref="Storage.Disk.DiskException">The store's disk failed.</exception>
    public string? Push(ReadOnlySpan<byte> chunk)
    {
        if (_error is not null) return _error;
        Received += chunk.Length;
        var piece = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            int count;
            do
            {
                count = _decoder.Decode(chunk, piece.AsSpan(0, PieceLength), out var consumed);
                chunk = chunk[consumed..];
                _error = Take(piece.AsSpan(0, count));
            }
            while (_error is null && (count > 0 || _decoder.HasDecoded));
        }
        catch (InvalidDataException e)
        {
            _error = e.Message;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        return _error;
    }

    /// <summary>Ends the archive: nothing more comes.</summary>
    /// <param name="restored">What it held; null with an error.</param>
    /// <returns>Null, or why it is refused.</returns>
    /// <exception cref="Storage.Disk.DiskException">The store's disk failed.</exception>
    public string? Finish(out RestoredStream? restored)
    {
        restored = null;
        return _error ??= Complete(out restored);
    }

    public void Dispose() => _decoder.Dispose();

    private string? Take(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return null;
        _unpacked += bytes.Length;
        if (_unpacked > _limits.MaxBytes) return $"more than {_limits.MaxBytes} bytes";
        if (_isFirst && bytes.StartsWith("NATSARC1"u8)) return "an archive of version 2, which this server does not read";
        _isFirst = false;
        return _archive.Push(bytes);
    }

    private string? Complete(out RestoredStream? restored)
    {
        restored = null;
        if (!_decoder.IsBetweenChunks || !_archive.IsEnded) return "the archive is cut off";
        if (_meta is null) return $"there is no {GoMetaFile.Name}";
        if (_sum is null) return $"there is no {GoMetaFile.SumName}";
        if (GoStream.ReadConfiguration(_meta, _stream, out var configuration, out var created) is { } error)
        {
            return configuration.Name.Length > 0 && configuration.Name != _stream ? "stream names do not match" : $"{GoMetaFile.Name}: {error}";
        }
        if (!SumIs(_sum, _stream, _meta)) return $"the checksum of {GoMetaFile.Name} does not match";
        if (ReadConsumers(out var consumers) is { } wrong) return wrong;
        _import.Finish(_index, isCurrent: _index is not null && _index.LastBlock == _lastBlock && _index.LastChecksum == _lastChecksum);
        if (!_limits.Salvage && !_report.IsClean) return _report.ToString();
        new StreamLimits(configuration, _target).EnforceAll();
        restored = new RestoredStream(configuration, created, consumers, _report);
        return null;
    }
}
