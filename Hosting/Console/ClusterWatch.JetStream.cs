using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Who leads what, and how far replicas and consumers are.</summary>
public sealed partial class ClusterWatch
{
    private const int MaxStreams = 500, MaxConsumers = 100;

    /// <summary>Streams as their leaders told of them last: one whose leader is gone does not vanish.</summary>
    private readonly Dictionary<string, StreamView> _streams = new(StringComparer.Ordinal);

    private List<MetaView> MetaGroups(IReadOnlyList<(ServerStatus Status, ServerPages Pages)> seen)
    {
        var groups = new List<MetaView>();
        var done = new HashSet<NatsCluster>();
        foreach (var cluster in _topology.Clusters.Where(cluster => cluster.Spec.JetStream is not null))
        {
            if (!done.Add(cluster)) continue;
            List<NatsCluster> members = [cluster, .. cluster.Gateways.Where(other => other.Spec.JetStream is not null)];
            done.UnionWith(members);
            var name = string.Join(" + ", members.Select(one => one.Name));
            var size = members.Sum(one => one.Size);
            var leader = size == 1
                ? seen.FirstOrDefault(one => one.Status.Spec.Cluster == cluster && one.Pages.Jsz is not null).Status?.Spec.Name
                : seen.Where(one => members.Contains(one.Status.Spec.Cluster) && LeaderIn(one.Pages.Jsz, "meta_cluster") == one.Status.Spec.Name)
                    .Select(one => one.Status.Spec.Name).FirstOrDefault();
            if (leader is not null) Note("meta " + name, _topology.Clusters.Count == 1 ? "the cluster" : $"the meta group of {name}", leader);
            var told = seen.FirstOrDefault(one => one.Status.Spec.Name == leader).Pages?.Jsz;
            groups.Add(new MetaView(name, leader, size, [.. members.Select(one => one.Name)], Replicas(ServerPages.Child(told, "meta_cluster"))));
        }
        return groups;
    }

    /// <summary>Only who leads is believed: others hear of a change a little later.</summary>
    private List<StreamView> Streams(IReadOnlyList<(ServerStatus Status, ServerPages Pages)> seen)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        var consumers = new List<(string Stream, ConsumerView Consumer)>();
        var fresh = new Dictionary<string, StreamView>(StringComparer.Ordinal);
        foreach (var (status, pages) in seen)
        {
            foreach (var account in ServerPages.List(pages.Jsz, "account_details"))
            {
                var accountName = ServerPages.Text(account, "name") ?? "";
                foreach (var stream in ServerPages.List(account, "stream_detail"))
                {
                    var name = ServerPages.Text(stream, "name") ?? "";
                    var key = $"{GroupOf(status.Spec.Cluster)} {accountName} {name}";
                    present.Add(key);
                    consumers.AddRange(ConsumersLedBy(status.Spec, stream).Select(consumer => (key, consumer)));
                    var leader = ServerPages.Child(stream, "cluster") is null ? status.Spec.Name : LeaderIn(stream, "cluster");
                    if (leader != status.Spec.Name) continue;
                    fresh[key] = Describe(stream, accountName, name, status.Spec);
                    Note("stream " + key, $"stream {accountName} > {name}", leader);
                }
            }
        }
        // Deleted is what no server holds while all of the cluster answer.
        var whole = seen.All(one => one.Pages.Jsz is not null || one.Status.Spec.Cluster.Spec.JetStream is null);
        foreach (var key in _streams.Keys.Where(key => !fresh.ContainsKey(key)).ToList())
        {
            if (whole && !present.Contains(key)) Forget(key);
            else _streams[key] = _streams[key] with { Leader = null };
        }
        foreach (var (key, view) in fresh) _streams[key] = view with { Consumers = ConsumersOf(key, view, consumers, whole) };
        return [.. _streams.Values.OrderBy(stream => stream.Account, StringComparer.Ordinal).ThenBy(stream => stream.Name, StringComparer.Ordinal)];
    }

    private void Forget(string key)
    {
        foreach (var consumer in _streams[key].Consumers) _leaders.Remove($"consumer {key} {consumer.Name}");
        _leaders.Remove("stream " + key);
        _streams.Remove(key);
    }

    /// <summary>
    /// Of each consumer what its own leader tells. Without one are those that the stream's leader knows of besides, and, while some
    /// server does not answer, those known from before.
    /// </summary>
    private IReadOnlyList<ConsumerView> ConsumersOf(string key, StreamView stream, List<(string Stream, ConsumerView Consumer)> led, bool isWhole)
    {
        var found = led.Where(one => one.Stream == key).Select(one => one.Consumer).DistinctBy(one => one.Name).ToList();
        foreach (var consumer in found)
        {
            // One that is alone has no elections.
            if (consumer is { Replicas.Count: > 0, Leader: { } leader }) Note($"consumer {key} {consumer.Name}", $"consumer {stream.Account} > {stream.Name} > {consumer.Name}", leader);
        }
        var others = !isWhole && _streams.TryGetValue(key, out var before) ? stream.Consumers.Concat(before.Consumers) : stream.Consumers;
        return [.. found.Concat(others.Select(one => one with { Leader = null })).DistinctBy(one => one.Name).OrderBy(one => one.Name, StringComparer.Ordinal).Take(MaxConsumers)];
    }

    private static IEnumerable<ConsumerView> ConsumersLedBy(NatsServerSpec server, JsonElement stream) =>
        ServerPages.List(stream, "consumer_detail").Take(MaxConsumers).Select(one => Describe(one, server)).Where(one => one.Leader == server.Name);

    private static ConsumerView Describe(JsonElement consumer, NatsServerSpec server)
    {
        var cluster = ServerPages.Child(consumer, "cluster");
        return new ConsumerView(
            ServerPages.Text(consumer, "name") ?? "", cluster is null ? server.Name : LeaderIn(consumer, "cluster"), Replicas(cluster),
            ServerPages.Number(consumer, "num_pending"), ServerPages.Number(consumer, "num_ack_pending"), ServerPages.Number(consumer, "num_redelivered"));
    }

    private static StreamView Describe(JsonElement stream, string account, string name, NatsServerSpec leader)
    {
        var state = ServerPages.Child(stream, "state");
        var consumers = ServerPages.List(stream, "consumer_detail").ToList();
        return new StreamView(account, name, leader.Cluster.Name)
        {
            Leader = leader.Name,
            Messages = ServerPages.Number(state, "messages"),
            Bytes = ServerPages.Number(state, "bytes"),
            LastSequence = ServerPages.Number(state, "last_seq"),
            Replicas = Replicas(ServerPages.Child(stream, "cluster")),
            Consumers = [.. consumers.Take(MaxConsumers).Select(one => Describe(one, leader))],
            ConsumersLeftOut = Math.Max(0, consumers.Count - MaxConsumers),
        };
    }

    private static IReadOnlyList<ReplicaView> Replicas(JsonElement? cluster) =>
    [
        .. ServerPages.List(cluster, "replicas").Select(replica => new ReplicaView(
            ServerPages.Text(replica, "name") ?? "", ServerPages.Flag(replica, "current"), ServerPages.Flag(replica, "offline"), ServerPages.Number(replica, "lag"))),
    ];

    private static string GroupOf(NatsCluster cluster) => cluster.Gateways.Select(other => other.Name).Append(cluster.Name).Min(StringComparer.Ordinal)!;

    private static string? LeaderIn(JsonElement? element, string cluster) => ServerPages.Text(ServerPages.Child(element, cluster), "leader");
}
