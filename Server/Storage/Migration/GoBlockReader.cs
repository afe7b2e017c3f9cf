namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// Walks a block's records. Where one is damaged it looks for the next that is whole: a hash of 64 bits under a key that
/// depends on stream and block is not met by chance.
/// </summary>
internal ref struct GoBlockReader(ReadOnlySpan<byte> block, ReadOnlySpan<byte> key)
{
    /// <summary>What may be hashed in the search, as a multiple of the block: bounds what crafted bytes can cost.</summary>
    private const int SearchFactor = 4;

    private readonly ReadOnlySpan<byte> _block = block;
    private readonly ReadOnlySpan<byte> _key = key;
    private long _searched;

    /// <summary>Where the next record begins.</summary>
    public int Offset { get; private set; }

    /// <summary>Where the damage began that was met by the last <see cref="Next"/>.</summary>
    public int DamagedFrom { get; private set; }

    /// <summary>Bytes that had to be passed over by the last <see cref="Next"/>.</summary>
    public int DamagedBytes { get; private set; }

    /// <summary>Goes to the next whole record; false: no further one.</summary>
    public bool Next(out GoRecord record)
    {
        (DamagedFrom, DamagedBytes) = (Offset, 0);
        if (GoBlockFormat.TryRead(_block[Offset..], _key, out record, out var length))
        {
            Offset += length;
            return true;
        }
        var budget = (long)_block.Length * SearchFactor;
        for (var at = Offset + 1; at <= _block.Length - GoBlockFormat.EmptyRecord && _searched < budget; at++)
        {
            if (!MayBegin(_block[at..], out length)) continue;
            _searched += length;
            if (!GoBlockFormat.TryRead(_block[at..], _key, out record, out length)) continue;
            DamagedBytes = at - Offset;
            Offset = at + length;
            return true;
        }
        DamagedBytes = _block.Length - Offset;
        Offset = _block.Length;
        return false;
    }

    /// <summary>A cheap sieve for places in the middle of damage: subjects hold no control characters or blanks.</summary>
    private static bool MayBegin(ReadOnlySpan<byte> rest, out int length)
    {
        if (!GoBlockFormat.TryFrame(rest, out length, out var subject, out _)) return false;
        if (subject == 0) return length == GoBlockFormat.EmptyRecord;
        return !rest.Slice(GoBlockFormat.HeaderLength, subject).ContainsAnyInRange((byte)0, (byte)' ');
    }
}
