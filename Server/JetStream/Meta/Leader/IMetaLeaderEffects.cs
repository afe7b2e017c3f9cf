using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>A request of the API that the meta leader decides.</summary>
/// <param name="Client">Who asks; goes into the log.</param>
/// <param name="Account">Whose streams it is about.</param>
/// <param name="Subject">The request's.</param>
/// <param name="Reply">Where the answer goes; null: nobody waits.</param>
/// <param name="Tag">Whatever the caller needs to answer.</param>
public sealed record MetaRequest(AssignmentClient Client, MetaAccount Account, string Subject, string? Reply, object? Tag = null);

/// <summary>An account, as far as its limits go.</summary>
public sealed record MetaAccount
{
    public required string Name { get; init; }

    public AccountTiers Tiers { get; init; } = AccountTiers.Unlimited;

    /// <summary>Whether somebody in the account listens on a subject.</summary>
    public Func<string, bool> HasInterest { get; init; } = static _ => false;
}

/// <summary>What the leader of a stream or consumer says of it.</summary>
public sealed record AssetFacts
{
    /// <summary>Its leader's peer id; null: it has none.</summary>
    public string? Leader { get; init; }

    /// <summary>Replicas that have everything, the leader among them.</summary>
    public int CurrentPeers { get; init; }

    /// <summary>Entries that replicas lack, altogether.</summary>
    public ulong Lag { get; init; }

    /// <summary>How far a consumer has come: what was delivered and its floor, without what is pending.</summary>
    public RawJson? ConsumerState { get; init; }
}

/// <summary>What a meta leader does. Called within its methods.</summary>
public interface IMetaLeaderEffects
{
    /// <summary>Peers of the meta group.</summary>
    IReadOnlyList<string> MetaPeers { get; }

    /// <summary>Proposes an entry in the term in which this server became leader.</summary>
    /// <returns>False: it no longer leads. Nobody is answered then; who leads next is asked again.</returns>
    bool Propose(byte[] entry);

    /// <summary>Proposes that a server leaves the meta group.</summary>
    /// <returns>Null, or why not.</returns>
    ApiError? ProposePeerRemoval(string peer);

    /// <summary>Asks the leader of an asset (<c>$JSC.SI.…</c>, <c>$JSC.CI.…</c>), for two seconds at most.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="consumer">Null: the stream itself is meant.</param>
    /// <param name="goOn">To be called once, where the leader's other methods are called: with what was said, or null when nobody answered.</param>
    void Ask(AssetKey stream, string? consumer, Action<AssetFacts?> goOn);

    /// <summary>Answers a request.</summary>
    void Answer(MetaRequest request, object response);

    /// <summary>Refuses a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="error">Why.</param>
    /// <param name="delayed">Half a second later: so that others, who may know better, answer first.</param>
    void Refuse(MetaRequest request, ApiError error, bool delayed = false);

    /// <summary>Passes on what a member answered to the request that stands in an assignment.</summary>
    /// <param name="client">Who asked.</param>
    /// <param name="subject">What.</param>
    /// <param name="reply">Where the answer goes.</param>
    /// <param name="response">The answer.</param>
    void PassOn(AssignmentClient client, string? subject, string? reply, RawJson response);

    /// <summary>Something that people should see in the log.</summary>
    void Warn(string text);
}

/// <summary>A server's rules for those who lead.</summary>
public sealed record MetaLeaderOptions
{
    public PlacementRules Placement { get; init; } = new();

    /// <summary>Nanoseconds that a duplicate window may have; 0: as many as it likes.</summary>
    public long MaxDuplicateWindow { get; init; }

    public ConsumerServerLimits Consumers { get; init; } = new();
}
