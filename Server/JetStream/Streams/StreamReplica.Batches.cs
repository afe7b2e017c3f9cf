using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Atomic batches (ADR-50) in the log: messages wait until the one that commits them, and then all are there at once.
/// A gap, another batch or any other entry in between drops those that wait.
/// </summary>
public partial class StreamReplica
{
    /// <summary>Messages of a batch at most. What publishers may send, the leader's <see cref="Batches.BatchLimits.Size"/> says.</summary>
    public const int MaxBatch = 1_000_000;

    private readonly List<byte[]> _staged = [];
    private byte[] _stagedBatch = [];

    /// <summary>Entries of a batch wait for its commit: the log before them must not be given up yet.</summary>
    public virtual bool HasStagedBatch => _staged.Count > 0;

    /// <summary>
    /// The log of a replicated stream holds something that is no operation of the stream's (a change of its peers, a new
    /// leader): a batch that was not complete by then never is.
    /// </summary>
    public void EndBatch() => RejectStaged();

    private EntryOutcome ApplyBatch(ReadOnlySpan<byte> bytes, IStreamObserver? observer)
    {
        if (!StreamMessageEntry.TryDecode(bytes, _scratch, out var entry)) return EntryOutcome.Unknown;
        if (entry.BatchSequence == 1 || !entry.BatchId.SequenceEqual(_stagedBatch)) RejectStaged();
        // The rest of a batch whose beginning is below the log's snapshot: all of it was applied then.
        if (_staged.Count == 0 && entry.BatchSequence > 1 && entry.LastSequence < LogSequence) return EntryOutcome.Passed;
        if (entry.BatchSequence != (ulong)_staged.Count + 1 || _staged.Count >= MaxBatch)
        {
            RejectStaged();
            if (IsReplicated) Failed++;
            return EntryOutcome.Refused;
        }
        if (!entry.CommitsBatch)
        {
            if (_staged.Count == 0) _stagedBatch = entry.BatchId.ToArray();
            _staged.Add(bytes.ToArray());
            return EntryOutcome.Staged;
        }
        return CommitBatch(bytes, observer);
    }

    private EntryOutcome CommitBatch(ReadOnlySpan<byte> last, IStreamObserver? observer)
    {
        var outcome = EntryOutcome.Applied;
        foreach (var staged in _staged)
        {
            outcome = ApplyMessage(staged, observer);
            if (outcome is EntryOutcome.Gap or EntryOutcome.Unknown) break;
        }
        if (outcome is not (EntryOutcome.Gap or EntryOutcome.Unknown)) outcome = ApplyMessage(last, observer);
        DropStaged();
        return outcome;
    }

    /// <summary>What waits comes to nothing; its sequences are used up in the log.</summary>
    private void RejectStaged()
    {
        if (_staged.Count == 0) return;
        if (IsReplicated) Failed += (ulong)_staged.Count;
        DropStaged();
    }

    private void DropStaged()
    {
        _staged.Clear();
        _stagedBatch = [];
    }
}
