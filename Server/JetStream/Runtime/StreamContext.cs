using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>What a stream runs in.</summary>
/// <param name="Account">Whose it is.</param>
/// <param name="Time">Clock and timers.</param>
/// <param name="Log">The server's log.</param>
/// <param name="Domain">The server's domain; null: none.</param>
/// <param name="Files">Where it lies.</param>
/// <param name="Threads">Where its turns happen.</param>
internal sealed record StreamContext(Account Account, TimeProvider Time, ILogger Log, string? Domain, StreamFiles Files, ITurns Threads)
{
    public const int DefaultQueuedMessages = 100_000;

    /// <summary>Published messages that may wait for a stream. Upstream's 10,000 are less than one read of a connection may bring here.</summary>
    public int MaxQueuedMessages { get; init; } = DefaultQueuedMessages;

    /// <summary>Bytes of published messages that may wait for a stream, as upstream.</summary>
    public long MaxQueuedBytes { get; init; } = 128L << 20;

    /// <summary>Bytes in the log after which a stream makes a checkpoint.</summary>
    public long CheckpointBytes { get; init; } = 32L << 20;

    /// <summary>Finds a stream of the account. From any thread.</summary>
    public Func<string, StreamHost?>? Find { get; init; }

    /// <summary>What the account's streams of a storage hold together; null: nobody counts.</summary>
    public Func<StorageType, StorageUsage>? UsageOf { get; init; }

    /// <summary>
    /// What stands in subjects of acknowledgements and of flow control before the stream's name, with its dot: empty for version 1 of them,
    /// <c>domain.hash.</c> for version 2 (the feature <c>js_ack_fc_v2</c>).
    /// </summary>
    public string ControlScope { get; init; } = "";

    /// <summary>Keeps lines from being written again and again; shared by the server's streams.</summary>
    public RepeatedTexts Repeated { get; init; } = new(Time);

    /// <summary>What leaders of streams must know.</summary>
    public StreamLeaderOptions LeaderOptions { get; init; } = new();

    /// <summary>What streams are made of.</summary>
    public AssetParts Parts { get; init; } = new();

    /// <summary>The cluster; null: the server stands alone.</summary>
    public ClusterView? Cluster { get; init; }

    /// <summary>The account that carries what servers say to each other: the system account.</summary>
    public Account? Traffic { get; init; }

    /// <summary>Who serves direct gets, when there is somebody. From any thread.</summary>
    public Func<IDirectGets?> DirectGets { get; init; } = () => null;

    /// <summary>Ends a group's part on this server.</summary>
    public Action<GroupHost>? CloseGroup { get; init; }

    /// <summary>Asks the cluster to remove a consumer of a stream: names of both. From any thread.</summary>
    public Action<string, string>? RemoveConsumer { get; init; }

    /// <summary>This server among its peers.</summary>
    public PeerId Self { get; init; }

    /// <summary>Makes this server's member of a group run.</summary>
    public GroupOpener? OpenGroup { get; init; }

    /// <summary>Removes a group from this server.</summary>
    public Action<string>? DeleteGroup { get; init; }

    /// <summary>Groups of an owner (<see cref="GroupPlan.Owner"/>) that were found at the start and that nobody is in.</summary>
    public Func<string, IReadOnlyList<string>> FindGroups { get; init; } = static _ => [];

    /// <summary>Whether a group of the name was found at the start and has not been opened.</summary>
    public Func<string, bool> HasGroup { get; init; } = static _ => false;

    /// <summary>Adds an advisory to what goes out, if anybody in the account wants it.</summary>
    public void Advise(Outbox outbox, string subject, Func<JetStreamAdvisory> create)
    {
        var bytes = Encoding.UTF8.GetBytes(subject);
        if (Account.Subscriptions.HasInterest(bytes)) outbox.Add(bytes, default, default, Stamp(create()));
    }

    /// <summary>
    /// Adds an advisory about a group of servers, once for those who listen in the account and once for those in the system account, which are
    /// told whose it is, as upstream.
    /// </summary>
    /// <param name="outbox">What goes out.</param>
    /// <param name="subject">Of both.</param>
    /// <param name="create">Makes it with the account's name, or null where nobody needs it.</param>
    public void AdviseOfGroup(Outbox outbox, string subject, Func<string?, JetStreamAdvisory> create)
    {
        if (Account != Traffic) Advise(outbox, subject, () => create(null));
        var bytes = Encoding.UTF8.GetBytes(subject);
        if (Traffic is { } system && system.Subscriptions.HasInterest(bytes)) outbox.AddElsewhere(system, bytes, Stamp(create(Account.Name)));
    }

    private byte[] Stamp(JetStreamAdvisory advisory) => JetStreamJson.Write(advisory.Stamped(UniqueId.Next(), ApiTime.FromUnix(Now), Domain));

    /// <summary>Adds word of an answer of the API's, if anybody in the account listens for it.</summary>
    /// <param name="outbox">What goes out.</param>
    /// <param name="server">Who answers.</param>
    /// <param name="client">Who asked; null: not known.</param>
    /// <param name="subject">What was asked.</param>
    /// <param name="request">With this; null: nothing, or not known any more.</param>
    /// <param name="response">The answer.</param>
    public void Audit(Outbox outbox, string server, ClientInfo? client, string subject, string? request, byte[] response) => Advise(outbox, AdvisorySubjects.Api, () => new ApiAuditAdvisory
    {
        Server = server,
        Client = client ?? new ClientInfo { Account = Account.Name },
        Subject = subject,
        Request = request,
        Response = Encoding.UTF8.GetString(response),
    });

    /// <summary>Nanoseconds since 1970.</summary>
    public long Now => (Time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick;
}

/// <summary>Makes this server's member of a group run, with what was found of it, or else with a seed.</summary>
internal delegate GroupHost GroupOpener(GroupPlan plan, Mailbox owner, IGroupMachine machine, bool isInMemory, RaftSnapshot? seed);

/// <summary>What a stream is, as it is kept beside its messages.</summary>
/// <param name="Id">Its name in the log; never given again.</param>
/// <param name="Created">Nanoseconds since 1970.</param>
/// <param name="Configuration">As stored.</param>
internal sealed record StreamRecord(ulong Id, long Created, StreamConfiguration Configuration)
{
    /// <summary>The Raft group whose log its operations are counted by; null: it is alone, and they are its own.</summary>
    public string? Group { get; init; }

    /// <summary>Last sequence copied of each source (<see cref="StreamSource.IndexName"/>), as of the last checkpoint.</summary>
    public IReadOnlyDictionary<string, ulong> Positions { get; init; } = new Dictionary<string, ulong>();

    /// <summary>Entries of a replicated stream that have come to nothing, as of operations of its log at which a checkpoint was made.</summary>
    public IReadOnlyDictionary<ulong, ulong> Failed { get; init; } = new Dictionary<ulong, ulong>();

    /// <summary>How many had come to nothing at an operation of the log at which a checkpoint was made.</summary>
    public ulong FailedAt(ulong index) => Failed.GetValueOrDefault(index, Failed.Count == 0 ? 0 : Failed.Where(one => one.Key <= index).Select(one => one.Value).DefaultIfEmpty().Max());
}
