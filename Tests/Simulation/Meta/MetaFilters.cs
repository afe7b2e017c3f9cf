using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>Hands on all that assignments ask of a server.</summary>
internal class MetaEffectsFilter(IMetaEffects effects) : IMetaEffects
{
    protected IMetaEffects Effects => effects;

    public virtual void PlaceStream(MetaChange<StreamAssignment> change) => effects.PlaceStream(change);

    public virtual void StopStream(StreamAssignment stream, MetaStop reason) => effects.StopStream(stream, reason);

    public virtual void RemoveStream(MetaRemoval<StreamAssignment> removal) => effects.RemoveStream(removal);

    public virtual void PlaceConsumer(MetaChange<ConsumerAssignment> change) => effects.PlaceConsumer(change);

    public virtual void StopConsumer(ConsumerAssignment consumer, MetaStop reason) => effects.StopConsumer(consumer, reason);

    public virtual void RemoveConsumer(MetaRemoval<ConsumerAssignment> removal) => effects.RemoveConsumer(removal);

    public virtual void PeerAdded(string peer) => effects.PeerAdded(peer);

    public virtual void PeerRemoved(string peer) => effects.PeerRemoved(peer);

    public virtual void RecoveryDone(bool isFirst) => effects.RecoveryDone(isFirst);
}

/// <summary>Hands on all that a leader does.</summary>
internal class LeaderEffectsFilter(IMetaLeaderEffects effects) : IMetaLeaderEffects
{
    public IReadOnlyList<string> MetaPeers => effects.MetaPeers;

    public virtual bool Propose(byte[] entry) => effects.Propose(entry);

    public ApiError? ProposePeerRemoval(string peer) => effects.ProposePeerRemoval(peer);

    public void Ask(AssetKey stream, string? consumer, Action<AssetFacts?> goOn) => effects.Ask(stream, consumer, goOn);

    public void Answer(MetaRequest request, object response) => effects.Answer(request, response);

    public void Refuse(MetaRequest request, ApiError error, bool delayed = false) => effects.Refuse(request, error, delayed);

    public void PassOn(AssignmentClient client, string? subject, string? reply, RawJson response) => effects.PassOn(client, subject, reply, response);

    public void Warn(string text) => effects.Warn(text);
}
