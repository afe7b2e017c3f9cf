using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>A block as <c>index.db</c> knows it: live are the sequences between its ends that are not deleted.</summary>
internal readonly record struct GoIndexBlock(uint Number, ulong FirstSequence, ulong LastSequence, SequenceSet? Deleted);

/// <summary>
/// What a Go server noted of a stream (<c>index.db</c>, versions 1 to 4):
/// <code>
/// 11 version messages bytes first(seq) first(time) last(seq) last(time) subjects×{length subject total first-block [last-block]}
/// blocks×{number bytes first(seq) first(time) last(seq) last(time) deleted [ttls] [schedules] [set]} last-block last-record-hash(8)
/// </code>
/// Numbers are uvarints, times varints; behind it stands its hash.
/// </summary>
internal sealed class GoIndex
{
    private const byte Magic = 11;
    private const byte MaxVersion = 4;
    private const int MinLength = 24;

    private byte _version;
    private ReadOnlyMemory<byte> _subjects;

    public ulong Messages { get; private init; }

    public ulong FirstSequence { get; private init; }

    public ulong LastSequence { get; private init; }

    /// <summary>Nanoseconds since 1970; 0: none.</summary>
    public long LastTimestamp { get; private init; }

    /// <summary>Blocks, ascending.</summary>
    public IReadOnlyList<GoIndexBlock> Blocks { get; private set; } = [];

    /// <summary>The block that was last when this was written.</summary>
    public uint LastBlock { get; private set; }

    /// <summary>The last eight bytes of that block.</summary>
    public ulong LastChecksum { get; private set; }

    /// <summary>Sequences that held messages.</summary>
    public IEnumerable<SequenceRange> Live() => Within().Without(Removed());

    /// <summary>Reads an index.</summary>
    /// <param name="file">The file as it is stored.</param>
    /// <param name="stream">Name of the stream.</param>
    /// <param name="key">What it is encrypted with; null: it is not.</param>
    /// <param name="index">What was read.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(ReadOnlyMemory<byte> file, string stream, GoKey? key, out GoIndex? index)
    {
        index = null;
        if (file.Length < MinLength + HighwayHash64.Length) return $"only {file.Length} bytes";
        var content = file[..^HighwayHash64.Length];
        if (GoMessageImport.ChecksumOf(file.Span) != HighwayHash64.Compute(GoBlockFormat.KeyOf(stream), content.Span)) return "its checksum does not match";
        if (key is not null)
        {
            if (key.Open(content.Span) is not { } plain) return "it cannot be decrypted";
            content = plain;
        }
        return Decode(content, out index);
    }

    /// <summary>Finds a subject of which a store holds another number of messages than the index says; null: there is none.</summary>
    public byte[]? FindMiscounted(IMessageStore store)
    {
        var reader = new SpanReader(_subjects.Span);
        reader.TryReadUvarint(out var count);
        for (ulong i = 0; i < count && TryReadSubject(ref reader, _version, out var subject, out var total); i++)
        {
            if (!subject.IsEmpty && store.OfSubject(subject).Messages != total) return subject.ToArray();
        }
        return null;
    }

    private static string? Decode(ReadOnlyMemory<byte> content, out GoIndex? index)
    {
        index = null;
        var reader = new SpanReader(content.Span);
        if (!reader.TryReadByte(out var magic) || !reader.TryReadByte(out var version) || magic != Magic) return "no such file";
        if (version is < 1 or > MaxVersion) return $"version {version} is not known";
        if (!reader.TryReadUvarint(out var messages) || !reader.TryReadUvarint(out _) || !reader.TryReadUvarint(out var first) || !reader.TryReadVarint(out _)
            || !reader.TryReadUvarint(out var last) || !reader.TryReadVarint(out var lastTimestamp)) return "it ends early";
        if (last > GoBlockFormat.MaxSequence || first > last + 1) return $"sequences {first} to {last} cannot be";
        var read = new GoIndex { Messages = messages, FirstSequence = first, LastSequence = last, LastTimestamp = lastTimestamp };
        (read._version, read._subjects) = (version, content[^reader.Rest.Length..]);
        if (!PassSubjects(ref reader, version)) return "its subjects are damaged";
        if (read.ReadBlocks(ref reader, version) is { } error) return error;
        if (!reader.TryReadUvarint(out var block) || block > uint.MaxValue || !reader.TryReadUInt64(out var checksum)) return "it ends early";
        (read.LastBlock, read.LastChecksum) = ((uint)block, checksum);
        index = read;
        return null;
    }

    private static bool PassSubjects(ref SpanReader reader, byte version)
    {
        if (!reader.TryReadUvarint(out var count)) return false;
        for (ulong i = 0; i < count; i++)
        {
            if (!TryReadSubject(ref reader, version, out _, out _)) return false;
        }
        return true;
    }

    private static bool TryReadSubject(ref SpanReader reader, byte version, out ReadOnlySpan<byte> subject, out ulong total)
    {
        subject = default;
        total = 0;
        if (!reader.TryReadUvarint(out var length)) return false;
        if (length == 0) return true;
        if (length > int.MaxValue || !reader.TryReadBytes((long)length, out subject)) return false;
        if (!reader.TryReadUvarint(out total) || !reader.TryReadUvarint(out _)) return false;
        return (total <= 1 && version < 4) || reader.TryReadUvarint(out _);
    }

    private string? ReadBlocks(ref SpanReader reader, byte version)
    {
        if (!reader.TryReadUvarint(out var count)) return "it ends early";
        var blocks = new List<GoIndexBlock>();
        for (ulong i = 0; i < count; i++)
        {
            if (!reader.TryReadUvarint(out var number) || !reader.TryReadUvarint(out _) || !reader.TryReadUvarint(out var first) || !reader.TryReadVarint(out _)
                || !reader.TryReadUvarint(out var last) || !reader.TryReadVarint(out _) || !reader.TryReadUvarint(out var deleted)
                || (version >= 2 && !reader.TryReadUvarint(out _)) || (version >= 3 && !reader.TryReadUvarint(out _))) return "it ends early";
            SequenceSet? set = null;
            if (deleted > 0 && !GoSequenceSet.TryRead(ref reader, out set)) return $"the deleted sequences of block {number} are damaged";
            if (number > uint.MaxValue || last > GoBlockFormat.MaxSequence) return $"block {number} with sequences to {last} cannot be";
            // An empty block ends before it begins.
            if (first > last) continue;
            if (blocks.Count > 0 && (first <= blocks[^1].LastSequence || number <= blocks[^1].Number)) return $"block {number} does not follow block {blocks[^1].Number}";
            blocks.Add(new GoIndexBlock((uint)number, first, last, set));
        }
        Blocks = blocks;
        return null;
    }

    private IEnumerable<SequenceRange> Within()
    {
        foreach (var block in Blocks) yield return new SequenceRange(block.FirstSequence, block.LastSequence);
    }

    /// <summary>Deleted sequences, of each block only those between its ends.</summary>
    private IEnumerable<SequenceRange> Removed()
    {
        foreach (var block in Blocks)
        {
            if (block.Deleted is null) continue;
            foreach (var range in block.Deleted.Ranges())
            {
                var (first, last) = (Math.Max(range.First, block.FirstSequence), Math.Min(range.Last, block.LastSequence));
                if (first <= last) yield return new SequenceRange(first, last);
            }
        }
    }
}
