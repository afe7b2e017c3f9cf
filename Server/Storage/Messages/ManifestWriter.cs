using System.Buffers.Binary;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>Writes the parts of a manifest.</summary>
internal sealed class ManifestWriter(FrameCodec codec, IDiskFile file, ulong number, bool compress)
{
    /// <summary>Instead of a file number: a manifest is no block.</summary>
    public const ulong File = ulong.MaxValue;

    private const int PartLength = 64 * 1024;

    private readonly byte[] _part = new byte[PartLength];
    private int _length;
    private uint _parts;
    private long _offset;

    public void Number(ulong value)
    {
        if (PartLength - _length < sizeof(ulong)) Flush(FrameKind.Manifest);
        BinaryPrimitives.WriteUInt64LittleEndian(_part.AsSpan(_length), value);
        _length += sizeof(ulong);
    }

    public void Varint(ulong value)
    {
        if (PartLength - _length < 10) Flush(FrameKind.Manifest);
        for (; value >= 0x80; value >>= 7) _part[_length++] = (byte)(value | 0x80);
        _part[_length++] = (byte)value;
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > PartLength - _length)
        {
            var fits = PartLength - _length;
            bytes[..fits].CopyTo(_part.AsSpan(_length));
            _length = PartLength;
            bytes = bytes[fits..];
            Flush(FrameKind.Manifest);
        }
        bytes.CopyTo(_part.AsSpan(_length));
        _length += bytes.Length;
    }

    public void End() => Flush(FrameKind.ManifestEnd);

    private void Flush(FrameKind kind)
    {
        var frame = codec.Encode(kind, _parts++, number, _part.AsSpan(0, _length), File, _offset, compress);
        file.Write(_offset, frame);
        _offset += frame.Length;
        _length = 0;
    }
}
