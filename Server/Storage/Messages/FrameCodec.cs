using System.Buffers.Binary;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>What a frame holds.</summary>
internal enum FrameKind : byte
{
    /// <summary>Records (<see cref="RecordChunk"/>).</summary>
    Chunk = 1,

    /// <summary>Where the chunks of a closed block are (<see cref="ChunkDirectory"/>).</summary>
    Directory = 2,

    /// <summary>A part of a manifest.</summary>
    Manifest = 3,

    /// <summary>The last part of a manifest.</summary>
    ManifestEnd = 4,
}

/// <summary>What a frame says about itself.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Count">Records, entries, or the part's number.</param>
/// <param name="First">First sequence, or the manifest's number.</param>
/// <param name="Length">Bytes of content.</param>
internal readonly record struct FrameHead(FrameKind Kind, uint Count, ulong First, int Length);

/// <summary>
/// Frames are all that files consist of: content with a checksum that covers where it belongs.
/// </summary>
/// <remarks>
/// <code>
/// file     = *frame
/// frame    = "NAsf" crc kind packing zero zero key stored length count first body
/// crc      = u32            ; CRC-32C of place, the head with a crc of 0, and body
/// place    = u64 u64 u64    ; stream id, file number, offset in the file: not stored
/// kind     = u8             ; 1 chunk, 2 directory, 3 manifest, 4 end of manifest
/// packing  = u8             ; 0 none, 1 S2
/// key      = u32            ; 0: not encrypted
/// stored   = u32            ; bytes of body
/// length   = u32            ; bytes of content
/// count    = u32
/// first    = u64
/// body     = content | s2-block | nonce(12) tag(16) ciphertext
/// </code>
/// Little endian. Encryption covers place and head as well. One thread.
/// </remarks>
internal sealed class FrameCodec(ulong streamId, KeyRing keys) : IDisposable
{
    public const int HeadLength = 36;
    private const int PlaceLength = 24;
    private const int BodyAt = PlaceLength + HeadLength;
    private const int KeptBuffer = 256 * 1024;
    private const int MaxContent = 1 << 30;

    private readonly Dictionary<uint, FrameCipher> _ciphers = [];
    private byte[] _frame = [];
    private byte[] _packed = [];
    private int _body;

    /// <summary>Bytes of the frame that was read last.</summary>
    public int LastLength => HeadLength + _body;

    /// <summary>A frame for a place; good until the next use of this codec.</summary>
    public ReadOnlySpan<byte> Encode(FrameKind kind, uint count, ulong first, ReadOnlySpan<byte> content, ulong file, long offset, bool compress)
    {
        var packed = compress ? Pack(content) : content;
        var compressed = compress && packed.Length < content.Length;
        if (!compressed) packed = content;
        var stored = packed.Length + (keys.Current == 0 ? 0 : FrameCipher.Overhead);
        var frame = Room(ref _frame, BodyAt + stored);
        WritePlace(frame, file, offset);
        var head = frame[PlaceLength..];
        "NAsf\0\0\0\0"u8.CopyTo(head);
        (head[8], head[9], head[10], head[11]) = ((byte)kind, (byte)(compressed ? 1 : 0), 0, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(head[12..], keys.Current);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], stored);
        BinaryPrimitives.WriteInt32LittleEndian(head[20..], content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[24..], count);
        BinaryPrimitives.WriteUInt64LittleEndian(head[28..], first);
        if (keys.Current == 0) packed.CopyTo(frame[BodyAt..]);
        else Cipher(keys.Current)!.Encrypt(packed, frame[BodyAt..], frame[..BodyAt]);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Crc32C.Compute(frame));
        return frame[PlaceLength..];
    }

    /// <summary>Reads and checks a frame; its content is taken with <see cref="Take"/>.</summary>
    /// <param name="from">The file.</param>
    /// <param name="file">Its number.</param>
    /// <param name="offset">Where the frame begins.</param>
    /// <param name="length">Bytes of the frame; 0: as it says itself.</param>
    public FrameHead Read(IDiskFile from, ulong file, long offset, int length = 0)
    {
        if (length == 0) length = LengthAt(from, offset);
        if (length < HeadLength || length > MaxContent) throw Corrupt(from, offset, "an impossible length");
        var frame = Room(ref _frame, PlaceLength + length);
        if (from.Read(offset, frame[PlaceLength..]) != length) throw Corrupt(from, offset, "the file ends within a frame");
        WritePlace(frame, file, offset);
        var head = frame[PlaceLength..];
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        head[4..8].Clear();
        if (!head.StartsWith("NAsf"u8) || Crc32C.Compute(frame) != crc) throw Corrupt(from, offset, "the checksum of a frame is wrong");
        var content = BinaryPrimitives.ReadInt32LittleEndian(head[20..]);
        if (BinaryPrimitives.ReadInt32LittleEndian(head[16..]) != length - HeadLength || content is < 0 or > MaxContent)
        {
            throw Corrupt(from, offset, "a frame of another length");
        }
        _body = length - HeadLength;
        return new FrameHead((FrameKind)head[8], BinaryPrimitives.ReadUInt32LittleEndian(head[24..]), BinaryPrimitives.ReadUInt64LittleEndian(head[28..]), content);
    }

    /// <summary>Decrypts and decompresses the frame that was read.</summary>
    /// <param name="target">As long as its content.</param>
    /// <param name="from">The file, for the error.</param>
    /// <param name="offset">Where the frame begins, for the error.</param>
    public void Take(Span<byte> target, IDiskFile from, long offset)
    {
        ReadOnlySpan<byte> body = _frame.AsSpan(BodyAt, _body);
        var key = BinaryPrimitives.ReadUInt32LittleEndian(_frame.AsSpan(PlaceLength + 12));
        if (key != 0)
        {
            var cipher = Cipher(key) ?? throw Corrupt(from, offset, "encrypted with a key that is not given");
            if (body.Length < FrameCipher.Overhead) throw Corrupt(from, offset, "an encrypted frame that is too short");
            var plain = Room(ref _packed, body.Length - FrameCipher.Overhead);
            if (!cipher.TryDecrypt(body, plain, _frame.AsSpan(0, BodyAt))) throw Corrupt(from, offset, "a frame cannot be decrypted");
            body = plain;
        }
        if (_frame[PlaceLength + 9] == 0)
        {
            if (body.Length != target.Length) throw Corrupt(from, offset, "a frame of another length");
            body.CopyTo(target);
        }
        else if (!S2Block.TryDecode(body, target, out var written) || written != target.Length)
        {
            throw Corrupt(from, offset, "a frame cannot be decompressed");
        }
    }

    public void Dispose()
    {
        foreach (var cipher in _ciphers.Values) cipher.Dispose();
        _ciphers.Clear();
    }

    public static CorruptStoreException Corrupt(IDiskFile file, long offset, string what) => new($"{file.Path} at {offset}: {what}.");

    private static int LengthAt(IDiskFile from, long offset)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        if (from.Read(offset, head) != HeadLength) throw Corrupt(from, offset, "the file ends where a frame should be");
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(head[16..]);
        if (!head.StartsWith("NAsf"u8) || stored > from.Length - offset - HeadLength) throw Corrupt(from, offset, "no frame");
        return (int)Math.Min(stored + HeadLength, int.MaxValue);
    }

    private void WritePlace(Span<byte> frame, ulong file, long offset)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(frame, streamId);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], file);
        BinaryPrimitives.WriteInt64LittleEndian(frame[16..], offset);
    }

    private ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> content)
    {
        var target = Room(ref _packed, S2Block.MaxEncodedLength(content.Length));
        return target[..S2Block.Encode(content, target)];
    }

    private FrameCipher? Cipher(uint key)
    {
        if (_ciphers.TryGetValue(key, out var cipher)) return cipher;
        cipher = keys.CipherFor(key);
        if (cipher is not null) _ciphers[key] = cipher;
        return cipher;
    }

    /// <summary>Room in a buffer; one that a large message needed is not kept for small ones.</summary>
    private static Span<byte> Room(ref byte[] buffer, int length)
    {
        if (buffer.Length < length || (buffer.Length > KeptBuffer && length <= KeptBuffer)) buffer = new byte[Math.Max(length, (int)Math.Min(length * 2L, KeptBuffer))];
        return buffer.AsSpan(0, length);
    }
}
