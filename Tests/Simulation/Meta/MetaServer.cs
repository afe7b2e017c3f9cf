using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Simulation.Cluster;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>
/// A server of a simulated cluster with all that production runs of JetStream: the API, this server's part in the meta group,
/// the engine with its streams and groups. Only other servers' figures, and who is asked for them, are played.
/// </summary>
internal sealed class MetaServer(MetaSimulation simulation, SimulatedWorld world, string name) : SimulatedNode(world, name, PeerId.Of(name))
{
    private AccountRegistry? _accounts;
    private JetStreamEngine? _engine;
    private JetStreamService? _service;

    /// <summary>Not to be started: somebody has taken it out of the cluster.</summary>
    public bool IsOut { get; set; }

    public JetStreamEngine Engine => _engine!;

    /// <summary>The API; null: it does not run.</summary>
    public JetStreamService? Service => IsRunning ? _service : null;

    /// <summary>Its part in the meta group; null: it does not run.</summary>
    public MetaHost? Meta => Service?.Meta;

    /// <summary>Its streams; none, when it does not run.</summary>
    public AccountStreams? Streams => Service is null ? null : Engine.Accounts["$G"];

    /// <summary>A stream as it was when the server ran last; null: it had none of the name.</summary>
    public StreamHost? LastKnown(string stream) => _engine?.Accounts["$G"].Find(stream);

    protected override WriteAheadLog? Log => _engine?.GroupContext?.Log;

    protected override void Run()
    {
        (_engine, _service) = (null, null);
        _accounts = new AccountRegistry(new ServerOptions(), Name, "sim", tracksInterest: false);
        _accounts.System!.Subscribe(new Subscription(new Port(this), ">"u8.ToArray()));
        _accounts.Global.Subscribe(new Subscription(new Port(this), "_INBOX.>"u8.ToArray()));
        var view = new ClusterView(Name, static () => "sim", peer => Meta?.Registry.NameOf(peer.ToString()) ?? peer.ToString(), peer => Meta?.Registry.IsOnline(peer.ToString()) == true)
        {
            LeavesAtOnce = peer => Meta?.Registry.LeavesAtOnce(peer.ToString()) == true,
        };
        _engine = JetStreamEngine.Start(
            new WatchedDisk(simulation.Bug.Disk(Disk), (from, to) => simulation.Renames(this, from, to), path => simulation.Deletes(this, path)), "/js", new JetStreamOptions { Enabled = true, MaxStore = 1L << 40, MaxMemory = 1L << 40 },
            [(_accounts.Global, new AccountLimits())], Time, this, simulation.Plan.LogOptions,
            new ClusterMembership(Id, _accounts.System, view) { Timings = simulation.Plan.Timings, Parts = PartsOf() }, this);
        _service = new JetStreamService(_engine, _accounts, new ServiceSettings(Name, "2.14.5", Strict: false, QueueLimit: 0, MaxPending: 64 << 20, Time, this)
        {
            Cluster = new ClusterSettings("ID" + Name, simulation.Plan.Servers) { ClusterName = static () => "sim", Parts = simulation.Bug.Spoil(this, MetaPartsOf()) },
        });
        Announce();
    }

    private AssetParts PartsOf() => new()
    {
        Machine = (group, machine) => new WatchedMachine((in entry, of) => simulation.Applied(this, of, entry), text => simulation.World.Note(Name, text), group, simulation.Bug.Wrap(this, group, machine)),
        Options = options => options with
        {
            Seed = simulation.World.Random.Next(),
            MaxBatchEntries = simulation.Plan.BatchEntries,
            CatchUpWindow = simulation.Plan.CatchUpWindow,
            BacklogBytes = simulation.Plan.BacklogBytes,
        },
    };

    private MetaParts MetaPartsOf() => new()
    {
        Random = simulation.World.Random.Below,
        NewHash = () => NodeHash.Of($"{simulation.World.Random.Next()}"),
    };

    /// <summary>A request to the API, as it comes out of the account of who asks.</summary>
    public void HearRequest(SimulatedPost post) => Deliver(_accounts!.System!, post);

    /// <summary>A message of a client, in its account.</summary>
    public void HearClient(SimulatedPost post) => Deliver(_accounts!.Global, post);

    public override void Hear(SimulatedPost post)
    {
        if (post.Subject.AsSpan().SequenceEqual("$SYS.REQ.SERVER.PING.STATSZ"u8)) Send(Figures(post.Reply));
        else Deliver(_accounts!.System!, post);
    }

    protected override void Look() => simulation.Check(this);

    protected override long DrawSync() => simulation.DrawSync();

    protected override void Send(SimulatedPost post)
    {
        // Nobody listens for advisories.
        if (post.Subject.AsSpan().StartsWith("$JS.EVENT."u8)) return;
        simulation.Network.Send(this, post);
        // It hears of itself too.
        if (post.Subject.AsSpan().SequenceEqual("$SYS.REQ.SERVER.PING.STATSZ"u8)) At(SimulatedWorld.Millisecond, () => Deliver(_accounts!.System!, Figures(post.Reply)));
    }

    protected override void Tell(in Message message) => simulation.Tell(this, message);

    /// <summary>Answers in the place of those who should.</summary>
    public void Answer(string reply, string answer) => Deliver(_accounts!.System!, reply, answer);

    private static void Deliver(Account account, string subject, string payload) => account.PublishInternal(Encoding.UTF8.GetBytes(subject), default, Encoding.UTF8.GetBytes(payload), null);

    private void Announce()
    {
        At(10 * SimulatedWorld.Second, Announce);
        Send(Figures(Encoding.ASCII.GetBytes($"$SYS.SERVER.ID{Name}.STATSZ")));
    }

    private SimulatedPost Figures(byte[] subject)
    {
        const ulong Flags = 1 | 2 | ServerIdentityInfo.StaysUntilRelieved;
        var limits = $"\"config\":{{\"max_memory\":{1L << 40},\"max_storage\":{1L << 40}}},\"stats\":{{\"memory\":0,\"storage\":0,\"ha_assets\":{Engine.Groups.Count}}}";
        var meta = $"\"meta\":{{\"leader\":\"{Meta?.LeaderName ?? ""}\"}}";
        var json = $"{{\"server\":{{\"name\":\"{Name}\",\"id\":\"ID{Name}\",\"cluster\":\"sim\",\"ver\":\"2.14.5\",\"flags\":{Flags}}},\"statsz\":{{\"jetstream\":{{{limits},{meta}}}}}}}\r\n";
        return new SimulatedPost(subject, [], 0, Encoding.UTF8.GetBytes(json));
    }

    /// <summary>Has an empty disk; to be called when it does not run.</summary>
    public void Wipe() => Disk = new();
}
