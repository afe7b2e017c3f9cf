using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Atomic batches (ADR-50) in the log: messages wait until the one that commits them, and then all are there at once.
/// A gap, another batch or any other entry in between drops those that wait.
/// </summary>
public sealed partial class StreamReplica
{
    /// <summary>Messages of a batch at most. What publishers may send, the leader's <see cref="Batches.BatchLimits.Size"/> says.</summary>
    public const int MaxBatch = 1_000_000;

    private readonly List<byte[]> _staged = [];
    private byte[] _stagedBatch = [];

    /// <summary>Entries of a batch wait for its commit: the log before them must not be given up yet.</summary>
    public bool HasStagedBatch => _staged.Count > 0;

    private bool ApplyBatch(ReadOnlySpan<byte> bytes)
    {
        if (!StreamMessageEntry.TryDecode(bytes, _scratch, out var entry)) return false;
        if (entry.BatchSequence == 1 || !entry.BatchId.SequenceEqual(_stagedBatch)) DropStaged();
        if (entry.BatchSequence != (ulong)_staged.Count + 1 || _staged.Count >= MaxBatch)
        {
            DropStaged();
            return true;
        }
        if (!entry.CommitsBatch)
        {
            if (_staged.Count == 0) _stagedBatch = entry.BatchId.ToArray();
            _staged.Add(bytes.ToArray());
            return true;
        }
        foreach (var staged in _staged) ApplyMessage(staged);
        ApplyMessage(bytes);
        DropStaged();
        return true;
    }

    private void DropStaged()
    {
        _staged.Clear();
        _stagedBatch = [];
    }
}
