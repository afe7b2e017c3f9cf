namespace NatsAspire.Server.Storage.Disk;

/// <summary>An open file. Not safe for concurrent writes; reads may run beside one writer.</summary>
public interface IDiskFile : IDisposable
{
    string Path { get; }

    /// <summary>Bytes in the file.</summary>
    long Length { get; }

    /// <summary>Reads up to the buffer's length.</summary>
    /// <returns>Bytes read; less than asked only at the end of the file.</returns>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Where at or behind an offset something else than zeros may be; the file's length: nowhere. Spares reading what was only reserved.</summary>
    long SkipHole(long offset) => offset;

    /// <summary>Writes all of it, growing the file when needed.</summary>
    void Write(long offset, ReadOnlySpan<byte> data);

    /// <summary>Cuts or grows (with zeros) the file.</summary>
    void SetLength(long length);

    /// <summary>
    /// Reserves space for so many bytes, so that later writes within need no allocation. The file grows (with zeros) to
    /// that length; a longer file stays as it is.
    /// </summary>
    void Preallocate(long length);

    /// <summary>
    /// Makes what was written durable (<c>fdatasync</c>). After one failure the file takes no more writes or syncs: what
    /// the kernel dropped cannot be known (fsyncgate).
    /// </summary>
    void Sync();
}
