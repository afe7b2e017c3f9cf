using System.Buffers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>An append entry that is being filled; its header is written when it is sent.</summary>
internal sealed class ProposalBatch(int maxBytes) : IDisposable
{
    private const int FirstSize = 1 << 10;

    private byte[] _bytes = [];
    private int _length = AppendEntry.HeaderLength;

    /// <summary>Entries in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of types and data, as the bound counts them.</summary>
    public int Size { get; private set; }

    /// <summary>Adds an entry; its data is copied.</summary>
    public void Add(RaftEntryType type, ReadOnlySpan<byte> data)
    {
        var needed = _length + AppendEntry.EntryHeaderLength + data.Length + SpanWriter.MaxVarintLength;
        if (needed > _bytes.Length) Grow(needed);
        _length += AppendEntry.WriteEntry(_bytes.AsSpan(_length), type, data);
        Count++;
        Size += data.Length + 1;
    }

    /// <summary>The frame, until something is added.</summary>
    public ReadOnlySpan<byte> Close(in AppendEntryHeader header)
    {
        AppendEntry.WriteHeader(_bytes, header, Count);
        return _bytes.AsSpan(0, _length + AppendEntry.WriteLeaderTerm(_bytes.AsSpan(_length), 0));
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        (Count, Size, _length) = (0, 0, AppendEntry.HeaderLength);
        // What one large proposal needed is not kept for ever.
        if (_bytes.Length > 2 * maxBytes) Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private void Grow(int needed)
    {
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, Math.Max(needed, _bytes.Length * 2)));
        _bytes.AsSpan(0, Math.Min(_length, _bytes.Length)).CopyTo(grown);
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = grown;
    }
}
