using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

/// <summary>What exists already, what may change, what others stand in the way.</summary>
public sealed class ConsumerAdmissionTests
{
    private const long Second = 1_000_000_000;
    private static readonly StreamConfiguration Stream = new() { Name = "S", Subjects = ["one", "two", "three", "four", "five.>"], Replicas = 1, MaxConsumers = -1 };
    private static readonly StreamConfiguration WorkQueue = Stream with { Retention = RetentionPolicy.WorkQueue };
    private static readonly ConsumerConfiguration Durable = new() { Durable = "D", Name = "D", AckPolicy = AckPolicy.Explicit };

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerActions")]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerActionsViaAPI")]
    public void What_may_happen_is_said_by_the_action()
    {
        var catalog = new ConsumerCatalog(Stream);
        var asked = Durable with { FilterSubjects = ["one", "two"] };
        Decide(catalog, asked, ConsumerAction.Update).Error.ShouldBe(JetStreamErrors.JSConsumerDoesNotExist);
        Decide(catalog, asked, ConsumerAction.Create).Existing.ShouldBeNull();
        Decide(catalog, asked, ConsumerAction.Create).Existing.ShouldNotBeNull();
        Decide(catalog, asked with { FilterSubjects = ["one"] }, ConsumerAction.Create).Error.ShouldBe(JetStreamErrors.JSConsumerAlreadyExists);
        var changed = Decide(catalog, asked with { FilterSubjects = ["one"] }, ConsumerAction.Update);
        changed.Error.ShouldBeNull();
        changed.Existing!.FilterSubjects.Count.ShouldBe(2);
        changed.Consumer!.FilterSubjects.ShouldBe(["one"]);
        Decide(catalog, asked with { FilterSubjects = ["two"] }).Consumer!.FilterSubjects.ShouldBe(["two"]);
    }

    /// <summary>A server alone compares with what the consumer has become, and it has got a threshold.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ephemeral_ones_made_twice(bool isClustered)
    {
        var catalog = new ConsumerCatalog(Stream) { IsClustered = isClustered };
        var asked = new ConsumerConfiguration { Name = "EPH", AckPolicy = AckPolicy.Explicit };
        Decide(catalog, asked, ConsumerAction.Create).Consumer!.InactiveThreshold.ShouldBe(5 * Second);
        Decide(catalog, asked, ConsumerAction.Create).Error.ShouldBe(isClustered ? null : JetStreamErrors.JSConsumerAlreadyExists);
        Decide(catalog, asked).Consumer!.InactiveThreshold.ShouldBe(5 * Second);
    }

    [Fact]
    public void Names_are_made_where_none_is_said()
    {
        var catalog = new ConsumerCatalog(Stream);
        catalog.Set("00000001", Durable);
        var decision = Decide(catalog, new ConsumerConfiguration());
        decision.Name.ShouldBe("00000002");
        decision.Consumer!.Name.ShouldBeNull();
        Decide(catalog, new ConsumerConfiguration { Name = new string('n', 256) }).Error.ShouldBe(JetStreamErrors.JSConsumerCreateErrF.With("error creating store for consumer"));
        Decide(catalog, Durable with { Durable = new string('n', 256), Name = null }).Error.ShouldBe(JetStreamErrors.JSConsumerNameTooLongErrF.With(255));
        Decide(catalog, Durable with { Durable = new string('n', 255), Name = null }).Error.ShouldBeNull();
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerUpdateRejectsStorageChange")]
    public void What_is_for_good_stays()
    {
        Refused(consumer => consumer with { DeliverPolicy = DeliverPolicy.Last }, "deliver policy can not be updated");
        Refused(consumer => consumer with { MemoryStorage = true }, "storage type can not be updated");
        Refused(consumer => consumer with { AckPolicy = AckPolicy.None }, "ack policy can not be updated");
        Refused(consumer => consumer with { ReplayPolicy = ReplayPolicy.Original }, "replay policy can not be updated");
        Refused(consumer => consumer with { MaxWaiting = 5 }, "max waiting can not be updated");
        Refused(consumer => consumer with { Heartbeat = Second }, "heart beats can not be updated", Durable with { DeliverSubject = "d" });
        Refused(consumer => consumer with { FlowControl = true }, "flow control can not be updated", Durable with { DeliverSubject = "d", Heartbeat = Second });
        Refused(consumer => consumer with { StartSequence = 3 }, "start sequence can not be updated", Durable with { DeliverPolicy = DeliverPolicy.ByStartSequence, StartSequence = 2 });
        Refused(consumer => consumer with { StartTime = ApiTime.FromUnix(3) }, "start time can not be updated", Durable with { DeliverPolicy = DeliverPolicy.ByStartTime, StartTime = ApiTime.FromUnix(2) });
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamChangeConsumerType")]
    public void Pushed_stays_pushed()
    {
        Refused(consumer => consumer with { DeliverSubject = "d" }, "can not update pull consumer to push based");
        Refused(consumer => consumer with { DeliverSubject = null }, "can not update push consumer to pull based", Durable with { DeliverSubject = "d" });
        var catalog = new ConsumerCatalog(Stream) { Interest = { "d" } };
        Decide(catalog, Durable with { DeliverSubject = "d" });
        Decide(catalog, Durable with { DeliverSubject = "e" }).Error.ShouldBe(JetStreamErrors.JSConsumerNameExistErr);
        catalog.Interest.Clear();
        Decide(catalog, Durable with { DeliverSubject = "e" }).Consumer!.DeliverSubject.ShouldBe("e");
    }

    [Fact]
    public void The_rest_may_change()
    {
        var catalog = new ConsumerCatalog(Stream);
        Decide(catalog, Durable);
        var after = Durable with
        {
            Description = "d",
            AckWait = Second,
            MaxDeliver = 5,
            Backoff = [Second, 2 * Second],
            FilterSubject = "one",
            SampleFrequency = "10",
            MaxAckPending = 5,
            HeadersOnly = true,
            MaxRequestBatch = 5,
            MaxRequestExpires = Second,
            MaxRequestBytes = 5,
            InactiveThreshold = Second,
            Metadata = AssetMetadata.Create([KeyValuePair.Create("a", "b")]),
            PriorityPolicy = PriorityPolicy.Overflow,
            PriorityGroups = ["g"],
            DeliverGroup = "g",
        };
        var decision = Decide(catalog, after, ConsumerAction.Update);
        decision.Error.ShouldBeNull();
        decision.Consumer!.ShouldBe(after with { MaxWaiting = 512, Metadata = decision.Consumer!.Metadata });
        decision.Consumer.Metadata.RequiredLevel.ShouldBe("1");
    }

    [Fact]
    public void A_pause_has_a_request_of_its_own()
    {
        var catalog = new ConsumerCatalog(Stream);
        var until = ApiTime.FromUnix(1_000);
        Decide(catalog, Durable with { PauseUntil = until }).Consumer!.Metadata.RequiredLevel.ShouldBe("1");
        Decide(catalog, Durable with { PauseUntil = ApiTime.FromUnix(2_000) }).Consumer!.PauseUntil.ShouldBe(until);
        Decide(catalog, Durable).Consumer!.PauseUntil.ShouldBe(until);
        var goesOn = ConsumerAdmission.Pause(catalog.Find("D")!, new ConsumerPauseRequest());
        goesOn.PauseUntil.ShouldBeNull();
        goesOn.Metadata.RequiredLevel.ShouldBe("0");
        ApiTime.Parse("2035-01-01T02:00:00+02:00", out var later).ShouldBeNull();
        ConsumerAdmission.Pause(goesOn, new ConsumerPauseRequest { PauseUntil = later }).PauseUntil!.Value.ToString().ShouldBe("2035-01-01T00:00:00Z");
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerActionsOnWorkQueuePolicyStream")]
    public void A_message_of_a_work_queue_is_for_one()
    {
        var catalog = new ConsumerCatalog(WorkQueue);
        Decide(catalog, Filtered("C1", "one", "two"), ConsumerAction.Create).Error.ShouldBeNull();
        Decide(catalog, Filtered("C2", "three", "four"), ConsumerAction.Create).Error.ShouldBeNull();
        Decide(catalog, Filtered("C3", "five.*"), ConsumerAction.Create).Error.ShouldBeNull();
        Decide(catalog, Filtered("C1", "one"), ConsumerAction.Update).Error.ShouldBeNull();
        Decide(catalog, Filtered("C2", "three", "four", "two"), ConsumerAction.Update).Error.ShouldBeNull();
        Decide(catalog, Filtered("C4", "one", "two", "three", "four"), ConsumerAction.Create).Error.ShouldBe(JetStreamErrors.JSConsumerWQConsumerNotUniqueErr);
        Decide(catalog, Filtered("C3", "one", "two", "three", "four"), ConsumerAction.Update).Error.ShouldBe(JetStreamErrors.JSConsumerWQConsumerNotUniqueErr);
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerWorkQueuePolicyOverlap")]
    public void Filters_of_a_work_queue_that_cross_are_refused()
    {
        var catalog = new ConsumerCatalog(WorkQueue with { Subjects = ["foo.*.*"] });
        Decide(catalog, Filtered("A", "foo.bar.*")).Error.ShouldBeNull();
        Decide(catalog, Filtered("B", "foo.*.bar")).Error.ShouldBe(JetStreamErrors.JSConsumerWQConsumerNotUniqueErr);
        Decide(catalog, Filtered("B")).Error.ShouldBe(JetStreamErrors.JSConsumerWQMultipleUnfilteredErr);
        Decide(catalog, Filtered("B", "foo.x.x") with { AckPolicy = AckPolicy.All }).Error.ShouldBe(JetStreamErrors.JSConsumerWQRequiresExplicitAckErr);
        Decide(catalog, Filtered("B", "foo.x.x") with { DeliverPolicy = DeliverPolicy.Last }).Error.ShouldBe(JetStreamErrors.JSConsumerWQConsumerNotDeliverAllErr);
        var unfiltered = new ConsumerCatalog(WorkQueue);
        Decide(unfiltered, Filtered("A")).Error.ShouldBeNull();
        Decide(unfiltered, Filtered("B", "one")).Error.ShouldBe(JetStreamErrors.JSConsumerWQConsumerNotUniqueErr);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMaxConsumers")]
    public void Consumers_are_counted()
    {
        var catalog = new ConsumerCatalog(Stream with { MaxConsumers = 2 });
        catalog.Set("sourcing", new ConsumerConfiguration { Direct = true, DeliverSubject = "d" });
        Decide(catalog, Durable).Error.ShouldBeNull();
        Decide(catalog, Durable with { Durable = "E", Name = "E" }, ConsumerAction.Create).Error.ShouldBeNull();
        Decide(catalog, Durable with { Durable = "E", Name = "E" }, ConsumerAction.Create).Error.ShouldBeNull();
        Decide(catalog, Durable with { Durable = "F", Name = "F" }).Error.ShouldBe(JetStreamErrors.JSMaximumConsumersLimitErr);
        Decide(catalog, Durable with { Description = "changed" }).Error.ShouldBeNull();
        var small = new ConsumerCatalog(Stream with { MaxConsumers = 5 }) { Limits = new AccountLimits { MaxConsumers = 1 } };
        Decide(small, Durable).Error.ShouldBeNull();
        Decide(small, Durable with { Durable = "E", Name = "E" }).Error.ShouldBe(JetStreamErrors.JSMaximumConsumersLimitErr);
    }

    [Fact]
    public void What_must_be_there_is_looked_for_first()
    {
        Decide(new ConsumerCatalog(null), Durable with { Replicas = 3 }).Error.ShouldBe(JetStreamErrors.JSStreamReplicasNotSupportedErr);
        Decide(new ConsumerCatalog(null), Durable).Error.ShouldBe(JetStreamErrors.JSStreamNotFoundErr);
        Decide(new ConsumerCatalog(null) { IsClustered = true }, Durable with { Replicas = 3 }).Error.ShouldBe(JetStreamErrors.JSStreamNotFoundErr);
        var environment = new ConsumerCatalog(Stream).Environment with { Tiers = new AccountTiers([KeyValuePair.Create("R3", new AccountLimits())]) };
        ConsumerAdmission.Decide(new ConsumerCreateRequest { Consumer = Durable }, environment).Error.ShouldBe(JetStreamErrors.JSNoLimitsErr);
    }

    /// <summary>What other servers ask for, to copy from a stream.</summary>
    [Fact]
    public void Copying_from_a_stream_that_forgets_acknowledges()
    {
        var asked = new ConsumerConfiguration { Name = "SRC", Direct = true, Sourcing = true, DeliverSubject = "d", FlowControl = true, Heartbeat = Second };
        var copying = Decide(new ConsumerCatalog(Stream), asked);
        copying.Name.ShouldBe("SRC-00000001");
        copying.Consumer!.IsDurable.ShouldBeFalse();
        var durable = Decide(new ConsumerCatalog(WorkQueue), asked);
        durable.Error.ShouldBeNull();
        durable.Name.ShouldBe("SRC");
        durable.Consumer!.AckPolicy.ShouldBe(AckPolicy.FlowControl);
        durable.Consumer.Direct.ShouldBeFalse();
        durable.Consumer.Metadata.RequiredLevel.ShouldBe("4");
    }

    [Fact]
    [Upstream("jetstream_consumer_test.go", "TestJetStreamConsumerDefaultsFromStream")]
    public void Limits_of_the_stream_are_kept()
    {
        var stream = Stream with { ConsumerLimits = new StreamConsumerLimits { MaxAckPending = 15, InactiveThreshold = Second } };
        var catalog = new ConsumerCatalog(stream);
        var consumer = Decide(catalog, new ConsumerConfiguration { Name = "C", AckPolicy = AckPolicy.Explicit }).Consumer!;
        consumer.MaxAckPending.ShouldBe(15);
        consumer.InactiveThreshold.ShouldBe(Second);
        Decide(catalog, new ConsumerConfiguration { MaxAckPending = 30 }).Error.ShouldBe(JetStreamErrors.JSConsumerMaxPendingAckExcessErrF.With(15));
        Decide(catalog, new ConsumerConfiguration { InactiveThreshold = 2 * Second }).Error.ShouldBe(JetStreamErrors.JSConsumerInactiveThresholdExcess.With("1s"));
        Violated(stream with { ConsumerLimits = new StreamConsumerLimits { MaxAckPending = 10 } }, stream, catalog).ShouldBe("change to limits violates consumers: C");
        Violated(stream with { ConsumerLimits = new StreamConsumerLimits { InactiveThreshold = Second / 2 } }, stream, catalog).ShouldBe("change to limits violates consumers: C");
        Violated(stream with { ConsumerLimits = new StreamConsumerLimits { InactiveThreshold = 10 * Second } }, stream, catalog).ShouldBeNull();
        Violated(stream with { ConsumerLimits = new StreamConsumerLimits { MaxAckPending = 2000 } }, stream, catalog).ShouldBeNull();
        Violated(stream with { Description = "d" }, stream, catalog).ShouldBeNull();
    }

    private static string? Violated(StreamConfiguration after, StreamConfiguration before, ConsumerCatalog catalog) => ConsumerUpdate.CheckStreamUpdate(before, after, catalog)?.Description;

    private static void Refused(Func<ConsumerConfiguration, ConsumerConfiguration> change, string text, ConsumerConfiguration? before = null)
    {
        var catalog = new ConsumerCatalog(Stream);
        before ??= Durable;
        Decide(catalog, before).Error.ShouldBeNull(text);
        Decide(catalog, change(before)).Error.ShouldBe(JetStreamErrors.JSConsumerCreateErrF.With(text));
    }

    private static ConsumerConfiguration Filtered(string name, params string[] filters) => Durable with { Durable = name, Name = name, FilterSubjects = [.. filters] };

    private static ConsumerDecision Decide(ConsumerCatalog catalog, ConsumerConfiguration consumer, ConsumerAction action = ConsumerAction.CreateOrUpdate) =>
        catalog.Decide(new ConsumerCreateRequest { Stream = "S", Consumer = consumer, Action = action });
}
