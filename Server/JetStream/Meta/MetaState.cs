using NatsAspire.Server.JetStream.Meta.Assignments;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>
/// What the meta log says, applied: assignments of streams and consumers, and what this server has to do about them. Pure:
/// equal logs lead to equal <see cref="Current"/> on every server. Not thread safe, but <see cref="Current"/> is.
/// </summary>
/// <remarks>
/// It begins in recovery: entries are staged until <see cref="EndRecovery"/>, so that what was made and removed again in
/// the meantime is never made. <see cref="BeginRecovery"/> stages again, for a log that is caught up in one go.
/// </remarks>
public sealed partial class MetaState
{
    private readonly string _self;
    private readonly IMetaEffects _effects;
    private readonly IMetaObserver? _observer;
    private volatile MetaAssignments _current = MetaAssignments.Empty;
    private MetaStaging? _staging = new(MetaAssignments.Empty);
    private bool _hasRecovered;

    /// <param name="self">This server's peer id.</param>
    /// <param name="effects">Who does what is to be done.</param>
    /// <param name="observer">Who hears of everything that was applied; null: nobody.</param>
    public MetaState(string self, IMetaEffects effects, IMetaObserver? observer = null)
    {
        _self = self;
        _effects = effects;
        _observer = observer;
    }

    /// <summary>This server's peer id.</summary>
    public string Self => _self;

    /// <summary>What is assigned; what is staged is not in it yet.</summary>
    public MetaAssignments Current => _current;

    /// <summary>Whether entries are staged.</summary>
    public bool IsRecovering => _staging is not null;

    /// <summary>Whether the first recovery, of this server's own log, is over.</summary>
    public bool HasRecovered => _hasRecovered;

    /// <summary>From here on entries are staged; more than one call is one. For entries that catch this server up.</summary>
    public void BeginRecovery() => _staging ??= new MetaStaging(_current);

    /// <summary>Carries out what is staged, in this order: removals of consumers, of streams, new streams, other streams, consumers.</summary>
    public void EndRecovery()
    {
        CarryOut();
        var isFirst = !_hasRecovered;
        _hasRecovered = true;
        _effects.RecoveryDone(isFirst);
    }

    /// <summary>Applies an entry.</summary>
    /// <param name="bytes">The whole entry.</param>
    /// <returns>Null, or what is wrong with it; nothing has changed then. Other servers may have understood it: this one must not lead.</returns>
    public string? Apply(ReadOnlySpan<byte> bytes)
    {
        if (MetaEntry.Decode(bytes, out var entry) is { } error) return error;
        Apply(entry!);
        return null;
    }

    /// <summary>Applies an entry.</summary>
    public void Apply(MetaEntry entry)
    {
        if (_staging is not null) _staging.Apply(entry);
        else Live(entry);
    }

    /// <summary>Applies a snapshot: what is not in it is removed, what is another one in it is made anew.</summary>
    /// <param name="snapshot">All of its bytes.</param>
    /// <returns>Null, or what is wrong with it; nothing has changed then, and this server must neither lead nor take a snapshot of its own.</returns>
    public string? ApplySnapshot(ReadOnlySpan<byte> snapshot)
    {
        if (MetaSnapshot.Decode(snapshot, out var streams) is { } error) return error;
        var wasRecovering = IsRecovering;
        BeginRecovery();
        _staging!.Apply(streams);
        if (!wasRecovering) CarryOut();
        return null;
    }

    /// <summary>A server has joined the meta group. Of no consequence in the first recovery.</summary>
    public void AddPeer(string peer)
    {
        if (_hasRecovered) _effects.PeerAdded(peer);
    }

    /// <summary>A server was taken out of the meta group. Of no consequence in the first recovery.</summary>
    public void RemovePeer(string peer)
    {
        if (_hasRecovered) _effects.PeerRemoved(peer);
    }

    /// <summary>
    /// What this disk holds though nothing says that it should. Only to be asked when this server is known to be up to date
    /// with the meta leader; and even then orphans are set aside, not deleted: the log may have lost what they were for.
    /// </summary>
    /// <param name="streams">Streams that are here: account and name.</param>
    /// <param name="consumers">Consumers that are here: account, stream and name; without those that servers made for themselves.</param>
    public MetaOrphans FindOrphans(IEnumerable<(string Account, string Stream)> streams, IEnumerable<(string Account, string Stream, string Consumer)> consumers)
    {
        var current = _current;
        return new MetaOrphans(
            [.. streams.Where(one => current.Find(one.Account, one.Stream) is null)],
            [.. consumers.Where(one => current.Find(one.Account, one.Stream) is { } stream && !stream.Consumers.ContainsKey(one.Consumer))]);
    }
}

/// <summary>What <see cref="MetaState.FindOrphans"/> found. Consumers of orphaned streams are not listed.</summary>
public sealed record MetaOrphans(
    IReadOnlyList<(string Account, string Stream)> Streams, IReadOnlyList<(string Account, string Stream, string Consumer)> Consumers);

/// <summary>Hears of all that was applied, so that a leader knows what of its proposals is still on the way.</summary>
public interface IMetaObserver
{
    /// <summary>An entry about the stream was applied, or a snapshot that has it.</summary>
    void StreamApplied(string account, string stream);

    /// <summary>An entry about the consumer was applied, or a snapshot that has it.</summary>
    void ConsumerApplied(string account, string stream, string consumer);
}
