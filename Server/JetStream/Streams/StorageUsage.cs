namespace NatsAspire.Server.JetStream.Streams;

/// <summary>How many bytes the streams of one storage hold, in an account or in the whole server, and how many they may. From any thread.</summary>
/// <param name="server">That of the server, when this is an account's.</param>
public sealed class StorageUsage(StorageUsage? server = null)
{
    private long _used;
    private long _limit = -1;

    /// <summary>Bytes held, as of the last turn of each stream.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Bytes at most; negative: any number.</summary>
    public long Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    /// <summary>That of the server; null: this is it.</summary>
    public StorageUsage? Server => server;

    /// <summary>A stream holds more, or less.</summary>
    public void Add(long bytes)
    {
        Interlocked.Add(ref _used, bytes);
        server?.Add(bytes);
    }
}
