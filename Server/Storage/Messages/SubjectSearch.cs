namespace NatsAspire.Server.Storage.Messages;

/// <summary>What a walk through chunks looks for.</summary>
internal readonly ref struct SubjectSearch
{
    private readonly ReadOnlySpan<byte> _literal;
    private readonly SubjectFilter? _filter;
    private readonly ReadOnlySpan<ulong> _hashes;

    private SubjectSearch(ReadOnlySpan<byte> literal, SubjectFilter? filter, ReadOnlySpan<ulong> hashes)
    {
        _literal = literal;
        _filter = filter;
        _hashes = hashes;
    }

    /// <summary>Every message.</summary>
    public static SubjectSearch Everything => default;

    /// <param name="subject">Literal.</param>
    /// <param name="hash">Of it; kept by reference.</param>
    public static SubjectSearch For(ReadOnlySpan<byte> subject, ref readonly ulong hash) => new(subject, null, new ReadOnlySpan<ulong>(in hash));

    /// <param name="filter">Any.</param>
    /// <param name="hashes">Of all subjects it can find; empty: too many to tell.</param>
    public static SubjectSearch For(SubjectFilter filter, ReadOnlySpan<ulong> hashes) => new(default, filter.IsAll ? null : filter, hashes);

    /// <summary>Whether a chunk with this sieve is worth reading.</summary>
    public bool MayFindIn(ReadOnlySpan<ulong> sieve)
    {
        if (_hashes.IsEmpty || sieve.IsEmpty) return true;
        foreach (var hash in _hashes)
        {
            if (SubjectSieve.MayHold(sieve, hash)) return true;
        }
        return false;
    }

    public bool Finds(ReadOnlySpan<byte> subject)
    {
        if (_filter is not null) return _filter.Includes(subject);
        return _literal.IsEmpty || _literal.SequenceEqual(subject);
    }
}
