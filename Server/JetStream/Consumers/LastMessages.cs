namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>The last messages of subjects at one time, with which a consumer begins; what came later follows.</summary>
/// <param name="sequences">Ascending, at least one.</param>
/// <param name="through">The stream's last message then.</param>
internal sealed class LastMessages(ulong[] sequences, ulong through)
{
    private int _at;

    /// <summary>The stream's last message when they were looked up.</summary>
    public ulong Through => through;

    /// <summary>Those left that are still in the stream.</summary>
    public ulong Count { get; private set; } = (ulong)sequences.Length;

    /// <summary>Whether none is left to look at.</summary>
    public bool IsEmpty => _at == sequences.Length;

    public ulong First => sequences[_at];

    /// <summary>The first one is through.</summary>
    /// <param name="wasThere">It has not been told as removed.</param>
    public void Advance(bool wasThere)
    {
        _at++;
        if (wasThere && Count > 0) Count--;
    }

    /// <summary>A message has left the stream; false: it is none of these.</summary>
    public bool Forget(ulong sequence)
    {
        if (Array.BinarySearch(sequences, _at, sequences.Length - _at, sequence) < 0) return false;
        if (Count > 0) Count--;
        return true;
    }

    /// <summary>Many messages may have left the stream.</summary>
    /// <param name="isThere">Tells of each whether it has not.</param>
    public void Recount(Func<ulong, bool> isThere)
    {
        sequences = [.. sequences.Skip(_at).Where(isThere)];
        _at = 0;
        Count = (ulong)sequences.Length;
    }
}
