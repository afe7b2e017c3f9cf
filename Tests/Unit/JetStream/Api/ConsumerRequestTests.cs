using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

/// <summary>Requests about consumers are read, and refused, as upstream reads and refuses them.</summary>
public sealed class ConsumerRequestTests
{
    private const string Field = "json: cannot unmarshal";

    [Theory]
    [InlineData("{\"config\":{\"max_deliver\":\"a\"}}", Field + " string into Go struct field ConsumerConfig.config.max_deliver of type int")]
    [InlineData("{\"config\":{\"ack_wait\":\"1s\"}}", Field + " string into Go struct field ConsumerConfig.config.ack_wait of type time.Duration")]
    [InlineData("{\"config\":{\"backoff\":[1,\"2\"]}}", Field + " string into Go struct field ConsumerConfig.config.backoff of type time.Duration")]
    [InlineData("{\"config\":{\"backoff\":1}}", Field + " number into Go struct field ConsumerConfig.config.backoff of type []time.Duration")]
    [InlineData("{\"config\":{\"opt_start_seq\":-1}}", Field + " number -1 into Go struct field ConsumerConfig.config.opt_start_seq of type uint64")]
    [InlineData("{\"config\":[]}", Field + " array into Go struct field CreateConsumerRequest.config of type server.ConsumerConfig")]
    [InlineData("{\"stream_name\":1}", Field + " number into Go struct field CreateConsumerRequest.stream_name of type string")]
    [InlineData("{\"pedantic\":1}", Field + " number into Go struct field CreateConsumerRequest.pedantic of type bool")]
    [InlineData("[]", Field + " array into Go value of type server.CreateConsumerRequest")]
    [InlineData("{\"config\":{\"deliver_policy\":null}}", "can not unmarshal \"null\"")]
    [InlineData("{\"config\":{\"ack_policy\":\"Explicit\"}}", "can not unmarshal \"\\\"Explicit\\\"\"")]
    [InlineData("{\"config\":{\"priority_policy\":\"first\"}}", "unknown priority policy: \"first\"")]
    [InlineData("{\"action\":\"replace\"}", "unknown consumer action: \"replace\"")]
    [InlineData("{\"action\":null}", "unknown consumer action: null")]
    [InlineData("{\"config\":{\"pause_until\":5}}", "Time.UnmarshalJSON: input is not a JSON string")]
    [InlineData("{\"config\":{\"zzz\":5}}", "json: unknown field \"zzz\"")]
    [InlineData("{\"zzz\":5}", "json: unknown field \"zzz\"")]
    public void Wrong_values_are_named(string json, string error) => Read(json, out _).ShouldBe(JetStreamErrors.JSInvalidJSONErr.With(error));

    [Theory]
    [InlineData("{}", ConsumerAction.CreateOrUpdate)]
    [InlineData("{\"action\":\"\"}", ConsumerAction.CreateOrUpdate)]
    [InlineData("{\"action\":\"create\"}", ConsumerAction.Create)]
    [InlineData("{\"action\":\"update\"}", ConsumerAction.Update)]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerActionsUnmarshal")]
    public void Actions_are_read(string json, ConsumerAction action)
    {
        Read(json, out var request).ShouldBeNull();
        request.Action.ShouldBe(action);
        Read("{\"action\":\"unknown\"}", out _).ShouldNotBeNull();
    }

    [Fact]
    public void Every_field_is_read_and_written()
    {
        const string json = """
            {"durable_name":"D","name":"N","description":"d","deliver_policy":"by_start_time","opt_start_seq":1,"opt_start_time":"2026-01-02T03:04:05.123456789+02:00","ack_policy":"flow_control","ack_wait":2,"max_deliver":3,"backoff":[4,5],"filter_subject":"f","filter_subjects":["g","h.*"],"replay_policy":"original","rate_limit_bps":6,"sample_freq":"7%","max_waiting":8,"max_ack_pending":9,"flow_control":true,"headers_only":true,"max_batch":10,"max_expires":11,"max_bytes":12,"deliver_subject":"ds","deliver_group":"dg","idle_heartbeat":13,"inactive_threshold":14,"num_replicas":3,"mem_storage":true,"direct":true,"sourcing":true,"metadata":{"a":"1","b":"2"},"pause_until":"2027-01-02T03:04:05Z","priority_groups":["p"],"priority_policy":"pinned_client","priority_timeout":15}
            """;
        Read($"{{\"config\":{json}}}", out var request).ShouldBeNull();
        Encoding.UTF8.GetString(JetStreamJson.Write(request.Consumer)).Replace("\\u002B", "+").ShouldBe(json);
        ConsumerConfiguration.ParseStored(Encoding.UTF8.GetBytes(json.Replace("{\"durable", "{\"later\":[1],\"durable", StringComparison.Ordinal)), out var stored).ShouldBeNull();
        stored.ShouldBe(request.Consumer);
        Encoding.UTF8.GetString(JetStreamJson.Write(new ConsumerConfiguration())).ShouldBe("{\"deliver_policy\":\"all\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\",\"num_replicas\":0}");
    }

    [Fact]
    public void Policies_have_upstreams_names()
    {
        Written(new ConsumerConfiguration { DeliverPolicy = DeliverPolicy.LastPerSubject, AckPolicy = AckPolicy.Explicit, PriorityPolicy = PriorityPolicy.Overflow })
            .ShouldBe("last_per_subject explicit instant overflow");
        Written(new ConsumerConfiguration { DeliverPolicy = DeliverPolicy.ByStartSequence, AckPolicy = AckPolicy.All, ReplayPolicy = ReplayPolicy.Original, PriorityPolicy = PriorityPolicy.Prioritized })
            .ShouldBe("by_start_sequence all original prioritized");
        Written(new ConsumerConfiguration { DeliverPolicy = DeliverPolicy.New, AckPolicy = AckPolicy.FlowControl, PriorityPolicy = PriorityPolicy.PinnedClient })
            .ShouldBe("new flow_control instant pinned_client");
        Read("{\"config\":{\"deliver_policy\":\"undefined\",\"priority_policy\":\"none\"}}", out var request).ShouldBeNull();
        request.Consumer.ShouldBe(new ConsumerConfiguration());

        static string Written(ConsumerConfiguration consumer)
        {
            var bytes = JetStreamJson.Write(consumer);
            ConsumerConfiguration.ParseStored(bytes, out var again).ShouldBeNull();
            again.ShouldBe(consumer);
            var json = Golden.ParseText(Encoding.UTF8.GetString(bytes));
            return string.Join(' ', new[] { "deliver_policy", "ack_policy", "replay_policy", "priority_policy" }.Select(name => json.GetProperty(name).GetString()));
        }
    }

    [Theory]
    [InlineData("$JS.API.CONSUMER.CREATE.S", "{\"name\":\"E\"}", "E", null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S", "{}", null, null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S", "{\"durable_name\":\"D\"}", null, 10020)]
    [InlineData("$JS.API.CONSUMER.CREATE.S", "{\"name\":\"a/b\"}", null, 10127)]
    [InlineData("$JS.API.CONSUMER.CREATE.T", "{}", null, 10056)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N", "{\"name\":\"other\"}", "N", null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N", "{\"durable_name\":\"N\"}", "N", null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N", "{\"durable_name\":\"M\"}", null, 10017)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.a\\b", "{}", null, 10127)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N.a.b", "{\"filter_subject\":\"a.b\"}", "N", null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N.a.>", "{\"filter_subject\":\"a.>\"}", "N", null)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N.a.b", "{\"filter_subject\":\"a.c\"}", null, 10131)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N.a.b", "{}", null, 10131)]
    [InlineData("$JS.API.CONSUMER.CREATE.S.N.a.b", "{\"filter_subjects\":[\"a.b\"]}", null, 10137)]
    [InlineData("$JS.API.CONSUMER.DURABLE.CREATE.S.N", "{\"durable_name\":\"N\"}", "N", null)]
    [InlineData("$JS.API.CONSUMER.DURABLE.CREATE.S.N", "{\"durable_name\":\"M\"}", null, 10017)]
    [InlineData("$JS.API.CONSUMER.DURABLE.CREATE.S.N", "{}", null, 10018)]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerLegacyDurableCreateSetsConsumerName")]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerMultipleSubjectAndNewAPI")]
    public void The_subject_names_the_consumer(string subject, string config, string? name, int? error)
    {
        Read($"{{\"stream_name\":\"S\",\"config\":{config}}}", out var request).ShouldBeNull();
        ApiSubject.TryParse(Encoding.UTF8.GetBytes(subject), out var parsed).ShouldBeTrue();
        var refused = request.TakeNames(parsed, out var named);
        (refused?.ErrorCode).ShouldBe((ushort?)error);
        if (refused is null) named.Consumer.Name.ShouldBe(name);
    }

    [Theory]
    [InlineData("{\"group\":\"g\"}", null)]
    [InlineData("{\"group\":\"g\",\"zzz\":1}", null)]
    [InlineData("", "invalid JSON: unexpected end of JSON input")]
    [InlineData("{}", "invalid JSON: consumer group not specified")]
    [InlineData("{\"group\":1}", "invalid JSON: json: cannot unmarshal number into Go struct field JSApiConsumerUnpinRequest.group of type string")]
    [InlineData("{\"group\":\"a b\"}", "Valid priority group name must match A-Z, a-z, 0-9, -_/=)+ and may not exceed 16 characters")]
    public void Groups_are_unpinned(string json, string? error) => ConsumerUnpinRequest.Read(Encoding.UTF8.GetBytes(json), out _)?.Description.ShouldBe(error);

    [Theory]
    [InlineData("", 0UL, null)]
    [InlineData("{}", 0UL, null)]
    [InlineData("{\"seq\":5,\"zzz\":1}", 5UL, null)]
    [InlineData(" ", 0UL, "invalid JSON: unexpected end of JSON input")]
    [InlineData("{\"seq\":-1}", 0UL, "invalid JSON: json: cannot unmarshal number -1 into Go struct field JSApiConsumerResetRequest.seq of type uint64")]
    public void Consumers_are_reset(string json, ulong sequence, string? error)
    {
        var refused = ConsumerResetRequest.Read(Encoding.UTF8.GetBytes(json), out var request);
        (refused?.Description).ShouldBe(error);
        if (error is null) request.Sequence.ShouldBe(sequence);
    }

    [Fact]
    public void Pages_and_pauses_are_read()
    {
        ApiRequest.Read("{\"offset\":7}"u8, strict: true, out ConsumerListRequest page).ShouldBeNull();
        page.Offset.ShouldBe(7);
        ApiRequest.Read("{\"offset\":-7}"u8, strict: true, out page).ShouldBeNull();
        page.Offset.ShouldBe(0);
        ApiRequest.Read("{\"offset\":\"a\"}"u8, strict: true, out page)!.Description
            .ShouldBe("invalid JSON: json: cannot unmarshal string into Go struct field JSApiConsumersRequest.ApiPagedRequest.offset of type int");
        ApiRequest.Read("{\"pause_until\":\"2035-01-01T00:00:00Z\"}"u8, strict: true, out ConsumerPauseRequest pause).ShouldBeNull();
        pause.PauseUntil.ToString().ShouldBe("2035-01-01T00:00:00Z");
        ApiRequest.Read("{\"pause_until\":null}"u8, strict: true, out pause).ShouldBeNull();
        pause.PauseUntil.IsZero.ShouldBeTrue();
    }

    private static ApiError? Read(string json, out ConsumerCreateRequest request) => ApiRequest.Read(Encoding.UTF8.GetBytes(json), strict: true, out request);
}
