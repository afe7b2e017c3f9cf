using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Meta.Assignments;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>What members say of assets that they cannot hold.</summary>
public sealed partial class MetaLeader
{
    /// <summary>Nanoseconds since it was made in which a stream that a member refuses is taken back; later there may be data.</summary>
    private const long TakenBackWithin = 5_000_000_000;

    /// <summary>
    /// A member refuses a stream: the client is told. A new stream goes again, or elsewhere when it did not fit and the
    /// client can reach another cluster.
    /// </summary>
    public void StreamResult(StreamAssignmentResult result)
    {
        var key = new AssetKey(result.Account, result.Stream);
        if (!IsLeading || _proposals.Find(Current, key) is not { } stream || _proposals.IsReassigned(key)) return;
        var canGo = !result.IsUpdate && _environment.Now.UnixNanoseconds - stream.Created.UnixNanoseconds < TakenBackWithin;
        if (canGo && TryElsewhere(stream, result)) return;
        if ((result.CreateResponse ?? result.RestoreResponse) is { } response && (_proposals.TryAnswer(stream) || result.IsUpdate))
        {
            _effects.PassOn(stream.Client!, stream.Subject, stream.Reply, response);
        }
        if (!canGo) return;
        _effects.Warn($"Stream assignment for '{stream.Account} > {stream.Name}' rejected by assigned member: {result.Error}");
        // Its leader must not answer a second time.
        ProposeRemoval(stream with { Subject = null, Reply = null });
    }

    /// <summary>A member refuses a consumer: the client is told. It stays, for others may have taken it.</summary>
    public void ConsumerResult(ConsumerAssignmentResult result)
    {
        if (!IsLeading || Current.Find(result.Account, result.Stream, result.Consumer)?.Assignment is not { } consumer || result.Response is not { } response) return;
        if (!_proposals.TryAnswer(consumer)) return;
        _effects.PassOn(consumer.Client!, consumer.Subject, consumer.Reply, response);
        if (result.Error is { } error) _effects.Warn($"Consumer assignment for '{consumer.Account} > {consumer.Stream} > {consumer.Name}' rejected by assigned member: {error}");
    }

    private bool TryElsewhere(StreamAssignment stream, StreamAssignmentResult result)
    {
        if (result.CreateResponse is null || !IsLackOfRoom(result.Error) || stream.Client is not { } client) return false;
        if (client.Alternates.IsEmpty || stream.Configuration.Placement?.Cluster is not null) return false;
        if (NewGroup(client, stream.Configuration, out var group) is { } refusal)
        {
            _effects.Warn($"Retrying cluster placement for stream '{stream.Account} > {stream.Name}' failed due to placement error: {refusal}");
            return false;
        }
        _effects.Warn($"Retrying cluster placement for stream '{stream.Account} > {stream.Name}' due to insufficient resources");
        if (ProposeRemoval(stream with { Subject = null, Reply = null })) Propose(stream with { Group = group with { Preferred = _selector.PreferredOf(group.Peers) } }, isReassignment: true);
        return true;
    }

    private static bool IsLackOfRoom(ApiError? error) => error is not null
        && (error.Is(JetStreamErrors.JSInsufficientResourcesErr) || error.Is(JetStreamErrors.JSMemoryResourcesExceededErr) || error.Is(JetStreamErrors.JSStorageResourcesExceededErr));
}
