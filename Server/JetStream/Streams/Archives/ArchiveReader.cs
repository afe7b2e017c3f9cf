namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>Who takes an archive's files.</summary>
internal interface IArchiveFiles
{
    /// <summary>A file begins.</summary>
    /// <param name="name">As the archive has it; anything may stand there.</param>
    /// <param name="length">As the archive says; it need not come to so much.</param>
    /// <returns>Null, or why it is refused.</returns>
    string? Begin(string name, long length);

    /// <summary>The next bytes of the file.</summary>
    /// <returns>Null, or why they are refused.</returns>
    string? Content(ReadOnlySpan<byte> bytes);

    /// <summary>The file is complete.</summary>
    /// <returns>Null, or why it is refused.</returns>
    string? End();
}

/// <summary>Takes a tar archive in pieces, wherever it is cut. Holds one header at most; lets regular files through and nothing else.</summary>
internal sealed class ArchiveReader(IArchiveFiles files)
{
    private const int MaxAttributes = 64 * 1024;

    private readonly byte[] _header = new byte[TarFormat.Block];
    private readonly MemoryStream _attributes = new();
    private int _headerCount;
    private long _rest;
    private int _padding;
    private int _emptyBlocks;
    private bool _inAttributes;
    private bool _inFile;
    private string? _path;
    private long? _size;

    /// <summary>The end of the archive has been seen.</summary>
    public bool IsEnded => _emptyBlocks >= 2;

    /// <summary>Takes the next bytes.</summary>
    /// <returns>Null, or what is wrong; nothing more may come then.</returns>
    public string? Push(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            string? error = null;
            if (_rest > 0)
            {
                var piece = bytes[..(int)Math.Min(_rest, bytes.Length)];
                _rest -= piece.Length;
                bytes = bytes[piece.Length..];
                error = TakeContent(piece);
            }
            else if (_padding > 0)
            {
                var count = Math.Min(_padding, bytes.Length);
                _padding -= count;
                bytes = bytes[count..];
            }
            else
            {
                var piece = bytes[..Math.Min(TarFormat.Block - _headerCount, bytes.Length)];
                piece.CopyTo(_header.AsSpan(_headerCount));
                _headerCount += piece.Length;
                bytes = bytes[piece.Length..];
                if (_headerCount == TarFormat.Block) error = TakeHeader();
            }
            if (error is not null) return error;
        }
        return null;
    }

    private string? TakeContent(ReadOnlySpan<byte> piece)
    {
        if (_inAttributes) _attributes.Write(piece);
        else if (files.Content(piece) is { } error) return error;
        return _rest == 0 ? EndEntry() : null;
    }

    private string? TakeHeader()
    {
        _headerCount = 0;
        if (!_header.AsSpan().ContainsAnyExcept((byte)0))
        {
            _emptyBlocks++;
            return null;
        }
        if (_emptyBlocks > 0) return "something stands behind the archive's end";
        if (!TarFormat.TryRead(_header, out var name, out var size, out var type)) return "an entry's header is damaged";
        if (type == TarFormat.Attributes)
        {
            if (_path is not null || _size is not null || size is 0 or > MaxAttributes) return $"attributes of {size} bytes";
            _inAttributes = true;
            Expect(size);
            return null;
        }
        (name, size) = (_path ?? name, _size ?? size);
        (_path, _size) = (null, null);
        if (type is not (TarFormat.File or TarFormat.OldFile)) return $"'{Shown(name)}' is no plain file";
        if (files.Begin(name, size) is { } error) return error;
        _inFile = true;
        Expect(size);
        return size == 0 ? EndEntry() : null;
    }

    private void Expect(long size)
    {
        _rest = size;
        _padding = TarFormat.Padding(size);
    }

    private string? EndEntry()
    {
        if (_inFile)
        {
            _inFile = false;
            return files.End();
        }
        _inAttributes = false;
        var content = _attributes.GetBuffer().AsSpan(0, (int)_attributes.Length);
        _attributes.SetLength(0);
        return TarFormat.TryReadAttributes(content, out _path, out _size) ? null : "attributes of an entry are damaged";
    }

    /// <summary>A name from outside, fit for a message.</summary>
    internal static string Shown(string name)
    {
        var text = name.Length > 80 ? name[..80] + "…" : name;
        return string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));
    }
}
