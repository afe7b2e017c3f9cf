using System.Globalization;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// The messages of a stream in a Go server's directory: <c>msgs/N.blk</c>, <c>N.key</c>, <c>index.db</c>, <c>thw.db</c>,
/// <c>sched.db</c>. Nothing is changed.
/// </summary>
/// <param name="files">The stream's directory.</param>
/// <param name="stream">Its name.</param>
/// <param name="keys">Keys of the account; null: none are configured.</param>
public sealed class GoMessageDirectory(IGoFiles files, string stream, GoKeys? keys)
{
    internal const int MaxIndex = 512 * 1024 * 1024;
    private const int MaxKey = 4096;

    /// <summary>Enough to see by the first record whose block a file is.</summary>
    private const int Head = 64 * 1024;
    private const string Usual = "msgs";

    /// <summary>
    /// Where a purge prepares the block that takes the place of all others. With the block there, it has; with its key
    /// only, it has not: that block, which is then among the others, does not count.
    /// </summary>
    private const string Purging = "__new_msgs__";

    /// <summary>Copies the messages into a store.</summary>
    /// <param name="target">Empty.</param>
    /// <param name="streamKey">What the stream's own files are encrypted with; null: nothing.</param>
    /// <param name="report">Gets what is wrong.</param>
    /// <exception cref="Disk.DiskException">The store's disk failed; the directory's only ends up in the report.</exception>
    internal void Import(IMessageStore target, GoKey? streamKey, GoStoreReport report)
    {
        var directory = Numbered(Purging, ".blk", report).Count > 0 ? Purging : Usual;
        var blocks = Numbered(directory, ".blk", report);
        if (directory == Usual) blocks.RemoveAll(Numbered(Purging, ".key", report).Contains);
        var index = ReadIndex(directory, streamKey, report);
        if (blocks.Count == 0 && index is null) report.Add(directory, 0, "neither blocks nor an index are there");
        var import = new GoMessageImport(stream, target, report);
        var lastChecksum = 0UL;
        foreach (var number in InOrder(directory, blocks, import, report))
        {
            var plain = ReadBlock($"{directory}/{number.File}.blk", directory, number.File, import, report);
            // The last one may have been begun just then.
            if (plain.IsEmpty && number.File != blocks[^1]) import.Damaged($"{directory}/{number.File}.blk", 0, "nothing can be read of it");
            lastChecksum = GoMessageImport.ChecksumOf(plain.Span);
            import.Block(number.Block, plain.Span, $"{directory}/{number.File}.blk");
        }
        var isCurrent = index is not null && index.LastBlock == blocks.LastOrDefault() && index.LastChecksum == lastChecksum;
        import.Finish(index, isCurrent);
        if (index is not null) import.NoteAbsent(index, isCurrent, directory, blocks);
    }

    /// <summary>Reads when messages end, as the Go server has noted it; messages behind <paramref name="high"/> are not in it.</summary>
    public IReadOnlyList<GoExpiry> ReadExpiries(GoStoreReport report, out ulong high)
    {
        var file = files.Read($"{Usual}/thw.db", MaxIndex);
        high = 0;
        if (!Readable(file, report)) return [];
        if (GoTimers.ReadExpiries(file.Bytes, out var expiries, out high) is { } error) report.Add(file.Path, 0, error);
        return expiries;
    }

    /// <summary>Reads when schedules fire, as the Go server has noted it.</summary>
    public IReadOnlyList<GoSchedule> ReadSchedules(GoStoreReport report, out ulong high)
    {
        var file = files.Read($"{Usual}/sched.db", MaxIndex);
        high = 0;
        if (!Readable(file, report)) return [];
        if (GoTimers.ReadSchedules(file.Bytes, out var schedules, out high) is { } error) report.Add(file.Path, 0, error);
        return schedules;
    }

    /// <summary>Numbers of the files with an end, ascending.</summary>
    private List<uint> Numbered(string directory, string end, GoStoreReport report)
    {
        var numbers = new List<uint>();
        foreach (var entry in report.List(files, directory))
        {
            if (!entry.IsDirectory && TryNumbered(entry.Name, end, out var number)) numbers.Add(number);
        }
        numbers.Sort();
        return numbers;
    }

    /// <summary>Whether a name is a block's number and an end; those of unfinished rewrites go on behind.</summary>
    internal static bool TryNumbered(string name, string end, out uint number)
    {
        number = 0;
        return name.EndsWith(end, StringComparison.Ordinal)
            && uint.TryParse(name.AsSpan(0, name.Length - end.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>
    /// Files and the blocks they hold, by block. A plain file that holds another block than its name says, as its hashes
    /// tell, is taken for what it is.
    /// </summary>
    private IEnumerable<(uint File, uint Block)> InOrder(string directory, List<uint> numbers, GoMessageImport import, GoStoreReport report)
    {
        var order = new List<(uint File, uint Block)>();
        foreach (var number in numbers)
        {
            order.Add((number, number));
            if (numbers.Count == 1 || files.Read($"{directory}/{number}.key", MaxKey).Exists) continue;
            var file = files.ReadHead($"{directory}/{number}.blk", Head);
            if (!file.HasContent || file.Bytes.AsSpan().StartsWith("cmp"u8) || import.BeginsWell(number, file.Bytes)) continue;
            foreach (var other in numbers)
            {
                if (!import.BeginsWell(other, file.Bytes)) continue;
                report.Add(file.Path, 0, $"this is block {other}");
                order[^1] = (number, other);
                break;
            }
        }
        return order.OrderBy(one => one.Block);
    }

    private ReadOnlyMemory<byte> ReadBlock(string path, string directory, uint number, GoMessageImport import, GoStoreReport report)
    {
        var file = files.Read(path, GoBlockFormat.MaxBlock);
        if (file.Problem is not null || !file.Exists)
        {
            import.Damaged(path, 0, file.Problem ?? "the file has gone");
            return default;
        }
        var block = Decrypt(file, directory, number, import, out var key);
        ReadBlockIndex($"{directory}/{number}.idx", number, key, import, report);
        return import.Decompress(block, path);
    }

    /// <summary>Reads what a server before 2.10 noted of the block. Damaged ones are done without, as it did.</summary>
    private void ReadBlockIndex(string path, uint number, GoKey? key, GoMessageImport import, GoStoreReport report)
    {
        var file = files.Read(path, MaxIndex);
        if (!file.Exists) return;
        var plain = key is null ? file.Bytes : key.OpenOfBlock(file.Bytes);
        if (plain is not null && GoBlockIndex.Read(plain) is { } index) import.BlockIndex(number, index);
        else report.Add(path, 0, file.Problem ?? "it is damaged; the block alone is read");
    }

    /// <summary>A block with a key file is encrypted, unless the server died between writing the one and the other.</summary>
    private byte[] Decrypt(GoFile block, string directory, uint number, GoMessageImport import, out GoKey? key)
    {
        key = null;
        var keyFile = files.Read($"{directory}/{number}.key", MaxKey);
        if (!keyFile.Exists || block.Bytes.Length == 0 || import.BeginsWell(number, block.Bytes)) return block.Bytes;
        var error = keyFile.Problem ?? (keys is null ? "encrypted, and no encryption key is configured" : keys.Open(keyFile.Bytes, $"{stream}:{number}", out key));
        if (key is null)
        {
            import.Damaged(keyFile.Path, 0, error ?? "no key");
            return [];
        }
        key.Decrypt(block.Bytes);
        return block.Bytes;
    }

    private GoIndex? ReadIndex(string directory, GoKey? streamKey, GoStoreReport report)
    {
        var file = files.Read($"{directory}/index.db", MaxIndex);
        if (!Readable(file, report)) return null;
        // Archives hold it plain; the stream's key comes with the first change after.
        var error = GoIndex.Read(file.Bytes, stream, streamKey, out var index);
        if (error is not null && streamKey is not null) GoIndex.Read(file.Bytes, stream, key: null, out index);
        if (index is null) report.Add(file.Path, 0, $"{error}; the blocks alone are read");
        return index;
    }

    private static bool Readable(GoFile file, GoStoreReport report)
    {
        if (file.Problem is { } problem) report.Add(file.Path, 0, problem);
        else if (file.Exists && file.Bytes.Length == 0) report.Add(file.Path, 0, "it is empty");
        return file.HasContent;
    }
}
