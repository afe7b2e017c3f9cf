using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Configuration;

public sealed class StreamLevelTests
{
    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestGetAndSupportsRequiredApiLevel")]
    public void RequiredLevelsAreKnown()
    {
        default(AssetMetadata).RequiredLevel.ShouldBeNull();
        Level("1").RequiredLevel.ShouldBe("1");
        Level("text").RequiredLevel.ShouldBe("text");
        default(AssetMetadata).IsSupported.ShouldBeTrue();
        Level("1").IsSupported.ShouldBeTrue();
        Level("4").IsSupported.ShouldBeTrue();
        Level("5").IsSupported.ShouldBeFalse();
        Level("text").IsSupported.ShouldBeFalse();
    }

    public static TheoryData<StreamConfiguration, string> Features => new()
    {
        { new StreamConfiguration(), "0" },
        { new StreamConfiguration { AllowMessageTtl = true }, "1" },
        { new StreamConfiguration { SubjectDeleteMarkerTtl = 1 }, "1" },
        { new StreamConfiguration { AllowMessageCounter = true }, "2" },
        { new StreamConfiguration { AllowAtomicPublish = true }, "2" },
        { new StreamConfiguration { AllowMessageSchedules = true }, "2" },
        { new StreamConfiguration { PersistMode = PersistMode.Async }, "2" },
        { new StreamConfiguration { AllowBatchPublish = true, AllowMessageTtl = true }, "4" },
    };

    [Theory]
    [MemberData(nameof(Features))]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetStaticStreamMetadata")]
    public void FeaturesRequireLevels(StreamConfiguration stream, string level) => stream.WithRequiredLevel().Metadata.RequiredLevel.ShouldBe(level);

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetStaticStreamMetadataRemoveDynamicFields")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamSetDynamicStreamMetadata")]
    public void AnswersNameTheServer()
    {
        var answered = new StreamConfiguration { Metadata = Level("1") }.AsAnswered("2.14.5");
        answered.Metadata.ShouldBe(Level("1").With("_nats.ver", "2.14.5").With("_nats.level", "4"));
        answered.WithRequiredLevel().Metadata.ShouldBe(Level("0"));
    }

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamCopyStreamMetadata")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamCopyStreamMetadataRemoveDynamicFields")]
    public void LevelsOfOthersAreTakenOver()
    {
        var stream = new StreamConfiguration { Metadata = Level("1").With("k", "v") };
        stream.WithLevelOf(new StreamConfiguration()).Metadata.ShouldBe(default(AssetMetadata).With("k", "v"));
        stream.WithLevelOf(new StreamConfiguration { Metadata = Level("previous") }).Metadata.ShouldBe(Level("previous").With("k", "v"));
        stream.AsAnswered("x").WithLevelOf(stream).Metadata.ShouldBe(stream.Metadata);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("0", true)]
    [InlineData("4", true)]
    [InlineData("-1", true)]
    [InlineData("5", false)]
    [InlineData("99999999999999999999", false)]
    [InlineData("x", false)]
    [InlineData("1.0", false)]
    public void RequestsMayRequireLevels(string level, bool isServed) => ApiLevel.Serves(Encoding.UTF8.GetBytes(level)).ShouldBe(isServed);

    private static AssetMetadata Level(string level) => default(AssetMetadata).With(AssetMetadata.RequiredLevelKey, level);
}
