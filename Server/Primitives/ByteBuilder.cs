namespace NatsAspire.Server.Primitives;

/// <summary>Puts a line together from bytes and numbers.</summary>
public ref struct ByteBuilder(int capacity)
{
    private byte[] _buffer = new byte[Math.Max(16, capacity)];
    private int _count;

    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _count);

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_count));
        _count += bytes.Length;
    }

    public void Add(long number)
    {
        Ensure(20);
        number.TryFormat(_buffer.AsSpan(_count), out var written);
        _count += written;
    }

    private void Ensure(int room)
    {
        if (_buffer.Length - _count < room) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _count + room));
    }
}
