using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>Streams and consumers that get more or fewer replicas, or go elsewhere; servers that come and go.</summary>
public sealed class MetaLeaderChangeTests
{
    private readonly LedMeta _meta = new(servers: ["n1", "n2", "n3", "n4", "n5"]);

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamScaleDownChangesRaftGroup")]
    public void A_stream_grows_out_of_one_and_shrinks_to_its_leader()
    {
        _meta.Create("S", 1).CreateConsumer("S", "C");
        var single = _meta.Stream("S").Group;
        _meta.Update("S", stream => stream with { Replicas = 3 });
        var three = _meta.Stream("S").Group;
        three.Peers[0].ShouldBe(single.Peers[0]);
        three.Preferred.ShouldBe(single.Peers[0], "it has the data");
        three.IsScaleUp.ShouldBeTrue();
        three.Name.ShouldNotBe(single.Name);
        three.Name.ShouldStartWith("S-R3F-");
        var consumer = _meta.Consumer("S", "C").Group;
        consumer.Peers.ShouldBe(three.Peers);
        consumer.Preferred.ShouldBe(single.Peers[0]);
        consumer.Name.ShouldStartWith("C-R3F-");

        _meta.Update("S", stream => stream with { Replicas = 5 });
        var five = _meta.Stream("S").Group;
        five.Name.ShouldBe(three.Name, "its log goes on");
        five.Peers.AsSpan()[..3].ToArray().ShouldBe(three.Peers.ToArray());
        _meta.Consumer("S", "C").Group.Name.ShouldBe(consumer.Name);

        var leader = five.Peers[4];
        _meta.Facts = (_, _) => new AssetFacts { Leader = leader };
        _meta.Update("S", stream => stream with { Replicas = 3 });
        _meta.Questions.ShouldBe(["S"]);
        _meta.Stream("S").Group.Peers.Count.ShouldBe(3);
        _meta.Stream("S").Group.Peers[0].ShouldBe(leader);
        _meta.Stream("S").Group.IsScaleUp.ShouldBeFalse();
        _meta.Update("S", stream => stream with { Replicas = 1 });
        _meta.Stream("S").Group.Peers.ShouldBe([leader]);
        _meta.Stream("S").Group.Name.ShouldStartWith("S-R1F-");
        _meta.Consumer("S", "C").Group.Peers.ShouldBe([leader]);
        _meta.Consumer("S", "C").Group.Name.ShouldStartWith("C-R1F-");
        // The stream is proposed before its consumers.
        _meta.Proposed[^2].Operation.ShouldBe(EntryOperation.UpdateStream);
        _meta.Proposed[^1].Operation.ShouldBe(EntryOperation.AssignConsumer);
    }

    // Its servers may hear of both at once: without knowing who has the data, those that have none could begin without it.
    [Fact]
    public void A_change_right_after_growing_out_of_one_keeps_who_has_the_data()
    {
        _meta.Create("S", 1);
        var holder = _meta.Stream("S").Group.Peers[0];
        _meta.Update("S", stream => stream with { Replicas = 3 });
        _meta.Update("S", stream => stream with { Description = "changed" });
        _meta.Stream("S").Configuration.Description.ShouldBe("changed");
        _meta.Stream("S").Group.Preferred.ShouldBe(holder);
        _meta.Stream("S").Group.IsScaleUp.ShouldBeTrue();
    }

    [Fact]
    public void A_stream_whose_leader_says_nothing_keeps_those_that_are_there()
    {
        _meta.Create("S");
        var peers = _meta.Stream("S").Group.Peers;
        _meta.TakeOffline(_meta.Registry.NameOf(peers[0]));
        _meta.Update("S", stream => stream with { Replicas = 1 });
        _meta.Stream("S").Group.Peers.ShouldBe([peers[1]]);
    }

    [Fact]
    public void More_replicas_need_room()
    {
        var meta = new LedMeta { Account = new MetaAccount { Name = "A", Tiers = AccountTiers.For(new() { MaxStorage = 2000 }) } };
        meta.Create(new StreamConfiguration { Name = "S", MaxBytes = 1000, Replicas = 1 });
        meta.Update("S", stream => stream with { Replicas = 3 });
        meta.Said().ShouldBe("insufficient storage resources available (10047)");
        meta.Account = new MetaAccount { Name = "A" };
        meta.Update("S", stream => stream with { Replicas = 5 });
        meta.Said().ShouldBe("no suitable peers for placement (10005)");
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamScaleUpNoGroupCluster")]
    public void A_stream_of_an_old_server_gets_a_cluster()
    {
        _meta.Create("S", 1);
        var stream = _meta.Stream("S");
        _meta.Applied.Apply(MetaEntry.UpdateStream(stream with { Group = stream.Group with { Cluster = null } }));
        _meta.Update("S", configuration => configuration with { Replicas = 3 });
        _meta.Stream("S").Group.Cluster.ShouldBe("C1");
        _meta.Stream("S").Group.Peers.Count.ShouldBe(3);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerReplicasAfterScale")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerReplicasAfterScaleMoveConsumer")]
    public void Consumers_of_a_stream_that_shrinks()
    {
        _meta.Create("S", 5).CreateConsumer("S", "ALL").CreateConsumer("S", "FIVE", 5).CreateConsumer("S", "ONE", 1).CreateConsumer("S", "THREE", 3);
        var one = _meta.Consumer("S", "ONE").Group;
        var leader = _meta.Stream("S").Group.Peers.First(peer => peer != one.Peers[0]);
        var state = new RawJson("""{"delivered":{"consumer_seq":3,"stream_seq":3},"ack_floor":{"consumer_seq":3,"stream_seq":3}}"""u8.ToArray());
        _meta.TakeOffline(_meta.Registry.NameOf(one.Peers[0]));
        _meta.Facts = (_, consumer) => consumer is null ? new AssetFacts { Leader = leader } : new AssetFacts { ConsumerState = state };
        _meta.Update("S", stream => stream with { Replicas = 2 });
        var stream = _meta.Stream("S").Group;
        stream.Peers.Count.ShouldBe(2);
        stream.IsMember(one.Peers[0]).ShouldBeFalse();
        _meta.Consumer("S", "ALL").Group.Peers.ShouldBe(stream.Peers);
        _meta.Consumer("S", "FIVE").Group.Peers.ShouldBe(stream.Peers);
        _meta.Consumer("S", "FIVE").Configuration.Replicas.ShouldBe(2);
        _meta.Consumer("S", "THREE").Configuration.Replicas.ShouldBe(2);
        var moved = _meta.Consumer("S", "ONE").Group;
        moved.Peers.Count.ShouldBe(1);
        stream.IsMember(moved.Peers[0]).ShouldBeTrue();
        moved.Name.ShouldNotBe(one.Name);
        _meta.Consumer("S", "ONE").Configuration.Replicas.ShouldBe(1);
        _meta.Questions.ShouldContain("S/ONE", "nobody who stays has its state");
        _meta.Proposed.Single(entry => entry.Consumer?.Name == "ONE" && entry.Consumer.State is not null).Consumer!.State.ShouldBe(state);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerScaleDownChangesRaftGroup")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerScaleDownPrefersOnlinePeers")]
    public void A_consumer_grows_and_shrinks_within_its_stream()
    {
        _meta.Create("S", 5).CreateConsumer("S", "C", 1);
        var single = _meta.Consumer("S", "C").Group;
        _meta.Facts = (_, consumer) => consumer is null ? null : new AssetFacts { Leader = single.Peers[0] };
        _meta.CreateConsumer("S", "C", 3);
        var three = _meta.Consumer("S", "C").Group;
        three.Peers.Count.ShouldBe(3);
        three.Peers[0].ShouldBe(single.Peers[0]);
        three.Peers.ShouldBeSubsetOf(_meta.Stream("S").Group.Peers);
        three.Preferred.ShouldBe(single.Peers[0]);
        three.IsScaleUp.ShouldBeTrue();
        three.Name.ShouldNotBe(single.Name);
        _meta.CreateConsumer("S", "C", 5);
        _meta.Consumer("S", "C").Group.Name.ShouldBe(three.Name);
        _meta.Consumer("S", "C").Group.Peers.Count.ShouldBe(5);
        var leader = _meta.Consumer("S", "C").Group.Peers[3];
        _meta.Facts = (_, _) => new AssetFacts { Leader = leader };
        _meta.CreateConsumer("S", "C", 1);
        _meta.Consumer("S", "C").Group.Peers.ShouldBe([leader]);
        _meta.Consumer("S", "C").Group.Preferred.ShouldBe(leader);
        _meta.Consumer("S", "C").Group.Name.ShouldNotBe(three.Name);
        _meta.Consumer("S", "C").Group.IsScaleUp.ShouldBeFalse();
    }

    [Fact]
    public void A_stream_moves_with_its_consumers_to_another_cluster()
    {
        foreach (var name in new[] { "m1", "m2", "m3" }) _meta.Add(name, cluster: "C2");
        _meta.Create("S").CreateConsumer("S", "C").CreateConsumer("S", "ONE", 1);
        var before = _meta.Stream("S").Group;
        var one = _meta.Consumer("S", "ONE").Group;
        _meta.Update("S", stream => stream with { Placement = new Placement { Cluster = "C2" } });
        var moving = _meta.Stream("S").Group;
        moving.Name.ShouldBe(before.Name);
        moving.Peers.AsSpan()[..3].ToArray().ShouldBe(before.Peers.ToArray(), "the old ones stand first");
        _meta.Servers(moving)[3..].Order().ShouldBe(["m1", "m2", "m3"]);
        _meta.Consumer("S", "C").Group.Peers.Count.ShouldBe(6);
        _meta.Consumer("S", "ONE").Group.Peers[0].ShouldBe(one.Peers[0]);
        _meta.Registry.NameOf(_meta.Consumer("S", "ONE").Group.Peers[1]).ShouldStartWith("m");

        _meta.Facts = (_, _) => new AssetFacts { CurrentPeers = 4, Lag = 17 };
        _meta.Update("S", stream => stream with { Placement = new Placement { Cluster = "C1" } });
        _meta.Said().ShouldBe("stream move already in progress: total peers: 6, current peers: 4, combined lag: 17 (10124)");
        _meta.Facts = (_, _) => null;
        _meta.Update("S", stream => stream with { Placement = new Placement { Cluster = "C1" } });
        _meta.Said().ShouldBe("stream move already in progress: error retrieving info: timeout while waiting for response (10124)");
    }

    [Fact]
    public void A_stream_does_not_move_and_scale_at_once()
    {
        _meta.Create("S");
        _meta.Update("S", stream => stream with { Placement = new Placement { Tags = ["x"] }, Replicas = 1 });
        _meta.Said().ShouldBe("can not move and scale a stream in a single update (10123)");
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMoveCancel")]
    public void A_server_is_left_and_the_move_cancelled()
    {
        _meta.Create("S").CreateConsumer("S", "C");
        var before = _meta.Stream("S").Group;
        var leaving = before.Peers[2];
        _meta.Leader.MoveStream(_meta.Request(), "S", new StreamMoveRequest { Server = _meta.Registry.NameOf(leaving) });
        _meta.Said().ShouldBeNull();
        var moving = _meta.Stream("S").Group;
        moving.Peers.Count.ShouldBe(4);
        moving.Peers[0].ShouldBe(leaving, "peers go from the first on");
        before.IsMember(moving.Peers[3]).ShouldBeFalse();
        _meta.Consumer("S", "C").Group.Peers.Count.ShouldBe(4);

        _meta.Leader.CancelMove(_meta.Request(), "S");
        _meta.Said().ShouldBeNull();
        _meta.Set(_meta.Stream("S").Group).ShouldBe(_meta.Set(before));
        _meta.Set(_meta.Consumer("S", "C").Group).ShouldBe(_meta.Set(before));
        _meta.Leader.CancelMove(_meta.Request(), "S");
        _meta.Said().ShouldBe("stream move not in progress (10129)");
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterTagInducedMoveCancel")]
    public void A_cancelled_move_takes_its_tags_back()
    {
        _meta.Add("n5", tags: "new");
        _meta.Create("S", 1);
        if (_meta.Servers(_meta.Stream("S").Group) is ["n5"]) _meta.Create("T", 1);
        var name = _meta.Servers(_meta.Stream("S").Group) is ["n5"] ? "T" : "S";
        var before = _meta.Stream(name).Group.Peers;
        _meta.Update(name, stream => stream with { Placement = new Placement { Tags = ["new"] } });
        _meta.Servers(_meta.Stream(name).Group).Length.ShouldBe(2);
        _meta.Leader.CancelMove(_meta.Request(), name);
        _meta.Stream(name).Group.Peers.ShouldBe(before);
        _meta.Stream(name).Configuration.Placement.ShouldBeNull();
    }

    [Fact]
    public void A_move_without_a_spare_server_goes_to_another_cluster()
    {
        var meta = new LedMeta();
        meta.Create("S");
        meta.Leader.MoveStream(meta.Request(), "S", new StreamMoveRequest { Server = "n1" });
        meta.Said().ShouldBe("no suitable peers for placement (10005)");
        meta.Leader.MoveStream(meta.Request(), "S", new StreamMoveRequest { Server = "n1", Tags = ["x"] });
        meta.Said().ShouldBe("no suitable peers for placement (10005)");
        foreach (var name in new[] { "m1", "m2", "m3" }) meta.Add(name, cluster: "C2");
        meta.Leader.MoveStream(meta.Request(), "S", new StreamMoveRequest { Server = "n1" });
        meta.Servers(meta.Stream("S").Group)[3..].Order().ShouldBe(["m1", "m2", "m3"]);
        meta.Servers(meta.Stream("S").Group)[0].ShouldBe("n1");
    }

    [Theory]
    [InlineData("T", "n1", null, "stream not found (10059)")]
    [InlineData("S", "zz", null, "server is not a member of the cluster (10044)")]
    [InlineData("S", "n1", "C9", "server is not a member of the cluster (10044)")]
    public void Moves_that_cannot_be(string stream, string server, string? cluster, string error)
    {
        _meta.Create("S");
        _meta.Leader.MoveStream(_meta.Request(), stream, new StreamMoveRequest { Server = server, Cluster = cluster });
        _meta.Said().ShouldBe(error);
    }

    [Fact]
    public void A_server_that_does_not_hold_the_stream_is_not_left()
    {
        _meta.Create("S");
        var other = new[] { "n1", "n2", "n3", "n4", "n5" }.First(name => !_meta.Stream("S").Group.IsMember(NodeHash.Of(name)));
        _meta.Leader.MoveStream(_meta.Request(), "S", new StreamMoveRequest { Server = other });
        _meta.Said().ShouldBe("peer not a member (10040)");
    }

    [Fact]
    public void Another_server_takes_the_place_of_one_that_is_removed_from_a_stream()
    {
        _meta.Create("S").CreateConsumer("S", "C").CreateConsumer("S", "ONE", 1).CreateConsumer("S", new ConsumerConfiguration { AckPolicy = AckPolicy.Explicit });
        var ephemeral = _meta.Current.Find("A", "S")!.Consumers.Values.Single(consumer => consumer.Assignment.Configuration.Durable is null).Assignment;
        var before = _meta.Stream("S").Group;
        var one = _meta.Consumer("S", "ONE").Group;
        var leaving = ephemeral.Group.Peers[0];
        _meta.Leader.RemoveStreamPeer(_meta.Request(), "S", new PeerRemoveRequest { Peer = _meta.Registry.NameOf(leaving) });
        _meta.Said().ShouldBe("SuccessResponse");
        var after = _meta.Stream("S").Group;
        after.Name.ShouldBe(before.Name);
        after.Peers.Count.ShouldBe(3);
        after.IsMember(leaving).ShouldBeFalse();
        after.Peers.Intersect(before.Peers).Count().ShouldBe(2);
        _meta.Consumer("S", "C").Group.Peers.ShouldBe(after.Peers);
        _meta.Consumer("S", "ONE").Group.Peers.Count.ShouldBe(1, "as many replicas as it was made with");
        if (one.Peers[0] != leaving) _meta.Consumer("S", "ONE").Group.Peers.ShouldBe(one.Peers);
        _meta.Current.Find("A", "S", ephemeral.Name).ShouldBeNull("it was on that server");
        // By peer id as well.
        _meta.Leader.RemoveStreamPeer(_meta.Request(), "S", new PeerRemoveRequest { Peer = after.Peers[0] });
        _meta.Said().ShouldBe("SuccessResponse");
        _meta.Leader.RemoveStreamPeer(_meta.Request(), "S", new PeerRemoveRequest { Peer = "zz" });
        _meta.Said().ShouldBe("peer not a member (10040)");
        _meta.Leader.RemoveStreamPeer(_meta.Request(), "S", new PeerRemoveRequest());
        _meta.Said().ShouldBe("bad request (10003)");
        _meta.Leader.RemoveStreamPeer(_meta.Request(), "T", new PeerRemoveRequest { Peer = "n1" });
        _meta.Said().ShouldBe("stream not found (10059)");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterReplacementPolicyAfterPeerRemove")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterReplacementPolicyAfterPeerRemoveNoPlace")]
    public void A_replacement_has_a_tag_of_its_own_too(bool hasSpare)
    {
        var meta = new LedMeta(options: new MetaLeaderOptions { Placement = new() { UniqueTag = "cloud" } }, servers: ["a1", "b1", "c1"]);
        foreach (var server in hasSpare ? new[] { "a1", "a2", "b1", "b2", "c1", "c2" } : ["a1", "b1", "b2", "c1", "c2"]) meta.Add(server, tags: "cloud:" + server[0]);
        meta.Create("S");
        var leaving = meta.Servers(meta.Stream("S").Group).Single(server => server[0] == 'a');
        meta.Leader.RemoveStreamPeer(meta.Request(), "S", new PeerRemoveRequest { Peer = leaving });
        meta.Said().ShouldBe(hasSpare ? "SuccessResponse" : "peer remap failed (10075)");
        var after = meta.Set(meta.Stream("S").Group);
        after.ShouldNotContain(leaving);
        after.Select(server => server[0]).ShouldBe(hasSpare ? ['a', 'b', 'c'] : ['b', 'c']);
    }

    [Fact]
    public void Without_another_server_the_group_shrinks_and_grows_again()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", "C").Create("ONE", 1);
        meta.Leader.RemoveStreamPeer(meta.Request(), "S", new PeerRemoveRequest { Peer = "n2" });
        meta.Said().ShouldBe("peer remap failed (10075)");
        meta.Set(meta.Stream("S").Group).ShouldBe(["n1", "n3"]);
        meta.Set(meta.Consumer("S", "C").Group).ShouldBe(["n1", "n3"]);
        meta.Add("n4");
        meta.Leader.PeerAdded(NodeHash.Of("n4"));
        meta.Set(meta.Stream("S").Group).ShouldBe(["n1", "n3", "n4"]);
        meta.Set(meta.Consumer("S", "C").Group).ShouldBe(["n1", "n3", "n4"]);
    }

    [Fact]
    public void The_only_replica_stays_where_no_other_can_be()
    {
        var meta = new LedMeta(servers: ["n1"]).Create("S", 1);
        meta.Leader.RemoveStreamPeer(meta.Request(), "S", new PeerRemoveRequest { Peer = "n1" });
        meta.Said().ShouldBe("peer remap failed (10075)");
        meta.Servers(meta.Stream("S").Group).ShouldBe(["n1"]);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterPeerRemovalAPI")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMetaPeerRemoveResponseAfterQuorum")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterRemovePeerByID")]
    public void A_server_leaves_the_cluster_and_its_assets_go_to_others()
    {
        for (var i = 0; i < 10; i++) _meta.Create($"S{i}");
        _meta.IsSlow = true;
        _meta.Leader.RemoveServer(_meta.Request(), new ServerRemoveRequest { Server = "n2" });
        _meta.Said().ShouldBeNull("nobody has it yet");
        _meta.Leader.RemoveServer(_meta.Request(), new ServerRemoveRequest { Server = "n3" });
        _meta.Said().ShouldBe("cluster member change is in progress (10202)");
        _meta.IsSlow = false;
        _meta.Remove("n2");
        _meta.Said().ShouldBe("SuccessResponse");
        foreach (var stream in _meta.Current.All)
        {
            stream.Assignment.Group.Peers.Count.ShouldBe(3);
            _meta.Servers(stream.Assignment.Group).ShouldNotContain("n2");
        }
        _meta.Leader.RemoveServer(_meta.Request(), new ServerRemoveRequest { Server = "n2" });
        _meta.Said().ShouldBe("server is not a member of the cluster (10044)");
        _meta.Leader.RemoveServer(_meta.Request(), new ServerRemoveRequest { Server = "n2", PeerId = NodeHash.Of("n3") });
        _meta.Said().ShouldBe("SuccessResponse");
        _meta.Current.All.ShouldNotContain(stream => stream.Assignment.Group.IsMember(NodeHash.Of("n3")));
    }

    [Theory]
    [InlineData(null, null, "", null)]
    [InlineData("n2", null, "", "n2")]
    [InlineData("n1", null, "", "preferred server \"n1\" is already leader (10005)")]
    [InlineData("zz", null, "", "preferred server \"zz\" not known (10005)")]
    [InlineData(null, "C2", "", "m1")]
    [InlineData(null, "NOPE", "", "no replacement peer connected (10005)")]
    [InlineData(null, null, "x", "n3")]
    [InlineData(null, null, "zz", "no replacement peer connected (10005)")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMetaStepdownPreferred")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMetaStepDown")]
    public void Who_leads_next(string? preferred, string? cluster, string tag, string? expected)
    {
        var meta = new LedMeta();
        meta.Add("m1", cluster: "C2");
        meta.Add("n3", tags: "x");
        string[] peers = [.. new[] { "n1", "n2", "n3", "m1" }.Select(name => NodeHash.Of(name))];
        var placement = preferred is null && cluster is null && tag.Length == 0 ? null : new Placement { Preferred = preferred, Cluster = cluster, Tags = tag.Length == 0 ? [] : [tag] };
        var error = meta.Leader.ChooseLeader(peers, NodeHash.Of("n1"), placement, out var next);
        (error?.ToString() ?? (next is null ? null : meta.Registry.NameOf(next))).ShouldBe(expected);
    }
}
