namespace NatsAspire.Tests.Support;

/// <summary>The bytes of a simulated file. Copies share the array until one of them writes.</summary>
public sealed class SimulatedContent
{
    private byte[] _bytes = [];
    private bool _shared;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public SimulatedContent Copy()
    {
        _shared = true;
        return new SimulatedContent { _bytes = _bytes, _shared = true, Length = Length };
    }

    public int Read(long offset, Span<byte> buffer)
    {
        if (offset >= Length) return 0;
        var count = Math.Min(buffer.Length, Length - (int)offset);
        _bytes.AsSpan((int)offset, count).CopyTo(buffer);
        return count;
    }

    /// <summary>Writes and grows.</summary>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        WriteBeyond(offset, data);
        Length = Math.Max(Length, (int)offset + data.Length);
    }

    /// <summary>Writes without growing: what lies behind the length shows when the length follows.</summary>
    public void WriteBeyond(long offset, ReadOnlySpan<byte> data)
    {
        Own(checked((int)offset + data.Length));
        data.CopyTo(_bytes.AsSpan((int)offset));
    }

    /// <summary>Cuts, so that a later growth shows zeros, or grows to what lies there (zeros, if nothing was written).</summary>
    public void SetLength(long length)
    {
        var wanted = checked((int)length);
        Own(wanted);
        if (wanted < Length) _bytes.AsSpan(wanted).Clear();
        Length = wanted;
    }

    /// <summary>Forgets what was written behind the length.</summary>
    public void ClearBeyond()
    {
        if (!_bytes.AsSpan(Length).ContainsAnyExcept((byte)0)) return;
        Own(Length);
        _bytes.AsSpan(Length).Clear();
    }

    private void Own(int room)
    {
        if (!_shared && _bytes.Length >= room) return;
        var bytes = new byte[room <= _bytes.Length ? _bytes.Length : Math.Max(room, Math.Min(_bytes.Length * 2, _bytes.Length + (1 << 20)))];
        _bytes.CopyTo(bytes, 0);
        (_bytes, _shared) = (bytes, false);
    }
}
