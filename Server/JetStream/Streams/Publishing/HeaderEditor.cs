namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>
/// A header block that is being changed, in a buffer of its own which is used again. New headers go to the end, as
/// upstream puts them. Belongs to one thread.
/// </summary>
public sealed class HeaderEditor
{
    private static ReadOnlySpan<byte> FirstLine => "NATS/1.0\r\n"u8;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    private byte[] _buffer = new byte[256];
    private int _length;

    /// <summary>The whole block, with its blank line; empty: no header is left. Good until the next change.</summary>
    public ReadOnlySpan<byte> Block => _buffer.AsSpan(0, _length <= FirstLine.Length + LineEnd.Length && IsBare ? 0 : _length);

    private bool IsBare => _buffer.AsSpan(0, _length).SequenceEqual("NATS/1.0\r\n\r\n"u8);

    /// <summary>Begins with a block.</summary>
    /// <param name="block">May be empty, and may lack its end.</param>
    public void Load(ReadOnlySpan<byte> block)
    {
        _length = 0;
        if (block.Length <= LineEnd.Length) Write(FirstLine);
        else Write(block);
        while (!_buffer.AsSpan(0, _length).EndsWith("\r\n\r\n"u8)) Write(LineEnd);
    }

    /// <summary>Takes away all headers of a name.</summary>
    public void Remove(ReadOnlySpan<byte> name) => RemoveLines(name, isPrefix: false);

    /// <summary>Takes away all headers whose names begin so.</summary>
    public void RemovePrefix(ReadOnlySpan<byte> prefix) => RemoveLines(prefix, isPrefix: true);

    /// <summary>Adds a header at the end.</summary>
    public void Append(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _length -= LineEnd.Length;
        Write(name);
        Write(": "u8);
        Write(value);
        Write("\r\n\r\n"u8);
    }

    /// <summary>Gives the first header of a name another value where it stands; without one, adds it.</summary>
    public void Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        for (var at = NextLine(0); at >= 0; at = NextLine(at))
        {
            var line = Line(at);
            if (!line.StartsWith(name) || line.Length == name.Length || line[name.Length] != ':') continue;
            var start = at + name.Length + 1;
            if (line.Length > name.Length + 1 && line[name.Length + 1] == ' ') start++;
            Replace(start, at + line.Length - start, value);
            return;
        }
        Append(name, value);
    }

    private void RemoveLines(ReadOnlySpan<byte> name, bool isPrefix)
    {
        for (var at = NextLine(0); at >= 0;)
        {
            var line = Line(at);
            if (line.StartsWith(name) && (isPrefix || (line.Length > name.Length && line[name.Length] == ':')))
            {
                Replace(at, line.Length + LineEnd.Length, default);
                if (Line(at).IsEmpty) return;
            }
            else
            {
                at = NextLine(at);
            }
        }
    }

    /// <summary>Where the line after the one at a place begins; -1: that is the blank one.</summary>
    private int NextLine(int at)
    {
        var next = at + Line(at).Length + LineEnd.Length;
        return next >= _length || Line(next).IsEmpty ? -1 : next;
    }

    private ReadOnlySpan<byte> Line(int at)
    {
        var rest = _buffer.AsSpan(at, _length - at);
        var end = rest.IndexOf(LineEnd);
        return end < 0 ? rest : rest[..end];
    }

    private void Replace(int start, int length, ReadOnlySpan<byte> with)
    {
        Ensure(_length - length + with.Length);
        _buffer.AsSpan(start + length, _length - start - length).CopyTo(_buffer.AsSpan(start + with.Length));
        with.CopyTo(_buffer.AsSpan(start));
        _length += with.Length - length;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(_length + bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Ensure(int length)
    {
        if (_buffer.Length < length) Array.Resize(ref _buffer, Math.Max(length, _buffer.Length * 2));
    }
}
