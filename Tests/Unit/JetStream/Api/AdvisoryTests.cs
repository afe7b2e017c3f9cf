using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

public sealed class AdvisoryTests
{
    private const string Id = "0RUbx0gdx6no1oYGPFeM92";
    private static readonly ApiTime Time = ApiTime.FromUnix(1_795_223_703_775_027_266);
    private static readonly ClientInfo Client = new() { Start = DateTimeOffset.UnixEpoch, Host = "127.0.0.1", Id = 11, Account = "A", Name = "c", Language = "go", Version = "1.0", RoundTrip = 246118, Server = "s1", Kind = "Client", ClientType = "nats" };

    public static TheoryData<JetStreamAdvisory, string> All => new()
    {
        { new ApiAuditAdvisory { Id = Id, Time = Time, Server = "s1", Client = Client, Subject = "$JS.API.INFO", Response = "{}", Domain = "hub" }, "type id timestamp server client subject response domain" },
        { new ApiAuditAdvisory { Id = Id, Time = Time, Server = "s1", Client = Client, Subject = "$JS.API.INFO", Request = "{}", Response = "{}" }, "type id timestamp server client subject request response" },
        { new StreamActionAdvisory { Id = Id, Time = Time, Stream = "S", Action = AdvisoryAction.Modify, Domain = "hub" }, "type id timestamp stream action domain" },
        { new SnapshotCreateAdvisory { Id = Id, Time = Time, Stream = "S", State = new StreamState { Messages = 1 }, Client = Client }, "type id timestamp stream state client" },
        { new SnapshotCompleteAdvisory { Id = Id, Time = Time, Stream = "S", Start = Time, End = Time, Client = Client }, "type id timestamp stream start end client" },
        { new RestoreCreateAdvisory { Id = Id, Time = Time, Stream = "S", Client = Client }, "type id timestamp stream client" },
        { new RestoreCompleteAdvisory { Id = Id, Time = Time, Stream = "S", Start = Time, End = Time, Bytes = 3743, Client = Client }, "type id timestamp stream start end bytes client" },
        { new BatchAbandonedAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", BatchId = "a4", Reason = BatchAbandonReason.Incomplete, Domain = "hub" }, "type id timestamp account stream domain batch reason" },
        { new ApiLimitReachedAdvisory { Id = Id, Time = Time, Server = "s1", Dropped = 5 }, "type id timestamp server dropped" },
        { new ServerOutOfSpaceAdvisory { Id = Id, Time = Time, Server = "s1", ServerId = "N", Stream = "S", Cluster = "C" }, "type id timestamp server server_id stream cluster" },
        { new ServerRemovedAdvisory { Id = Id, Time = Time, Server = "s1", ServerId = "N", Cluster = "C" }, "type id timestamp server server_id cluster" },
        { new DomainLeaderElectedAdvisory { Id = Id, Time = Time, Leader = "s1", Replicas = [new PeerInfo { Name = "s2", Peer = "p" }], Cluster = "C" }, "type id timestamp leader replicas cluster" },
        { new StreamLeaderElectedAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Leader = "s1", Replicas = [new PeerInfo { Name = "s2", Peer = "p" }] }, "type id timestamp account stream leader replicas" },
        { new StreamQuorumLostAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Replicas = [new PeerInfo { Name = "s2", Peer = "p" }] }, "type id timestamp account stream replicas" },
        { new ConsumerActionAdvisory { Id = Id, Time = Time, Stream = "S", Consumer = "C", Action = AdvisoryAction.Create }, "type id timestamp stream consumer action" },
        { new ConsumerPauseAdvisory { Id = Id, Time = Time, Stream = "S", Consumer = "C", Paused = false, PauseUntil = default }, "type id timestamp stream consumer paused pause_until" },
        { new ConsumerGroupPinnedAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Consumer = "C", Group = "g", PinnedId = "p", Domain = "hub" }, "type id timestamp account stream consumer domain group pinned_id" },
        { new ConsumerGroupUnpinnedAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Consumer = "C", Group = "g", Reason = UnpinReason.Timeout, Domain = "hub" }, "type id timestamp account stream consumer domain group reason" },
        { new MaxDeliverAdvisory { Id = Id, Time = Time, Stream = "S", Consumer = "C", StreamSequence = 1, Deliveries = 2 }, "type id timestamp stream consumer stream_seq deliveries" },
        { new MessageNakedAdvisory { Id = Id, Time = Time, Stream = "S", Consumer = "C", ConsumerSequence = 3, StreamSequence = 1, Deliveries = 2 }, "type id timestamp stream consumer consumer_seq stream_seq deliveries" },
        { new MessageTerminatedAdvisory { Id = Id, Time = Time, Stream = "S", Consumer = "C", ConsumerSequence = 3, StreamSequence = 1, Deliveries = 2, Reason = "r" }, "type id timestamp stream consumer consumer_seq stream_seq deliveries reason" },
        { new ConsumerAckMetric { Id = Id, Time = Time, Stream = "S", Consumer = "C", ConsumerSequence = 3, StreamSequence = 1, Delay = 4, Deliveries = 2 }, "type id timestamp stream consumer consumer_seq stream_seq ack_time deliveries" },
        { new ConsumerLeaderElectedAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Consumer = "C", Leader = "s1", Replicas = [new PeerInfo { Name = "s2", Peer = "p" }] }, "type id timestamp account stream consumer leader replicas" },
        { new ConsumerQuorumLostAdvisory { Id = Id, Time = Time, Account = "A", Stream = "S", Consumer = "C", Replicas = [new PeerInfo { Name = "s2", Peer = "p" }] }, "type id timestamp account stream consumer replicas" },
    };

    [Theory]
    [MemberData(nameof(All))]
    public void AdvisoriesAreAsTheirSchemas(JetStreamAdvisory advisory, string keys)
    {
        var json = Golden.ParseText(Encoding.UTF8.GetString(JetStreamJson.Write(advisory)));
        string.Join(' ', json.EnumerateObject().Select(property => property.Name)).ShouldBe(keys);
        var name = advisory.Type[(advisory.Type.LastIndexOf('.') + 1)..];
        JsonSchema.ShouldMatch(json, $"jetstream/{(advisory is ConsumerAckMetric ? "metric" : "advisory")}/v1/{name}.json", KnownDifferences(name));
    }

    /// <summary>Where 2.14.5's structs, and what was recorded of it, are not as the published schemas.</summary>
    private static string[] KnownDifferences(string name) => name switch
    {
        "api_audit" or "stream_action" => ["/domain"],
        "snapshot_create" => ["/blocks", "/block_size", "/state"],
        "domain_leader_elected" => ["/replicas"],
        "stream_leader_elected" or "stream_quorum_lost" or "consumer_leader_elected" or "consumer_quorum_lost" => ["/account", "/replicas"],
        "consumer_group_pinned" or "consumer_group_unpinned" => ["/server"],
        "nak" or "terminated" => ["/consumer_seq"],
        _ => [],
    };

    /// <summary>Recorded advisories have the keys of ours, in our order; a request, and the account in its own, may be missing.</summary>
    [Fact]
    public void RecordedOnesHaveTheSameKeys()
    {
        var ours = All.Select(row => (JetStreamAdvisory)row.Data.Item1).GroupBy(advisory => advisory.Type).ToDictionary(group => group.Key, group => group.First());
        var compared = 0;
        foreach (var recorded in Golden.Json("jsapi", "single.events.json").GetProperty("events").EnumerateArray())
        {
            if (!recorded.TryGetProperty("json", out var json) || json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("type", out var type) || !ours.TryGetValue(type.GetString()!, out var advisory)) continue;
            var known = Golden.ParseText(Encoding.UTF8.GetString(JetStreamJson.Write(advisory with { Domain = "hub" }))).EnumerateObject().Select(property => property.Name).ToArray();
            var keys = json.EnumerateObject().Select(property => property.Name).Where(IsAlwaysThere);
            keys.ShouldBe(known.Where(IsAlwaysThere), type.GetString());
            compared++;
        }
        compared.ShouldBeGreaterThan(25);

        static bool IsAlwaysThere(string key) => key is not ("request" or "account");
    }

    [Theory]
    [InlineData("2026-11-21T01:15:03.775027266Z")]
    [InlineData("2026-11-21T01:15:03.1Z")]
    [InlineData("2026-11-21T01:15:03Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("2026-11-21T01:15:03.000000001-05:30")]
    [InlineData("9999-12-31T23:59:59.999999999Z")]
    public void TimesKeepTheirNanoseconds(string text)
    {
        ApiTime.Parse(text, out var time).ShouldBeNull();
        time.ToString().ShouldBe(text);
        time.IsZero.ShouldBe(text.StartsWith("0001", StringComparison.Ordinal));
    }

    [Fact]
    public void TimesAreCountedFrom1970()
    {
        Time.ToString().ShouldBe("2026-11-21T01:15:03.775027266Z");
        ApiTime.FromUnix(-1).ToString().ShouldBe("1969-12-31T23:59:59.999999999Z");
        ApiTime.FromUnix(-1).UnixNanoseconds.ShouldBe(-1);
        ApiTime.FromUnixOrZero(0).ShouldBe(default);
        default(ApiTime).UnixNanoseconds.ShouldBe(long.MinValue);
        ApiTime.FromUnix(1).CompareTo(ApiTime.FromUnix(2)).ShouldBe(-1);
    }
}
