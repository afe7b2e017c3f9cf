using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Mirrors and sources of streams that hold batches, ids that came twice, or nothing that may be copied.</summary>
public sealed class StreamCopiesTests
{
    [Theory]
    [InlineData("allow_atomic", 10198)]
    [InlineData("allow_batched", 10209)]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishSourceAndMirror")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishSourceAndMirror")]
    public async Task ABatchIsCopiedAsPlainMessages(string allow, int refused)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["foo"],"{{allow}}":true}""");
        for (var i = 1; i <= 3; i++)
        {
            if (allow == "allow_batched") await server.Client.PublishAsync("foo", $"{i}", $"_INBOX.none.uuid.10.fail.{i}.{(i == 1 ? 0 : i == 3 ? 2 : 1)}.$FI");
            else await server.Client.PublishAsync("foo", $"{i}", null, TestHeaders.Of([("Nats-Batch-Id", "uuid"), ("Nats-Batch-Sequence", $"{i}"), .. i == 3 ? new[] { ("Nats-Batch-Commit", "1") } : []]));
        }
        await Wait.Until("the batch is there", async () => await server.EndsAsync("TEST") == (3, 1, 3));
        (await server.AskAsync("STREAM.MSG.DELETE.TEST", """{"seq":2}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await server.TryCreateAsync($$"""{"name":"NONE","mirror":{"name":"TEST"},"{{allow}}":true}""")).ShouldBe(refused);
        await server.CreateAsync("""{"name":"M","mirror":{"name":"TEST"}}""");
        await server.CreateAsync($$"""{"name":"S","sources":[{"name":"TEST"}],"{{allow}}":true}""");
        foreach (var name in new[] { "M", "S" }) await Wait.Until($"{name} has both", async () => (await server.EndsAsync(name)).Messages == 2);
        foreach (var sequence in new[] { 1, 3 }) (await HeadersAsync("M", sequence)).ShouldBeNull();
        (await HeadersAsync("S", 1))!.TrimEnd().ShouldBe("NATS/1.0\r\nNats-Stream-Source: TEST 1 > > foo");
        (await HeadersAsync("S", 2))!.TrimEnd().ShouldBe("NATS/1.0\r\nNats-Stream-Source: TEST 3 > > foo");

        async Task<string?> HeadersAsync(string stream, int sequence)
        {
            var message = (await server.AskAsync($"STREAM.MSG.GET.{stream}", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            return message.TryGetProperty("hdrs", out var headers) ? System.Text.Encoding.UTF8.GetString(headers.GetBytesFromBase64()) : null;
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamMirrorWithoutDuplicateWindow")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamSourceWithoutDuplicateWindow")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamMirrorIgnoresUpstreamDuplicateMsgIds")]
    public async Task AnIdThatTheOriginStoredTwiceIsCopiedTwice()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"duplicate_window":150000000}""");
        await server.CreateAsync("""{"name":"M","mirror":{"name":"TEST"}}""");
        await server.CreateAsync("""{"name":"LONG","mirror":{"name":"TEST"},"duplicate_window":120000000000}""");
        await server.CreateAsync("""{"name":"S","sources":[{"name":"TEST"}]}""");
        (await PublishAsync("X")).GetProperty("seq").GetInt32().ShouldBe(1);
        await AgainAsync("X", 2);
        await CopiedAsync(2, "M", "LONG");
        (await PublishAsync("Y")).GetProperty("seq").GetInt32().ShouldBe(3);
        await server.RestartAsync();
        await AgainAsync("X", 4);
        await CopiedAsync(4, "M", "LONG");
        await CopiedAsync(4, "S");

        Task<System.Text.Json.JsonElement> PublishAsync(string id) => server.PublishAsync("foo", "", ("Nats-Msg-Id", id));

        Task AgainAsync(string id, int sequence) =>
            Wait.Until($"{id} is new again", async () => (await PublishAsync(id)) is var ack && !ack.TryGetProperty("duplicate", out _) && ack.GetProperty("seq").GetInt32() == sequence);

        async Task CopiedAsync(ulong count, params string[] names)
        {
            foreach (var name in names) await Wait.Until($"{name} has {count}", async () => await server.EndsAsync(name) == (count, 1, count));
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamCheckSourcesWithExternal")]
    public async Task SourcesAreCheckedWithAndWithoutAnApiOfTheirOwn()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"ORIGIN"}""");
        foreach (var (source, error) in new[]
        {
            ("""{"name":"ORIGIN","filter_subject":"filter","subject_transforms":[{"src":"filter","dest":""}]""", "source with multiple subject transforms cannot also have a single subject filter"),
            ("""{"name":"ORIGIN","subject_transforms":[{"src":".invalid","dest":""}]""", "source transform source: invalid subject .invalid"),
            ("""{"name":"ORIGIN","subject_transforms":[{"src":"src","dest":".invalid"}]""", "source transform: invalid mapping destination"),
            ("""{"name":"ORIGIN","subject_transforms":[{"src":"src","dest":""},{"src":"src","dest":""}]""", "source filters can not overlap"),
        })
        {
            foreach (var external in new[] { "", ",\"external\":{\"api\":\"\",\"deliver\":\"\"}" })
            {
                var answer = await server.AskAsync("STREAM.CREATE.SOURCE", $$"""{"name":"SOURCE","sources":[{{source}}{{external}}}]}""");
                answer.GetProperty("error").GetProperty("description").GetString()!.ShouldStartWith(error);
            }
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamSubjectDeleteMarkersWithMirror")]
    public async Task AMirrorMakesNoMarkersOfItsOwn()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"Origin","subjects":["test"],"max_age":1000000000}""");
        (await server.TryCreateAsync("""{"name":"Mirror","mirror":{"name":"Origin"},"allow_msg_ttl":true,"subject_delete_marker_ttl":1000000000}""")).ShouldNotBe(0);
    }
}
