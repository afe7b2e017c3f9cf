using System.Text;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>The end of an import: what was deleted goes, what is missing is named.</summary>
internal sealed partial class GoMessageImport
{
    /// <summary>Ends the import.</summary>
    /// <param name="index">The stream's index, if there is a good one.</param>
    /// <param name="isCurrent">Whether nothing has been written since the index was: then it alone tells what lives.</param>
    /// <exception cref="Disk.DiskException">The store's disk failed.</exception>
    public void Finish(GoIndex? index, bool isCurrent)
    {
        if (!isCurrent) ApplyBlockIndexes();
        if (_lastTombstone.Sequence > _last) SkipTo(_lastTombstone.Sequence, _lastTombstone.Timestamp);
        if (index is not null && index.LastSequence > _last) SkipTo(index.LastSequence, index.LastTimestamp);
        var deleted = _tombstones.Ranges();
        foreach (var range in deleted.Without(deleted.Without(_read.Ranges()))) Remove(range);
        if (index is not null && isCurrent)
        {
            foreach (var range in _read.Ranges().Without(index.Live())) Remove(range);
            Lose(index.Live().Without(_read.Ranges()).Without(_tombstones.Ranges()));
            if (index.FirstSequence > target.State.FirstSequence) target.Compact(index.FirstSequence);
            CheckSubjects(index);
            return;
        }
        var lost = _suspect.Ranges().Without(_read.Ranges()).Without(_tombstones.Ranges());
        if (index is null)
        {
            Lose(lost);
            return;
        }
        // An index that is not current still knows what it covers.
        var covered = new SequenceRange[] { new(0, index.LastSequence) };
        Lose(lost.Without(covered.Without(index.Live())));
    }

    /// <summary>
    /// A record's hash does not cover the length of its subject: a flipped bit there moves the border to the payload. The
    /// index shows it.
    /// </summary>
    private void CheckSubjects(GoIndex index)
    {
        if (!report.IsClean || index.FindMiscounted(target) is not { } subject) return;
        report.Add("msgs/index.db", 0, $"the messages of subject '{Encoding.UTF8.GetString(subject)}' are not as many as it says");
    }

    /// <summary>
    /// Notes blocks of which the index knows messages that are not there: lost, or, when the index is not current, maybe
    /// deleted since.
    /// </summary>
    public void NoteAbsent(GoIndex index, bool isCurrent, string directory, List<uint> blocks)
    {
        var at = 0;
        var (first, count) = (0UL, 0UL);
        foreach (var range in index.Live().Without(_read.Ranges()).Without(_tombstones.Ranges()))
        {
            while (index.Blocks[at].LastSequence < range.First) Note(index.Blocks[at++]);
            if (count == 0) first = range.First;
            count += range.Last - range.First + 1;
        }
        if (at < index.Blocks.Count) Note(index.Blocks[at]);

        void Note(in GoIndexBlock block)
        {
            var what = blocks.BinarySearch(block.Number) < 0 ? "the file is missing" : "they are not in it";
            var since = isCurrent ? "" : ", or were deleted since the index was written";
            if (count > 0) report.Add($"{directory}/{block.Number}.blk", 0, $"{count} messages from sequence {first} on: {what}{since}");
            count = 0;
        }
    }

    /// <summary>Takes for deleted what the blocks' own indexes say, of those blocks that have not gone on since.</summary>
    private void ApplyBlockIndexes()
    {
        foreach (var (number, index) in _indexes.OrderBy(one => one.Key))
        {
            if (!_blocks.TryGetValue(number, out var block) || block.Checksum != index.LastChecksum) continue;
            if (block.First != 0 && block.First < index.FirstSequence) _tombstones.AddRange(block.First, Math.Min(block.Last, index.FirstSequence - 1));
            foreach (var range in index.Deleted?.Ranges() ?? []) _tombstones.AddRange(range.First, range.Last);
            if (index.LastSequence > _last) SkipTo(index.LastSequence, index.LastTimestamp);
        }
    }

    private void Remove(SequenceRange range)
    {
        for (var sequence = range.First; sequence <= range.Last; sequence++) target.Remove(sequence, erase: false);
    }

    private void Lose(IEnumerable<SequenceRange> ranges)
    {
        foreach (var range in ranges) report.AddLost(range);
    }
}
