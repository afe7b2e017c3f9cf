using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Domains, mirrors that cannot be, markers, counters, and what a restart keeps.</summary>
public sealed class StreamConfigurationsTests
{
    [Theory]
    [InlineData("HU..B")]
    [InlineData("HU B")]
    [InlineData(" ")]
    [InlineData("\\t")]
    [InlineData("CORE.")]
    [InlineData(".CORE")]
    [InlineData("C.*.O. RE")]
    [InlineData("C.ORE")]
    [Upstream("jetstream_test.go", "TestJetStreamServerDomainBadConfig")]
    public async Task ADomainIsAToken(string domain) =>
        (await Should.ThrowAsync<Exception>(async () =>
        {
            await using var server = await Server.Hosting.NatsServer.StartAsync(TestServer.Parse($"jetstream {{ domain: \"{domain}\" }}"));
        })).Message.ShouldContain("invalid domain name");

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamServerDomainConfig")]
    [Upstream("jetstream_test.go", "TestJetStreamDomainInPubAck")]
    [Upstream("jetstream_test.go", "TestJetStreamServerDomainConfigButDisabled")]
    public async Task TheDomainIsTold()
    {
        var off = TestServer.Parse("jetstream: {domain: \"HUB\", enabled: false}").JetStream;
        (off.Enabled, off.Domain).ShouldBe((false, "HUB"));
        await using var server = await StreamServer.StartAsync("domain: HUB");
        server.Server.JetStream!.Domain.ShouldBe("HUB");
        await server.CreateAsync("""{"name":"TEST","storage":"memory","subjects":["foo"]}""");
        (await server.PublishAsync("foo")).GetProperty("domain").GetString().ShouldBe("HUB");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamDefaultMaxMsgsPer")]
    [Upstream("jetstream_test.go", "TestJetStreamInputTransform")]
    [Upstream("jetstream_test.go", "TestJetStreamLongStreamNamesAndPubAck")]
    public async Task DefaultsTransformsAndLongNames()
    {
        await using var server = await StreamServer.StartAsync();
        (await server.CreateAsync("""{"name":"TEST","subjects":["foo.*"],"storage":"memory","max_msgs":10}""")).GetProperty("config").GetProperty("max_msgs_per_subject").GetInt32().ShouldBe(-1);
        await server.CreateAsync("""{"name":"T1","subjects":["foo"],"subject_transform":{"src":">","dest":"transformed.>"}}""");
        await server.PublishAsync("foo", "OK");
        (await server.AskAsync("STREAM.MSG.GET.T1", """{"seq":1}""")).GetProperty("message").GetProperty("subject").GetString().ShouldBe("transformed.foo");
        var name = string.Concat(Enumerable.Repeat("ZABC", 64))[..255];
        await server.CreateAsync($$"""{"name":"{{name}}","subjects":["long"]}""");
        (await server.PublishAsync("long", "HELLO")).GetProperty("stream").GetString().ShouldBe(name);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMirrorUpdatePreventsSubjects")]
    [Upstream("jetstream_test.go", "TestJetStreamMirrorFirstSeqNotSupported")]
    [Upstream("jetstream_test.go", "TestJetStreamMirrorStripExpectedHeaders")]
    public async Task MirrorsAreMirrorsOnly()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"S","subjects":["foo"]}""");
        await server.CreateAsync("""{"name":"M","mirror":{"name":"S"}}""");
        (await server.TryUpdateAsync("""{"name":"M","mirror":{"name":"S"},"subjects":["x"]}""")).ShouldBe(10034);
        (await server.TryCreateAsync("""{"name":"M2","mirror":{"name":"S"},"first_seq":123}""")).ShouldBe(10143);
        await server.PublishAsync("foo");
        StreamServer.ErrorOf(await server.PublishAsync("foo", "", ("Nats-Expected-Stream", "S"))).ShouldBe(0);
        await Wait.Until("both are mirrored", async () => (await server.EndsAsync("M")).Messages == 2);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamExpireAllWhileServerDown")]
    [Upstream("jetstream_test.go", "TestJetStreamLargeExpiresAndServerRestart")]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLRecovered")]
    public async Task TimeGoesOnWhileAServerIsDown()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"SHORT","max_age":250000000}""");
        await server.CreateAsync("""{"name":"LONG","max_age":2500000000}""");
        await server.CreateAsync("""{"name":"TTL","allow_msg_ttl":true}""");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await server.PublishAsync("LONG", "OK");
        for (var i = 0; i < 10; i++) await server.PublishAsync("TTL", "", ("Nats-TTL", "2s"));
        await server.PublishManyAsync("SHORT", 5000, "OK");
        await server.RestartAsync();
        await Wait.Until("the short ones are gone", async () => (await server.EndsAsync("SHORT")).Messages == 0);
        await server.PublishManyAsync("SHORT", 10, "OK");
        (await server.EndsAsync("SHORT")).Last.ShouldBe(5010UL);
        await Wait.Until("those with a time to live are gone", async () => await server.EndsAsync("TTL") == (0, 11, 10));
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(1.9));
        await Wait.Until("the long one is gone", async () => (await server.EndsAsync("LONG")).Messages == 0);
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2.4));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamRecoverSealedAfterServerRestart")]
    [Upstream("jetstream_test.go", "TestJetStreamFileStoreFirstSeqAfterRestart")]
    public async Task SealsAndFirstSequencesOutlastARestart()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"foo"}""");
        await server.PublishManyAsync("foo", 100, "OK");
        (await server.TryUpdateAsync("""{"name":"foo","sealed":true}""")).ShouldBe(0);
        await server.CreateAsync("""{"name":"FIRST","first_seq":10000}""");
        (await server.EndsAsync("FIRST")).ShouldBe((0UL, 10_000UL, 9_999UL));
        (await server.PublishAsync("FIRST")).GetProperty("seq").GetInt32().ShouldBe(10_000);
        await server.RestartAsync();
        (await server.EndsAsync("foo")).Messages.ShouldBe(100UL);
        StreamServer.ErrorOf(await server.PublishAsync("foo")).ShouldBe(10109);
        (await server.EndsAsync("FIRST")).ShouldBe((1UL, 10_000UL, 10_000UL));
    }

    [Theory]
    [InlineData("\"discard\":\"new\"", "counter stream cannot use discard new")]
    [InlineData("\"allow_msg_ttl\":true", "counter stream cannot use message TTLs")]
    [InlineData("\"allow_msg_schedules\":true", "counter stream cannot use message schedules")]
    [InlineData("\"retention\":\"interest\"", "counter stream can only use limits retention")]
    [InlineData("\"retention\":\"workqueue\"", "counter stream can only use limits retention")]
    [Upstream("jetstream_test.go", "TestJetStreamAllowMsgCounterIncompatibleSettings")]
    public async Task CountersDoNotGoWithEverything(string more, string error)
    {
        await using var server = await StreamServer.StartAsync();
        var answer = await server.AskAsync("STREAM.CREATE.TEST", $$"""{"name":"TEST","subjects":["foo"],"allow_msg_counter":true,{{more}}}""");
        answer.GetProperty("error").GetProperty("description").GetString().ShouldBe(error);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamCreateStreamWithSubjectDeleteMarkersOptions")]
    public async Task DeleteMarkersNeedWhatTheyNeed()
    {
        await using var server = await StreamServer.StartAsync();
        foreach (var (more, error) in new[]
        {
            ("\"subject_delete_marker_ttl\":-1000000", "subject delete marker TTL must not be negative"),
            ("\"subject_delete_marker_ttl\":1000000", "subject delete marker TTL must be at least 1 second"),
            ("\"subject_delete_marker_ttl\":1000000000", "subject delete marker cannot be set if message TTLs are disabled"),
            ("\"subject_delete_marker_ttl\":1000000000,\"allow_msg_ttl\":true", "subject delete marker cannot be set if roll-ups are disabled"),
            ("\"subject_delete_marker_ttl\":1000000000,\"allow_msg_ttl\":true,\"allow_rollup_hdrs\":true,\"deny_purge\":true", "roll-ups require the purge permission"),
            ("\"subject_delete_marker_ttl\":1000000000,\"allow_msg_ttl\":true,\"allow_rollup_hdrs\":true", null),
        })
        {
            var answer = await server.AskAsync("STREAM.CREATE.PEDANTIC", $$"""{"name":"PEDANTIC","subjects":["pedantic"],"pedantic":true,{{more}}}""");
            (answer.TryGetProperty("error", out var found) ? found.GetProperty("description").GetString() : null).ShouldBe(error);
        }
        const string marker = "\"subject_delete_marker_ttl\":1000000000";
        Expect(await server.CreateAsync($$"""{"name":"AUTO",{{marker}}}"""));
        await server.CreateAsync("""{"name":"UPDATE"}""");
        Expect(await server.AskAsync("STREAM.UPDATE.UPDATE", $$"""{"name":"UPDATE",{{marker}}}"""));
        var refused = await server.AskAsync("STREAM.UPDATE.UPDATE", """{"name":"UPDATE","allow_rollup_hdrs":true,"pedantic":true}""");
        refused.GetProperty("error").GetProperty("description").GetString().ShouldBe("message TTL status can not be disabled");

        static void Expect(JsonElement answer)
        {
            var config = answer.GetProperty("config");
            (config.GetProperty("subject_delete_marker_ttl").GetInt64(), config.GetProperty("allow_msg_ttl").GetBoolean(), config.GetProperty("allow_rollup_hdrs").GetBoolean(), config.GetProperty("deny_purge").GetBoolean())
                .ShouldBe((1_000_000_000, true, true, false));
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledPurgeHeadersRequiresSchedulingEnabled")]
    public async Task WhatIsNotAllowedIsSaid()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.*"]}""");
        await server.PublishAsync("foo.victim", "OK");
        StreamServer.ErrorOf(await server.PublishAsync("foo.attacker", "", ("Nats-Schedule-Next", "purge"), ("Nats-Scheduler", "foo.victim"))).ShouldBe(10188);
        (await server.TryCreateAsync("""{"name":"R","subjects":["r"],"num_replicas":3}""")).ShouldBe(10074);
    }

    [Theory]
    [InlineData("\"sources\":[{\"name\":\"mapping\",\"subject_transforms\":[{\"src\":\"events.*\",\"dest\":\"events.{{wildcard(1)}}{{split(3,1)}}\"}]}]")]
    [InlineData("\"sources\":[{\"name\":\"mapping\",\"subject_transforms\":[{\"src\":\"events.>.*\",\"dest\":\"events.{{split(1,1)}}\"}]}]")]
    [InlineData("\"mirror\":{\"name\":\"mapping\",\"subject_transforms\":[{\"src\":\"events.*\",\"dest\":\"events.{{split(3,1)}}\"}]}")]
    [InlineData("\"mirror\":{\"name\":\"mapping\",\"subject_transforms\":[{\"src\":\"events.>.*\",\"dest\":\"events.{{split(1,1)}}\"}]}")]
    [InlineData("\"subject_transform\":{\"src\":\"events.*\",\"dest\":\"events.{{split(3,1)}}\"}")]
    [InlineData("\"subject_transform\":{\"src\":\"events.>.*\",\"dest\":\"events.{{split(1,1)}}\"}")]
    [Upstream("jetstream_test.go", "TestJetStreamBadSubjectMappingStream")]
    public async Task ATransformThatIsNoneIsRefused(string more)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"test"}""");
        (await server.TryUpdateAsync($$"""{"name":"test",{{more}}}""")).ShouldNotBe(0);
        (await server.AskAsync("STREAM.INFO.test")).GetProperty("config").TryGetProperty("subject_transform", out _).ShouldBeFalse();
    }
}
