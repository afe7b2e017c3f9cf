using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

/// <summary>What a consumer may be in itself; the recording of 2.14.5 has most of the rules, here is what it leaves out.</summary>
public sealed class ConsumerValidationTests
{
    private const long Second = 1_000_000_000;
    private static readonly StreamConfiguration Stream = new() { Name = "S", Subjects = ["events.>", "data"], Replicas = 3, MaxConsumers = -1 };
    private static readonly ConsumerConfiguration Pull = new() { AckPolicy = AckPolicy.Explicit };
    private static readonly ConsumerConfiguration Push = new() { DeliverSubject = "d" };

    public static TheoryData<string, ConsumerConfiguration, ApiError> Wrong => new()
    {
        { "names", Pull with { Name = "a.b" }, Invalid("consumer name can not contain '.', '*', '>', '\\', '/'") },
        { "durable", Pull with { Durable = "a b", Name = "a" }, Invalid("consumer durable name can not contain '.', '*', '>', '\\', '/'") },
        { "both names", Pull with { Durable = "durable", Name = "name" }, JetStreamErrors.JSConsumerCreateDurableAndNameMismatch },
        { "too many replicas", Pull with { Replicas = 4 }, JetStreamErrors.JSConsumerReplicasExceedsStream },
        { "negative replicas", Pull with { Replicas = -1 }, JetStreamErrors.JSReplicasCountCannotBeNegative },
        { "flow control in pedantic mode", Push with { AckPolicy = AckPolicy.FlowControl }, JetStreamErrors.JSConsumerAckFCRequiresFCErr },
        { "heartbeat of flow control", Push with { AckPolicy = AckPolicy.FlowControl, FlowControl = true, Heartbeat = 2 * Second }, Invalid("flow control ack policy heartbeat needs to be 1s") },
        { "pending of flow control", Push with { AckPolicy = AckPolicy.FlowControl, FlowControl = true, Heartbeat = Second, MaxAckPending = -1 }, JetStreamErrors.JSConsumerAckFCRequiresMaxAckPendingErr },
        { "back-off of flow control", Push with { AckPolicy = AckPolicy.FlowControl, FlowControl = true, Heartbeat = Second, AckWait = 1, Backoff = [1] }, JetStreamErrors.JSConsumerAckFCRequiresNoAckWaitErr },
        { "pending without acks", Push with { MaxAckPending = 5 }, JetStreamErrors.JSConsumerMaxPendingAckPolicyRequiredErr },
        { "direct and durable", Push with { Direct = true, Durable = "D" }, JetStreamErrors.JSConsumerDirectRequiresEphemeralErr },
        { "both kinds of filters", Pull with { FilterSubjects = ["events.one", "events.two"], FilterSubject = "events.three" }, JetStreamErrors.JSConsumerDuplicateFilterSubjects },
        { "deliver subject", Push with { DeliverSubject = " x" }, JetStreamErrors.JSConsumerInvalidDeliverSubject },
        { "filter", Pull with { FilterSubject = "a..b" }, Invalid("invalid subject") },
        { "one of the filters", Pull with { FilterSubjects = ["a", "b "] }, Invalid("invalid subject") },
        { "same filter twice", Pull with { FilterSubjects = ["a", "a"] }, JetStreamErrors.JSConsumerOverlappingSubjectFilters },
        { "last with time", Pull with { DeliverPolicy = DeliverPolicy.Last, StartTime = ApiTime.FromUnix(1) }, Policy("last, but optional start time is also set") },
        { "last with sequence", Pull with { DeliverPolicy = DeliverPolicy.Last, StartSequence = 1 }, Policy("last, but optional start sequence is also set") },
        { "new with sequence", Pull with { DeliverPolicy = DeliverPolicy.New, StartSequence = 1 }, Policy("new, but optional start sequence is also set") },
        { "last per subject with sequence", Pull with { DeliverPolicy = DeliverPolicy.LastPerSubject, StartSequence = 1 }, Policy("last per subject, but optional start sequence is also set") },
        { "sequence with time", Pull with { DeliverPolicy = DeliverPolicy.ByStartSequence, StartSequence = 1, StartTime = ApiTime.FromUnix(1) }, Policy("by start sequence, but optional start time is also set") },
        { "sampling below nothing", Pull with { SampleFrequency = "-1%" }, JetStreamErrors.JSConsumerInvalidSamplingErrF.With("<nil>") },
        { "sampling without number", Pull with { SampleFrequency = "%" }, JetStreamErrors.JSConsumerInvalidSamplingErrF.With("strconv.Atoi: parsing \"\": invalid syntax") },
        { "sampling out of reach", Pull with { SampleFrequency = "99999999999999999999" }, JetStreamErrors.JSConsumerInvalidSamplingErrF.With("strconv.Atoi: parsing \"99999999999999999999\": value out of range") },
        { "metadata", Pull with { Metadata = AssetMetadata.Create([KeyValuePair.Create("k", new string('x', 128 * 1024))]) }, JetStreamErrors.JSConsumerMetadataLengthErrF.With("128KB") },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerWithNameAndDurable")]
    [Upstream("jetstream_test.go", "TestJetStreamBothFiltersSet")]
    [Upstream("jetstream_test.go", "TestJetStreamInvalidDeliverSubject")]
    public void Wrong_is_refused(string what, ConsumerConfiguration consumer, ApiError error) => Check(consumer, pedantic: what.Contains("flow control", StringComparison.Ordinal)).ShouldBe(error, what);

    [Theory]
    [InlineData("events.one", "events.*", false)]
    [InlineData("events.>", "events.*.foo", false)]
    [InlineData("events.*", "events.>", false)]
    [InlineData("events.foo.*", "events.*.foo", true)]
    [InlineData("events.foo", "events.foo.bar", true)]
    [InlineData("events.>", "data", true)]
    [InlineData("*.a", "events.b", true)]
    [InlineData(">", "data", false)]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerOverlappingSubjects")]
    public void Filters_do_not_cover_each_other(string one, string other, bool isGood)
    {
        var expected = isGood ? null : JetStreamErrors.JSConsumerOverlappingSubjectFilters;
        Check(Pull with { FilterSubjects = [one, other] }).ShouldBe(expected);
        Check(Pull with { FilterSubjects = ["x.y.z.z", other, "q", one] }).ShouldBe(expected);
    }

    [Fact]
    public void Many_filters_are_checked_soon()
    {
        string[] tokens = ["a", "*", "b", ">"];
        var filters = Enumerable.Range(0, 30_000).Select(number => $"{tokens[number % 3]}.{tokens[number / 3 % 3]}.{tokens[number / 9 % 3]}.n{number}").ToArray();
        Check(Pull with { FilterSubjects = [.. filters] }).ShouldBeNull();
        Check(Pull with { FilterSubjects = [.. filters, "*.*.*.n7"] }).ShouldBe(JetStreamErrors.JSConsumerOverlappingSubjectFilters);
    }

    [Theory]
    [InlineData(" \t\r\n\f.*>\\/")]
    [Upstream("jetstream_test.go", "TestJetStreamInvalidStreamOrConsumerName")]
    public void Names_have_no_signs(string signs)
    {
        foreach (var sign in signs)
        {
            Check(Pull with { Name = sign.ToString() })!.Description.ShouldContain("can not contain");
            Check(Pull with { Durable = sign.ToString() })!.Description.ShouldContain("can not contain");
            StreamValidation.IsValidName(sign.ToString()).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("A", true)]
    [InlineData("group/consumer=A", true)]
    [InlineData("a-b_c", true)]
    [InlineData("sixteenletters16", true)]
    [InlineData("seventeenletters1", false)]
    [InlineData("", false)]
    [InlineData("A B", false)]
    [InlineData("A   B", false)]
    [InlineData("group-name-that-is-too-long", false)]
    [InlineData("\r\n", false)]
    [InlineData("\u00e9", false)]
    [Upstream("jetstream_consumer_test.go", "TestPriorityGroupNameRegex")]
    public void Groups_have_short_names(string name, bool isValid) => PriorityGroupName.IsValid(name).ShouldBe(isValid);

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerWithPriorityGroups")]
    public void Groups_go_with_policies()
    {
        foreach (var policy in new[] { PriorityPolicy.PinnedClient, PriorityPolicy.Overflow, PriorityPolicy.Prioritized })
        {
            Check(Pull with { PriorityPolicy = policy, PriorityGroups = ["A"] }).ShouldBeNull();
            Check(Pull with { PriorityPolicy = policy }).ShouldBe(JetStreamErrors.JSConsumerPriorityPolicyWithoutGroup);
            Check(Pull with { PriorityPolicy = policy, PriorityGroups = [""] }).ShouldBe(JetStreamErrors.JSConsumerEmptyGroupName);
        }
        Check(Pull with { PinnedTtl = Second }).ShouldBe(JetStreamErrors.JSConsumerPinnedTTLWithoutPriorityPolicyNone);
        Check(Pull with { PriorityGroups = ["A"], PinnedTtl = Second }).ShouldBe(JetStreamErrors.JSConsumerPriorityGroupWithPolicyNone);
        Check(Push with { PriorityPolicy = PriorityPolicy.Overflow, PriorityGroups = ["A"] }).ShouldBe(JetStreamErrors.JSConsumerPushWithPriorityGroupErr);
        Decide(Pull with { PriorityPolicy = PriorityPolicy.PinnedClient, PriorityGroups = ["A"] }, Stream).Consumer!.PinnedTtl.ShouldBe(120 * Second);
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerPedanticMode")]
    public void Pedantic_requests_are_not_corrected()
    {
        var limited = Stream with { ConsumerLimits = new StreamConsumerLimits { InactiveThreshold = 60 * Second, MaxAckPending = 100 } };
        var steps = Pull with { Backoff = [Second, 60 * Second] };
        Decide(steps, Stream).Consumer!.AckWait.ShouldBe(Second);
        Pedantic(steps, Stream, "first backoff value has to equal batch AckWait");
        Decide(steps with { AckWait = Second }, Stream, pedantic: true).Error.ShouldBeNull();
        Pedantic(Pull, limited, "max_ack_pending must be set if it's configured in stream limits");
        Pedantic(Pull with { MaxAckPending = 5 }, limited, "inactive_threshold must be set if it's configured in stream limits");
        Decide(Pull, limited).Consumer!.InactiveThreshold.ShouldBe(60 * Second);
        Pedantic(Pull, Stream, "max_request_batch must be set if it's JetStream limits are set", batch: 250);
        Decide(Pull, Stream, batch: 250).Consumer!.MaxRequestBatch.ShouldBe(250);
        Pedantic(Pull with { MaxDeliver = -2 }, Stream, "max_deliver must be set to -1");
        Pedantic(Pull with { MaxWaiting = -1 }, Stream, "max_waiting must not be negative");
        Pedantic(Pull with { MaxAckPending = -2 }, Stream, "max_ack_pending must be set to -1");
        Pedantic(Pull with { MaxRequestBatch = -1 }, Stream, "max_batch must not be negative");
        Pedantic(Pull with { MaxRequestExpires = -1 }, Stream, "max_expires must not be negative");
        Pedantic(Pull with { MaxRequestBytes = -1 }, Stream, "max_bytes must not be negative");
        Pedantic(Pull with { Heartbeat = -1 }, Stream, "idle_heartbeat must not be negative");
        Pedantic(Pull with { InactiveThreshold = -1 }, Stream, "inactive_threshold must not be negative");
        Pedantic(Pull with { PinnedTtl = -1 }, Stream, "priority_timeout must not be negative");
        var corrected = Decide(Pull with { MaxDeliver = -2, MaxWaiting = -1, MaxAckPending = -2, MaxRequestBatch = -1, MaxRequestExpires = -1, MaxRequestBytes = -1, Heartbeat = -1, PinnedTtl = -1 }, Stream).Consumer!;
        corrected.ShouldBe(Pull with { MaxDeliver = -1, MaxWaiting = 512, MaxAckPending = -1, AckWait = 30 * Second, InactiveThreshold = 5 * Second, Metadata = corrected.Metadata });
    }

    [Fact]
    public void The_lowest_limit_is_the_default()
    {
        Pending(0, -1).ShouldBe(1000);
        Pending(500, -1).ShouldBe(500);
        Pending(500, 100).ShouldBe(100);
        Pending(5000, 5000).ShouldBe(1000);

        static long Pending(long server, long account)
        {
            ConsumerDefaults.Apply(Pull, Stream, new ConsumerServerLimits { MaxAckPending = server }, new AccountLimits { MaxAckPending = account }, pedantic: false, out var consumer).ShouldBeNull();
            return consumer.MaxAckPending;
        }
    }

    [Theory]
    [InlineData(RetentionPolicy.Limits, 1, true)]
    [InlineData(RetentionPolicy.Interest, 1, false)]
    [InlineData(RetentionPolicy.WorkQueue, 1, false)]
    [InlineData(RetentionPolicy.Interest, 3, true)]
    [InlineData(RetentionPolicy.Interest, 0, true)]
    public void Acknowledgements_are_as_safe_as_messages(RetentionPolicy retention, long replicas, bool isGood) =>
        Check(Pull with { Replicas = replicas }, Stream with { Retention = retention }).ShouldBe(isGood ? null : JetStreamErrors.JSConsumerReplicasShouldMatchStream);

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(1, "1ns")]
    [InlineData(1_500, "1.5\u00b5s")]
    [InlineData(2_000_000, "2ms")]
    [InlineData(1_000_000_001, "1.000000001s")]
    [InlineData(90_500_000_000, "1m30.5s")]
    [InlineData(3_600_000_000_000, "1h0m0s")]
    [InlineData(-1_500_000, "-1.5ms")]
    [InlineData(long.MaxValue, "2562047h47m16.854775807s")]
    [InlineData(long.MinValue, "-2562047h47m16.854775808s")]
    public void Durations_are_shown_as_upstream_shows_them(long nanoseconds, string text) => GoDuration.Of(nanoseconds).ShouldBe(text);

    private static void Pedantic(ConsumerConfiguration consumer, StreamConfiguration stream, string text, long batch = 0) =>
        Decide(consumer, stream, pedantic: true, batch).Error.ShouldBe(JetStreamErrors.JSPedanticErrF.With(text));

    private static ApiError? Check(ConsumerConfiguration consumer, StreamConfiguration? stream = null, bool pedantic = false) => Decide(consumer, stream ?? Stream, pedantic).Error;

    private static ConsumerDecision Decide(ConsumerConfiguration consumer, StreamConfiguration stream, bool pedantic = false, long batch = 0)
    {
        var catalog = new ConsumerCatalog(stream) { IsClustered = true, Server = new ConsumerServerLimits { MaxRequestBatch = batch } };
        return catalog.Decide(new ConsumerCreateRequest { Stream = "S", Consumer = consumer, Pedantic = pedantic });
    }

    private static ApiError Invalid(string text) => JetStreamErrors.JSStreamInvalidConfigF.With(text);

    private static ApiError Policy(string text) => JetStreamErrors.JSConsumerInvalidPolicyErrF.With($"consumer delivery policy is deliver {text}");
}
