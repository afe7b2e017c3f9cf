using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Streams that change, are listed and looked into; accounts and what they may.</summary>
public sealed class StreamUpdateTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("file")]
    [Upstream("jetstream_test.go", "TestJetStreamUpdateStream")]
    public async Task AnUpdateHoldsAtOnce(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        string Config(string more = "", string name = "foo", string kind = "") =>
            $$"""{"name":"{{name}}","max_age":3600000000000,"storage":"{{(kind.Length > 0 ? kind : storage)}}"{{more}}}""";
        await server.CreateAsync(Config());
        await ExpectAsync(Config(name: "bar"), "stream name in subject does not match request");
        await ExpectAsync(Config(kind: storage == "file" ? "memory" : "file"), "can not change storage type");
        await ExpectAsync(Config(",\"num_replicas\":10"), "maximum replicas");
        await ExpectAsync(Config(",\"retention\":\"workqueue\""), "can not change retention policy");
        await server.PublishManyAsync("foo", 100, "0123456789");
        var bytes = (await server.StateAsync("foo")).GetProperty("bytes").GetInt64();
        foreach (var (change, messages) in new[] { (",\"max_msgs\":200", 100), (",\"max_msgs\":50", 50), ($",\"max_bytes\":{bytes / 4}", 25) })
        {
            (await server.TryUpdateAsync(Config(change))).ShouldBe(0);
            var state = await server.StateAsync("foo");
            (state.GetProperty("messages").GetInt32(), state.GetProperty("bytes").GetInt64()).ShouldBe((messages, bytes / 100 * messages), change);
        }
        (await server.TryUpdateAsync(Config().Replace("3600000000000", "1000000000", StringComparison.Ordinal))).ShouldBe(0);
        await Wait.Until("all are too old", async () => (await server.StateAsync("foo")) is var state && (state.GetProperty("messages").GetInt32(), state.GetProperty("bytes").GetInt64()) == (0, 0L));
        (await server.TryUpdateAsync(Config(",\"subjects\":[\"foo\",\"bar\"]"))).ShouldBe(0);
        await server.PublishAsync("foo");
        await server.PublishAsync("bar");
        (await server.TryUpdateAsync(Config(",\"subjects\":[\"baz\"]"))).ShouldBe(0);
        foreach (var gone in new[] { "foo", "bar" }) (await server.Client.RequestAsync(gone)).IsNoResponders.ShouldBeTrue();
        await server.PublishAsync("baz");
        (await server.EndsAsync("foo")).Messages.ShouldBe(3UL);
        if (storage == "memory") return;
        (await server.TryUpdateAsync(Config(",\"subjects\":[\"foo\",\"bar\"],\"max_msgs\":2222,\"max_bytes\":3333333"))).ShouldBe(0);
        var before = (await server.AskAsync("STREAM.INFO.foo")).GetProperty("config").GetRawText();
        await server.RestartAsync();
        (await server.AskAsync("STREAM.INFO.foo")).GetProperty("config").GetRawText().ShouldBe(before);

        async Task ExpectAsync(string configuration, string error) =>
            (await server.AskAsync("STREAM.UPDATE.foo", configuration)).GetProperty("error").GetProperty("description").GetString()!.ShouldContain(error);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamFileStreamCreatedTimePreservedAfterRestartAndUpdate")]
    public async Task TheTimeOfItsMakingStays()
    {
        await using var server = await StreamServer.StartAsync();
        var created = (await server.CreateAsync("""{"name":"TEST"}""")).GetProperty("created").GetString();
        await server.RestartAsync();
        (await server.AskAsync("STREAM.INFO.TEST")).GetProperty("created").GetString().ShouldBe(created);
        (await server.TryUpdateAsync("""{"name":"TEST","max_msgs":1}""")).ShouldBe(0);
        await server.RestartAsync();
        (await server.AskAsync("STREAM.INFO.TEST")).GetProperty("created").GetString().ShouldBe(created);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamLimitUpdate")]
    public async Task AnUpdateOfTheOnlyStreamAllowedIsFine()
    {
        await using var server = await StreamServer.StartAsync(more: "accounts { A { jetstream { max_mem: 128, max_file: 128, max_streams: 1 }, users: [ {user: a, password: a} ] } }", user: "a");
        foreach (var storage in new[] { "memory", "file" })
        {
            string Config(int bytes) => $$"""{"name":"TEST","subjects":["foo"],"storage":"{{storage}}","max_bytes":{{bytes}}}""";
            (await server.TryCreateAsync(Config(32))).ShouldBe(0);
            (await server.TryCreateAsync(Config(32))).ShouldBe(0);
            (await server.TryUpdateAsync(Config(16))).ShouldBe(0);
            (await server.TryCreateAsync("""{"name":"OTHER","subjects":["bar"],"max_bytes":1}""")).ShouldBe(10027);
            StreamServer.ErrorOf(await server.AskAsync("STREAM.DELETE.TEST")).ShouldBe(0);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamInfoAPIWithHeaders")]
    public async Task HeadersOfARequestMeanNothing()
    {
        await using var server = await StreamServer.StartAsync();
        var answer = await server.Client.RequestAsync("$JS.API.INFO", "HELLO-JS!", TestHeaders.Of(("Accept-Encoding", "json"), ("Authorization", "s3cr3t")));
        answer.Text.ShouldContain("\"type\":\"io.nats.jetstream.api.v1.account_info_response\"");
        StreamServer.ErrorOf(JsonDocument.Parse(answer.Payload).RootElement).ShouldBe(0);
    }

    [Theory]
    [InlineData("foo", "S-1")]
    [InlineData("bar", "S-2")]
    [InlineData("baz", "S-3")]
    [InlineData("*", "S-1 S-2 S-3")]
    [InlineData(">", "S-1 S-2 S-3 S-4 S-5")]
    [InlineData("*.*", "S-4 S-5")]
    [InlineData("*.22", "S-4 S-5")]
    [Upstream("jetstream_test.go", "TestJetStreamFilteredStreamNames")]
    public async Task NamesAreFilteredBySubject(string filter, string expected)
    {
        await using var server = await StreamServer.StartAsync();
        string[] subjects = ["\"foo\"", "\"bar\"", "\"baz\"", "\"foo.*\",\"bar.*\"", "\"foo-1.22\",\"bar-1.33\""];
        for (var i = 0; i < subjects.Length; i++) await server.CreateAsync($$"""{"name":"S-{{i + 1}}","subjects":[{{subjects[i]}}]}""");
        var answer = await server.AskAsync("STREAM.NAMES", $$"""{"subject":"{{filter}}"}""");
        answer.GetProperty("streams").EnumerateArray().Select(name => name.GetString()).ShouldBe(expected.Split(' '));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAccountImportAll")]
    public async Task TheApiMayBeImported()
    {
        await using var server = await StreamServer.StartAsync(more:
            """
            no_auth_user: rip
            accounts: {
              JS: { jetstream: enabled, users: [ {user: dlc, password: foo} ], exports [ { service: "$JS.API.>" } ] }
              IU: { users: [ {user: rip, password: bar} ], imports [ { service: { subject: "$JS.API.>", account: JS }, to: "jsapi.>"} ] }
            }
            """);
        await using var owner = await server.Server.ConnectAsync(new TestClientOptions { User = "dlc", Password = "foo" });
        (await owner.RequestAsync("$JS.API.STREAM.CREATE.ORDERS", """{"name":"ORDERS","subjects":["ORDERS.*"]}""")).Text.ShouldNotContain("error");
        JsonDocument.Parse((await server.Client.RequestAsync("jsapi.INFO")).Payload).RootElement.GetProperty("streams").GetInt32().ShouldBe(1);
        JsonDocument.Parse((await server.Client.RequestAsync("jsapi.STREAM.NAMES")).Payload).RootElement.GetProperty("streams")[0].GetString().ShouldBe("ORDERS");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamServerResourcesConfig")]
    [Upstream("jetstream_test.go", "TestJetStreamDynConfigBothPositive")]
    [Upstream("jetstream_test.go", "TestJetStreamConfigNegativeLimitsFallBackToDynamic")]
    public async Task TheServersLimitsAreConfiguredOrFound()
    {
        await using var configured = await StreamServer.StartAsync("max_mem_store: 2GB, max_file_store: 1TB");
        (configured.Server.JetStream!.MaxMemory, configured.Server.JetStream!.MaxStore).ShouldBe((2L << 30, 1L << 40));
        await using var found = await StreamServer.StartAsync("max_mem_store: -1, max_file_store: -1");
        (found.Server.JetStream!.MaxMemory > 0, found.Server.JetStream!.MaxStore > 0).ShouldBe((true, true));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamCheckBytesLimitsOverflow")]
    public async Task NoSizeIsSoLargeThatItFits()
    {
        await using var server = await StreamServer.StartAsync("max_mem: 1GB, max_file: 1GB", "accounts { A { jetstream { max_mem: 1024, max_file: 1024 }, users: [ {user: a, password: a} ] }, B { jetstream: enabled, users: [ {user: b, password: b} ] } }", "a");
        foreach (var (storage, error) in new[] { ("memory", 10028), ("file", 10047) })
        {
            (await server.TryCreateAsync($$"""{"name":"X","storage":"{{storage}}","max_bytes":{{long.MaxValue}}}""")).ShouldBe(error);
            (await server.TryCreateAsync($$"""{"name":"ONE","storage":"{{storage}}","max_bytes":1000}""")).ShouldBe(0);
            (await server.TryCreateAsync($$"""{"name":"TWO","storage":"{{storage}}","max_bytes":{{long.MaxValue - 1}}}""")).ShouldBe(error);
            await server.AskAsync("STREAM.DELETE.ONE");
        }
    }
}
