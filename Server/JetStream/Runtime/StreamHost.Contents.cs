using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>What it holds, for those who ask. All but <see cref="State"/> belongs to the mailbox.</summary>
internal sealed partial class StreamHost
{
    private StateSnapshot _state = new(default);
    private bool _hasLeft;

    /// <summary>Counts and ends at the end of the last turn. From any thread.</summary>
    public StoreState State => Volatile.Read(ref _state).State;

    /// <summary>It ends or has ended: its messages are not to be read any more. In the mailbox.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>The messages, to be read in the mailbox.</summary>
    public IMessageStore Store => _store;

    /// <summary>Messages put here by a command go out when this turn's commands are done; they wait for nothing.</summary>
    public Outbox Prompt { get; } = new();

    /// <summary>Messages put here in the mailbox go out when what was proposed before them is durable.</summary>
    public Outbox Outgoing => _outbox;

    /// <summary>Removes messages, as a request says.</summary>
    /// <returns>How many.</returns>
    public ulong Purge(PurgeRequestEntry? request, ulong below)
    {
        var before = _store.State.Messages;
        Propose(JsonEntry.Encode(
            EntryOperation.PurgeStream,
            new PurgeStreamEntry { Stream = Configuration.Name, LastSequence = below, Request = request },
            EntryJson.Default.PurgeStreamEntry));
        return before - _store.State.Messages;
    }

    /// <summary>Removes a message that is there.</summary>
    public void Remove(ulong sequence, bool noErase) => Propose(JsonEntry.Encode(
        EntryOperation.DeleteMessage,
        new DeleteMessageEntry { Stream = Configuration.Name, Sequence = sequence, NoErase = noErase },
        EntryJson.Default.DeleteMessageEntry));

    /// <summary>Has messages removed by the group; its leader answers when it is done.</summary>
    public void ProposePurge(PurgeRequestEntry? request, ClientInfo? client, string subject, string reply) => _leader!.Propose(
        JsonEntry.Encode(
            EntryOperation.PurgeStream,
            new PurgeStreamEntry { Client = client, Stream = Configuration.Name, LastSequence = _store.State.LastSequence, Subject = subject, Reply = reply, Request = _replica.Settle(request) },
            EntryJson.Default.PurgeStreamEntry),
        this);

    /// <summary>Has a message removed by the group; its leader answers when it is done.</summary>
    public void ProposeRemoval(ulong sequence, bool noErase, ClientInfo? client, string subject, string reply) => _leader!.Propose(
        JsonEntry.Encode(
            EntryOperation.DeleteMessage,
            new DeleteMessageEntry { Client = client, Stream = Configuration.Name, Sequence = sequence, NoErase = noErase, Subject = subject, Reply = reply },
            EntryJson.Default.DeleteMessageEntry),
        this);

    private void PublishState()
    {
        var state = _store.State;
        if (state == _state.State) return;
        if (!_hasLeft) _room?.Settle();
        Volatile.Write(ref _state, new StateSnapshot(state));
    }

    /// <summary>Why account or server let it hold no more; null: they do. In the mailbox.</summary>
    public ApiError? FindNoRoom() => _room?.Check(0);

    private void NoteNoRoom(ApiError error)
    {
        var storage = Configuration.Storage == StorageType.Memory ? "memory" : "file";
        var isServers = error.Is(JetStreamErrors.JSInsufficientResourcesErr);
        if (!_context.Repeated.Admits($"no room {storage} {(isServers ? "" : Account.Name)}")) return;
        if (isServers) JetStreamLog.ServerFull(_context.Log, storage);
        else JetStreamLog.AccountFull(_context.Log, storage, Account.Name);
    }

    private sealed record StateSnapshot(StoreState State);
}
