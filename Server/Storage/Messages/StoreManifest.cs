using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// What a checkpoint leaves: everything needed to answer without reading a block. Written to another name, synced and
/// renamed, so the file of this name is always whole.
/// </summary>
/// <remarks>
/// <code>
/// manifest = version applied next-file landmark state blocks tail wipes removed subjects      ; in frames of up to 64 KiB
/// version  = v2                                   ; v1 is the same without landmark
/// applied, next-file, landmark = v          ; v: unsigned varint; n: u64, i: i64 as u64, little endian
/// state    = first last messages bytes first-time last-time                          ; v v v v i i
/// blocks   = count *(file key first last last-time end directory-at live-bytes record-bytes erasures)
///                                           ; v; v v v v i v v v v v, ascending; only the last one without directory
/// tail     = length directory               ; v; ChunkDirectory of that last one, or of length 0
/// wipes    = count *file                    ; v; v: overwritten before they are deleted
/// removed  = count *(gap length)            ; v; v v: from the end of the last range
/// subjects = count *(shared rest bytes flags messages first span)
///                                           ; v; v v bytes v v v v, ascending; shared: bytes as in the one before;
///                                           ; flags: 1 first is a bound, 2 last is; span: last - first
/// </code>
/// </remarks>
internal sealed class StoreManifest
{
    public const string Name = "manifest";
    public const string NewName = "manifest.tmp";

    private const ulong Version = 2;
    private const ulong VersionWithoutLandmark = 1;

    public required ulong Number { get; init; }

    public required ulong AppliedIndex { get; init; }

    public required ulong NextFile { get; init; }

    /// <summary><see cref="IMessageStore.Landmark"/>.</summary>
    public required ulong Landmark { get; init; }

    public required StoreState State { get; init; }

    public required List<StoreBlock> Blocks { get; init; }

    /// <summary>Of the last block, when it is still written to.</summary>
    public required byte[] TailDirectory { get; init; }

    public required IReadOnlyCollection<ulong> Wipes { get; init; }

    public required SequenceSet Removed { get; init; }

    public required SubjectTree<SubjectTotals> Subjects { get; init; }

    public void Write(ManifestWriter to)
    {
        to.Varint(Version);
        to.Varint(AppliedIndex);
        to.Varint(NextFile);
        to.Varint(Landmark);
        to.Varint(State.FirstSequence);
        to.Varint(State.LastSequence);
        to.Varint(State.Messages);
        to.Varint(State.Bytes);
        to.Number((ulong)State.FirstTimestamp);
        to.Number((ulong)State.LastTimestamp);
        to.Varint((ulong)Blocks.Count);
        foreach (var block in Blocks) WriteBlock(to, block);
        to.Varint((ulong)TailDirectory.Length);
        to.Bytes(TailDirectory);
        to.Varint((ulong)Wipes.Count);
        foreach (var wipe in Wipes) to.Varint(wipe);
        WriteRemoved(to);
        WriteSubjects(to);
        to.End();
    }

    public static StoreManifest Read(ManifestReader from)
    {
        var version = from.Varint();
        if (version is not (Version or VersionWithoutLandmark)) throw from.Wrong("a manifest of another version");
        var (applied, nextFile) = (from.Varint(), from.Varint());
        var landmark = version == VersionWithoutLandmark ? ulong.MaxValue : from.Varint();
        var state = new StoreState
        {
            FirstSequence = from.Varint(),
            LastSequence = from.Varint(),
            Messages = from.Varint(),
            Bytes = from.Varint(),
            FirstTimestamp = (long)from.Number(),
            LastTimestamp = (long)from.Number(),
        };
        var blocks = new List<StoreBlock>();
        for (var count = from.Count(int.MaxValue); count > 0; count--) blocks.Add(ReadBlock(from, blocks));
        var tail = new byte[from.Count(1 << 30)];
        from.Bytes(tail);
        var wipes = new HashSet<ulong>();
        for (var count = from.Count(int.MaxValue); count > 0; count--) wipes.Add(from.Varint());
        var removed = ReadRemoved(from);
        var subjects = ReadSubjects(from);
        from.End();
        if (blocks.Exists(block => block.IsSealed == (block == blocks[^1] && tail.Length > 0))) throw from.Wrong("blocks without directories");
        return new StoreManifest
        {
            Number = from.ManifestNumber,
            AppliedIndex = applied,
            NextFile = nextFile,
            Landmark = landmark,
            State = state,
            Blocks = blocks,
            TailDirectory = tail,
            Wipes = wipes,
            Removed = removed,
            Subjects = subjects,
        };
    }

    private static void WriteBlock(ManifestWriter to, StoreBlock block)
    {
        to.Varint(block.File);
        to.Varint(block.Key);
        to.Varint(block.First);
        to.Varint(block.Last);
        to.Number((ulong)block.LastTimestamp);
        to.Varint((ulong)block.End);
        to.Varint((ulong)block.DirectoryAt);
        to.Varint((ulong)block.LiveBytes);
        to.Varint((ulong)block.RecordBytes);
        to.Varint((ulong)block.Erasures);
    }

    private static StoreBlock ReadBlock(ManifestReader from, List<StoreBlock> before)
    {
        var block = new StoreBlock(from.Varint())
        {
            Key = (uint)from.Varint(),
            First = from.Varint(),
            Last = from.Varint(),
            LastTimestamp = (long)from.Number(),
            End = (long)from.Varint(),
            DirectoryAt = (long)from.Varint(),
            LiveBytes = (long)from.Varint(),
            RecordBytes = (long)from.Varint(),
            Erasures = from.Count(int.MaxValue),
        };
        var above = before.Count == 0 ? 0 : before[^1].Last;
        if (block.First <= above || block.Last < block.First || block.DirectoryAt < 0 || block.DirectoryAt >= block.End) throw from.Wrong("blocks out of order");
        return block;
    }

    private void WriteRemoved(ManifestWriter to)
    {
        to.Varint((ulong)Removed.Ranges().LongCount());
        ulong end = 0;
        foreach (var range in Removed.Ranges())
        {
            to.Varint(range.First - end);
            to.Varint(range.Last - range.First + 1);
            end = range.Last;
        }
    }

    private static SequenceSet ReadRemoved(ManifestReader from)
    {
        var removed = new SequenceSet();
        ulong end = 0;
        for (var count = from.Varint(); count > 0; count--)
        {
            var (gap, length) = (from.Varint(), from.Varint());
            if (gap == 0 || length == 0 || gap > ulong.MaxValue - end || length > ulong.MaxValue - end - gap) throw from.Wrong("removed sequences out of order");
            removed.AddRange(end + gap, end + gap + length - 1);
            end += gap + length - 1;
        }
        return removed;
    }

    private void WriteSubjects(ManifestWriter to)
    {
        to.Varint((ulong)Subjects.Count);
        var before = new byte[SubjectTree<SubjectTotals>.MaxSubject];
        var length = 0;
        var walk = Subjects.Walk(default);
        while (walk.MoveNext())
        {
            var subject = walk.Subject;
            var shared = subject.CommonPrefixLength(before.AsSpan(0, length));
            to.Varint((ulong)shared);
            to.Varint((ulong)(subject.Length - shared));
            to.Bytes(subject[shared..]);
            to.Varint((walk.Value.FirstStale ? 1UL : 0) | (walk.Value.LastStale ? 2UL : 0));
            to.Varint(walk.Value.Messages);
            to.Varint(walk.Value.First);
            to.Varint(walk.Value.Last - walk.Value.First);
            subject[shared..].CopyTo(before.AsSpan(shared));
            length = subject.Length;
        }
    }

    private static SubjectTree<SubjectTotals> ReadSubjects(ManifestReader from)
    {
        var tree = new SubjectTree<SubjectTotals>();
        var subject = new byte[SubjectTree<SubjectTotals>.MaxSubject];
        var length = 0;
        for (var count = from.Varint(); count > 0; count--)
        {
            var shared = from.Count((ulong)length);
            length = shared + from.Count((ulong)(subject.Length - shared));
            from.Bytes(subject.AsSpan(shared, length - shared));
            var flags = from.Varint();
            var totals = new SubjectTotals { Messages = from.Varint(), First = from.Varint() };
            totals.Last = totals.First + from.Varint();
            (totals.FirstStale, totals.LastStale) = ((flags & 1) != 0, (flags & 2) != 0);
            tree.Edit(tree.FindOrAdd(subject.AsSpan(0, length), out _)) = totals;
        }
        return tree;
    }
}
