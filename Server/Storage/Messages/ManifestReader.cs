using System.Buffers.Binary;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>Reads the parts of a manifest.</summary>
internal sealed class ManifestReader
{
    private const int MaxPart = 1 << 20;

    private readonly FrameCodec _codec;
    private readonly IDiskFile _file;
    private byte[] _part = [];
    private int _at;
    private uint _parts;
    private long _offset;
    private bool _ended;

    public ManifestReader(FrameCodec codec, IDiskFile file)
    {
        (_codec, _file) = (codec, file);
        NextPart();
    }

    /// <summary>Number of the manifest.</summary>
    public ulong ManifestNumber { get; private set; }

    public ulong Number()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Bytes(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_at == _part.Length) NextPart();
            var one = _part[_at++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80) return value;
        }
        throw Wrong("an endless number");
    }

    /// <summary>A number that stands for so many things, of at most a limit.</summary>
    public int Count(ulong most)
    {
        var value = Varint();
        return value <= most ? (int)value : throw Wrong("an impossible count");
    }

    public void Bytes(Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            if (_at == _part.Length) NextPart();
            var there = Math.Min(target.Length, _part.Length - _at);
            _part.AsSpan(_at, there).CopyTo(target);
            _at += there;
            target = target[there..];
        }
    }

    /// <summary>Makes sure that this was all.</summary>
    public void End()
    {
        if (!_ended || _at != _part.Length || _offset != _file.Length) throw Wrong("more than a manifest");
    }

    public CorruptStoreException Wrong(string what) => FrameCodec.Corrupt(_file, _offset, what);

    private void NextPart()
    {
        do
        {
            if (_ended) throw Wrong("the manifest ends too early");
            var head = _codec.Read(_file, ManifestWriter.File, _offset);
            if (_parts == 0) ManifestNumber = head.First;
            var isNext = head.Kind is FrameKind.Manifest or FrameKind.ManifestEnd && head.Count == _parts && head.First == ManifestNumber;
            if (!isNext || head.Length > MaxPart) throw Wrong("not the next part of a manifest");
            if (_part.Length != head.Length) _part = new byte[head.Length];
            _codec.Take(_part, _file, _offset);
            _ended = head.Kind == FrameKind.ManifestEnd;
            _offset += _codec.LastLength;
            _parts++;
            _at = 0;
        }
        while (_part.Length == 0 && !_ended);
        if (_part.Length == 0 && _parts > 1) throw Wrong("the manifest ends too early");
    }
}
