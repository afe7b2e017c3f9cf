using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Whether a stream may hold more bytes, as far as its account and its server are concerned. What it holds itself is
/// always counted, what others hold as of their last turns. Belongs to the stream's mailbox.
/// </summary>
/// <param name="account">What the account's streams of this storage hold together.</param>
/// <param name="store">The stream's messages.</param>
/// <param name="refused">Told of each refusal.</param>
public sealed class StorageRoom(StorageUsage account, IMessageStore store, Action<ApiError> refused)
{
    private long _counted;

    /// <summary>Why a message cannot be stored; null: it can.</summary>
    /// <param name="size">As it would be stored, in bytes; 0: whether there is too much already.</param>
    public ApiError? Check(ulong size)
    {
        var error = Find(size);
        if (error is not null) refused(error);
        return error;
    }

    /// <summary>Whether so many bytes more may be held. Nobody is told if not.</summary>
    internal bool HasRoomFor(ulong size) => Find(size) is null;

    private ApiError? Find(ulong size)
    {
        if (account.Limit < 0 && account.Server is not { Limit: >= 0 }) return null;
        var uncounted = (long)store.State.Bytes - _counted;
        // As upstream: the server's limit may be passed by a message, the account's may not.
        return account.Server is { Limit: >= 0 } server && server.Used + uncounted > server.Limit ? JetStreamErrors.JSInsufficientResourcesErr
            : account.Limit >= 0 && account.Used + uncounted + (long)size > account.Limit ? JetStreamErrors.JSAccountResourcesExceededErr
            : null;
    }

    /// <summary>Has the others see what the stream holds now.</summary>
    public void Settle() => SettleAt((long)store.State.Bytes);

    /// <summary>The stream holds nothing any more.</summary>
    public void Leave() => SettleAt(0);

    private void SettleAt(long bytes)
    {
        if (bytes == _counted) return;
        account.Add(bytes - _counted);
        _counted = bytes;
    }
}
