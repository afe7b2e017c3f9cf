using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Log;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What the groups of a server run in.</summary>
/// <param name="Self">The server.</param>
/// <param name="Traffic">The account that carries their messages: the system account.</param>
/// <param name="Files">Where they lie.</param>
/// <param name="Log">Where their effects become durable.</param>
/// <param name="Time">Clock.</param>
/// <param name="Logger">The server's log.</param>
/// <param name="Turns">Where its mailboxes take their turns.</param>
internal sealed record GroupContext(PeerId Self, Account Traffic, StreamFiles Files, WriteAheadLog Log, TimeProvider Time, ILogger Logger, ITurns Turns)
{
    /// <summary>Elections, heartbeats and the like.</summary>
    public RaftTimings Timings { get; init; } = new();

    /// <summary>Whether a server is there.</summary>
    public Func<PeerId, bool> IsOnline { get; init; } = static _ => true;

    /// <summary>Whether a server leaves its groups as soon as it is assigned no more.</summary>
    public Func<PeerId, bool> LeavesAtOnce { get; init; } = static _ => false;

    /// <summary>Whether this server knows all that was decided about groups before it started.</summary>
    public Func<bool> KnowsAssignments { get; init; } = static () => true;

    /// <summary>Bytes of messages that may wait for a group; what is more is dropped, and sent again by the others.</summary>
    public long MaxQueuedBytes { get; init; } = 32L << 20;

    /// <summary>Milliseconds of the monotonic clock.</summary>
    public long Now => (long)(Time.GetTimestamp() * 1000.0 / Time.TimestampFrequency);
}
