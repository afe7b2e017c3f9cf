using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

public sealed class ConsumerLevelTests
{
    public static TheoryData<ConsumerConfiguration, string> Features => new()
    {
        { new ConsumerConfiguration(), "0" },
        { new ConsumerConfiguration { Metadata = Level("previous") }, "0" },
        { new ConsumerConfiguration { PauseUntil = ApiTime.FromUnix(0) }, "1" },
        { new ConsumerConfiguration { PriorityPolicy = PriorityPolicy.PinnedClient, PriorityGroups = new(["a"]) }, "1" },
        { new ConsumerConfiguration { AckPolicy = AckPolicy.FlowControl }, "4" },
    };

    [Theory]
    [MemberData(nameof(Features))]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetStaticConsumerMetadata")]
    public void FeaturesRequireLevels(ConsumerConfiguration consumer, string level) => consumer.WithRequiredLevel().Metadata.RequiredLevel.ShouldBe(level);

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetStaticConsumerMetadataRemoveDynamicFields")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetDynamicConsumerMetadata")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetDynamicConsumerInfoMetadata")]
    public void AnswersNameTheServer()
    {
        var stored = new ConsumerConfiguration { Metadata = Level("0") };
        var answered = stored.AsAnswered("2.14.5");
        answered.Metadata.ShouldBe(Level("0").With("_nats.ver", "2.14.5").With("_nats.level", "4"));
        stored.Metadata.ShouldBe(Level("0"));
        answered.WithRequiredLevel().Metadata.ShouldBe(Level("0"));
    }

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamCopyConsumerMetadata")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamCopyConsumerMetadataRemoveDynamicFields")]
    public void LevelsOfOthersAreTakenOver()
    {
        var consumer = new ConsumerConfiguration { Metadata = Level("1").With("k", "v") };
        consumer.WithLevelOf(new ConsumerConfiguration()).Metadata.ShouldBe(default(AssetMetadata).With("k", "v"));
        consumer.WithLevelOf(new ConsumerConfiguration { Metadata = Level("previous") }).Metadata.ShouldBe(Level("previous").With("k", "v"));
        consumer.AsAnswered("x").WithLevelOf(consumer).Metadata.ShouldBe(consumer.Metadata);
    }

    private static AssetMetadata Level(string level) => default(AssetMetadata).With(AssetMetadata.RequiredLevelKey, level);
}
