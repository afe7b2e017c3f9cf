namespace NatsAspire.Server.Storage.Messages;

/// <summary>Hears of messages as they come and go, in the middle of what the store does: it must not use the store.</summary>
public interface IStoreObserver
{
    /// <summary>A message has been added.</summary>
    void Added(ulong sequence, ReadOnlySpan<byte> subject);

    /// <summary>A message has been removed.</summary>
    void Removed(ulong sequence, ReadOnlySpan<byte> subject);

    /// <summary>All messages have been removed.</summary>
    void Cleared();
}
