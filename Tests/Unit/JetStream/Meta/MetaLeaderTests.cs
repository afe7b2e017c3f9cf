using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>What a meta leader makes of requests for streams and consumers.</summary>
public sealed class MetaLeaderTests
{
    [Fact]
    public void A_stream_is_assigned_with_all_that_its_servers_need()
    {
        var meta = new LedMeta().Create("S");
        meta.Said().ShouldBeNull("the stream's leader answers");
        var stream = meta.Stream("S");
        stream.Group.Name.ShouldStartWith("S-R3F-");
        stream.Group.Cluster.ShouldBe("C1");
        stream.Group.Peers.ShouldContain(stream.Group.Preferred);
        stream.Sync.ShouldStartWith("$JSC.SYNC.");
        stream.Subject.ShouldBe("$JS.API.STREAM.CREATE.S");
        stream.Reply.ShouldBe("reply");
        stream.Created.ShouldBe(meta.Now);
        stream.Configuration.Metadata.RequiredLevel.ShouldBe("0");
        stream.Configuration.DuplicateWindow.ShouldBe(120_000_000_000);
        meta.Proposals.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamCreateRetryPreservesAssignmentCreated")]
    public void To_make_a_stream_again_changes_nothing_but_who_is_answered()
    {
        var meta = new LedMeta().Create("S");
        var before = meta.Stream("S");
        meta.Now = ApiTime.FromUnix(2_000_000_000_000_000_000);
        meta.Create("S");
        var after = meta.Stream("S");
        (after with { Reply = before.Reply }).ShouldBe(before);
        meta.Applied.Take()[^1].ShouldBe($"place S {before.Group.Name} -> {before.Group.Name} Assigned");
        meta.Create(new StreamConfiguration { Name = "S", Subjects = ["other"], Replicas = 3 });
        meta.Said().ShouldBe("stream name already in use with a different configuration (10058)");
    }

    [Theory]
    [InlineData("S", "S", "max_msgs", null)]
    [InlineData("S", "T", "", "stream name in subject does not match request (10056)")]
    public void Names_are_those_of_the_subject(string subject, string name, string _, string? error)
    {
        var meta = new LedMeta();
        meta.Leader.CreateStream(meta.Request(), subject, new() { Stream = new StreamConfiguration { Name = name } });
        meta.Said().ShouldBe(error);
        if (error is null) return;
        meta.Leader.UpdateStream(meta.Request(), subject, new() { Stream = new StreamConfiguration { Name = name } });
        meta.Said().ShouldBe(error);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterMetaLeaderRespectsInflight")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamConfigConsidersInflight")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerAssignmentsOrInflightSeqWithInflightStream")]
    public void What_is_on_its_way_counts()
    {
        var meta = new LedMeta { IsSlow = true, Account = new MetaAccount { Name = "A", Tiers = AccountTiers.For(new AccountLimits { MaxStreams = 2, MaxConsumers = 1 }) } };
        meta.Create("S", 1).Create("T", 1).Create("U", 1);
        meta.Said().ShouldBe("maximum number of streams reached (10027)");
        meta.Create(new StreamConfiguration { Name = "S", Subjects = ["else"], Replicas = 1 });
        meta.Said().ShouldBe("stream name already in use with a different configuration (10058)");
        meta.CreateConsumer("S", "C").CreateConsumer("S", "D");
        meta.Said().ShouldBe("maximum consumers limit reached (10026)");
        meta.Leader.DeleteStream(meta.Request(), "T");
        meta.Create("U", 1);
        meta.Said().ShouldBeNull("one is going");
        meta.Leader.DeleteStream(meta.Request(), "T");
        meta.Said().ShouldBe("stream not found (10059)");
        meta.ApplyAll();
        meta.Current.All.Select(stream => stream.Name).ShouldBe(["S", "U"]);
        meta.Current.ConsumerCount.ShouldBe(1);
        meta.Proposals.Count.ShouldBe(0);
    }

    [Fact]
    public void Subjects_must_not_overlap_with_those_of_streams_on_their_way()
    {
        var meta = new LedMeta { IsSlow = true };
        meta.Create(new StreamConfiguration { Name = "S", Subjects = ["a.>"] }).Create(new StreamConfiguration { Name = "T", Subjects = ["a.b"] });
        meta.Said().ShouldBe("subjects overlap with an existing stream (10065)");
    }

    [Fact]
    public void A_change_of_the_leader_forgets_what_was_on_its_way()
    {
        var meta = new LedMeta { IsSlow = true };
        meta.Create("S");
        meta.Proposals.Count.ShouldBe(1);
        meta.Leader.LeaderChanged(false);
        meta.Proposals.Count.ShouldBe(0);
        meta.ApplyAll();
        meta.Proposals.Count.ShouldBe(0);
    }

    [Fact]
    public void Who_has_lost_the_leadership_says_nothing()
    {
        var meta = new LedMeta { HasLost = true };
        meta.Create("S");
        meta.Said().ShouldBeNull();
        meta.Proposals.Count.ShouldBe(0);
    }

    [Fact]
    public void What_was_asked_in_another_reign_is_not_done()
    {
        var meta = new LedMeta().Create("S");
        meta.Facts = (_, _) =>
        {
            meta.Leader.LeaderChanged(true);
            return null;
        };
        meta.Update("S", stream => stream with { Replicas = 1 });
        meta.Stream("S").Group.Peers.Count.ShouldBe(3);
    }

    [Fact]
    public void A_new_leader_mends_streams_without_a_subject_to_catch_up_by()
    {
        var meta = new LedMeta().Create("S");
        meta.Applied.Apply(MetaEntry.UpdateStream(meta.Stream("S") with { Sync = "" }));
        meta.Leader.LeaderChanged(true);
        meta.Stream("S").Sync.ShouldStartWith("$JSC.SYNC.");
        meta.Warnings.ShouldContain("Stream assignment corrupt for stream 'A > S'");
    }

    [Fact]
    public void A_removal_names_the_stream_and_who_asked()
    {
        var meta = new LedMeta().Create("S");
        meta.Leader.DeleteStream(meta.Request("$JS.API.STREAM.DELETE.S"), "S");
        meta.Said().ShouldBeNull();
        var removal = meta.Proposed[^1];
        removal.Operation.ShouldBe(EntryOperation.RemoveStream);
        removal.Stream!.Subject.ShouldBe("$JS.API.STREAM.DELETE.S");
        removal.Stream.Sync.ShouldBe("");
        meta.Current.StreamCount.ShouldBe(0);
    }

    [Fact]
    public void An_account_is_purged()
    {
        var meta = new LedMeta().Create("S").Create("T").CreateConsumer("S", "C");
        meta.Leader.PurgeAccount(meta.Request(), "A");
        meta.Said().ShouldBe("AccountPurgeResponse");
        meta.Current.StreamCount.ShouldBe(0);
        meta.Leader.PurgeAccount(meta.Request(), "../x");
        meta.Said()!.ShouldContain("account name can not contain path separators");
    }

    [Fact]
    public void A_restore_brings_its_state_along()
    {
        var meta = new LedMeta();
        meta.Leader.RestoreStream(meta.Request("$JS.API.STREAM.RESTORE.S"), "S", new StreamRestoreRequest { Stream = new StreamConfiguration { Name = "S", Replicas = 3 }, State = new() { Messages = 7, LastSequence = 9 } });
        meta.Said().ShouldBeNull();
        meta.Proposed[^1].Stream!.RestoreState!.Value.ToString().ShouldStartWith("{\"messages\":7,\"bytes\":0,\"first_seq\":0,\"first_ts\":\"0001-01-01T00:00:00Z\",\"last_seq\":9,");
        meta.Applied.Take()[^1].ShouldEndWith("restore");
        meta.Leader.RestoreStream(meta.Request(), "S", new StreamRestoreRequest { Stream = new StreamConfiguration { Name = "S" } });
        meta.Said().ShouldBe("stream name already in use, cannot restore (10130)");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterOfflineR1StreamDenyUpdate")]
    public void A_stream_without_servers_is_not_changed()
    {
        var meta = new LedMeta().Create("S", 1);
        meta.TakeOffline(meta.Servers(meta.Stream("S").Group));
        meta.Update("S", stream => stream with { MaxMessages = 5 });
        meta.Said().ShouldBe("later: stream is offline (10118)");
    }

    [Fact]
    public void A_stream_is_changed_as_soon_as_its_server_has_joined_again()
    {
        var meta = new LedMeta().Create("S", 1);
        var holder = meta.Servers(meta.Stream("S").Group).Single();
        meta.TakeOffline(holder);
        meta.Registry.TakeOnline(NodeHash.Of(holder), now: 9);
        meta.Registry.Find(NodeHash.Of(holder))!.LastHeard.ShouldBe(9);
        meta.Update("S", stream => stream with { MaxMessages = 5 });
        meta.Stream("S").Configuration.MaxMessages.ShouldBe(5);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterOfflineR1ConsumerDenyUpdate")]
    public void A_consumer_without_servers_is_not_changed()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", "C", 1);
        meta.TakeOffline(meta.Servers(meta.Consumer("S", "C").Group));
        meta.CreateConsumer("S", new ConsumerConfiguration { Durable = "C", Name = "C", Replicas = 1, AckPolicy = AckPolicy.Explicit, Description = "new" });
        meta.Said().ShouldBe("later: consumer is offline (10119)");
    }

    [Fact]
    public void What_this_server_does_not_understand_it_does_not_write_again()
    {
        var meta = new LedMeta().Create("S");
        var stream = Made.Unsupported(meta.Stream("S"));
        meta.Applied.Apply(MetaEntry.UpdateStream(stream));
        const string Refusal = "later: stream is offline: unsupported - required API level: 99, current API level: 4 (10194)";
        meta.Create("S");
        meta.Said().ShouldBe(Refusal);
        meta.Update("S", configuration => configuration with { MaxMessages = 7 });
        meta.Said().ShouldBe(Refusal);
        meta.CreateConsumer("S", "C");
        meta.Said().ShouldBe(Refusal);
        meta.Leader.RemoveStreamPeer(meta.Request(), "S", new PeerRemoveRequest { Peer = "n1" });
        meta.Said().ShouldBe(Refusal);
        meta.Remove("n1");
        meta.Stream("S").ConfigurationJson.ShouldBe(stream.ConfigurationJson);
        meta.Leader.PauseConsumer(meta.Request(), "S", "C", new ConsumerPauseRequest());
        meta.Said().ShouldBeNull("others may know better");
        meta.Leader.DeleteStream(meta.Request(), "S");
        meta.Proposed[^1].Stream!.ConfigurationJson.ShouldBe(stream.ConfigurationJson);
        meta.Current.StreamCount.ShouldBe(0);
    }

    [Fact]
    public void Consumers_take_the_peers_of_their_stream()
    {
        var meta = new LedMeta(servers: ["n1", "n2", "n3", "n4", "n5"]).Create("S");
        meta.CreateConsumer("S", "C").CreateConsumer("S", "D", 1).CreateConsumer("S", new ConsumerConfiguration { AckPolicy = AckPolicy.Explicit });
        meta.Consumer("S", "C").Group.Peers.ShouldBe(meta.Stream("S").Group.Peers);
        meta.Consumer("S", "C").Group.Name.ShouldStartWith("C-R3F-");
        meta.Consumer("S", "C").Group.Cluster.ShouldBe("C1");
        var single = meta.Consumer("S", "D").Group;
        single.Peers.Count.ShouldBe(1);
        single.Preferred.ShouldBe(single.Peers[0]);
        meta.Stream("S").Group.IsMember(single.Peers[0]).ShouldBeTrue();
        var ephemeral = meta.Current.Find("A", "S")!.Consumers.Values.Single(consumer => consumer.Assignment.Configuration.Durable is null).Assignment;
        ephemeral.Name.Length.ShouldBe(8);
        ephemeral.Group.Peers.Count.ShouldBe(1);
        meta.CreateConsumer("S", "M", 4);
        meta.Said().ShouldBe("consumer config replica count exceeds parent stream (10126)");
        meta.CreateConsumer("NONE", "C");
        meta.Said().ShouldBe("stream not found (10059)");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterCreateEphemeralConsumerWithOfflineNodes")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterCreateGroupForConsumerNoPeers")]
    public void Consumers_with_fewer_replicas_go_where_somebody_is()
    {
        var meta = new LedMeta().Create("S");
        meta.TakeOffline("n2", "n3");
        for (var i = 0; i < 10; i++)
        {
            meta.CreateConsumer("S", $"C{i}", 1);
            meta.Servers(meta.Consumer("S", $"C{i}").Group).ShouldBe(["n1"]);
        }
        meta.CreateConsumer("S", "R3");
        meta.Said().ShouldBe("insufficient resources (10023)");
        meta.Leader.NewGroup(new ConsumerConfiguration(), meta.Stream("S") with { Group = new RaftGroupAssignment() }).ShouldBeNull();
    }

    [Fact]
    public void Consumers_keep_the_limit_of_groups()
    {
        var meta = new LedMeta(options: new MetaLeaderOptions { Placement = new() { MaxHaAssets = 4 } }).Create("S");
        meta.Add("n2", haAssets: 5);
        meta.CreateConsumer("S", "C");
        meta.Said().ShouldBe("insufficient resources (10023)");
        meta.CreateConsumer("S", "D", 1);
        meta.Said().ShouldBeNull("no group of its own");
    }

    [Fact]
    public void Consumers_are_changed_created_and_compared_as_asked()
    {
        var meta = new LedMeta().Create("S");
        var consumer = new ConsumerConfiguration { Durable = "C", Name = "C", AckPolicy = AckPolicy.Explicit };
        meta.CreateConsumer("S", consumer, ConsumerAction.Update);
        meta.Said().ShouldBe("consumer does not exist (10149)");
        meta.CreateConsumer("S", consumer, ConsumerAction.Create);
        var before = meta.Consumer("S", "C");
        meta.CreateConsumer("S", consumer, ConsumerAction.Create);
        meta.Said().ShouldBeNull();
        meta.Consumer("S", "C").Group.ShouldBe(before.Group);
        meta.Consumer("S", "C").Created.ShouldBe(before.Created);
        meta.CreateConsumer("S", consumer with { MaxAckPending = 7 }, ConsumerAction.Create);
        meta.Said().ShouldBe("consumer already exists (10148)");
        meta.IsSlow = true;
        meta.CreateConsumer("S", consumer with { MaxAckPending = 7 }, ConsumerAction.Update);
        meta.CreateConsumer("S", consumer with { MaxAckPending = 8, DeliverPolicy = DeliverPolicy.New });
        meta.Said().ShouldBe("deliver policy can not be updated (10012)");
        meta.ApplyAll();
        meta.Consumer("S", "C").Configuration.MaxAckPending.ShouldBe(7);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterWorkQueueConsumerCreateRejectionNoOrphan")]
    public void Consumers_of_a_work_queue_do_not_share()
    {
        var meta = new LedMeta { IsSlow = true };
        meta.Create(new StreamConfiguration { Name = "S", Subjects = ["s.>"], Retention = RetentionPolicy.WorkQueue, Replicas = 3 });
        meta.CreateConsumer("S", new ConsumerConfiguration { Durable = "C", AckPolicy = AckPolicy.Explicit, FilterSubject = "s.a" });
        meta.CreateConsumer("S", new ConsumerConfiguration { Durable = "D", AckPolicy = AckPolicy.Explicit, FilterSubject = "s.*" });
        meta.Said().ShouldBe("filtered consumer not unique on workqueue stream (10100)");
        meta.CreateConsumer("S", new ConsumerConfiguration { Durable = "D", AckPolicy = AckPolicy.None, FilterSubject = "s.b" });
        meta.Said().ShouldBe("consumer in pull mode requires explicit ack policy on workqueue stream (10084)");
        meta.CreateConsumer("S", new ConsumerConfiguration { Name = "D", AckPolicy = AckPolicy.Explicit, FilterSubject = "s.b", DeliverPolicy = DeliverPolicy.ByStartSequence, StartSequence = 1 });
        meta.Said().ShouldBe("consumer must be deliver all on workqueue stream (10101)");
        meta.ApplyAll();
        meta.Current.ConsumerCount.ShouldBe(1);
    }

    [Fact]
    public void Consumers_are_paused_and_go_on()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", "C");
        var until = ApiTime.FromUnix(meta.Now.UnixNanoseconds + 1_000_000_000);
        meta.Leader.PauseConsumer(meta.Request(), "S", "C", new ConsumerPauseRequest { PauseUntil = until });
        meta.Said().ShouldBe("ConsumerPauseResponse");
        meta.Consumer("S", "C").Configuration.PauseUntil.ShouldBe(until);
        meta.Consumer("S", "C").Configuration.Metadata.RequiredLevel.ShouldBe("1");
        meta.Consumer("S", "C").Reply.ShouldBeNull("who made it is not answered again");
        // An update does not end a pause.
        meta.CreateConsumer("S", new ConsumerConfiguration { Durable = "C", Name = "C", AckPolicy = AckPolicy.Explicit, MaxAckPending = 3 });
        meta.Consumer("S", "C").Configuration.PauseUntil.ShouldBe(until);
        meta.Leader.PauseConsumer(meta.Request(), "S", "C", new ConsumerPauseRequest());
        meta.Consumer("S", "C").Configuration.PauseUntil.ShouldBeNull();
        meta.Answers.Clear();
        meta.Leader.PauseConsumer(meta.Request(), "S", "D", new ConsumerPauseRequest());
        meta.Said().ShouldBe("consumer not found (10014)");
        meta.Leader.PauseConsumer(meta.Request(), "T", "D", new ConsumerPauseRequest());
        meta.Said().ShouldBe("stream not found (10059)");
    }

    [Fact]
    public void Consumers_are_removed()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", "C");
        meta.Leader.DeleteConsumer(meta.Request(), "S", "D");
        meta.Said().ShouldBe("consumer not found (10014)");
        meta.Leader.DeleteConsumer(meta.Request(), "T", "C");
        meta.Said().ShouldBe("stream not found (10059)");
        meta.Leader.DeleteConsumer(meta.Request(), "S", "C");
        meta.Said().ShouldBeNull();
        meta.Current.ConsumerCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerLimitsUpdateGatedAtMetaLeader")]
    public void New_limits_must_suit_the_consumers()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", new ConsumerConfiguration { Durable = "C", AckPolicy = AckPolicy.Explicit, MaxAckPending = 100 });
        meta.Update("S", stream => stream with { ConsumerLimits = new StreamConsumerLimits { MaxAckPending = 10 } });
        meta.Said().ShouldBe("change to limits violates consumers: C (10069)");
    }
}
