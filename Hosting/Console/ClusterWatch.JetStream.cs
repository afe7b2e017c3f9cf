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
            groups.Add(new MetaView(name, leader, size, [.. members.Select(one => one.Name)]));
        }
        return groups;
    }

    /// <summary>Only who leads is believed: others hear of a change a little later.</summary>
    private List<StreamView> Streams(IReadOnlyList<(ServerStatus Status, ServerPages Pages)> seen)
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
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
            if (whole && !present.Contains(key)) _streams.Remove(key);
            else _streams[key] = _streams[key] with { Leader = null };
        }
        foreach (var (key, view) in fresh) _streams[key] = view;
        return [.. _streams.Values.OrderBy(stream => stream.Account, StringComparer.Ordinal).ThenBy(stream => stream.Name, StringComparer.Ordinal)];
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
            Replicas =
            [
                .. ServerPages.List(ServerPages.Child(stream, "cluster"), "replicas").Select(replica => new ReplicaView(
                    ServerPages.Text(replica, "name") ?? "", ServerPages.Flag(replica, "current"), ServerPages.Flag(replica, "offline"), ServerPages.Number(replica, "lag"))),
            ],
            Consumers =
            [
                .. consumers.Take(MaxConsumers).Select(consumer => new ConsumerView(
                    ServerPages.Text(consumer, "name") ?? "", ServerPages.Child(consumer, "cluster") is null ? leader.Name : LeaderIn(consumer, "cluster"),
                    ServerPages.Number(consumer, "num_pending"), ServerPages.Number(consumer, "num_ack_pending"), ServerPages.Number(consumer, "num_redelivered"))),
            ],
            ConsumersLeftOut = Math.Max(0, consumers.Count - MaxConsumers),
        };
    }

    private static string GroupOf(NatsCluster cluster) => cluster.Gateways.Select(other => other.Name).Append(cluster.Name).Min(StringComparer.Ordinal)!;

    private static string? LeaderIn(JsonElement? element, string cluster) => ServerPages.Text(ServerPages.Child(element, cluster), "leader");
}
