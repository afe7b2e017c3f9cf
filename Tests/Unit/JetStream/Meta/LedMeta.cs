using System.Globalization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>A meta leader among servers that are named and described; what it proposes is applied at once, or when asked for.</summary>
internal sealed class LedMeta : IMetaLeaderEffects, IMetaEnvironment
{
    private readonly Random _random;
    private readonly Queue<byte[]> _waiting = [];
    private readonly List<string> _members = [];
    private int _hashes;

    public LedMeta(int seed = 1, MetaLeaderOptions? options = null, params string[] servers)
    {
        _random = new Random(seed);
        Proposals = new MetaProposals();
        Applied = new AppliedMeta(NodeHash.Of("n1"), Proposals);
        Leader = new MetaLeader(Applied.State, Proposals, Registry, options ?? new MetaLeaderOptions(), this, this);
        foreach (var server in servers.Length == 0 ? ["n1", "n2", "n3"] : servers) Add(server);
        Leader.LeaderChanged(true);
    }

    public MetaProposals Proposals { get; }

    public AppliedMeta Applied { get; }

    public MetaLeader Leader { get; }

    public PeerRegistry Registry { get; } = new("");

    /// <summary>What clients are told, in words.</summary>
    public List<string> Answers { get; } = [];

    public List<MetaEntry> Proposed { get; } = [];

    public List<string> Warnings { get; } = [];

    public List<string> Questions { get; } = [];

    /// <summary>What leaders of assets say; null: nothing.</summary>
    public Func<AssetKey, string?, AssetFacts?> Facts { get; set; } = static (_, _) => null;

    /// <summary>Whether proposals wait for <see cref="ApplyAll"/>.</summary>
    public bool IsSlow { get; set; }

    public bool HasLost { get; set; }

    public ApiTime Now { get; set; } = ApiTime.FromUnix(1_000_000_000_000_000_000);

    public MetaAccount Account { get; set; } = new() { Name = "A" };

    public MetaAssignments Current => Applied.Current;

    IReadOnlyList<string> IMetaLeaderEffects.MetaPeers => _members;

    /// <summary>A server with figures, in the meta group.</summary>
    public void Add(string name, string cluster = "C1", long storage = 1_000_000, ulong used = 0, int haAssets = 1, string version = "2.14.5", params string[] tags)
    {
        var server = new AnnouncedServer { Name = name, Id = "ID" + name, Cluster = cluster, Tags = tags, Flags = 7, Version = version };
        Registry.Heard(new PeerAnnouncement
        {
            Server = server,
            Statistics = new AnnouncedStatistics
            {
                JetStream = new AnnouncedJetStream { Limits = new AnnouncedLimits { MaxMemory = storage, MaxStorage = storage }, Usage = new AnnouncedUsage { ReservedStorage = used, ReservedMemory = used, HaAssets = haAssets } },
            },
        }, 0);
        if (!_members.Contains(NodeHash.Of(name))) _members.Add(NodeHash.Of(name));
    }

    public void TakeOffline(params string[] names)
    {
        foreach (var name in names) Registry.TakeOffline(NodeHash.Of(name));
    }

    /// <summary>Out of the meta group, when the log has it.</summary>
    public void Remove(string name)
    {
        _members.Remove(NodeHash.Of(name));
        Leader.PeerRemoved(NodeHash.Of(name));
    }

    public MetaRequest Request(string subject = "$JS.API.X", string cluster = "C1", params string[] alternates) =>
        new(new AssignmentClient { Account = Account.Name, Cluster = cluster, Alternates = [.. alternates] }, Account, subject, "reply");

    public LedMeta Create(StreamConfiguration stream)
    {
        Leader.CreateStream(Request("$JS.API.STREAM.CREATE." + stream.Name), stream.Name, new StreamConfigurationRequest { Stream = stream });
        return this;
    }

    public LedMeta Create(string name, int replicas = 3) => Create(new StreamConfiguration { Name = name, Subjects = [name], Replicas = replicas });

    public LedMeta Update(StreamConfiguration stream)
    {
        Leader.UpdateStream(Request("$JS.API.STREAM.UPDATE." + stream.Name), stream.Name, new StreamConfigurationRequest { Stream = stream });
        return this;
    }

    public LedMeta Update(string name, Func<StreamConfiguration, StreamConfiguration> change) => Update(change(Stream(name).Configuration));

    public LedMeta CreateConsumer(string stream, ConsumerConfiguration consumer, ConsumerAction action = ConsumerAction.CreateOrUpdate)
    {
        Leader.CreateConsumer(Request("$JS.API.CONSUMER.CREATE." + stream), new ConsumerCreateRequest { Stream = stream, Consumer = consumer, Action = action });
        return this;
    }

    public LedMeta CreateConsumer(string stream, string name, int replicas = 0) => CreateConsumer(stream, new ConsumerConfiguration { Durable = name, Name = name, Replicas = replicas, AckPolicy = AckPolicy.Explicit });

    public StreamAssignment Stream(string name) => Current.Find(Account.Name, name).ShouldNotBeNull().Assignment;

    public ConsumerAssignment Consumer(string stream, string name) => Current.Find(Account.Name, stream, name).ShouldNotBeNull().Assignment;

    /// <summary>Names of a group's servers.</summary>
    public string[] Servers(RaftGroupAssignment group) => [.. group.Peers.Select(Registry.NameOf)];

    /// <summary>The same, sorted.</summary>
    public string[] Set(RaftGroupAssignment group) => [.. Servers(group).Order(StringComparer.Ordinal)];

    public string? Preferred(RaftGroupAssignment group) => group.Preferred is { } peer ? Registry.NameOf(peer) : null;

    /// <summary>The only thing said since the last time; null: nothing.</summary>
    public string? Said()
    {
        Answers.Count.ShouldBeLessThanOrEqualTo(1, string.Join("; ", Answers));
        var said = Answers.FirstOrDefault();
        Answers.Clear();
        return said;
    }

    public void ApplyAll()
    {
        while (_waiting.TryDequeue(out var entry)) Applied.State.Apply(entry).ShouldBeNull();
    }

    bool IMetaLeaderEffects.Propose(byte[] entry)
    {
        if (HasLost) return false;
        MetaEntry.Decode(entry, out var proposed).ShouldBeNull();
        Proposed.Add(proposed!);
        _waiting.Enqueue(entry);
        if (!IsSlow) ApplyAll();
        return true;
    }

    ApiError? IMetaLeaderEffects.ProposePeerRemoval(string peer)
    {
        if (!IsSlow) Remove(Registry.NameOf(peer));
        return null;
    }

    void IMetaLeaderEffects.Ask(AssetKey stream, string? consumer, Action<AssetFacts?> goOn)
    {
        Questions.Add(consumer is null ? stream.Stream : $"{stream.Stream}/{consumer}");
        goOn(Facts(stream, consumer));
    }

    void IMetaLeaderEffects.Answer(MetaRequest request, object response) => Answers.Add(response.GetType().Name);

    void IMetaLeaderEffects.Refuse(MetaRequest request, ApiError error, bool delayed) => Answers.Add((delayed ? "later: " : "") + error);

    void IMetaLeaderEffects.PassOn(AssignmentClient client, string? subject, string? reply, RawJson response) => Answers.Add($"{reply}: {response}");

    void IMetaLeaderEffects.Warn(string text) => Warnings.Add(text);

    int IMetaEnvironment.Random(int bound) => _random.Next(bound);

    string IMetaEnvironment.NewHash() => (++_hashes).ToString("D8", CultureInfo.InvariantCulture);
}
