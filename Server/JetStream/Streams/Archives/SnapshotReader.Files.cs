using System.Text;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>The files of an archive: which there may be, how long, and what becomes of each.</summary>
public sealed partial class SnapshotReader : IArchiveFiles
{
    private const int MaxSum = 64;
    private const int MaxConsumerConfiguration = 1024 * 1024;
    private const int MaxConsumerState = 64 * 1024 * 1024;
    private const int MaxError = 4096;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConsumerFiles> _consumers = new(StringComparer.Ordinal);
    private byte[] _content = [];
    private int _count;
    private string _name = "";
    private bool _isKept;
    private long _consumerBytes;
    private long _lastBlock = -1;
    private byte[]? _meta;
    private byte[]? _sum;
    private GoIndex? _index;
    private ulong _lastChecksum;

    string? IArchiveFiles.Begin(string name, long length)
    {
        if (_seen.Count == _limits.MaxFiles) return $"more than {_limits.MaxFiles} files";
        var most = MostOf(name);
        if (most < 0) return $"unexpected content '{ArchiveReader.Shown(name)}'";
        if (!_seen.Add(name)) return $"'{name}' comes twice";
        if (length > most) return $"'{name}' of {length} bytes, more than {most}";
        (_name, _count, _isKept) = (name, 0, !IsPassedOver(name));
        if (name.StartsWith("obs/", StringComparison.Ordinal)) _consumerBytes += length;
        return _consumerBytes > _limits.MaxConsumerBytes ? $"consumers of more than {_limits.MaxConsumerBytes} bytes" : null;
    }

    string? IArchiveFiles.Content(ReadOnlySpan<byte> bytes)
    {
        if (!_isKept) return null;
        // Memory is taken as bytes come, whatever their length was said to be.
        if (_content.Length - _count < bytes.Length) Array.Resize(ref _content, Math.Max(_count + bytes.Length, _content.Length * 2));
        bytes.CopyTo(_content.AsSpan(_count));
        _count += bytes.Length;
        return null;
    }

    string? IArchiveFiles.End()
    {
        var content = _content.AsSpan(0, _count);
        switch (_name)
        {
            case GoMetaFile.Name:
                _meta = content.ToArray();
                return null;
            case GoMetaFile.SumName:
                _sum = content.ToArray();
                return null;
            case "msgs/index.db":
                return EndIndex(content);
            case "errors.txt":
                return $"the snapshot had failed: {ArchiveReader.Shown(Encoding.UTF8.GetString(content))}";
        }
        if (!_isKept) return null;
        if (TryNumbered(_name, ".idx", out var number)) return EndBlockIndex(number, content);
        if (!TryNumbered(_name, ".blk", out number)) return EndConsumerFile(content);
        if (number <= _lastBlock) return $"'{_name}' comes behind block {_lastBlock}";
        _lastBlock = number;
        _lastChecksum = GoMessageImport.ChecksumOf(content);
        _import.Block(number, content, _name);
        return _limits.Salvage || _report.IsClean ? null : _report.ToString();
    }

    /// <summary>Longest file of a name; negative: there must be none.</summary>
    private static long MostOf(string name)
    {
        switch (name)
        {
            case GoMetaFile.Name: return GoMetaFile.MaxLength;
            case GoMetaFile.SumName: return MaxSum;
            case "msgs/index.db": return GoMessageDirectory.MaxIndex;
            case "errors.txt": return MaxError;
        }
        if (IsPassedOver(name)) return GoMessageDirectory.MaxIndex;
        if (TryNumbered(name, ".blk", out _) || TryNumbered(name, ".idx", out _)) return GoBlockFormat.MaxBlock;
        return name.Split('/') is ["obs", { Length: > 0 } consumer, var file] && consumer is not ("." or "..") && !consumer.Any(char.IsControl)
            ? file switch
            {
                GoMetaFile.Name => MaxConsumerConfiguration,
                GoMetaFile.SumName => MaxSum,
                "o.dat" => MaxConsumerState,
                _ => -1,
            }
            : -1;
    }

    /// <summary>Whether a name is that of a block's file with an end.</summary>
    private static bool TryNumbered(string name, string end, out uint number)
    {
        number = 0;
        return name.StartsWith("msgs/", StringComparison.Ordinal) && GoMessageDirectory.TryNumbered(name["msgs/".Length..], end, out number);
    }

    /// <summary>What can be made again from the messages.</summary>
    private static bool IsPassedOver(string name) => name is "msgs/thw.db" or "msgs/sched.db" || TryNumbered(name, ".fss", out _);

    /// <summary>Archives of servers before 2.10 have one for each block; damaged ones are done without, as they did.</summary>
    private string? EndBlockIndex(uint number, ReadOnlySpan<byte> content)
    {
        if (GoBlockIndex.Read(content) is { } index) _import.BlockIndex(number, index);
        return null;
    }

    private string? EndIndex(ReadOnlySpan<byte> content)
    {
        if (GoIndex.Read(content.ToArray(), _stream, key: null, out _index) is not { } error) return null;
        _report.Add(_name, 0, error);
        return _limits.Salvage ? null : $"{_name}: {error}";
    }

    private string? EndConsumerFile(ReadOnlySpan<byte> content)
    {
        var parts = _name.Split('/');
        if (!_consumers.TryGetValue(parts[1], out var files)) _consumers.Add(parts[1], files = new ConsumerFiles());
        var bytes = content.ToArray();
        if (parts[2] == GoMetaFile.Name) files.Meta = bytes;
        else if (parts[2] == GoMetaFile.SumName) files.Sum = bytes;
        else files.State = bytes;
        return null;
    }

    private string? ReadConsumers(out List<GoConsumer> consumers)
    {
        consumers = [];
        foreach (var (name, files) in _consumers.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            if (files.Meta is null) return $"consumer '{name}' has no {GoMetaFile.Name}";
            if (files.Sum is null) return $"consumer '{name}' has no {GoMetaFile.SumName}";
            if (!SumIs(files.Sum, $"{_stream}/{name}", files.Meta)) return $"the checksum of consumer '{name}' does not match";
            GoConsumerState? state = null;
            if (files.State is { Length: > 0 } bytes && GoConsumerState.Read(bytes, out state) is { } error) return $"the state of consumer '{name}': {error}";
            if (GoConsumer.Parse(name, files.Meta, state, files.State ?? [], out var consumer) is { } wrong) return $"the configuration of consumer '{name}': {wrong}";
            consumers.Add(consumer!);
        }
        return null;
    }

    private static bool SumIs(byte[] sum, string name, byte[] meta) => Encoding.ASCII.GetString(sum) == GoMetaFile.Sum(name, meta);

    private sealed class ConsumerFiles
    {
        public byte[]? Meta { get; set; }

        public byte[]? Sum { get; set; }

        public byte[]? State { get; set; }
    }
}
