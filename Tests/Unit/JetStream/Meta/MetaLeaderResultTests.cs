using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>What becomes of assets that their servers refuse.</summary>
public sealed class MetaLeaderResultTests
{
    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterProcessStreamAssignmentResults")]
    public void A_stream_that_its_servers_refuse_is_taken_back()
    {
        var meta = new LedMeta().Create("S");
        var result = StreamAssignmentResult.Failed("A", "S", JetStreamErrors.JSStreamGeneralErrorF.With("no"));
        meta.Leader.StreamResult(result);
        meta.Said()!.ShouldContain("\"description\":\"no\"");
        meta.Current.StreamCount.ShouldBe(0);
        meta.Proposed[^1].Stream!.Reply.ShouldBeNull();
        meta.Leader.StreamResult(result);
        meta.Said().ShouldBeNull("it is gone");
    }

    [Fact]
    public void A_stream_is_refused_once_and_kept_when_it_is_old()
    {
        var meta = new LedMeta().Create("S");
        meta.Now = ApiTime.FromUnix(meta.Now.UnixNanoseconds + 5_000_000_000);
        var result = StreamAssignmentResult.Failed("A", "S", JetStreamErrors.JSInsufficientResourcesErr);
        meta.Leader.StreamResult(result);
        meta.Said()!.ShouldContain("10023");
        meta.Leader.StreamResult(result);
        meta.Said().ShouldBeNull("another member says the same");
        meta.Leader.StreamResult(result with { IsUpdate = true });
        meta.Said()!.ShouldContain("10023");
        meta.Current.StreamCount.ShouldBe(1);
        meta.Leader.LeaderChanged(false);
        meta.Leader.StreamResult(result);
        meta.Said().ShouldBeNull("this server does not lead");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterProcessStreamAssignmentResultsRetry")]
    public void A_stream_without_room_goes_to_another_cluster()
    {
        var meta = new LedMeta(servers: ["n1"]);
        meta.Add("m1", cluster: "C2");
        meta.Leader.CreateStream(meta.Request("x", "C1", "C2"), "S", new() { Stream = new StreamConfiguration { Name = "S", MaxBytes = 500 } });
        meta.Servers(meta.Stream("S").Group).ShouldBe(["n1"]);
        meta.Add("n1", used: 999_999);
        meta.IsSlow = true;
        var result = StreamAssignmentResult.Failed("A", "S", JetStreamErrors.JSStorageResourcesExceededErr);
        meta.Leader.StreamResult(result);
        meta.Leader.StreamResult(result);
        meta.Said().ShouldBeNull("the client waits for the other cluster");
        meta.ApplyAll();
        meta.Servers(meta.Stream("S").Group).ShouldBe(["m1"]);
        meta.Stream("S").Reply.ShouldBe("reply");
        meta.Proposed.Count(entry => entry.Operation == EntryOperation.RemoveStream).ShouldBe(1);
        meta.Leader.StreamResult(StreamAssignmentResult.Failed("A", "S", JetStreamErrors.JSStreamGeneralErrorF.With("no")));
        meta.Said().ShouldNotBeNull();
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterProcessConsumerAssignmentResults")]
    public void A_consumer_that_its_servers_refuse_is_refused_once()
    {
        var meta = new LedMeta().Create("S").CreateConsumer("S", "C");
        var result = ConsumerAssignmentResult.Failed("A", "S", "C", JetStreamErrors.JSConsumerCreateErrF.With("no"));
        meta.Leader.ConsumerResult(ConsumerAssignmentResult.Decode(result.Encode())!);
        Encoding.UTF8.GetByteCount(meta.Said()!).ShouldBeGreaterThan(10);
        meta.Leader.ConsumerResult(result);
        meta.Said().ShouldBeNull();
        meta.Warnings.ShouldHaveSingleItem().ShouldContain("'A > S > C' rejected by assigned member");
    }
}
