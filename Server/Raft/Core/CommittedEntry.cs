using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>What the layer above is to apply: all entries of one index. Lives until the call that shows it returns.</summary>
public readonly ref struct CommittedEntry(ulong index, AppendEntry frame)
{
    private readonly AppendEntry _frame = frame;

    /// <summary>Its place in the log.</summary>
    public ulong Index { get; } = index;

    /// <summary>The term it was made in.</summary>
    public ulong Term => _frame.Term;

    /// <summary>
    /// Those of the layer above, and changes of members it wants to know of: <see cref="RaftEntryType.Normal"/>,
    /// <see cref="RaftEntryType.Snapshot"/>, <see cref="RaftEntryType.AddPeer"/>, <see cref="RaftEntryType.RemovePeer"/>.
    /// There may be none; <see cref="RaftGroup.Applied"/> is to be called all the same.
    /// </summary>
    public Enumerator GetEnumerator() => new(_frame.GetEnumerator());

    /// <summary>Walks over the entries that are shown.</summary>
    public ref struct Enumerator(AppendEntry.Enumerator all)
    {
        private AppendEntry.Enumerator _all = all;

        /// <summary>The entry it stands on; what old servers call an old snapshot is a snapshot.</summary>
        public readonly RaftEntry Current =>
            _all.Current.Type == RaftEntryType.OldSnapshot ? new RaftEntry(RaftEntryType.Snapshot, _all.Current.Data) : _all.Current;

        /// <summary>Goes to the next one.</summary>
        public bool MoveNext()
        {
            while (_all.MoveNext())
            {
                if (_all.Current.Type is not (RaftEntryType.PeerState or RaftEntryType.LeaderTransfer)) return true;
            }
            return false;
        }
    }
}
