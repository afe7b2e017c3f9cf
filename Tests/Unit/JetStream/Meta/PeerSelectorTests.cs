using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>Where streams are put.</summary>
public sealed class PeerSelectorTests
{
    private static readonly StreamConfiguration Plain = new() { Name = "S", Replicas = 3 };

    /// <summary>Servers of cluster C1: name, tags, storage, used, Raft groups; then what is wanted and what comes of it.</summary>
    public static TheoryData<string, string[], int, string[], long, string, string> Cases => new()
    {
        { "as many as are wanted", ["a", "b", "c"], 3, [], 0, "", "a b c" },
        { "the only ones with room", ["a;;100", "b;;1000", "c;;100", "d;;1000"], 2, [], 500, "", "b d" },
        { "those with most room", ["a;;1000;900", "b;;1000;100", "c;;1000;500"], 2, [], 0, "", "b c" },
        { "all tags", ["a;x,y", "b;x", "c;x,y"], 2, ["x", "y"], 0, "", "a c" },
        { "tags in any case", ["a;x", "b"], 1, ["X"], 0, "", "a" },
        { "not that tag", ["a;x", "b;y", "c"], 2, ["!x"], 0, "", "b c" },
        { "one of each value", ["a;az:1", "b;az:1", "c;az:2", "d;az:3"], 3, [], 0, "az:", "c d +1" },
        { "a value by name", ["a;az:1", "b;az:1", "c;az:2"], 2, ["az:1"], 0, "az:", "a b" },
        { "a value by exclusion", ["a;az:1", "b;az:2", "c;az:2"], 2, ["!az:1"], 0, "az:", "b c" },
        { "too few", ["a", "b"], 3, [], 0, "", "no suitable peers for placement" },
        { "no such tag", ["a", "b", "c"], 1, ["nowhere"], 0, "", "no suitable peers for placement, tags not matched ['nowhere']" },
        { "a tag that all have", ["a;x", "b;x"], 1, ["!x"], 0, "", "no suitable peers for placement, tags excluded ['x']" },
        { "no room", ["a;;100", "b;;100", "c;;100"], 1, [], 101, "", "no suitable peers for placement, insufficient storage" },
        { "values that repeat", ["a;az:1", "b;az:1", "c;az:1"], 2, [], 0, "az:", "no suitable peers for placement, server tag not unique" },
        { "values that are missing", ["a;az:1", "b", "c"], 2, [], 0, "az:", "no suitable peers for placement, server tag not unique" },
        { "servers that want none", ["a;!jetstream", "b;!jetstream", "c"], 2, [], 0, "", "no suitable peers for placement, exclude tag set" },
        { "more reasons than one", ["a;!jetstream", "b;;100", "c;y"], 3, ["!y"], 200, "", "no suitable peers for placement, exclude tag set, insufficient storage, tags excluded ['y']" },
        { "too many groups", ["a;;;;5", "b;;;;4"], 2, [], 0, "", "no suitable peers for placement, miscellaneous issue" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamStreamTagPlacement")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStreamTagPlacement")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterUniquePlacementTag")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterSystemLimitsPlacement")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterPeerExclusionTag")]
    public void Peers_are_selected(string _, string[] servers, int replicas, string[] tags, long maxBytes, string uniqueTag, string expected)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var meta = Cluster(servers, uniqueTag, seed);
            meta.Create(new StreamConfiguration { Name = "S", Replicas = replicas, MaxBytes = maxBytes, Placement = tags.Length == 0 ? null : new Placement { Tags = [.. tags] } });
            if (expected.StartsWith("no ", StringComparison.Ordinal))
            {
                meta.Said().ShouldBe(expected + " (10005)");
                continue;
            }
            var selected = meta.Set(meta.Stream("S").Group);
            selected.Length.ShouldBe(replicas);
            var names = expected.Split(' ').Where(name => !name.StartsWith('+'));
            foreach (var name in names) selected.ShouldContain(name);
        }
    }

    [Fact]
    public void Nobody_is_left_alone_with_a_cluster_that_has_none()
    {
        var meta = new LedMeta();
        meta.Create(new StreamConfiguration { Name = "S", Placement = new Placement { Cluster = "NOPE" } });
        meta.Said().ShouldBe("no suitable peers for placement (10005)");
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterOverflowPlacement")]
    public void A_full_cluster_overflows_into_the_next_that_the_client_can_reach()
    {
        var meta = new LedMeta(servers: ["a"]);
        meta.Add("a", storage: 100);
        meta.Add("b", cluster: "C2");
        meta.Leader.CreateStream(meta.Request("x", "C1", "C2"), "S", new() { Stream = new StreamConfiguration { Name = "S", MaxBytes = 200 } });
        meta.Servers(meta.Stream("S").Group).ShouldBe(["b"]);
        meta.Stream("S").Group.Cluster.ShouldBe("C2");
        // Who names a cluster means it.
        meta.Leader.CreateStream(meta.Request("x", "C1", "C2"), "T", new() { Stream = new StreamConfiguration { Name = "T", MaxBytes = 200, Placement = new Placement { Cluster = "C1" } } });
        meta.Said().ShouldBe("no suitable peers for placement, insufficient storage (10005)");
    }

    [Fact]
    public void Who_has_told_no_figures_gets_nothing()
    {
        var meta = new LedMeta(servers: ["a", "b"]);
        meta.Registry.Seen(new AnnouncedServer { Name = "c", Cluster = "C1" }, 0);
        meta.Create("S");
        meta.Said().ShouldBe("no suitable peers for placement (10005)");
        meta.Add("c");
        meta.Create("S");
        meta.Set(meta.Stream("S").Group).ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterCreateR3StreamWithOfflineNodes")]
    public void Servers_that_are_gone_come_last_and_count_as_long_as_a_majority_is_there()
    {
        var meta = new LedMeta(servers: ["a", "b", "c", "d"]);
        meta.TakeOffline("b");
        for (var i = 0; i < 10; i++)
        {
            meta.Create($"S{i}");
            meta.Set(meta.Stream($"S{i}").Group).ShouldBe(["a", "c", "d"]);
        }
        meta.TakeOffline("c");
        meta.Create("T");
        meta.Servers(meta.Stream("T").Group).ShouldContain("a");
        meta.Servers(meta.Stream("T").Group).ShouldContain("d");
        meta.Preferred(meta.Stream("T").Group).ShouldBeOneOf("a", "d");
        meta.TakeOffline("d");
        meta.Create("U");
        meta.Said().ShouldBe("no suitable peers for placement, peer offline (10005)");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterBalancedPlacement")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterStreamPlacementDistribution")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterR1StreamPlacementNoReservation")]
    public void Streams_are_spread_evenly()
    {
        var meta = new LedMeta(servers: ["a", "b", "c", "d", "e"]);
        for (var i = 0; i < 100; i++) meta.Create($"R1-{i}", 1);
        foreach (var name in new[] { "a", "b", "c", "d", "e" }) meta.Current.LoadOf(NodeHash.Of(name)).Streams.ShouldBe(20, name);
        for (var i = 0; i < 50; i++) meta.Create($"R3-{i}");
        foreach (var name in new[] { "a", "b", "c", "d", "e" }) meta.Current.LoadOf(NodeHash.Of(name)).Groups.ShouldBe(30, name);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterNoDupePeerSelection")]
    public void No_peer_is_selected_twice()
    {
        var meta = new LedMeta(servers: ["a", "b", "c"]);
        for (var i = 0; i < 20; i++)
        {
            meta.Create($"S{i}");
            meta.Stream($"S{i}").Group.Peers.Distinct().Count().ShouldBe(3);
        }
    }

    [Fact]
    public void A_group_grows_around_its_peers()
    {
        var meta = new LedMeta(servers: ["a", "b", "c", "d"]);
        var selector = new PeerSelector(meta.Registry, new PlacementRules { UniqueTag = "az:" }, meta);
        meta.Add("a", tags: "az:1");
        meta.Add("b", tags: "az:1");
        meta.Add("c", tags: "az:2");
        meta.Add("d", tags: "az:3");
        string[] members = [.. new[] { "a", "b", "c", "d" }.Select(name => NodeHash.Of(name))];
        var request = new PeerRequest { Replicas = 3, Cluster = "C1", Stream = Plain, Existing = [NodeHash.Of("a")] };
        selector.Select(request, members, meta.Current, out var peers).ShouldBeNull();
        peers[0].ShouldBe(NodeHash.Of("a"));
        peers.Select(meta.Registry.NameOf).Skip(1).Order().ShouldBe(["c", "d"]);
        selector.Select(request with { Ignored = [NodeHash.Of("d")] }, members, meta.Current, out _)!.ToString().ShouldContain("server tag not unique");
        // One that goes leaves its tag to another.
        selector.Select(request with { Replicas = 2, Leaving = 1, Ignored = [NodeHash.Of("c"), NodeHash.Of("d")] }, members, meta.Current, out peers).ShouldBeNull();
        peers.Select(meta.Registry.NameOf).ShouldBe(["a", "b"]);
        selector.Select(request with { Replicas = 1 }, members, meta.Current, out peers).ShouldBeNull();
        peers.Count.ShouldBe(1);
        selector.Select(request with { Cluster = "" }, members, meta.Current, out _)!.ToString().ShouldBe("no suitable peers for placement, miscellaneous issue");
        selector.Select(request with { Existing = [] }, [], meta.Current, out _)!.ToString().ShouldBe("no suitable peers for placement, jetstream not enabled in cluster");
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamScaleDownOfflinePeersHonorsReplicaCount")]
    public void Who_stays_when_a_group_shrinks()
    {
        var meta = new LedMeta(servers: ["a", "b", "c", "d", "e"]);
        var selector = new PeerSelector(meta.Registry, new PlacementRules(), meta);
        ValueList<string> peers = [.. new[] { "a", "b", "c", "d", "e" }.Select(name => NodeHash.Of(name))];
        Kept("d", 1).ShouldBe(["d"]);
        Kept("d", 3).ShouldBe(["d", "a", "b"]);
        Kept(null, 3).ShouldBe(["a", "b", "c"]);
        Kept("z", 1).ShouldBe(["a"]);
        meta.TakeOffline("a", "b", "c");
        Kept(null, 3).ShouldBe(["d", "e", "a"]);
        meta.TakeOffline("d", "e");
        Kept("b", 3).ShouldBe(["b", "a", "c"]);

        IEnumerable<string> Kept(string? leader, int replicas) => selector.Keep(peers, leader is null ? null : NodeHash.Of(leader), replicas).Select(meta.Registry.NameOf);
    }

    [Fact]
    public void Figures_of_servers_are_read()
    {
        var registry = new PeerRegistry("hub");
        var statistics = PeerAnnouncement.Read("""{"server":{"name":"n1","host":"0.0.0.0","id":"NID","cluster":"C1","domain":"hub","ver":"2.14.5","tags":["x"],"jetstream":true,"flags":7,"seq":9,"time":"2026-01-01T00:00:00Z"},"statsz":{"start":"2026-01-01T00:00:00Z","jetstream":{"config":{"max_memory":10,"max_storage":20,"store_dir":"/d","unique_tag":"az"},"stats":{"memory":1,"storage":2,"reserved_memory":3,"reserved_storage":4,"accounts":1,"ha_assets":5,"api":{"level":4,"total":0,"errors":0}}}}}"""u8)!;
        registry.Heard(statistics, 1000);
        var peer = registry.Find(NodeHash.Of("n1"))!;
        peer.Limits.ShouldBe(new PeerLimits(10, 20));
        peer.Usage.ShouldBe(new PeerUsage(1, 2, 3, 4, 5));
        (peer.IsSelectable, peer.HasJetStream, peer.ReadsBinarySnapshots, peer.HasAccountTraffic).ShouldBe((true, true, true, true));
        registry.Heard(PeerAnnouncement.Read("""{"server":{"name":"other","domain":"elsewhere"}}"""u8)!, 1000);
        registry.Peers.Count.ShouldBe(1);
        registry.Sweep("", 1000 + PeerRegistry.MaxSilence);
        registry.IsOnline(peer.Id).ShouldBeTrue();
        registry.Sweep("", 1001 + PeerRegistry.MaxSilence);
        registry.IsOnline(peer.Id).ShouldBeFalse();
        registry.Heard(statistics, 2_000_000);
        registry.IsOnline(peer.Id).ShouldBeTrue();
        registry.Left(PeerAnnouncement.ReadFarewell("""{"name":"n1","id":"NID"}"""u8)!);
        registry.IsOnline(peer.Id).ShouldBeFalse();
        registry.AreAllOffline([peer.Id, "unknown"]).ShouldBeTrue();
        PeerAnnouncement.Read("{"u8).ShouldBeNull();
        PeerAnnouncement.Read("{}"u8).ShouldBeNull();
    }

    /// <summary>Only what a server says last, and says of its leader at all, counts.</summary>
    [Fact]
    public void Who_says_that_it_knows_of_no_leader_is_known()
    {
        var registry = new PeerRegistry("");
        Hear("""{"meta":{"name":"_meta_","cluster_size":3}}""", 1000).ShouldBe(1000);
        Hear("""{"meta":{"leader":""}}""", 1500).ShouldBe(1500);
        registry.Seen(new AnnouncedServer { Name = "n1" }, 1700);
        registry.Find(NodeHash.Of("n1"))!.LeaderlessAt.ShouldBe(1500);
        Hear("""{"meta":{"leader":"n2"}}""", 2000).ShouldBeNull();
        Hear("""{"meta":{}}""", 2500).ShouldBe(2500);
        Hear("""{"stats":{}}""", 3000).ShouldBeNull();
        Hear("""{"meta":null}""", 3500).ShouldBeNull();

        long? Hear(string jetStream, long now)
        {
            var statistics = $$"""{"server":{"name":"n1"},"statsz":{"jetstream":{{jetStream}} } }""";
            registry.Heard(PeerAnnouncement.Read(System.Text.Encoding.UTF8.GetBytes(statistics))!, now);
            return registry.Find(NodeHash.Of("n1"))!.LeaderlessAt;
        }
    }

    private static LedMeta Cluster(string[] servers, string uniqueTag, int seed)
    {
        var meta = new LedMeta(seed, new MetaLeaderOptions { Placement = new PlacementRules { UniqueTag = uniqueTag, MaxHaAssets = servers.Any(server => server.Split(';').Length > 4 && server.EndsWith('4')) ? 4 : 0 } }, [.. servers.Select(server => server.Split(';')[0])]);
        foreach (var server in servers)
        {
            var parts = server.Split(';');
            meta.Add(parts[0], storage: Number(parts, 2, 1_000_000), used: (ulong)Number(parts, 3, 0), haAssets: (int)Number(parts, 4, 1), tags: parts.Length > 1 && parts[1].Length > 0 ? parts[1].Split(',') : []);
        }
        return meta;
    }

    private static long Number(string[] parts, int index, long otherwise) => parts.Length > index && parts[index].Length > 0 ? long.Parse(parts[index]) : otherwise;
}
