using System.Diagnostics;
using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>
/// Waiting for a state. Each wait ends with a <see cref="TimeoutException"/> that names what was waited for, what was still missing,
/// the state of all servers, and what they logged last.
/// </summary>
public sealed partial class NatsTestCluster
{
    private const int LinesShown = 25;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until all that run are joined to all they should be, are healthy, and have meta leaders who know them.</summary>
    public async Task WaitUntilReadyAsync(TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        var readiness = new ServerReadiness(_http);
        await EachAsync("all servers are ready", server => readiness.DescribeAsync(server, IsAwake, cancellation), _ => true, patience, cancellation);
        foreach (var group in Topology.Clusters.Where(cluster => cluster.Spec.JetStream is not null && cluster.Servers.Any(IsAwake)))
        {
            await WaitForMetaLeaderAsync(group.Name, patience, cancellation);
        }
    }

    /// <summary>Waits until every server has a connection to each other cluster that runs and is not cut off.</summary>
    public Task WaitForGatewaysAsync(TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        var readiness = new ServerReadiness(_http);
        return EachAsync(
            "all clusters are joined",
            server => readiness.GatewaysAsync(server, other => IsAwake(other) && !IsCut(server, other), cancellation),
            server => server.Cluster.Gateways.Count > 0, patience, cancellation);
    }

    /// <summary>Waits until every leaf node that runs has a connection to its hub.</summary>
    public Task WaitForLeafsAsync(TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        var readiness = new ServerReadiness(_http);
        return EachAsync("all leaf nodes are joined", server => readiness.LeafAsync(server, cancellation), server => server.Cluster.IsLeaf, patience, cancellation);
    }

    /// <summary>
    /// Waits until servers agree on a meta leader that runs, is not cut off from them, and says so itself, with a quorum that it has
    /// heard of lately.
    /// </summary>
    /// <param name="name">Who must agree: a cluster, a server, as one side of a partition; null: all of the first cluster's super-cluster.</param>
    /// <param name="patience">Null: the builder's.</param>
    /// <returns>The leader's name.</returns>
    public async Task<string> WaitForMetaLeaderAsync(string? name = null, TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<NatsServerSpec> members = [.. MembersOfDomain(name is null ? Topology.Clusters[0] : ServersOf(name)[0].Cluster)];
        var asked = name is null ? members : ServersOf(name);
        var leader = "";
        await UntilAsync($"{string.Join(", ", asked.Where(IsAwake))} agree on a meta leader", async () =>
        {
            if (members.Count == 1)
            {
                leader = members[0].Name;
                return IsAwake(members[0]) ? "" : $"{leader} is down";
            }
            var views = new List<MetaView>();
            foreach (var server in asked.Where(IsAwake))
            {
                if (await MetaViewAsync(server, cancellation) is not { } view) return $"{server} does not answer";
                views.Add(view);
            }
            if (views.Count == 0) return "none of them runs";
            leader = views[0].Leader ?? "";
            var said = string.Join(", ", views.Select(view => $"{view.Server}: {view.Leader ?? "nobody"}"));
            if (leader.Length == 0 || views.Exists(view => view.Leader != leader)) return said;
            if (members.FirstOrDefault(server => server.Name == leader) is not { } leading || !IsAwake(leading)) return $"{leader} is down, and they say: {said}";
            if (asked.Any(server => IsAwake(server) && IsCut(server, leading))) return $"{leader} is cut off, and they say: {said}";
            if (await MetaViewAsync(leading, cancellation) is not { } own || own.Leader != leader) return $"{leader} does not say that it leads";
            return own.Current * 2 > members.Count ? "" : $"{leader} has heard of {own.Current} of {members.Count}";
        }, patience, cancellation);
        return leader;
    }

    /// <summary>Waits until a server says that it leads a stream.</summary>
    /// <param name="stream">Its name; of a bucket KV_NAME.</param>
    /// <param name="account">Null: the one of all who have no other.</param>
    /// <param name="patience">Null: the builder's.</param>
    /// <returns>The leader's name.</returns>
    public async Task<string> WaitForStreamLeaderAsync(string stream, string? account = null, TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        var leader = "";
        await UntilAsync($"{stream} has a leader", async () =>
        {
            var found = await StreamsAsync(stream, account, cancellation);
            leader = found.Find(view => view.Leads)?.Server ?? "";
            return leader.Length > 0 ? "" : Describe(found);
        }, patience, cancellation);
        return leader;
    }

    /// <summary>Waits until a stream's leader says that all its replicas are current, none of them offline.</summary>
    /// <param name="stream">Its name; of a bucket KV_NAME.</param>
    /// <param name="account">Null: the one of all who have no other.</param>
    /// <param name="patience">Null: the builder's.</param>
    /// <returns>Names of the servers that hold it, in the order of the topology.</returns>
    public async Task<IReadOnlyList<string>> WaitForCurrentReplicasAsync(string stream, string? account = null, TimeSpan? patience = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<string> holders = [];
        await UntilAsync($"all replicas of {stream} are current", async () =>
        {
            var found = await StreamsAsync(stream, account, cancellation);
            holders = [.. found.Select(view => view.Server)];
            return found.Find(view => view.Leads) is { } leader && leader.Current == leader.Replicas && found.Count == leader.Replicas
                && found.TrueForAll(view => view.LastSequence == leader.LastSequence) ? "" : Describe(found);
        }, patience, cancellation);
        return holders;
    }

    /// <summary>What every server that runs lacks; the state of all, for failures of a test's own.</summary>
    public async Task<string> DescribeAsync(CancellationToken cancellation = default)
    {
        var readiness = new ServerReadiness(_http);
        var lines = await Task.WhenAll(Topology.Servers.Select(async server =>
        {
            if (!_servers[server.Name].IsRunning) return $"{server}: down";
            if (_paused.Contains(server.Name)) return $"{server}: paused";
            var lacks = await readiness.DescribeAsync(server, IsAwake, cancellation);
            var view = server.Cluster.Spec.JetStream is null ? null : await MetaViewAsync(server, cancellation);
            return $"{server}: {(lacks.Length == 0 ? "ready" : lacks)}; meta leader {view?.Leader ?? "unknown"}";
        }));
        var cuts = _links?.Cuts is { Count: > 0 } cut ? "\ncut: " + string.Join(", ", cut) : "";
        return string.Join('\n', lines) + cuts;
    }

    /// <summary>That a health check failed is what the wait itself asked.</summary>
    private static bool IsTelling(string line) => !line.Contains("Healthcheck failed", StringComparison.Ordinal);

    private static string Describe(IEnumerable<TestStreamView> found) => string.Join("; ", found.Select(view => view.ToString()).DefaultIfEmpty("no server holds it"));

    private bool IsCut(NatsServerSpec one, NatsServerSpec other) => _links?.IsCut(one.Name, other.Name) == true;

    private static IEnumerable<NatsServerSpec> MembersOfDomain(NatsCluster cluster) =>
        cluster.Gateways.Append(cluster).Where(one => one.Spec.JetStream is not null).SelectMany(one => one.Servers);

    private Task EachAsync(string what, Func<NatsServerSpec, Task<string>> lacks, Func<NatsServerSpec, bool> concerned, TimeSpan? patience, CancellationToken cancellation) =>
        UntilAsync(what, async () =>
        {
            var states = await Task.WhenAll(Topology.Servers.Where(server => concerned(server) && IsAwake(server)).Select(lacks));
            return string.Join("; ", states.Where(state => state.Length > 0));
        }, patience, cancellation);

    /// <summary>Asks again and again what is missing, until nothing is.</summary>
    private async Task UntilAsync(string what, Func<Task<string>> missing, TimeSpan? patience, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        using var ticks = new PeriodicTimer(Interval);
        while (await missing() is { Length: > 0 } state)
        {
            if (clock.Elapsed > (patience ?? _how.Patience))
            {
                throw new TimeoutException($"Waited {clock.Elapsed.TotalSeconds:0.0} s for: {what}. Missing: {state}\n{await DescribeAsync(cancellation)}\n{string.Join('\n', LogLines.Where(IsTelling).TakeLast(LinesShown))}");
            }
            await ticks.WaitForNextTickAsync(cancellation);
        }
    }

    private async Task<MetaView?> MetaViewAsync(NatsServerSpec server, CancellationToken cancellation)
    {
        if (ServerPages.Child(await ServerPages.PageAsync(_http, server, "/jsz", cancellation), "meta_cluster") is not { } group) return null;
        var current = ServerPages.List(group, "replicas").Count(peer => ServerPages.Flag(peer, "current") && !ServerPages.Flag(peer, "offline"));
        return new MetaView(server.Name, ServerPages.Text(group, "leader") is { Length: > 0 } leader ? leader : null, current + 1);
    }

    private async Task<List<TestStreamView>> StreamsAsync(string stream, string? account, CancellationToken cancellation)
    {
        var seen = await Task.WhenAll(Topology.Servers.Where(server => IsAwake(server) && server.Cluster.Spec.JetStream is not null).Select(async server =>
            (Server: server.Name, Page: await ServerPages.PageAsync(_http, server, "/jsz?accounts=true&streams=true&config=true", cancellation))));
        var found = new List<TestStreamView>();
        foreach (var (server, page) in seen)
        {
            foreach (var one in ServerPages.List(page, "account_details").Where(one => ServerPages.Text(one, "name") == (account ?? "$G")))
            {
                found.AddRange(ServerPages.List(one, "stream_detail").Where(detail => ServerPages.Text(detail, "name") == stream).Select(detail => TestStreamView.Of(server, detail)));
            }
        }
        return found;
    }

    /// <summary>Whom a server takes for the meta leader.</summary>
    /// <param name="Current">Servers of which it has heard lately, itself among them; only the leader knows.</param>
    private sealed record MetaView(string Server, string? Leader, int Current);
}

/// <summary>What a server says of its replica of a stream.</summary>
/// <param name="Current">Replicas that are current, its own among them; only the leader knows.</param>
internal sealed record TestStreamView(string Server, bool Leads, long Replicas, int Current, long LastSequence)
{
    public static TestStreamView Of(string server, JsonElement detail)
    {
        var group = ServerPages.Child(detail, "cluster");
        var leads = group is null || ServerPages.Text(group, "leader") == server;
        var current = ServerPages.List(group, "replicas").Count(replica => ServerPages.Flag(replica, "current") && !ServerPages.Flag(replica, "offline"));
        return new TestStreamView(
            server, leads, ServerPages.Number(ServerPages.Child(detail, "config"), "num_replicas"), current + 1, ServerPages.Number(ServerPages.Child(detail, "state"), "last_seq"));
    }

    public override string ToString() => $"{Server}{(Leads ? $" leads, {Current} of {Replicas} current" : "")}, last sequence {LastSequence}";
}
